use super::*;
use keyward_core::account::Membership;
use keyward_core::api_key::Digest;
use keyward_core::grant::Grant;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::principal::{Credential, KeyCredential};
use keyward_core::role::Role;
use std::convert::Infallible;
use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use tower::{Layer, ServiceExt, service_fn};

/// Claims tokens by their first letter and counts how often it was asked.
#[derive(Debug)]
struct ByLetter {
    letter: char,
    good: bool,
    asked: Arc<AtomicUsize>,
}

impl Scheme for ByLetter {
    fn judge<'a>(&'a self, token: &'a str, from: ClientAddress) -> BoxFuture<'a, Verdict> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let verdict = match (token.starts_with(self.letter), self.good) {
            (false, _) => Verdict::NotMine,
            (true, true) => Verdict::Yes(caller(from)),
            (true, false) => Verdict::No(Denial::KeyRevoked, None, Some(Box::new(found()))),
        };
        Box::pin(ready(verdict))
    }
}

fn found() -> RefusedToken {
    RefusedToken { iss: Some("https://id.example/".to_owned()), ..RefusedToken::default() }
}

fn caller(from: ClientAddress) -> Caller {
    Caller {
        user: UserId(7),
        credential: Credential::ApiKey(KeyCredential {
            id: KeyId(1),
            digest: Digest::from_bytes(&[0; 32]).unwrap(),
            current: true,
            from,
            grant: Grant::ReadOnly,
            expires_at: None,
            allowed_ips: None,
            member: Membership { account: AccountId(1), role: Role::Viewer },
        }),
    }
}

#[derive(Clone)]
struct Word;

impl Refuse<String> for Word {
    fn refuse(&self, _: &http::Extensions, denial: &Denial) -> Response<String> {
        Response::new(denial.word().to_owned())
    }
}

async fn ask(authorization: Option<&str>) -> (String, usize) {
    let (answer, asked) = respond(authorization).await;
    (answer.into_body(), asked)
}

async fn respond(authorization: Option<&str>) -> (Response<String>, usize) {
    let asked = Arc::new(AtomicUsize::new(0));
    let scheme =
        |letter, good| -> Box<dyn Scheme> { Box::new(ByLetter { letter, good, asked: Arc::clone(&asked) }) };
    let schemes: Schemes = [scheme('a', false), scheme('b', true), scheme('a', true)].into();
    let inner = service_fn(async |request: Request<()>| {
        let user = request.extensions().get::<Caller>().unwrap().user;
        Ok::<_, Infallible>(Response::new(format!("user {user}")))
    });
    let mut request = Request::get("/?token=b1");
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let answer =
        AuthenticateLayer::new(schemes, Word).layer(inner).oneshot(request.body(()).unwrap()).await.unwrap();
    (answer, asked.load(Ordering::SeqCst))
}

#[tokio::test]
async fn what_stands_in_a_refused_token_is_in_the_responses_extensions_for_the_operator() {
    let (answer, _) = respond(Some("Bearer a1")).await;
    assert_eq!(answer.extensions().get::<RefusedToken>(), Some(&found()));
    let (answer, _) = respond(Some("Bearer c1")).await;
    assert_eq!(answer.extensions().get::<RefusedToken>(), None);
}

#[tokio::test]
async fn the_scheme_that_claims_a_token_decides_and_no_other_is_asked() {
    assert_eq!(ask(Some("Bearer b1")).await, ("user 7".to_owned(), 2));
    assert_eq!(
        ask(Some("Bearer a1")).await,
        ("key_revoked".to_owned(), 1),
        "a later scheme would have said yes"
    );
    assert_eq!(ask(Some("Bearer c1")).await, ("credential_unknown_kind".to_owned(), 3));
}

#[tokio::test]
async fn without_a_bearer_token_no_scheme_is_asked() {
    assert_eq!(ask(None).await, ("credential_missing".to_owned(), 0), "a token in the query is not read");
    for bad in ["Basic b1", "Bearer\tb1", "Bearer b1 b1", "b1", "Bearer b1,Bearer b1", "Bearer Bearer b1"] {
        assert_eq!(ask(Some(bad)).await, ("credential_malformed".to_owned(), 0), "{bad}");
    }
    assert_eq!(ask(Some("Bearer   b1")).await.0, "user 7", "one space or more");
}

#[tokio::test]
async fn a_credential_in_a_wrong_place_or_of_a_wrong_kind_is_refused_with_its_form() {
    let form = |answer: Response<String>| answer.extensions().get::<Denial>().and_then(Denial::form);
    let jwt = "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln";
    assert_eq!(form(respond(Some(jwt)).await.0), Some(CredentialForm::JwtForKeysOnly));
    assert_eq!(form(respond(Some("Bearer c1")).await.0), Some(CredentialForm::UnknownKind));
    assert_eq!(form(respond(Some("Bearer a1")).await.0), None, "of what a scheme has judged nothing is said");
    let mut request = Request::get("/").body(()).unwrap();
    request.headers_mut().insert("x-api-key", http::HeaderValue::from_static("b1"));
    assert_eq!(missing(&request), Denial::CredentialElsewhere(CredentialForm::OtherHeader));
    let request = Request::get("/?limit=1&api_key=b1").body(()).unwrap();
    assert_eq!(missing(&request), Denial::CredentialElsewhere(CredentialForm::InQuery));
}
