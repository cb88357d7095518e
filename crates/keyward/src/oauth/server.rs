//! What all of the authorization server shares.

use super::documents::Documents;
use super::hashing::Hashing;
use super::signer::Signer;
use super::tries::Tries;
use crate::base_path::BASE;
use crate::browser::SignInKeys;
use crate::config::OAuthConfig;
use crate::demo::DemoPerson;
use crate::mcp::is_of_resource;
use crate::store::Store;
use keyward_core::clock::Clock;
use keyward_core::jwt::{Algorithm, Email, Link, Rules, ScopeNames, Scopes, Typ};
use keyward_core::live::Directory;
use keyward_core::oauth::Resources;
use keyward_tower::authenticate::{IssuerKeys, Trusted};
use std::sync::Arc;
use url::Url;

/// The API, below the issuer.
pub const API: &str = BASE;
/// The MCP server, below the issuer.
pub const MCP: &str = crate::mcp::PATH;

/// The longest access token of ours, in bytes.
pub(super) const LONGEST_TOKEN: usize = 8 * 1024;

/// The authorization server.
#[derive(Debug)]
pub struct AuthorizationServer {
    /// What is set.
    pub settings: OAuthConfig,
    /// The issuer: where clients reach this server, to the letter.
    pub issuer: String,
    /// The derived keys.
    pub keys: SignInKeys,
    /// The keys that sign.
    pub(crate) signer: Arc<Signer>,
    /// Clients that are documents.
    pub(crate) documents: Documents,
    /// Whom the sign-in page offers, in the demo.
    pub(crate) people: Vec<DemoPerson>,
    /// Where passwords are hashed.
    pub(crate) hashing: Hashing,
    /// The tries to sign in by password.
    pub(crate) tries: Tries,
}

impl AuthorizationServer {
    /// At this address.
    pub fn new(
        settings: OAuthConfig,
        issuer: String,
        keys: SignInKeys,
        documents: Documents,
        people: Vec<DemoPerson>,
        (directory, clock): (&Directory, &Arc<dyn Clock>),
    ) -> Self {
        let documents = documents.allowing(settings.redirect_schemes.clone());
        let signer = Signer::new(directory.clone(), keys.sealer.clone(), Arc::clone(clock));
        Self {
            settings,
            issuer,
            keys,
            signer: Arc::new(signer),
            documents,
            people,
            hashing: Hashing::start(Arc::clone(clock)),
            tries: Tries::default(),
        }
    }

    /// Writes the sign-ins that failed since the last time to the audit trail.
    pub async fn write_failed_sign_ins(&self, store: &dyn Store) {
        self.tries.failed.write(store).await;
    }

    /// Our own issuer, as one more entry of the JWT verifier of the API or (`MCP`) of the MCP endpoint: there is no other way in.
    #[must_use]
    pub fn trusted(&self, resource: &str) -> Trusted {
        let rules = Rules {
            issuer: self.issuer.clone(),
            audiences: vec![self.resource(resource)],
            audience_setting: "public_url",
            audience_claim: None,
            algorithms: vec![Algorithm::Rs256],
            kinds: vec![Typ::AccessToken],
            payload_typ: None,
            leeway: 10,
            max_bytes: LONGEST_TOKEN,
            max_lifetime: self.settings.access_token_seconds,
            scopes: Scopes::Require,
            accounts: Arc::default(),
            scope_claims: vec!["scope".to_owned()],
            scope_names: ScopeNames::default(),
            link: Link::Invitation,
            email: Email { claim: "email".to_owned(), verified_claim: "email_verified".to_owned() },
            own: true,
        };
        Trusted { rules, keys: Arc::clone(&self.signer) as Arc<dyn IssuerKeys> }
    }

    /// A resource by its name.
    pub(crate) fn resource(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// The names of resources, for `aud`.
    pub(crate) fn audience(&self, resources: Resources) -> Vec<String> {
        let named = [(resources.api, API), (resources.mcp, MCP)];
        named.into_iter().filter(|(is, _)| *is).map(|(_, path)| self.resource(path)).collect()
    }

    /// Which of ours are named by `resource` (RFC 8707); both, if none is. `None`: one is not ours.
    pub(crate) fn resources<'r>(&self, named: impl Iterator<Item = &'r str>) -> Option<Option<Resources>> {
        let mut asked = None;
        for name in named {
            // Scheme and host in whatever case, and with a slash or without at the end, which clients add and take away.
            // Absent: what is no URL is none of ours.
            let mut plain = Url::parse(name).ok().filter(|url| url.fragment().is_none())?;
            // An address that offers fewer tools is the same resource.
            if plain.path().trim_end_matches('/').ends_with(MCP) && plain.query().is_some_and(is_of_resource)
            {
                plain.set_query(None);
            }
            let is = |path: &str| {
                Url::parse(&self.resource(path)).is_ok_and(|own| {
                    own.as_str().trim_end_matches('/') == plain.as_str().trim_end_matches('/')
                })
            };
            let resources = asked.get_or_insert(Resources { api: false, mcp: false });
            match (is(API), is(MCP)) {
                (true, _) => resources.api = true,
                (_, true) => resources.mcp = true,
                (false, false) => return None,
            }
        }
        Some(asked)
    }

    /// A grant lives so long without being refreshed, in seconds: with refresh tokens, and without.
    pub(crate) fn lives(&self) -> (i64, i64) {
        (self.settings.refresh_token_days * 86_400, self.settings.access_token_seconds)
    }

    /// Everywhere that clients look for the metadata: of an issuer with a path, in three forms (RFC 8414 §3.1, OpenID Connect
    /// Discovery §4).
    pub(crate) fn metadata_paths(&self) -> Vec<String> {
        metadata_paths(&self.issuer)
    }
}

fn metadata_paths(issuer: &str) -> Vec<String> {
    let path = Url::parse(issuer).map(|url| url.path().trim_end_matches('/').to_owned());
    // Absent: an issuer that is no URL has no path.
    let path = path.unwrap_or_default();
    let names = ["oauth-authorization-server", "openid-configuration"];
    let mut paths: Vec<String> = names.iter().map(|name| format!("/.well-known/{name}")).collect();
    if !path.is_empty() {
        paths.extend(names.iter().map(|name| format!("/.well-known/{name}{path}")));
        paths.push(format!("{path}/.well-known/openid-configuration"));
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::metadata_paths;

    #[test]
    fn the_metadata_are_wherever_clients_of_such_an_issuer_look() {
        let root = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];
        for issuer in ["https://api.example", "https://api.example/"] {
            assert_eq!(metadata_paths(issuer), root);
        }
        let with_path = [
            root[0],
            root[1],
            "/.well-known/oauth-authorization-server/lev",
            "/.well-known/openid-configuration/lev",
            "/lev/.well-known/openid-configuration",
        ];
        assert_eq!(metadata_paths("https://api.example/lev"), with_path);
    }
}
