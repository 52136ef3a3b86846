//! Values that a caller sealed: opened behind the signature, before anybody else sees the request.
//!
//! A request with the header `Jialing-Sealed-With`, the serial number of one of our encryption keys, may
//! hold `{"jwe": "…"}` in the place of any text of its JSON: it is opened and stands there as text. A body
//! that is one such object as a whole is opened to the JSON that it holds. The signature covers what
//! travels; what the request does, and the print that its idempotency key is bound to, is what was inside,
//! so a repetition may be sealed anew.

use axum::body::Bytes;
use axum::http::request::Parts;
use jialing_crypto::jwe::DecryptionKey;
use jialing_platform::{Code, Problem, Result};
use serde_json::{Map, Value};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, schema::Type};

use crate::edge::Edge;
use crate::openapi::Described;

const HEADER: &str = "jialing-sealed-with";
/// Sealed values in a request at most: each costs a private key's operation. Larger requests are sealed
/// as a whole.
pub(crate) const MAX_SEALED: usize = 100;
const MEMBER: &str = "jwe";

/// The body with everything open. Without the header it is left as it is.
///
/// # Errors
/// `sealed_value_invalid`, naming the field; `invalid_request` for a header that is no serial number, a
/// body that is no JSON, and too many values.
pub(super) async fn opened(edge: &Edge, parts: &Parts, body: Bytes) -> Result<Bytes> {
    let mut values = parts.headers.get_all(HEADER).iter();
    let Some(serial) = values.next() else { return Ok(body) };
    let known = |key: &&DecryptionKey| serial.as_bytes() == key.public().key().id().as_bytes();
    let key = edge.config.decryption_keys.iter().find(known).filter(|_| values.next().is_none());
    let key = key.cloned().ok_or_else(|| {
        Problem::new(Code::SealedValueInvalid)
            .field("Jialing-Sealed-With")
            .detail("None of our encryption keys has this serial number; /v1/public/keys lists them.")
    })?;
    // A private key's operation takes about a millisecond, and nobody else should wait for it.
    tokio::task::spawn_blocking(move || open_all(&key, &body)).await.map_err(Problem::internal)?
}

fn open_all(key: &DecryptionKey, body: &[u8]) -> Result<Bytes> {
    let mut document: Value = serde_json::from_slice(body).map_err(|_| {
        Problem::new(Code::InvalidRequest)
            .field("Jialing-Sealed-With")
            .detail("Only JSON holds sealed values; leave the header out.")
    })?;
    if let Some(value) = sealed(&document) {
        let plain = open(key, value, "")?;
        return match serde_json::from_slice::<Value>(&plain) {
            Ok(_) => Ok(Bytes::copy_from_slice(&plain)),
            Err(_) => Err(Problem::new(Code::SealedValueInvalid).detail("What was sealed is no JSON.")),
        };
    }
    let mut count = 0;
    open_in(key, &mut document, &mut String::new(), &mut count)?;
    serde_json::to_vec(&document).map(Bytes::from).map_err(Problem::internal)
}

/// Opens what is sealed in `value`, which stands at `path`.
fn open_in(key: &DecryptionKey, value: &mut Value, path: &mut String, count: &mut usize) -> Result<()> {
    if let Some(text) = sealed(value) {
        *count += 1;
        if *count > MAX_SEALED {
            return Err(Problem::new(Code::InvalidRequest)
                .field(path.as_str())
                .detail(format!("A request holds at most {MAX_SEALED} sealed values: seal it as a whole.")));
        }
        let plain = open(key, text, path)?;
        let text = std::str::from_utf8(&plain).map_err(|_| {
            Problem::new(Code::SealedValueInvalid)
                .field(path.as_str())
                .detail("What was sealed is no text in UTF-8.")
        })?;
        *value = Value::String(text.to_owned());
        return Ok(());
    }
    let length = path.len();
    let mut step = |name: &str, value: &mut Value| {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
        let opened = open_in(key, value, path, count);
        path.truncate(length);
        opened
    };
    match value {
        Value::Object(members) => members.iter_mut().try_for_each(|(name, value)| step(name, value)),
        Value::Array(items) => {
            items.iter_mut().enumerate().try_for_each(|(at, value)| step(&at.to_string(), value))
        }
        _ => Ok(()),
    }
}

