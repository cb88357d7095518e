//! The one envelope of every answer. `commit` calls it for recorded writes, the program for all else.

use crate::clock::Timestamp;
use crate::denial::Code;
use serde::Serialize;
use serde_json::Value;
use std::io::Write;
use uuid::Uuid;

/// `{"request_id":…,"timestamp":…,"data":…}`, and `pagination` for lists. `data` and `pagination` are JSON already.
#[must_use]
pub fn success(request_id: Uuid, at: Timestamp, data: &[u8], pagination: Option<&[u8]>) -> Vec<u8> {
    // Absent: one object, which has no pages.
    let mut body = Vec::with_capacity(data.len() + pagination.map_or(0, <[u8]>::len) + 128);
    // Writing to a Vec cannot fail.
    let _ = write!(body, r#"{{"request_id":"{request_id}","timestamp":"{at}","data":"#);
    body.extend_from_slice(data);
    if let Some(pagination) = pagination {
        body.extend_from_slice(br#","pagination":"#);
        body.extend_from_slice(pagination);
    }
    body.push(b'}');
    body
}

/// `{"request_id":…,"error":{"code":…,"message":…}}`, and `details` only where there is something to say.
#[must_use]
pub fn error(request_id: Uuid, code: Code, message: &str, details: Option<&Value>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Envelope<'a> {
        request_id: Uuid,
        error: Body<'a>,
    }
    #[derive(Serialize)]
    struct Body<'a> {
        code: &'static str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        details: Option<&'a Value>,
    }
    let envelope = Envelope { request_id, error: Body { code: code.name(), message, details } };
    // Absent: never, plain structs with text keys always serialise.
    serde_json::to_vec(&envelope).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_written_letter_for_letter() {
        let id = Uuid::from_u128(0xa1b2_c3d4_e5f6_4890_abcd_ef12_3456_7890);
        let at = Timestamp::from_unix(1_774_020_645);
        assert_eq!(
            String::from_utf8(success(id, at, b"[1]", Some(b"{}"))).unwrap(),
            r#"{"request_id":"a1b2c3d4-e5f6-4890-abcd-ef1234567890","timestamp":"2026-03-20T15:30:45Z","data":[1],"pagination":{}}"#
        );
        assert_eq!(
            String::from_utf8(error(id, Code::Unauthorized, "Invalid or expired authentication token", None))
                .unwrap(),
            r#"{"request_id":"a1b2c3d4-e5f6-4890-abcd-ef1234567890","error":{"code":"UNAUTHORIZED","message":"Invalid or expired authentication token"}}"#
        );
    }
}
