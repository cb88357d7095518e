//! `[[issuers]]`: whose access tokens are taken. One table of what each entry can say; an entry cannot be set by variables.

use super::setting::{Given, Kind};
use super::url_text::{has_bad_port, is_loopback_host};
use http::Uri;
use keyward_core::account::is_slug;
use keyward_core::identity;
use keyward_core::jwt::{
    Algorithm, CLIENT_CLAIMS, Email, Link, OPENID_SCOPES, Rules, SCOPE_CLAIMS, ScopeNames, Scopes, Typ,
};
use keyward_core::scope::{Scope, ScopeSet};

/// An issuer whose access tokens are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerConfig {
    /// The `iss` of its tokens, to the letter.
    pub issuer: String,
    /// The names of the API, of which a token's `aud` must hold one.
    pub audience: Vec<String>,
    /// The claim that holds one of them where a token has no `aud`; `None`: such a token is refused.
    pub audience_claim: Option<&'static str>,
    /// Whether the metadata of the MCP endpoint name it; `None`: only where our own server is off.
    pub mcp: Option<bool>,
    /// The names of the MCP endpoint; empty: `{public_url}/mcp`.
    pub mcp_audience: Vec<String>,
    /// The scopes that the metadata ask MCP clients to request; empty: the metadata name none.
    pub mcp_scopes: Vec<String>,
    /// Where its keys are; `None`: where its metadata say.
    pub jwks_uri: Option<String>,
    /// How its tokens may be signed.
    pub algorithms: Vec<Algorithm>,
    /// The `typ` that its tokens may have.
    pub accept_typ: Vec<Typ>,
    /// What the claim `typ` of its access tokens holds; `None`: it is not read.
    pub payload_typ: Option<&'static str>,
    /// Seconds by which clocks may differ.
    pub leeway_seconds: i64,
    /// The longest token, in bytes.
    pub max_token_bytes: usize,
    /// The longest life of a token, in seconds.
    pub max_lifetime_seconds: i64,
    /// How its subjects become users.
    pub link: Link,
    /// The claim that holds the address.
    pub email_claim: String,
    /// The claim that says whether the issuer has verified it.
    pub email_verified_claim: String,
    /// The slugs of the accounts that it speaks for; empty, which is not to be set: all.
    pub accounts: Vec<String>,
    /// What the scopes of its tokens mean.
    pub scopes: Scopes,
    /// The claims that name scopes.
    pub scope_claims: Vec<String>,
    /// What its names of scopes mean.
    pub scope_names: ScopeNames,
}

impl Default for IssuerConfig {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audience: Vec::new(),
            audience_claim: None,
            mcp: None,
            mcp_audience: Vec::new(),
            mcp_scopes: Vec::new(),
            jwks_uri: None,
            algorithms: vec![Algorithm::Rs256],
            accept_typ: vec![Typ::AccessToken],
            payload_typ: None,
            leeway_seconds: 10,
            max_token_bytes: 8 * 1024,
            max_lifetime_seconds: 30 * 86_400,
            link: Link::Invitation,
            email_claim: "email".to_owned(),
            email_verified_claim: "email_verified".to_owned(),
            accounts: Vec::new(),
            scopes: Scopes::Narrow,
            scope_claims: SCOPE_CLAIMS.map(str::to_owned).to_vec(),
            scope_names: ScopeNames::default(),
        }
    }
}

impl IssuerConfig {
    /// What its tokens must be to be taken by the API.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            issuer: self.issuer.clone(),
            audiences: self.audience.clone(),
            audience_setting: "audience",
            audience_claim: self.audience_claim,
            algorithms: self.algorithms.clone(),
            kinds: self.accept_typ.clone(),
            payload_typ: self.payload_typ,
            leeway: self.leeway_seconds,
            max_bytes: self.max_token_bytes,
            max_lifetime: self.max_lifetime_seconds,
            accounts: self.accounts.clone().into(),
            scopes: self.scopes,
            scope_claims: self.scope_claims.clone(),
            scope_names: self.scope_names.clone(),
            link: self.link,
            email: Email {
                claim: self.email_claim.clone(),
                verified_claim: self.email_verified_claim.clone(),
            },
            own: false,
        }
    }

    /// Whether MCP clients are sent to it to sign in; `own`: whether our own server is on.
    #[must_use]
    pub fn is_for_mcp(&self, own: bool) -> bool {
        // Absent: only where nobody could sign in otherwise.
        self.mcp.unwrap_or(!own)
    }

    /// The same for the MCP endpoint, which has this name where none is set.
    #[must_use]
    pub fn rules_of_mcp(&self, name: &str) -> Rules {
        let set = self.mcp_audience.clone();
        let audiences = if set.is_empty() { vec![name.to_owned()] } else { set };
        Rules { audiences, audience_setting: "mcp_audience", ..self.rules() }
    }
}