/// The sealed text, if `value` is a place where one stands.
fn sealed(value: &Value) -> Option<&str> {
    let only = |members: &Map<String, Value>| members.len() == 1;
    value.as_object().filter(|members| only(members))?.get(MEMBER)?.as_str()
}

fn open(
    key: &DecryptionKey,
    value: &str,
    path: &str,
) -> Result<impl std::ops::Deref<Target = Vec<u8>> + use<>> {
    key.decrypt(value).map_err(|error| {
        let problem = Problem::new(Code::SealedValueInvalid).detail(format!("It does not open: {error}."));
        if path.is_empty() { problem } else { problem.field(path) }
    })
}

/// Documents the header on an operation that takes a body.
pub(super) fn describe(operation: &mut Operation) {
    if operation.request_body.is_some() {
        operation.parameters.get_or_insert_default().push(parameter().into());
        operation.may_answer(&[Code::SealedValueInvalid]);
    }
}

fn parameter() -> Parameter {
    ParameterBuilder::new()
        .name("Jialing-Sealed-With")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The serial number of our encryption key, where texts of the body are sealed as `{\"jwe\": \"…\"}`."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
        .build()
}

#[cfg(test)]
mod tests {
    use jialing_crypto::Suite;
    use serde_json::json;

    use super::*;

    fn key() -> DecryptionKey {
        DecryptionKey::generate(Suite::Sm2Sm3).expect("it encrypts")
    }

    fn seal(key: &DecryptionKey, text: &str) -> Value {
        json!({ "jwe": key.public().encrypt(text.as_bytes()) })
    }

    fn opens(key: &DecryptionKey, body: &Value) -> Result<Value> {
        let opened = open_all(key, body.to_string().as_bytes())?;
        Ok(serde_json::from_slice(&opened).expect("JSON"))
    }

    #[test]
    fn each_sealed_value_stands_open_in_its_place() {
        let key = key();
        let body = json!({
            "name": seal(&key, "李明"),
            "lines": [{ "phone": seal(&key, "13800000000"), "amount": { "amount": 1 } }, null],
            "not_sealed": { "jwe": 1 },
            "nor_this": { "jwe": "x", "other": 1 },
        });
        let expect = json!({
            "name": "李明",
            "lines": [{ "phone": "13800000000", "amount": { "amount": 1 } }, null],
            "not_sealed": { "jwe": 1 },
            "nor_this": { "jwe": "x", "other": 1 },
        });
        assert_eq!(opens(&key, &body).expect("it opens"), expect);
    }

    #[test]
    fn a_whole_body_is_opened_to_the_json_in_it() {
        let key = key();
        assert_eq!(opens(&key, &seal(&key, r#"{"a":1}"#)).expect("it opens"), json!({ "a": 1 }));
        let refused = opens(&key, &seal(&key, "no json")).expect_err("no JSON");
        assert_eq!((refused.code, refused.field), (Code::SealedValueInvalid, None));
    }

    #[test]
    fn what_does_not_open_is_named() {
        let (key, other) = (key(), key());
        let refused =
            opens(&key, &json!({ "lines": [1, { "name": seal(&other, "x") }] })).expect_err("foreign");
        assert_eq!(
            (refused.code, refused.field.as_deref()),
            (Code::SealedValueInvalid, Some("lines.1.name"))
        );
        let many = vec![seal(&key, "x"); MAX_SEALED + 1];
        let refused = opens(&key, &json!({ "lines": many })).expect_err("too many");
        assert_eq!((refused.code, refused.field.as_deref()), (Code::InvalidRequest, Some("lines.100")));
        let refused = open_all(&key, b"a,b\n1,2\n").expect_err("no JSON");
        assert_eq!(refused.code, Code::InvalidRequest);
    }
}
