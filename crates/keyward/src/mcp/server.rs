//! What is answered on the wire: who we are, tools, calls, and the documentation as resources.

use super::call;
use super::catalog::Catalog;
use super::toolsets::Offer;
use super::words::Form;
use crate::observe::Record;
use crate::pages::Pages;
use crate::problem::{Reason, RequestId, status};
use crate::shared::Shared;
use axum::Router;
use http::request::Parts;
use keyward_core::denial::Denial;
use keyward_core::principal::{Caller, Principal};
use keyward_tower::ClientAddress;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CustomRequest, CustomResult, ErrorCode, ErrorData,
    Implementation, ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, ReadResourceResult, Resource, ResourceContents, ServerCapabilities, ServerConfig,
    Tool,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde_json::json;
use std::sync::Arc;

/// What a model is told at the beginning.
const INSTRUCTIONS: &str = "Deals, pipelines and teams of commercial real estate finance. Call get_my_profile first: it returns who \
     you act for, in which account, and what you may do. Every call has the rights that this person has at that moment. Lists come \
     in pages: send next_cursor as cursor for the next one. Leave out an argument that you have no value for. Before anything is \
     archived, removed or revoked, ask the user. The pages of the documentation are resources.";

/// The methods that have an answer here and parameters that may be wrong.
const METHODS: [&str; 5] = ["initialize", "tools/list", "tools/call", "resources/list", "resources/read"];

/// The server, as it is for one request.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) shared: Arc<Shared>,
    /// The documentation.
    pub(super) pages: Arc<Pages>,
    /// How results hold their data.
    pub(super) form: Form,
    /// The API's operations, for callers that were authenticated.
    pub(super) api: Router,
    pub(super) catalog: Arc<Catalog>,
}

/// Whom a request is from, as the door has found out.
#[derive(Clone)]
pub(super) struct From {
    pub(super) caller: Caller,
    pub(super) id: Option<RequestId>,
    pub(super) address: Option<ClientAddress>,
    pub(super) record: Arc<Record>,
}

fn from(context: &RequestContext<RoleServer>) -> Result<From, ErrorData> {
    let extensions = context.extensions.get::<Parts>().map(|parts| &parts.extensions);
    let caller = extensions.and_then(|extensions| extensions.get::<Caller>()).cloned();
    let missing = || ErrorData::internal_error("The request has no caller", None);
    // Absent: notes that no log reads.
    let record = extensions.and_then(|extensions| extensions.get()).cloned().unwrap_or_default();
    Ok(From {
        caller: caller.ok_or_else(missing)?,
        id: extensions.and_then(|extensions| extensions.get()).copied(),
        address: extensions.and_then(|extensions| extensions.get()).copied(),
        record,
    })
}

impl From {
    /// Has the log tell of a refusal what it would tell of it over HTTP, whatever the answer around it says.
    pub(super) fn refused(&self, denial: &Denial) {
        let reason = Reason { word: denial.word(), causes: None, severity: denial.severity() };
        let _ = self.record.said.set((status(denial.code()).as_u16(), Some(reason)));
    }
}

/// A refusal of the request itself, in the words of the API, with what its headers would say.
fn refusal(from: &From, denial: &Denial) -> ErrorData {
    from.refused(denial);
    let data = json!({ "code": denial.code().name() });
    ErrorData::new(ErrorCode::INVALID_REQUEST, denial.message(), Some(data))
}

impl Server {
    /// The caller, in its account if it has one. The door has charged it.
    pub(super) fn enters(&self, from: &From) -> Result<Principal, ErrorData> {
        let who = self.shared.directory.read().act_in(from.caller.clone(), None, false);
        who.map_err(|denial| refusal(from, &denial))
    }

    /// The tools that the address of the request offers.
    fn offer(&self, from: &From, context: &RequestContext<RoleServer>) -> Result<Offer, ErrorData> {
        let query = context.extensions.get::<Parts>().and_then(|parts| parts.uri.query());
        Offer::of(query, &self.catalog).map_err(|wrong| {
            from.refused(&Denial::QueryMalformed(wrong.clone()));
            ErrorData::invalid_params(wrong, None)
        })
    }
}

/// Lists of tools and pages are whole, so that no cursor is ours.
fn one_page(asked: Option<&PaginatedRequestParams>) -> Result<(), ErrorData> {
    match asked.and_then(|asked| asked.cursor.as_ref()) {
        Some(_) => Err(ErrorData::invalid_params("The list is one page: there is no such cursor", None)),
        None => Ok(()),
    }
}

impl ServerHandler for Server {
    /// What could not be read as one of the methods: an unknown one, or one that is known with parameters that do not fit it.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        self.enters(&from(&context)?)?;
        if METHODS.contains(&request.method.as_str()) {
            let text = format!("The parameters are not those of {}", request.method);
            return Err(ErrorData::invalid_params(text, None));
        }
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, request.method, None))
    }

    fn get_info(&self) -> ServerConfig {
        let about = Implementation::new("keyward", env!("CARGO_PKG_VERSION")).with_title("Lev");
        let can = ServerCapabilities::builder().enable_tools().enable_resources().build();
        ServerConfig::new(can).with_server_info(about).with_instructions(INSTRUCTIONS)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.catalog.find(name).map(|entry| entry.listed.clone())
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        one_page(page.as_ref())?;
        let from = from(&context)?;
        let who = self.enters(&from)?;
        let offer = self.offer(&from, &context)?;
        let tools = ListToolsResult::with_all_items(self.catalog.for_caller(&who, &offer));
        Ok(tools.with_ttl_ms(0).with_cache_scope(CacheScope::Private))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let from = from(&context)?;
        let offer = self.offer(&from, &context)?;
        let Some(entry) = self.catalog.find(&request.name).filter(|entry| offer.has(entry)) else {
            self.enters(&from)?;
            from.refused(&Denial::not_found("Tool", "of that name"));
            let name: String = request.name.chars().take(64).flat_map(char::escape_debug).collect();
            return Err(ErrorData::invalid_params(format!("There is no tool {name}"), None));
        };
        // Absent: of the older wire only the first request names the client, and nothing is remembered of that.
        let client = context.meta.client_info().map(|client| client.name).unwrap_or_default();
        // Absent: no arguments; one that is required is missed.
        let arguments = request.arguments.unwrap_or_default();
        Ok(call::call(self, entry, from, &client, arguments).await.into())
    }

    async fn list_resources(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        one_page(page.as_ref())?;
        self.enters(&from(&context)?)?;
        let pages = self.pages.in_markdown().into_iter().map(|page| {
            Resource::new(page.url, page.title)
                .with_description(page.description)
                .with_mime_type("text/markdown")
                .with_size(page.text.len() as u64)
        });
        let listed = ListResourcesResult::with_all_items(pages.collect());
        Ok(listed.with_ttl_ms(0).with_cache_scope(CacheScope::Private))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.enters(&from(&context)?)?;
        let mut pages = self.pages.in_markdown().into_iter();
        let page = pages.find(|page| page.url == request.uri);
        let unknown = || ErrorData::resource_not_found("There is no such page", None);
        let page = page.ok_or_else(unknown)?;
        let contents = ResourceContents::text(page.text, page.url).with_mime_type("text/markdown");
        let read = ReadResourceResult::new(vec![contents]);
        Ok(read.with_ttl_ms(0).with_cache_scope(CacheScope::Private).into())
    }
}
