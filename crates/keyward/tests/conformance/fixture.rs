//! The tools, prompts and resources that the conformance runner asks every server for, as its scenarios describe them. What stands
//! around them is the program's own.
#![expect(deprecated, reason = "the older revisions are judged too, with what they still had")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams,
    CompleteResult, CompletionInfo, ContentBlock, ErrorCode, ErrorData, GetPromptRequestParams,
    GetPromptResponse, InputRequiredResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, ReadResourceResult, ServerCapabilities, ServerConfig, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;

/// A picture of one pixel, and a sound of none.
const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const SOUND: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

const TOOLS: &[&str] = &[
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_tool_with_logging",
    "test_logging_tool",
    "test_error_handling",
    "test_tool_with_progress",
    "test_sampling",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "test_missing_capability",
    "test_streaming_elicitation",
    "test_trigger_tool_change",
    "test_trigger_prompt_change",
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_tampered_state",
    "test_input_required_result_capabilities",
];

/// What has changed.
#[derive(Clone, Copy, Debug)]
enum Changed {
    Tools,
    Prompts,
}

#[derive(Clone)]
pub(crate) struct Fixture {
    changes: broadcast::Sender<Changed>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self { changes: broadcast::channel(16).0 }
    }
}

/// A value of the library's, as the wire has it.
fn of<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

fn text(text: impl Into<String>) -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::text(text.into())]).into()
}

fn content(blocks: Value) -> Result<CallToolResponse, ErrorData> {
    Ok(CallToolResponse::Complete(of(json!({ "resultType": "complete", "content": blocks }))?))
}

fn asks(requests: Value, state: Option<String>) -> Result<InputRequiredResult, ErrorData> {
    let mut result = json!({ "resultType": "input_required", "inputRequests": requests });
    if let (Some(state), Some(members)) = (state, result.as_object_mut()) {
        members.insert("requestState".to_owned(), json!(state));
    }
    of(result)
}

fn form(message: &str, name: &str, kind: &str) -> Value {
    json!({ "method": "elicitation/create", "params": {
        "mode": "form",
        "message": message,
        "requestedSchema": { "type": "object", "properties": { name: { "type": kind } }, "required": [name] },
    } })
}

fn sampling(question: &str, most: u32) -> Value {
    json!({ "method": "sampling/createMessage", "params": {
        "messages": [{ "role": "user", "content": { "type": "text", "text": question } }],
        "maxTokens": most,
    } })
}

fn roots() -> Value {
    json!({ "method": "roots/list", "params": {} })
}

/// A state that comes back only as it was given.
fn seal(state: &str) -> String {
    format!("{state}.{}", STANDARD.encode(mac(state).finalize().into_bytes()))
}

fn mac(state: &str) -> Hmac<Sha256> {
    let key = Hmac::<Sha256>::new_from_slice(b"a key of this test").unwrap();
    key.chain_update(state)
}

fn unseal(sealed: Option<&str>) -> Result<String, ErrorData> {
    let parts = sealed.and_then(|sealed| sealed.split_once('.'));
    let good = parts
        .filter(|(state, tag)| STANDARD.decode(tag).is_ok_and(|tag| mac(state).verify_slice(&tag).is_ok()));
    let wrong = || ErrorData::invalid_params("requestState is not what it was", None);
    good.map(|(state, _)| state.to_owned()).ok_or_else(wrong)
}

/// What a client has answered to this, if it is an answer.
fn answered<'a>(responses: &'a Value, name: &str, member: &str) -> Option<&'a Value> {
    responses
        .get(name)?
        .get("content")
        .and_then(|content| content.get(member))
        .or_else(|| responses.get(name)?.get(member))
}

