//! The specification of authorization codes, row by row, with every boundary to the second.

use super::*;
use crate::id::UserId;
use crate::oauth::GrantId;
use crate::scope::ScopeSet;
use OAuthDenial::{CodeExpired, CodeOfAnother, GrantOver, ResourceUnknown, VerifierWrong};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const URI: &str = "https://app.example/back";
/// When the code was issued, when it expires, and when its grant ends.
const ISSUED: i64 = 1_000;
const EXPIRES: i64 = ISSUED + 60;
const END: i64 = 2_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn right(now: i64) -> Moment {
    Moment::fixed(at(now))
}

fn behind(passed: i64, now: i64) -> Moment {
    Moment { passed: at(passed), behind: true, ..right(now) }
}

fn code() -> StoredCode {
    StoredCode {
        redirect_uri: URI.to_owned(),
        challenge: CHALLENGE.to_owned(),
        oidc_nonce: None,
        signed_in_at: at(900),
        expires_at: at(EXPIRES),
    }
}

/// For the API alone.
fn grant() -> OAuthGrant {
    OAuthGrant {
        id: GrantId(1),
        user: UserId(1),
        client: "app".into(),
        client_name: "App".to_owned(),
        scopes: ScopeSet::reads(),
        openid: false,
        email: false,
        profile: false,
        offline: false,
        resources: Resources { api: true, mcp: false },
        account: None,
        bound: false,
        nonce: [0; 16],
        family: None,
        created_at: at(ISSUED),
        ends_at: at(END),
        last_used_at: None,
        ended: false,
    }
}

fn request() -> CodeRequest<'static> {
    CodeRequest {
        redirect_uri: Some(URI),
        verifier: VERIFIER,
        resources: None,
        refreshes: false,
        version: 7,
        lives: (86_400, 900),
    }
}

#[test]
fn a_code_is_its_clients_and_a_replay_is_one_whatever_else_is_sent() {
    for (client, redeemed, outcome) in [
        (Some("app"), false, Ok(CodeUse::First)),
        (Some("app"), true, Ok(CodeUse::Replay)),
        (Some("other"), false, Err(CodeOfAnother)),
        // Another client ends nothing.
        (Some("other"), true, Err(CodeOfAnother)),
        // Whose it is cannot be read: a client that proved itself may still end it.
        (None, true, Ok(CodeUse::Replay)),
        (None, false, Ok(CodeUse::First)),
    ] {
        assert_eq!(CodeOutline { client, redeemed }.present("app"), outcome, "{client:?} {redeemed}");
    }
}

#[test]
fn a_code_is_redeemed_within_its_minute_by_what_its_request_named() {
    let api = Some(Resources { api: true, mcp: false });
    let mcp = Some(Resources { api: false, mcp: true });
    let both = Some(Resources { api: true, mcp: true });
    let fits = request();
    for (what, request, clock, outcome) in [
        ("at once", fits, right(ISSUED), None),
        ("in the last second", fits, right(EXPIRES - 1), None),
        ("a second later", fits, right(EXPIRES), Some(CodeExpired)),
        ("a clock behind says that it expired", fits, behind(EXPIRES, EXPIRES + 99), Some(CodeExpired)),
        ("the redirect URI is not repeated", CodeRequest { redirect_uri: None, ..fits }, right(ISSUED), None),
        (
            "another redirect URI",
            CodeRequest { redirect_uri: Some("https://app.example/back/"), ..fits },
            right(ISSUED),
            Some(CodeOfAnother),
        ),
        ("no verifier", CodeRequest { verifier: "", ..fits }, right(ISSUED), Some(VerifierWrong)),
        ("the challenge", CodeRequest { verifier: CHALLENGE, ..fits }, right(ISSUED), Some(VerifierWrong)),
        ("its resource", CodeRequest { resources: api, ..fits }, right(ISSUED), None),
        ("another resource", CodeRequest { resources: mcp, ..fits }, right(ISSUED), Some(ResourceUnknown)),
        ("one besides", CodeRequest { resources: both, ..fits }, right(ISSUED), Some(ResourceUnknown)),
    ] {
        let redeemed = grant().redeem(&code(), request, clock);
        assert_eq!(redeemed.err(), outcome.map(Denial::OAuth), "{what}");
    }
}

