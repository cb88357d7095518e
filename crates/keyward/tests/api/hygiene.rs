//! What two readers could read in two ways is not read: the rules are tested beside the code, here that they stand in
//! front of everything.

use super::support::TestApp;
use http::Method;

#[tokio::test]
async fn doubled_headers_are_refused_before_the_route_is_looked_at() {
    let app = TestApp::new().await;
    for name in
        ["Authorization", "Idempotency-Key", "X-Origin-App", "X-Active-Account", "Content-Type", "Host"]
    {
        let ask =
            app.request(Method::GET, "/nowhere").header(name, "keyward.test").header(name, "keyward.test");
        ask.refused(400, "BAD_REQUEST", &format!("Header {name} must be sent only once")).await;
    }
}

#[tokio::test]
async fn a_path_that_could_mean_another_is_refused() {
    let app = TestApp::new().await;
    for path in ["/me/", "/ME", "/%6de", "/me;x=1"] {
        app.get(path).by(&app.admin).refused(404, "NOT_FOUND", "There is no such route").await;
    }
    for path in
        ["//me", "/./me", "/deals/../me", "/deals/%2e%2e", "/deals/1%2f2", "/deals/%00", "/deals/1%0d%0a"]
    {
        app.get(path).by(&app.admin).expect(400).await;
    }
}

#[tokio::test]
async fn headers_have_a_measure() {
    let app = TestApp::new().await;
    // Host, X-Origin-App and Authorization are three.
    let with = |fields: usize| {
        (3..fields).fold(app.get("/me").by(&app.admin), |ask, n| ask.header(&format!("x-{n}"), "v"))
    };
    with(100).expect(200).await;
    with(101).refused(431, "HEADERS_TOO_LARGE", "Request has 101 header fields; at most 100 are read").await;
    let padding = |length: usize| app.get("/me").by(&app.admin).header("x-padding", &"p".repeat(length));
    // Path, names and values of the others: what is left of 32 KiB.
    let rest = 32 * 1024
        - "/api/external/v2/me".len()
        - "hostkeyward.test".len()
        - "x-origin-apptests".len()
        - "authorizationBearer ".len()
        - app.admin.key.secret.len()
        - "x-padding".len();
    padding(rest).expect(200).await;
    padding(rest + 1)
        .refused(431, "HEADERS_TOO_LARGE", "Request target and headers must be at most 32768 bytes together")
        .await;
}

#[tokio::test]
async fn a_token_anywhere_but_in_its_header_is_not_read() {
    let app = TestApp::new().await;
    let key = &app.admin.key.secret;
    for path in [format!("/me?api_key={key}"), format!("/me?access_token={key}"), format!("/me?token={key}")]
    {
        app.get(&path).refused(401, "UNAUTHORIZED", "Authentication required").await;
    }
    app.get("/me").header("cookie", &format!("api_key={key}")).header("x-api-key", key).expect(401).await;
    for wrong in [format!("Basic {key}"), format!("Bearer\t{key}"), key.clone(), format!("Bearer {key} ")] {
        // A client library may trim the end of a value; ours is asked with it.
        app.get("/me")
            .header("authorization", &wrong)
            .refused(401, "UNAUTHORIZED", "Invalid or expired authentication token")
            .await;
    }
    app.get("/me").header("authorization", &format!("bEaReR {key}")).expect(200).await;
}

#[tokio::test]
async fn a_key_that_was_put_into_the_wrong_header_is_refused_before_it_is_written_down() {
    let app = TestApp::new().await;
    let ask = app
        .request(Method::GET, "/api/external/v2/me")
        .by(&app.admin)
        .header("x-origin-app", &app.admin.key.secret);
    ask.refused(400, "BAD_REQUEST", "X-Origin-App must be your application's name, not an API key").await;
}
