//! Every documented route with absurd input: missing, of the wrong type, huge, full of control
//! characters, and with other people's ids. Whatever comes, the answer is one that the description
//! documents, and a refusal is a problem.
//!
//! The input is made from the description's own schemas with a fixed seed: a route that is added is
//! walked without being named here, and a failure is the same on every run.

use std::collections::BTreeMap;

use jialing_crypto::http_signature::RequestSignature;
use jialing_crypto::{SigningKey, Suite};
use jialing_platform::db::Backend;
use jialing_platform::institutions::{self, NewKey};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::citizen::Citizen;
use crate::city::bank;
use crate::door::{Door, Heard, Street, hear, nothing_is_lost};
use crate::world::World;

/// What the input grows from.
const SEED: u64 = 0x6a69_616c_696e_6731;
/// Requests to each route.
const TIMES: usize = 10;
/// How deep a made body goes.
const DEPTH: usize = 6;

/// Numbers that are always the same (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).expect("31 bits") % sides
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

/// The description, with references followed.
struct Description(Value);

impl Description {
    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str().and_then(|name| name.strip_prefix('#')) {
            Some(pointer) => self.0.pointer(pointer).expect("a reference of the description leads somewhere"),
            None => schema,
        }
    }

    /// A value that the schema allows, more or less.
    fn value(&self, schema: &Value, dice: &mut Dice, ids: &[String], depth: usize) -> Value {
        let schema = self.resolve(schema);
        for several in ["oneOf", "anyOf", "allOf"] {
            if let Some(of) = schema[several].as_array().filter(|of| !of.is_empty()) {
                return self.value(&of[dice.roll(of.len())].clone(), dice, ids, depth);
            }
        }
        if let Some(words) = schema["enum"].as_array() {
            return dice.pick(words).clone();
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.first().cloned().unwrap_or(Value::Null),
            kind => kind.clone(),
        };
        match kind.as_str() {
            Some("object") if depth > 0 => {
                let properties = schema["properties"].as_object().cloned().unwrap_or_default();
                let made = properties
                    .iter()
                    .map(|(name, inner)| (name.clone(), self.value(inner, dice, ids, depth - 1)));
                Value::Object(made.collect())
            }
            Some("array") if depth > 0 => json!([self.value(&schema["items"], dice, ids, depth - 1)]),
            Some("integer" | "number") => json!(dice.roll(1_000)),
            Some("boolean") => json!(dice.roll(2) == 0),
            Some("string") if schema["example"].is_string() && dice.roll(2) == 0 => schema["example"].clone(),
            Some("string") => json!(dice.pick(ids)),
            _ => Value::Null,
        }
    }
}

/// Something no field takes.
fn absurd(dice: &mut Dice) -> Value {
    let all = [
        Value::Null,
        json!(-1),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e308),
        json!(0.5),
        json!(true),
        json!([]),
        json!({}),
        json!([[[[[[[[]]]]]]]]),
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("a\r\nb: c\u{7}\u{1b}[31m"),
        json!("\u{202e}\u{feff}\u{fffd}"),
        json!("'; DROP TABLE people; --"),
        json!("<script>alert(1)</script>"),
        json!("../../etc/passwd"),
        json!("%00%n${jndi:x}{{7*7}}"),
        json!("重".repeat(300)),
        json!("x".repeat(5_000)),
        json!("9999-99-99T99:99:99Z"),
        json!("0000-01-01T00:00:00Z"),
    ];
    dice.pick(&all).clone()
}

/// Spoils one thing in a body, somewhere.
fn spoil(body: Value, dice: &mut Dice) -> Value {
    let Value::Object(mut members) = body else { return absurd(dice) };
    let names: Vec<String> = members.keys().cloned().collect();
    if names.is_empty() {
        return json!({ "unknown": absurd(dice) });
    }
    let name = dice.pick(&names).clone();
    match dice.roll(5) {
        0 => drop(members.remove(&name)),
        1 => drop(members.insert("unknown".into(), absurd(dice))),
        2 | 3 => drop(members.insert(name, absurd(dice))),
        _ => {
            let inner = members.remove(&name).unwrap_or_default();
            members.insert(name, spoil(inner, dice));
        }
    }
    Value::Object(members)
}