/// `https://`, or `http://` on loopback, with a host, and without user, query and fragment.
pub(crate) fn is_issuer_url(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    // Absent: an empty host is no issuer's.
    let host = uri.host().unwrap_or_default();
    let scheme = match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_loopback_host(host),
        // Absent: no other scheme is an issuer's.
        _ => false,
    };
    scheme && plain && !text.contains('#') && !has_bad_port(&uri)
}

/// One thing that an entry can say.
pub(super) struct IssuerSetting {
    pub(super) key: &'static str,
    pub(super) about: &'static str,
    pub(super) kind: Kind,
    pub(super) values: &'static [&'static str],
    pub(super) required: bool,
    pub(super) get: fn(&IssuerConfig) -> Option<Given>,
    pub(super) set: fn(&mut IssuerConfig, Given) -> Result<(), String>,
}

/// Everything that an entry can say, in the order of the reference page.
pub(super) const ISSUER_SETTINGS: &[IssuerSetting] = &[
    IssuerSetting {
        key: "issuer",
        about: "The iss of its tokens, to the letter: Auth0's ends in a slash.",
        kind: Kind::Text,
        values: &[],
        required: true,
        get: |issuer| Some(Given::Text(issuer.issuer.clone())).filter(|_| !issuer.issuer.is_empty()),
        set: |issuer, given| {
            let text = given.text()?;
            if !is_issuer_url(&text) || text.contains('?') || text.len() > identity::MOST {
                return Err(
                    "it must be an https URL without query, such as https://acme.eu.auth0.com/ (http is for \
                            loopback only)"
                        .to_owned(),
                );
            }
            issuer.issuer = text;
            Ok(())
        },
    },
    IssuerSetting {
        key: "audience",
        about: "The names of this API at the issuer: a token's aud must hold one of them.",
        kind: Kind::List,
        values: &[],
        required: true,
        get: |issuer| Some(Given::List(issuer.audience.clone())).filter(|_| !issuer.audience.is_empty()),
        set: |issuer, given| {
            issuer.audience = names(given)?;
            Ok(())
        },
    },
    IssuerSetting {
        key: "audience_claim",
        about: "The claim that must hold a name of audience where a token has no aud: the id of the client. With it, audience lists \
                the clients whose tokens are taken. A token that has an aud is judged by it, and must not name its own client there, \
                as ID tokens do.",
        kind: Kind::Text,
        values: &CLIENT_CLAIMS,
        required: false,
        get: |issuer| issuer.audience_claim.map(|claim| Given::Text(claim.to_owned())),
        set: |issuer, given| {
            issuer.audience_claim = Some(constant(given, &CLIENT_CLAIMS)?);
            Ok(())
        },
    },
    IssuerSetting {
        key: "mcp",
        about: "Whether clients of the MCP endpoint are sent to this issuer to sign in. Without it: only where [oauth] enabled is \
                false. With the server's own sign-in on, the metadata name that first, and most clients take the first.",
        kind: Kind::Flag,
        values: &[],
        required: false,
        get: |issuer| issuer.mcp.map(Given::Flag),
        set: |issuer, given| {
            issuer.mcp = Some(given.flag()?);
            Ok(())
        },
    },
    IssuerSetting {
        key: "mcp_audience",
        about: "The same for the MCP endpoint; empty: public_url with /mcp. A token for the API is \
                not one for MCP, unless both lists have its name.",
        kind: Kind::List,
        values: &[],
        required: false,
        get: |issuer| Some(Given::List(issuer.mcp_audience.clone())),
        set: |issuer, given| {
            issuer.mcp_audience = names_if_any(given)?;
            Ok(())
        },
    },
    IssuerSetting {
        key: "mcp_scopes",
        about: "The scopes that the metadata name for MCP clients to ask this issuer for, as it calls them; empty: none, and it \
                decides. The first issuer that the metadata name decides; the server's own comes before all others.",
        kind: Kind::List,
        values: &[],
        required: false,
        get: |issuer| Some(Given::List(issuer.mcp_scopes.clone())),
        set: |issuer, given| {
            let names = names_if_any(given)?;
            // RFC 6749 §3.3.
            let fit = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
            if !names.iter().all(|name| name.bytes().all(fit)) {
                return Err("each must be one scope, without spaces, quotes and backslashes".to_owned());
            }
            issuer.mcp_scopes = names;
            Ok(())
        },
    },
    IssuerSetting {
        key: "jwks_uri",
        about: "Where its keys are. Without it: where its metadata say (OpenID Connect Discovery, RFC 8414).",
        kind: Kind::Text,
        values: &[],
        required: false,
        get: |issuer| issuer.jwks_uri.clone().map(Given::Text),
        set: |issuer, given| {
            let text = given.text()?;
            if !is_issuer_url(&text) {
                return Err("it must be an https URL (http is for loopback only)".to_owned());
            }
            issuer.jwks_uri = Some(text);
            Ok(())
        },
    },
    IssuerSetting {
        key: "algorithms",
        about: "How its tokens may be signed; EdDSA and Ed25519 are one. Shared secrets (HS256) and none are never taken.",
        kind: Kind::List,
        values: Algorithm::NAMES,
        required: false,
        get: |issuer| Some(Given::List(issuer.algorithms.iter().map(|one| one.name().to_owned()).collect())),
        set: |issuer, given| {
            let names = names(given)?;
            let algorithm = |name: &String| Algorithm::parse(name).ok_or_else(|| one_of(Algorithm::NAMES));
            issuer.algorithms = names.iter().map(algorithm).collect::<Result<_, _>>()?;
            Ok(())
        },
    },
    IssuerSetting {
        key: "accept_typ",
        about: "The typ that its tokens may have. JWT and absent need a mark of an access token (scope, scp, azp, client_id or \
                one of scope_claims, if that is set) and none of an ID token.",
        kind: Kind::List,
        values: Typ::NAMES,
        required: false,
        get: |issuer| Some(Given::List(issuer.accept_typ.iter().map(|typ| typ.name().to_owned()).collect())),
        set: |issuer, given| {
            let kind = |name: &String| Typ::parse(name).ok_or_else(|| one_of(Typ::NAMES));
            issuer.accept_typ = names(given)?.iter().map(kind).collect::<Result<_, _>>()?;
            Ok(())
        },
    },
    IssuerSetting {
        key: "payload_typ",
        about: "What the claim typ of its access tokens holds; tokens in which it is absent or another are refused. With it, nonce \
                does not make an ID token of one: older releases of Keycloak write nonce into access tokens.",
        kind: Kind::Text,
        values: &PAYLOAD_TYPS,
        required: false,
        get: |issuer| issuer.payload_typ.map(|typ| Given::Text(typ.to_owned())),
        set: |issuer, given| {
            issuer.payload_typ = Some(constant(given, &PAYLOAD_TYPS)?);
            Ok(())
        },
    },
    IssuerSetting {
        key: "leeway_seconds",
        about: "Seconds by which its clock and this one may differ.",
        kind: Kind::Number(0, 300),
        values: &[],
        required: false,
        get: |issuer| Some(Given::Number(issuer.leeway_seconds)),
        set: |issuer, given| {
            issuer.leeway_seconds = given.number()?;
            Ok(())
        },
    },
    IssuerSetting {
        key: "max_token_bytes",
        about: "The longest token, in bytes.",
        kind: Kind::Number(1024, 131_072),
        values: &[],
        required: false,
        // Absent: never, its bounds were looked at; not shown.
        get: |issuer| i64::try_from(issuer.max_token_bytes).ok().map(Given::Number),
        set: |issuer, given| {
            // Absent: no token is short enough.
            issuer.max_token_bytes = usize::try_from(given.number()?).unwrap_or_default();
            Ok(())
        },
    },
    IssuerSetting {
        key: "max_lifetime_seconds",
        about: "The longest life of a token, in seconds, from its iat to its exp.",
        kind: Kind::Number(60, 31_536_000),
        values: &[],
        required: false,
        get: |issuer| Some(Given::Number(issuer.max_lifetime_seconds)),
        set: |issuer, given| {
            issuer.max_lifetime_seconds = given.number()?;
            Ok(())
        },
    },
    IssuerSetting {
        key: "link",
        about: "How a subject that nobody has becomes a user's: by an open invitation to its verified address, or by its \
                verified address alone. keyward user link does it by hand.",
        kind: Kind::Text,
        values: &["invitation", "verified_email"],
        required: false,
        get: |issuer| {
            Some(Given::Text(match issuer.link {
                Link::Invitation => "invitation".to_owned(),
                Link::VerifiedEmail => "verified_email".to_owned(),
            }))
        },
        set: |issuer, given| {
            issuer.link = match given.text()?.as_str() {
                "invitation" => Link::Invitation,
                "verified_email" => Link::VerifiedEmail,
                // Absent: a mistake.
                _ => return Err(one_of(&["invitation", "verified_email"])),
            };
            Ok(())
        },
    },
    IssuerSetting {
        key: "accounts",
        about: "The slugs of the accounts that it speaks for: its tokens act in no other, link nobody outside, and accept no other's invitations. \
                Without it: all, which is for an issuer that you run yourself; an empty list is a mistake.",
        kind: Kind::List,
        values: &[],
        required: false,
        get: |issuer| Some(Given::List(issuer.accounts.clone())).filter(|_| !issuer.accounts.is_empty()),
        set: |issuer, given| {
            let slugs = names_if_any(given)?;
            if slugs.is_empty() {
                return Err(
                    "an empty list names no account; leave the setting out for all of them, or name one"
                        .to_owned(),
                );
            }
            if let Some(bad) = slugs.iter().find(|slug| !is_slug(slug)) {
                return Err(format!("{bad:?} is no slug of an account"));
            }
            issuer.accounts = slugs;
            Ok(())
        },
    },
    IssuerSetting {
        key: "email_claim",
        about: "The claim that holds the user's address. Auth0 puts it into access tokens only under a name with a namespace. A name \
                that begins with a slash is a path: /ext/email is email within ext.",
        kind: Kind::Text,
        values: &[],
        required: false,
        get: |issuer| Some(Given::Text(issuer.email_claim.clone())),
        set: |issuer, given| {
            issuer.email_claim = name(given)?;
            Ok(())
        },
    },
    IssuerSetting {
        key: "email_verified_claim",
        about: "The claim that is true, or \"true\" or \"1\" as a text, when the issuer has verified that address. It can be a path too.",
        kind: Kind::Text,
        values: &[],
        required: false,
        get: |issuer| Some(Given::Text(issuer.email_verified_claim.clone())),
        set: |issuer, given| {
            issuer.email_verified_claim = name(given)?;
            Ok(())
        },
    },
    IssuerSetting {
        key: "scopes",
        about: "What the scopes of its tokens mean: nothing (ignore); they narrow what the user's role gives (narrow); they are all \
                that the token may do (require). With narrow, a token without any of the claims of scopes may do what the role \
                gives, also one whose scope has nothing but OpenID Connect's own names; a claim that is there and names none of \
                this API's scopes leaves nothing but /me.",
        kind: Kind::Text,
        values: &["ignore", "narrow", "require"],
        required: false,
        get: |issuer| {
            Some(Given::Text(match issuer.scopes {
                Scopes::Ignore => "ignore".to_owned(),
                Scopes::Narrow => "narrow".to_owned(),
                Scopes::Require => "require".to_owned(),
            }))
        },
        set: |issuer, given| {
            issuer.scopes = match given.text()?.as_str() {
                "ignore" => Scopes::Ignore,
                "narrow" => Scopes::Narrow,
                "require" => Scopes::Require,
                // Absent: a mistake.
                _ => return Err(one_of(&["ignore", "narrow", "require"])),
            };
            Ok(())
        },
    },
    IssuerSetting {
        key: "scope_claims",
        about: "The claims that name scopes, as a text or a list; what stands in any of them counts. A name that begins with a slash \
                is a path: /realm_access/roles is roles within realm_access. A token is refused if another of \
                scope, scp, scopes and permissions names scopes of this API.",
        kind: Kind::List,
        values: &[],
        required: false,
        get: |issuer| Some(Given::List(issuer.scope_claims.clone())),
        set: |issuer, given| {
            issuer.scope_claims = names(given)?;
            Ok(())
        },
    },
    IssuerSetting {
        key: "scope_prefix",
        about: "What the names of this API's scopes begin with at the issuer, such as api/ or https://api.example.com/. It is taken \
                off; a name without it is not one of this API.",
        kind: Kind::Text,
        values: &[],
        required: false,
        get: |issuer| {
            let prefix = &issuer.scope_names.prefix;
            Some(Given::Text(prefix.clone())).filter(|_| !prefix.is_empty())
        },
        set: |issuer, given| {
            issuer.scope_names.prefix = scope_name(name(given)?)?;
            Ok(())
        },
    },
    IssuerSetting {
        key: "scope_map",
        about: "The issuer's names of scopes, without scope_prefix, and the scopes of this API that each stands for, with spaces \
                between them: { \"Deals.ReadWrite\" = \"deals:read deals:write\" }.",
        kind: Kind::Map,
        values: &[],
        required: false,
        get: |issuer| {
            let texts = |(name, scopes): (&String, &ScopeSet)| (name.clone(), scopes.to_text());
            Some(Given::Map(issuer.scope_names.map.iter().map(texts).collect()))
        },
        set: |issuer, given| {
            issuer.scope_names.map = given.map()?.into_iter().map(translation).collect::<Result<_, _>>()?;
            Ok(())
        },
    },
];