async fn elicited(
    context: &RequestContext<RoleServer>,
    message: &str,
    schema: Value,
) -> Result<Value, ErrorData> {
    let params = of(json!({ "mode": "form", "message": message, "requestedSchema": schema }))?;
    let result = context.peer.create_elicitation(params).await;
    let result = result.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    serde_json::to_value(result).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

fn completed(what: &str, result: &Value) -> CallToolResponse {
    text(format!(
        "{what}: action={}, content={}",
        result["action"].as_str().unwrap_or_default(),
        result["content"]
    ))
}

impl Fixture {
    async fn tool(
        &self,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.clone().unwrap_or_default());
        let argument = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
        let responses = serde_json::to_value(&request.input_responses).unwrap_or_default();
        let pause = async || tokio::time::sleep(Duration::from_millis(50)).await;
        match &*request.name {
            "test_simple_text" => Ok(text("This is a simple text response for testing.")),
            "test_image_content" => {
                content(json!([{ "type": "image", "data": PIXEL, "mimeType": "image/png" }]))
            }
            "test_audio_content" => {
                content(json!([{ "type": "audio", "data": SOUND, "mimeType": "audio/wav" }]))
            }
            "test_embedded_resource" => content(json!([{ "type": "resource", "resource": {
                "uri": "test://embedded-resource", "mimeType": "text/plain", "text": "This is an embedded resource content." } }])),
            "test_multiple_content_types" => content(json!([
                { "type": "text", "text": "Multiple content types test:" },
                { "type": "image", "data": PIXEL, "mimeType": "image/png" },
                { "type": "resource", "resource": { "uri": "test://mixed-content-resource", "mimeType": "application/json",
                    "text": "{\"test\":\"data\",\"value\":123}" } },
            ])),
            "test_error_handling" => {
                let said = ContentBlock::text("This tool intentionally returns an error for testing");
                Ok(CallToolResult::error(vec![said]).into())
            }
            "test_tool_with_logging" => {
                for line in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                    let note = of(json!({ "level": "info", "data": line }))?;
                    let _ = context.peer.notify_logging_message(note).await;
                    pause().await;
                }
                Ok(text("Logged three times."))
            }
            "test_logging_tool" => {
                if context.meta.log_level().is_some() {
                    let note = of(json!({ "level": "info", "data": "as asked" }))?;
                    let _ = context.peer.notify_logging_message(note).await;
                }
                Ok(text("Logged what was asked for."))
            }
            "test_tool_with_progress" => {
                for done in [0, 50, 100] {
                    if let Some(token) = context.meta.get_progress_token() {
                        let token = serde_json::to_value(token).unwrap_or_default();
                        let note = of(json!({ "progressToken": token, "progress": done, "total": 100 }))?;
                        let _ = context.peer.notify_progress(note).await;
                    }
                    pause().await;
                }
                Ok(text("Done."))
            }
            "test_sampling" => {
                let params = of(sampling(&argument("prompt"), 100)["params"].take())?;
                let answer = context.peer.create_message(params).await;
                let answer = answer.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
                let answer = serde_json::to_value(answer).unwrap_or_default();
                let said = answer["content"]["text"].as_str().or(answer["content"][0]["text"].as_str());
                Ok(text(format!("LLM response: {}", said.unwrap_or_default())))
            }
            "test_elicitation" => {
                let schema = json!({ "type": "object", "required": ["username", "email"], "properties": {
                    "username": { "type": "string", "description": "User's response" },
                    "email": { "type": "string", "description": "User's email address" } } });
                let result = elicited(context, &argument("message"), schema).await?;
                Ok(completed("User response", &result))
            }
            "test_elicitation_sep1034_defaults" => {
                let schema = json!({ "type": "object", "properties": {
                    "name": { "type": "string", "default": "John Doe" },
                    "age": { "type": "integer", "default": 30 },
                    "score": { "type": "number", "default": 95.5 },
                    "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
                    "verified": { "type": "boolean", "default": true } } });
                Ok(completed("Elicitation completed", &elicited(context, "With defaults", schema).await?))
            }
            "test_elicitation_sep1330_enums" => {
                let titled = |word: &str| {
                    json!([{ "const": "value1", "title": format!("First {word}") }, { "const": "value2", "title": format!("Second {word}") },
                           { "const": "value3", "title": format!("Third {word}") }])
                };
                let plain = json!(["option1", "option2", "option3"]);
                let schema = json!({ "type": "object", "properties": {
                    "untitledSingle": { "type": "string", "enum": plain },
                    "titledSingle": { "type": "string", "oneOf": titled("Option") },
                    "legacyEnum": { "type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"] },
                    "untitledMulti": { "type": "array", "items": { "type": "string", "enum": plain } },
                    "titledMulti": { "type": "array", "items": { "anyOf": titled("Choice") } } } });
                Ok(completed("Elicitation completed", &elicited(context, "With choices", schema).await?))
            }
            "test_missing_capability" => {
                let can = context.client_capabilities().is_some_and(|can| can.sampling.is_some());
                let needed =
                    || Ok(ErrorData::missing_required_client_capability(of(json!({ "sampling": {} }))?));
                if can { Ok(text("It can.")) } else { Err(needed()?) }
            }
            "test_streaming_elicitation" | "test_input_required_result_elicitation" => {
                match answered(&responses, "user_name", "name").and_then(Value::as_str) {
                    Some(name) => Ok(text(format!("Hello, {name}!"))),
                    None => {
                        Ok(asks(json!({ "user_name": form("What is your name?", "name", "string") }), None)?
                            .into())
                    }
                }
            }
            "test_input_required_result_sampling" => match responses.get("capital_question") {
                Some(answer) => Ok(text(format!("It was answered: {answer}"))),
                None => Ok(asks(
                    json!({ "capital_question": sampling("What is the capital of France?", 100) }),
                    None,
                )?
                .into()),
            },
            "test_input_required_result_list_roots" => match responses.get("client_roots") {
                Some(roots) => Ok(text(format!("The roots are {roots}"))),
                None => Ok(asks(json!({ "client_roots": roots() }), None)?.into()),
            },
            "test_input_required_result_request_state" | "test_input_required_result_tampered_state" => {
                if request.request_state.is_some() || responses.is_object() {
                    unseal(request.request_state.as_deref())?;
                    return Ok(text("state-ok"));
                }
                Ok(asks(
                    json!({ "confirm": form("Please confirm", "ok", "boolean") }),
                    Some(seal("confirm")),
                )?
                .into())
            }
            "test_input_required_result_multiple_inputs" => {
                let all = ["user_name", "greeting", "client_roots"];
                if all.iter().all(|name| responses.get(*name).is_some()) {
                    unseal(request.request_state.as_deref())?;
                    return Ok(text("All was answered."));
                }
                let requests = json!({ "user_name": form("What is your name?", "name", "string"),
                    "greeting": sampling("Generate a greeting", 50), "client_roots": roots() });
                Ok(asks(requests, Some(seal("several")))?.into())
            }
            "test_input_required_result_multi_round" => {
                if request.request_state.is_none() {
                    let first = json!({ "step1": form("Step 1: What is your name?", "name", "string") });
                    return Ok(asks(first, Some(seal("one")))?.into());
                }
                if unseal(request.request_state.as_deref())? == "one" {
                    let second =
                        json!({ "step2": form("Step 2: What is your favorite color?", "color", "string") });
                    return Ok(asks(second, Some(seal("two")))?.into());
                }
                Ok(text("All steps are done."))
            }
            "test_input_required_result_capabilities" => {
                let can = context.client_capabilities().unwrap_or_default();
                let mut requests = json!({});
                if can.sampling.is_some() {
                    requests["question"] = sampling("What is the capital of France?", 100);
                }
                if can.elicitation.is_some() {
                    requests["name"] = form("What is your name?", "name", "string");
                }
                Ok(asks(requests, None)?.into())
            }
            "test_trigger_tool_change" => Ok(self.changed(Changed::Tools)),
            "test_trigger_prompt_change" => Ok(self.changed(Changed::Prompts)),
            other => Err(ErrorData::invalid_params(format!("Unknown tool: {other}"), None)),
        }
    }

    fn changed(&self, what: Changed) -> CallToolResponse {
        // Nobody may be listening.
        let _ = self.changes.send(what);
        text("It has changed.")
    }
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        let can = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_completions()
            .enable_logging()
            .build();
        ServerConfig::new(can)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool = |name: &&'static str| {
            let properties = match *name {
                "test_sampling" => json!({ "prompt": { "type": "string", "description": "What is asked." } }),
                "test_elicitation" => {
                    json!({ "message": { "type": "string", "description": "What is asked." } })
                }
                _ => json!({}),
            };
            let schema = json!({ "type": "object", "properties": properties });
            Tool::new(
                *name,
                format!("{name}, as its scenario describes it."),
                Arc::new(schema.as_object().cloned().unwrap()),
            )
        };
        let tools = ListToolsResult::with_all_items(TOOLS.iter().map(tool).collect());
        Ok(tools.with_ttl_ms(0).with_cache_scope(CacheScope::Private))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.tool(request, &context).await
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let listed: ListResourcesResult = of(json!({ "resources": [
            { "uri": "test://static-text", "name": "Text", "mimeType": "text/plain", "description": "A text." },
            { "uri": "test://static-binary", "name": "Picture", "mimeType": "image/png", "description": "A picture." },
            { "uri": "test://watched-resource", "name": "Watched", "mimeType": "text/plain", "description": "It may change." } ] }))?;
        Ok(ListResourcesResult::with_all_items(listed.resources)
            .with_ttl_ms(0)
            .with_cache_scope(CacheScope::Private))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let listed: ListResourceTemplatesResult = of(json!({ "resourceTemplates": [
            { "uriTemplate": "test://template/{id}/data", "name": "Data", "mimeType": "application/json", "description": "By id." } ] }))?;
        let listed = ListResourceTemplatesResult::with_all_items(listed.resource_templates);
        Ok(listed.with_ttl_ms(0).with_cache_scope(CacheScope::Private))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri.as_str();
        let by_id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
        let contents = match (uri, by_id) {
            ("test://static-text", _) => json!({ "uri": uri, "mimeType": "text/plain",
                "text": "This is the content of the static text resource." }),
            ("test://static-binary", _) => json!({ "uri": uri, "mimeType": "image/png", "blob": PIXEL }),
            ("test://watched-resource", _) => {
                json!({ "uri": uri, "mimeType": "text/plain", "text": "Watched." })
            }
            (_, Some(id)) => json!({ "uri": uri, "mimeType": "application/json",
                "text": json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") }).to_string() }),
            _ => {
                let about = Some(json!({ "uri": uri }));
                return Err(ErrorData::new(ErrorCode::INVALID_PARAMS, "Resource not found", about));
            }
        };
        let read = ReadResourceResult::new(vec![of(contents)?]);
        Ok(read.with_ttl_ms(0).with_cache_scope(CacheScope::Private).into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let required = |name: &str| json!({ "name": name, "description": "It is needed.", "required": true });
        let listed: ListPromptsResult = of(json!({ "prompts": [
            { "name": "test_simple_prompt", "description": "Simple." },
            { "name": "test_prompt_with_arguments", "description": "With two.", "arguments": [required("arg1"), required("arg2")] },
            { "name": "test_prompt_with_embedded_resource", "description": "With a resource.", "arguments": [required("resourceUri")] },
            { "name": "test_prompt_with_image", "description": "With a picture." },
            { "name": "test_input_required_result_prompt", "description": "It asks." } ] }))?;
        Ok(ListPromptsResult::with_all_items(listed.prompts)
            .with_ttl_ms(0)
            .with_cache_scope(CacheScope::Private))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.clone().unwrap_or_default());
        let argument = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
        let said = |text: String| json!({ "role": "user", "content": { "type": "text", "text": text } });
        let messages = match request.name.as_str() {
            "test_simple_prompt" => json!([said("This is a simple prompt for testing.".to_owned())]),
            "test_prompt_with_arguments" => {
                json!([said(format!(
                    "Prompt with arguments: arg1='{}', arg2='{}'",
                    argument("arg1"),
                    argument("arg2")
                ))])
            }
            "test_prompt_with_embedded_resource" => json!([
                { "role": "user", "content": { "type": "resource", "resource": { "uri": argument("resourceUri"),
                    "mimeType": "text/plain", "text": "Embedded resource content for testing." } } },
                said("Please process the embedded resource above.".to_owned()) ]),
            "test_prompt_with_image" => json!([
                { "role": "user", "content": { "type": "image", "data": PIXEL, "mimeType": "image/png" } },
                said("Please analyze the image above.".to_owned()) ]),
            "test_input_required_result_prompt" => {
                let responses = serde_json::to_value(&request.input_responses).unwrap_or_default();
                match answered(&responses, "user_context", "context") {
                    Some(context) => json!([said(format!("In the context of {context}"))]),
                    None => {
                        let asked = json!({ "user_context": form("What context should the prompt use?", "context", "string") });
                        return Ok(GetPromptResponse::InputRequired(asks(asked, None)?));
                    }
                }
            }
            other => return Err(ErrorData::invalid_params(format!("Unknown prompt: {other}"), None)),
        };
        Ok(GetPromptResponse::Complete(of(json!({ "resultType": "complete", "messages": messages }))?))
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let begun =
            ["paris", "park", "party"].into_iter().filter(|word| word.starts_with(&request.argument.value));
        let info = CompletionInfo::new(begun.map(str::to_owned).collect());
        Ok(CompleteResult::new(info.map_err(|error| ErrorData::internal_error(error, None))?))
    }

    async fn set_level(
        &self,
        _: SetLevelRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn subscribe(
        &self,
        _: SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(
        &self,
        _: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.changes.subscribe();
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                Ok(change) = changes.recv() => {
                    let sink = context.sink();
                    let _ = match change {
                        Changed::Tools => sink.notify_tool_list_changed().await,
                        Changed::Prompts => sink.notify_prompt_list_changed().await,
                    };
                }
            }
        }
    }
}
