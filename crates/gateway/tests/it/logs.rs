//! What is written to the log holds no secret and no personal data, over a whole story.

use std::io::Write;
use std::sync::{Arc, Mutex};

use jialing_platform::db::Backend;
use reqwest::Method;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::citizen::{Citizen, PASSWORD, PIN, identity_number};
use crate::city;
use crate::door::{Door, Street, hear};
use crate::world::World;

/// Keeps everything that is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_whole_story_names_nobody_and_holds_no_secret() {
    let lines = Lines::default();
    // Everything that anybody says, the libraries' chatter too, but for what would drown it.
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(lines.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("the only one in this process");

    let world = World::start(Backend::Sqlite).await;
    let street = Street::build(&world).await;
    let door = Door::open(&world).await;
    let friend = Citizen::identified(&world, 3, "韩梅梅").await;
    city::wallet(&world, &friend, "BKA", 0).await;
    let order = street.shop.order(&world, "story-number-77", 1_234).await;
    door.pay(&world, &street.payer, street.wallet, &order).await.went_well();
    door.person(&street.payer, Method::GET, "/v1/wallet/sessions?limit=7&after=personal-cursor", None).await;
    door.person(
        &street.payer,
        Method::POST,
        "/v1/wallet/payees/lookup",
        Some(&json!({ "phone": friend.phone })),
    )
    .await;
    let sign_in = json!({ "phone": street.payer.phone, "password": "a-wrong-password-9", "code": "135790" });
    hear(door.request(Method::POST, "/v1/wallet/sessions").json(&sign_in)).await.is("sign_in_failed");
    let bad = json!({ "phone": { "oops": "13912345678" } });
    hear(door.request(Method::POST, "/v1/wallet/sessions").json(&bad)).await.is("invalid_request");
    let mut forged = street.server.sign("POST", "/v1/merchant/security/echo", b"secret-body-text");
    forged.signature[0] ^= 1;
    door.with_signature(&forged, Method::POST, "/v1/merchant/security/echo", b"secret-body-text".to_vec())
        .await
        .is("signature_invalid");
    hear(door.request(Method::GET, "/v1/nothing/13800000002?phone=13800000002")).await.is("not_found");

    let log = String::from_utf8_lossy(&lines.0.lock().expect("not poisoned")).into_owned();
    let ours: String = log.lines().filter(|line| is_ours(line)).collect::<Vec<_>>().join("\n");
    assert!(
        ours.contains("jialing::access") && ours.contains("/v1/wallet/orders/{order_id}/payments"),
        "the story was logged"
    );
    let device_pem = street.payer.key.to_pem().to_string();
    let secrets = [
        street.payer.token.as_str(),
        &street.payer.phone,
        &street.shop.owner.phone,
        &friend.phone,
        "韩梅梅",
        "李雷",
        "王掌柜",
        &identity_number(2),
        PASSWORD,
        PIN,
        "a-wrong-password-9",
        "135790",
        "13912345678",
        "13800000002",
        "secret-body-text",
        "personal-cursor",
        "story-number-77",
        "JIALING1-",
        "Bearer ",
        device_pem.lines().nth(1).expect("base64"),
    ];
    for secret in secrets {
        assert!(
            !ours.contains(secret),
            "{secret} is in the log: {}",
            ours.lines().find(|line| line.contains(secret)).unwrap_or_default()
        );
    }
}

/// Said by this house at a level that operators keep: libraries that trace every byte are for
/// developers' machines.
fn is_ours(line: &str) -> bool {
    let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    let target = line["target"].as_str().unwrap_or_default();
    target.starts_with("jialing") || matches!(line["level"].as_str(), Some("ERROR" | "WARN" | "INFO"))
}
