//! Every documented route, by its description: who may pass, which methods it takes, what it answers.

use std::collections::BTreeMap;

use jialing_platform::Code;
use jialing_platform::db::Backend;
use reqwest::Method;
use serde_json::Value;

use crate::door::{Door, hear};
use crate::world::World;

fn description() -> Value {
    serde_json::from_str(&jialing_gateway::openapi()).expect("JSON")
}

/// Each path with its operations by method.
fn paths(api: &Value) -> BTreeMap<String, BTreeMap<String, Value>> {
    serde_json::from_value(api["paths"].clone()).expect("paths")
}

/// A path with something in place of each parameter.
fn filled(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_lets_a_stranger_in_or_takes_another_method() {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::with(&world, |config| {
        config.city = true;
        let plenty = jialing_gateway::Rate { burst: 100_000, per_minute: 100_000 };
        (config.limits.doors, config.limits.public) = (plenty, plenty);
    })
    .await;
    let api = description();
    let mut secured = 0;
    for (path, operations) in paths(&api) {
        let target = filled(&path);
        for (method, operation) in &operations {
            let requirement =
                operation["security"][0].as_object().and_then(|schemes| schemes.keys().next().cloned());
            let method: Method = method.to_uppercase().parse().expect("a method");
            let bare = || door.request(method.clone(), &target);
            match requirement.as_deref() {
                Some("session") => {
                    hear(bare()).await.is("unauthenticated");
                    hear(bare().bearer_auth("not-a-token")).await.is("unauthenticated");
                    secured += 1;
                }
                Some("signature") => {
                    hear(bare()).await.is("signature_missing");
                    hear(bare().bearer_auth("not-a-signature")).await.is("signature_missing");
                    secured += 1;
                }
                other => assert!(other.is_none(), "{method} {path}: {other:?}"),
            }
        }
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH"] {
            if !operations.contains_key(&method.to_lowercase()) {
                hear(door.request(method.parse().expect("a method"), &target)).await.is("method_not_allowed");
            }
        }
    }
    assert!(secured > 20, "only {secured} routes ask who calls");
}

#[test]
fn every_route_says_what_it_takes_and_which_problems_it_may_answer() {
    let api = description();
    let known: Vec<&str> = Code::ALL.iter().map(|code| code.text()).collect();
    let mut operation_ids = BTreeMap::new();
    let open = [
        "/v1/public/",
        "/v1/wallet/codes",
        "/v1/wallet/devices/challenges",
        "/v1/wallet/people",
        "/v1/wallet/recoveries",
        "/v1/wallet/sessions",
        // Signed like callbacks, which its own handler checks.
        "/v1/bank/notices",
    ];
    for (path, operations) in paths(&api) {
        for (method, operation) in operations {
            let here = format!("{method} {path}");
            assert!(
                operation["summary"].as_str().is_some_and(|text| text.ends_with('.')),
                "{here} has no summary"
            );
            assert!(operation["tags"][0].is_string(), "{here} has no tag");
            let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
            assert!(
                operation_ids.insert(id.clone(), here.clone()).is_none(),
                "{here}: the operation id {id} is taken"
            );
            let responses = operation["responses"].as_object().expect("responses");
            assert!(responses.keys().any(|status| status.starts_with('2')), "{here} answers nothing");
            assert!(
                responses.contains_key("500") && responses.contains_key("503"),
                "{here} documents no problems"
            );
            for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                assert!(
                    response["content"]["application/problem+json"].is_object(),
                    "{here} {status} is no problem"
                );
                let text = response["description"].as_str().expect("a description");
                let codes: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
                assert!(!codes.is_empty(), "{here} {status} names no code");
                for code in codes {
                    assert!(known.contains(&code), "{here} {status}: {code} is not in the registry");
                }
            }
            let secured = !operation["security"].is_null();
            let may_be_open = open.iter().any(|start| path.starts_with(start));
            assert!(secured || may_be_open, "{here} is open to anyone");
        }
    }
}

/// Every list of words in the description, wherever it stands.
fn enumerations<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("enum").filter(|words| words.is_array()));
            members.values().for_each(|member| enumerations(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| enumerations(item, found)),
        _ => {}
    }
}

#[test]
fn words_are_described_as_they_travel() {
    let api = description();
    let mut found = Vec::new();
    enumerations(&api, &mut found);
    assert!(found.len() > 30, "only {} lists of words", found.len());
    for words in found {
        for word in words.as_array().into_iter().flatten().filter_map(Value::as_str) {
            let mixed =
                word.bytes().any(|b| b.is_ascii_uppercase()) && word.bytes().any(|b| b.is_ascii_lowercase());
            // Names of languages are written so: zh-CN.
            assert!(
                !mixed || word.contains('-'),
                "{word} is the name of a variant, not what is sent: {words}"
            );
        }
    }
}