/// A body, right, spoilt, or none at all.
fn body(api: &Description, operation: &Value, dice: &mut Dice, ids: &[String]) -> Vec<u8> {
    let content = operation["requestBody"]["content"].as_object().cloned().unwrap_or_default();
    let made = match content.get("application/json") {
        Some(json) => api.value(&json["schema"], dice, ids, DEPTH),
        None => json!({ "any": absurd(dice) }),
    };
    match dice.roll(12) {
        0 => Vec::new(),
        1 => b"\xff\xfe{}".to_vec(),
        2 => b"{\"a\":".repeat(2_000),
        3 => format!("{made}{made}").into_bytes(),
        4 => vec![b' '; 70_000],
        5 => absurd(dice).to_string().into_bytes(),
        6 => made.to_string().into_bytes(),
        _ => spoil(made, dice).to_string().into_bytes(),
    }
}

/// A part of an address line, of what may be in one at all.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The path and query, with something in place of each parameter.
fn target(path: &str, operation: &Value, dice: &mut Dice, ids: &[String]) -> String {
    let word = |dice: &mut Dice| match dice.roll(3) {
        0 => dice.pick(ids).clone(),
        1 => format!("{}_{}", dice.pick(&["ord", "wal", "mch", "top", "x"]), "0".repeat(dice.roll(40))),
        _ => match absurd(dice) {
            Value::String(text) => text.chars().take(200).collect(),
            other => other.to_string(),
        },
    };
    let parts = path.split('/').map(|part| match part.starts_with('{') {
        // An empty part would be another route.
        true => Some(escaped(&word(dice))).filter(|part| !part.is_empty() && part != "." && part != ".."),
        false => Some(part.to_owned()),
    });
    let parts: Vec<String> = parts.map(|part| part.unwrap_or_else(|| "x".into())).collect();
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let mut query: Vec<String> = Vec::new();
    for parameter in parameters.iter().filter(|parameter| parameter["in"] == "query") {
        if dice.roll(2) == 0 {
            let name = parameter["name"].as_str().expect("a parameter has a name");
            query.push(format!("{name}={}", escaped(&word(dice))));
        }
    }
    if dice.roll(10) == 0 {
        query.push(format!("unknown={}", escaped(&word(dice))));
    }
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}{mark}{}", parts.join("/"), query.join("&"))
}

/// Who asks: people, a shop's server and a bank's server, each of whom sees the others' ids.
struct Callers {
    street: Street,
    stranger: Citizen,
    /// Whose sessions and devices are at stake.
    leaving: Citizen,
    bank: SigningKey,
    ids: Vec<String>,
}

impl Callers {
    async fn gather(world: &World) -> Self {
        let street = Street::build(world).await;
        let order = street.shop.order(world, "theirs", 1_000).await;
        let bank_key = SigningKey::generate(Suite::Ed25519);
        let new = NewKey { public_key: bank_key.public().to_pem(), expires_at: None };
        institutions::add_key(&world.app, bank(&world.app, "BKA").await, new).await.expect("added");
        let ids = vec![
            street.wallet.to_string(),
            street.shop.id.to_string(),
            order.id.to_string(),
            street.payer.device.to_string(),
            street.payer.person.to_string(),
            "BKA".to_owned(),
            "1".to_owned(),
            "2026-11-22".to_owned(),
        ];
        Self {
            stranger: Citizen::identified(world, 3, "韩梅梅").await,
            leaving: Citizen::identified(world, 5, "要走的").await,
            street,
            bank: bank_key,
            ids,
        }
    }