#[test]
fn a_code_of_a_grant_that_is_over_gives_nothing() {
    let ended = OAuthGrant { ended: true, ..grant() };
    let long = StoredCode { expires_at: at(END + 9), ..code() };
    for (what, grant, code, clock, outcome) in [
        ("ended", ended, code(), right(ISSUED), Some(Denial::OAuth(GrantOver))),
        ("in its last second", grant(), long.clone(), right(END - 1), None),
        ("a second later", grant(), long.clone(), right(END), Some(Denial::OAuth(GrantOver))),
        ("a clock behind does not say it", grant(), long, behind(END - 1, END), Some(Denial::ClockBehind)),
        (
            "a clock behind redeems nothing",
            grant(),
            code(),
            behind(ISSUED, ISSUED),
            Some(Denial::ClockBehind),
        ),
    ] {
        assert_eq!(grant.redeem(&code, request(), clock).err(), outcome, "{what}");
    }
}

/// Of several mistakes the first one in this order is reported: each row mends one more.
#[test]
fn mistakes_are_found_in_one_order() {
    let grant = OAuthGrant { ended: true, ..grant() };
    let (late, in_time) = (behind(EXPIRES, EXPIRES), behind(EXPIRES - 1, EXPIRES));
    let wrong = CodeRequest {
        redirect_uri: Some("https://else.example"),
        verifier: "short",
        resources: Some(Resources { api: true, mcp: true }),
        ..request()
    };
    let uri = CodeRequest { redirect_uri: Some(URI), ..wrong };
    let verifier = CodeRequest { verifier: VERIFIER, ..uri };
    for (request, clock, ended, outcome) in [
        (wrong, late, true, Denial::OAuth(CodeExpired)),
        (wrong, in_time, true, Denial::OAuth(CodeOfAnother)),
        (uri, in_time, true, Denial::OAuth(VerifierWrong)),
        (verifier, in_time, true, Denial::OAuth(ResourceUnknown)),
        (self::request(), in_time, true, Denial::OAuth(GrantOver)),
        (self::request(), in_time, false, Denial::ClockBehind),
    ] {
        let grant = OAuthGrant { ended, ..grant.clone() };
        assert_eq!(grant.redeem(&code(), request, clock).err(), Some(outcome), "{request:?}");
    }
}

#[test]
fn only_a_client_that_receives_refresh_tokens_has_a_long_grant() {
    let family = Some(Family { number: 1, version: 7, rotated_at: at(ISSUED) });
    let long = Redemption { ends_at: at(ISSUED + 86_400), family };
    let short = Redemption { ends_at: at(ISSUED + 900), family: None };
    for (refreshes, offline, redemption) in
        [(false, false, short), (true, false, long), (false, true, long), (true, true, long)]
    {
        let grant = OAuthGrant { offline, ..grant() };
        let redeemed = grant.redeem(&code(), CodeRequest { refreshes, ..request() }, right(ISSUED));
        assert_eq!(redeemed, Ok(redemption), "{refreshes} {offline}");
    }
}

#[test]
fn a_refresh_narrows_a_grant_and_moves_its_end_within_a_year() {
    let resources = |api, mcp| Some(Resources { api, mcp });
    let all = Some(ScopeSet::all());
    let reads = Some(ScopeSet::reads());
    let none = Some(ScopeSet::default());
    for (resources, scopes, outcome) in [
        (None, None, Ok(())),
        (resources(true, false), reads, Ok(())),
        (None, none, Ok(())),
        (None, all, Err(OAuthDenial::ScopeWider)),
        (resources(true, true), None, Err(ResourceUnknown)),
        (resources(false, true), all, Err(ResourceUnknown)),
    ] {
        assert_eq!(grant().narrows_to(resources, scopes), outcome, "{resources:?} {scopes:?}");
    }
    let year = ISSUED + 365 * 86_400;
    for (now, end) in [(ISSUED, ISSUED + 900), (year - 900, year), (year - 899, year), (year - 1, year)] {
        assert_eq!(grant().end_after_refresh(900, at(now)), at(end), "at {now}");
    }
}