/// The values of `payload_typ`.
const PAYLOAD_TYPS: [&str; 1] = ["Bearer"];

/// One of these texts.
fn constant(given: Given, values: &[&'static str]) -> Result<&'static str, String> {
    let text = given.text()?;
    values.iter().copied().find(|value| *value == text).ok_or_else(|| one_of(values))
}

/// A name of a scope, or how one begins (RFC 6749 §3.3).
fn scope_name(name: String) -> Result<String, String> {
    let fits =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    if fits {
        Ok(name)
    } else {
        Err(format!("{name:?} is no name of a scope: no spaces, quotes and backslashes"))
    }
}

/// An item of `scope_map`.
fn translation((name, scopes): (String, String)) -> Result<(String, ScopeSet), String> {
    let name = scope_name(name)?;
    if OPENID_SCOPES.contains(&name.as_str()) {
        return Err(format!("{name} is OpenID Connect's own and stands for no scope of this API"));
    }
    match ScopeSet::from_text(&scopes).filter(|scopes| !scopes.is_empty()) {
        Some(scopes) => Ok((name, scopes)),
        None => {
            Err(format!("{name:?} must stand for scopes of this API, which are {}", Scope::NAMES.join(", ")))
        }
    }
}

fn one_of(values: &[&str]) -> String {
    format!("it must be of {}", values.join(", "))
}

fn name(given: Given) -> Result<String, String> {
    let text = given.text()?;
    if text.is_empty() { Err("it must not be empty".to_owned()) } else { Ok(text) }
}

fn names_if_any(given: Given) -> Result<Vec<String>, String> {
    let names = given.list()?;
    if names.iter().any(String::is_empty) { Err("it must have no empty item".to_owned()) } else { Ok(names) }
}

fn names(given: Given) -> Result<Vec<String>, String> {
    let names = given.list()?;
    if names.is_empty() || names.iter().any(String::is_empty) {
        return Err("it must have at least one item, and no empty one".to_owned());
    }
    Ok(names)
}