    async fn ask(
        &self,
        world: &World,
        door: &Door,
        (method, path, security): (Method, &str, Option<&str>),
        target: &str,
        body: Vec<u8>,
        dice: &mut Dice,
    ) -> Heard {
        let mut request = door.request(method.clone(), target).timeout(std::time::Duration::from_secs(20));
        if dice.roll(2) == 0 {
            request = request.header("Idempotency-Key", format!("k-{}", dice.roll(5)));
        }
        request = match security {
            Some("session") => {
                let at_stake =
                    path.contains("/sessions") || path.contains("/devices") || path.contains("/pins");
                let who = match dice.roll(2) {
                    _ if at_stake => &self.leaving,
                    0 => &self.street.payer,
                    _ => &self.stranger,
                };
                request.bearer_auth(&who.token)
            }
            Some("signature") if path.starts_with("/v1/bank/") => {
                let now = world.clock.millis() / 1000;
                let signed = RequestSignature::sign(&self.bank, "BKA", method.as_str(), target, &body, now);
                request.header("Authorization", signed.to_header())
            }
            Some("signature") => {
                let signed = self.street.server.sign(method.as_str(), target, &body);
                request.header("Authorization", signed.to_header())
            }
            _ => request,
        };
        if method != Method::GET {
            let kind = dice.pick(&["application/json", "application/json", "application/json", "text/plain"]);
            request = request.header("Content-Type", *kind).body(body);
        }
        hear(request).await
    }
}

fn operations(api: &Value) -> Vec<(String, Method, Value)> {
    let paths: BTreeMap<String, BTreeMap<String, Value>> =
        serde_json::from_value(api["paths"].clone()).expect("paths");
    let each = |(path, operations): (String, BTreeMap<String, Value>)| {
        let each = operations.into_iter().map(move |(method, operation)| {
            (path.clone(), method.to_uppercase().parse().expect("a method"), operation)
        });
        each.collect::<Vec<_>>()
    };
    paths.into_iter().flat_map(each).collect()
}

fn documented(operation: &Value) -> &Map<String, Value> {
    operation["responses"].as_object().expect("responses")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_absurd_input_is_answered_with_a_fault_or_with_what_is_not_documented() {
    let world = World::start(Backend::Sqlite).await;
    let callers = Callers::gather(&world).await;
    let door = Door::with(&world, |config| {
        config.city = true;
        let plenty = jialing_gateway::Rate { burst: 1_000_000, per_minute: 1_000_000 };
        (config.limits.doors, config.limits.public) = (plenty, plenty);
        (config.limits.session, config.limits.key) = (plenty, plenty);
    })
    .await;
    let api = Description(serde_json::from_str(&jialing_gateway::openapi()).expect("JSON"));
    let (mut dice, mut findings, mut seen) = (Dice(SEED), Vec::new(), BTreeMap::<u16, usize>::new());
    for (path, method, operation) in operations(&api.0) {
        // A stream that goes on cannot be heard to its end.
        if documented(&operation).values().any(|one| !one["content"]["text/event-stream"].is_null()) {
            continue;
        }
        let security = operation["security"][0].as_object().and_then(|all| all.keys().next().cloned());
        for _ in 0..TIMES {
            let target = target(&path, &operation, &mut dice, &callers.ids);
            let body = body(&api, &operation, &mut dice, &callers.ids);
            let shown = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
            let route = (method.clone(), path.as_str(), security.as_deref());
            let heard = callers.ask(&world, &door, route, &target, body, &mut dice).await;
            *seen.entry(heard.status).or_default() += 1;
            let known = documented(&operation).get(&heard.status.to_string());
            let code = heard.body["code"].as_str().unwrap_or_default();
            let said = known.and_then(|known| known["description"].as_str()).unwrap_or_default();
            let names_it = heard.status < 400 || said.contains(&format!("`{code}`"));
            if heard.status >= 500 || known.is_none() || !names_it {
                findings.push(format!("{method} {target}\n  {shown}\n  {} {}", heard.status, heard.body));
            }
        }
    }
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
    assert!(seen.keys().any(|status| *status < 300), "nothing absurd is ever right: {seen:?}");
    assert!([400, 404, 413, 415].iter().all(|status| seen.contains_key(status)), "{seen:?}");
    nothing_is_lost(&world).await;
}
