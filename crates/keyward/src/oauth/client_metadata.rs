//! What a client says of itself (RFC 7591 §2), whether it registers or is a document. A member of a wrong type is no absent one:
//! it is refused.

use super::documents::DocumentError;
use keyward_core::clock::Timestamp;
use keyward_core::json::{self, Json};
use keyward_core::oauth::redirect::Schemes;
use keyward_core::oauth::{Client, ClientOrigin, is_client_name};

/// Reads the document of this id.
pub(super) fn read_document(
    id: &str,
    body: &[u8],
    schemes: &Schemes,
    now: Timestamp,
) -> Result<Client, DocumentError> {
    let document = json::parse(body).map_err(|_| DocumentError::Unfit("it is not JSON"))?;
    of_document(id, &document, schemes, now).map_err(DocumentError::Unfit)
}

fn of_document(id: &str, document: &Json, schemes: &Schemes, now: Timestamp) -> Result<Client, &'static str> {
    let Json::Object(members) = document else { return Err("it is not an object") };
    let members = Members(members);
    if members.get("client_id").and_then(Json::as_text) != Some(id) {
        return Err("its client_id is not its own address");
    }
    if members.get("client_secret").is_some() || members.get("client_secret_expires_at").is_some() {
        return Err("it holds a secret");
    }
    let name = members.text("client_name", "client_name")?.filter(|name| is_client_name(name));
    let name = name.ok_or("client_name")?.to_owned();
    let uris = members.texts("redirect_uris", "redirect_uris must be a list of texts")?;
    let uris: Vec<String> = uris.into_iter().filter(|uri| schemes.are_fit(uri)).map(str::to_owned).collect();
    if uris.is_empty() {
        return Err("none of its redirect_uris can be used");
    }
    is_public(members)?;
    let refreshes = members.refreshes()?;
    Ok(Client {
        id: id.into(),
        name,
        redirect_uris: uris.into(),
        origin: ClientOrigin::Document,
        secret: None,
        refreshes,
        created_at: now,
    })
}

/// A client without a secret proves itself by none. One that prefers another way may say that it can do without.
fn is_public(members: Members<'_>) -> Result<(), &'static str> {
    // Absent: none (docs/decisions/0027): a document holds no secret to prove itself by.
    let method = members
        .text("token_endpoint_auth_method", "token_endpoint_auth_method must be a text")?
        .unwrap_or("none");
    let name = "token_endpoint_auth_methods_supported";
    let others = members.texts(name, "token_endpoint_auth_methods_supported must be a list of texts")?;
    if method == "none" || others.contains(&"none") {
        return Ok(());
    }
    Err("token_endpoint_auth_method must be none, or none be among those that it supports")
}

/// The members of what a client says.
#[derive(Clone, Copy)]
pub(super) struct Members<'j>(pub(super) &'j [(String, Json)]);

impl<'j> Members<'j> {
    fn get(self, name: &str) -> Option<&'j Json> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// A text, if there is one.
    ///
    /// # Errors
    /// `wrong`, where it is something else.
    pub(super) fn text(self, name: &str, wrong: &'static str) -> Result<Option<&'j str>, &'static str> {
        match self.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(value) => value.as_text().map(Some).ok_or(wrong),
        }
    }

    /// A list of texts. Absent is an empty one.
    ///
    /// # Errors
    /// `wrong`, where it is something else.
    pub(super) fn texts(self, name: &str, wrong: &'static str) -> Result<Vec<&'j str>, &'static str> {
        match self.get(name) {
            None | Some(Json::Null) => Ok(Vec::new()),
            Some(Json::Array(items)) => items.iter().map(Json::as_text).collect::<Option<_>>().ok_or(wrong),
            Some(_) => Err(wrong),
        }
    }

    /// Whether it takes refresh tokens. What it says of grants and responses must leave it the one flow that there is.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn refreshes(self) -> Result<bool, &'static str> {
        let grants = self.texts("grant_types", "grant_types must be a list of texts")?;
        if !grants.is_empty() && !grants.contains(&"authorization_code") {
            return Err("grant_types must hold authorization_code");
        }
        let responses = self.texts("response_types", "response_types must be a list of texts")?;
        if !responses.is_empty() && !responses.contains(&"code") {
            return Err("response_types must hold code");
        }
        Ok(grants.contains(&"refresh_token"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ID: &str = "https://app.example/client.json";

    fn read(more: &Value) -> Result<Client, DocumentError> {
        let mut document = json!({
            "client_id": ID,
            "client_name": "An app",
            "redirect_uris": ["https://app.example/back"],
            "grant_types": ["authorization_code", "refresh_token"],
        });
        for (name, value) in more.as_object().unwrap() {
            document[name] = value.clone();
        }
        let body = document.to_string();
        read_document(ID, body.as_bytes(), &Schemes::default(), Timestamp::from_unix(0))
    }

    #[test]
    fn a_member_of_a_wrong_type_in_a_document_is_refused_and_not_read_as_absent() {
        let (text, texts) =
            ("client_name token_endpoint_auth_method", "redirect_uris grant_types response_types");
        for name in text.split(' ') {
            for wrong in [json!(1), json!(true), json!(["none"]), json!({})] {
                assert!(read(&json!({ name: wrong })).is_err(), "{name}: {wrong}");
            }
        }
        for name in texts.split(' ').chain(["token_endpoint_auth_methods_supported"]) {
            for wrong in [json!("authorization_code"), json!(1), json!({}), json!(["code", 1]), json!([null])]
            {
                assert!(read(&json!({ name: wrong })).is_err(), "{name}: {wrong}");
            }
        }
        assert!(read(&json!({ "something_else": 1 })).is_ok(), "what is not used may be anything");
    }

    #[test]
    fn the_grants_and_responses_of_a_document_are_judged_as_at_registration() {
        for (more, expected) in [
            (json!({}), Ok(true)),
            (json!({ "grant_types": null }), Ok(false)),
            (json!({ "grant_types": [] }), Ok(false)),
            (json!({ "grant_types": ["authorization_code"] }), Ok(false)),
            (
                json!({ "grant_types": ["client_credentials"] }),
                Err("grant_types must hold authorization_code"),
            ),
            (json!({ "grant_types": ["refresh_token"] }), Err("grant_types must hold authorization_code")),
            (json!({ "response_types": ["code", "token"] }), Ok(true)),
            (json!({ "response_types": ["token"] }), Err("response_types must hold code")),
        ] {
            let read = read(&more).map(|client| client.refreshes);
            assert_eq!(read, expected.map_err(DocumentError::Unfit), "{more}");
        }
    }
}
