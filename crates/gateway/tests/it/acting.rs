//! Service providers over HTTP: what a grant opens, and everything an attacker may try with the header.

use jialing_crypto::Suite;
use jialing_platform::merchants::providers::{self, Kind};
use reqwest::Method;
use serde_json::{Value, json};

use crate::door::{Door, Heard, Server, Street, hear, nothing_is_lost, order_ask};
use crate::market::Shop;
use crate::world::{World, on_each_backend};

const HEADER: &str = "Jialing-Sub-Merchant";

/// A provider's server.
pub async fn provider(world: &World, n: u32) -> (Shop, Server) {
    let shop = Shop::open(world, n, "BKA").await;
    providers::set_kind(&world.app, shop.id, Kind::Provider, "operator/test").await.expect("a provider");
    let server = Server::of(world, &shop, Suite::Sm2Sm3).await;
    (shop, server)
}

/// Sends a request signed over `signed`, with these values of the header.
async fn send(
    door: &Door,
    server: &Server,
    (method, signed): (Method, &str),
    target: &str,
    headers: &[&str],
    body: Option<&Value>,
) -> Heard {
    let bytes = body.map(|body| serde_json::to_vec(body).expect("JSON")).unwrap_or_default();
    let signature = server.sign(signed, target, &bytes);
    let request = door.request(method, target).header("Authorization", signature.to_header());
    let request =
        request.header("Content-Type", "application/json").header("Idempotency-Key", "k-1").body(bytes);
    hear(headers.iter().fold(request, |request, value| request.header(HEADER, *value))).await
}

/// The same, as a provider should.
pub async fn act(
    door: &Door,
    server: &Server,
    sub: &str,
    method: Method,
    target: &str,
    body: Option<&Value>,
) -> Heard {
    let signed = format!("{method} {sub}");
    let heard = send(door, server, (method, &signed), target, &[sub], body).await;
    door.check_signed(&heard);
    heard
}

#[test]
fn a_provider_acts_within_its_grant_and_sees_nobody_else() {
    on_each_backend(async |world: &mut World| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let (acting, server) = provider(world, 3).await;
        let stranger = Shop::open(world, 4, "BKB").await;
        let strangers = stranger.order(world, "theirs", 900).await;
        let (sub, owner) = (street.shop.id.to_string(), &street.shop.owner);
        let create = async |number: &str| {
            act(&door, &server, &sub, Method::POST, "/v1/merchant/orders", Some(&order_ask(number, 500)))
                .await
        };
        create("p-1").await.names("forbidden", HEADER);
        let grants = format!("/v1/wallet/merchants/{sub}/providers");
        let grant = format!("{grants}/{}", acting.id);
        let scopes = json!({ "scopes": ["orders:write", "orders:read", "statements:write"] });
        door.person(&acting.owner, Method::PUT, &grant, Some(&scopes)).await.is("not_found");
        door.person(owner, Method::PUT, &grant, Some(&json!({ "scopes": ["everything"] })))
            .await
            .is("invalid_request");
        let granted = door.person(owner, Method::PUT, &grant, Some(&scopes)).await;
        assert_eq!(granted.text("state"), "ACTIVE", "{}", granted.body);
        let listed = door.person(owner, Method::GET, &grants, None).await;
        assert_eq!(listed.body, json!([granted.body]));

        let made = create("p-1").await;
        assert_eq!((made.status, made.text("merchant_id")), (201, sub.clone()), "{}", made.body);
        assert_eq!(made.text("provider_id"), acting.id.to_string());
        assert_eq!(create("p-1").await.status, 200);
        let order = format!("/v1/merchant/orders/{}", made.text("id"));
        assert_eq!(act(&door, &server, &sub, Method::GET, &order, None).await.body, made.body);
        let own = door.merchant(&street.server, Method::GET, &order, None).await;
        assert_eq!(own.body, made.body, "the merchant sees it as its own");
        door.merchant(&server, Method::GET, &order, None).await.is("not_found");
        let mine = door.merchant(&server, Method::GET, "/v1/merchant/sub-merchants", None).await;
        assert_eq!(mine.body["items"], json!([granted.body]));
        // What the grant does not say, and what no grant can say.
        let refused = act(&door, &server, &sub, Method::GET, "/v1/merchant/refunds", None).await;
        assert_eq!(refused.is("forbidden").body["scope"], "refunds:read");
        for target in ["/v1/merchant/sub-merchants", "/v1/merchant/reconciliation-source"] {
            act(&door, &server, &sub, Method::GET, target, None).await.names("forbidden", HEADER);
        }
        let echo = json!({ "message": "x" });
        act(&door, &server, &sub, Method::POST, "/v1/merchant/security/echo", Some(&echo))
            .await
            .is("forbidden");
        // Somebody else's order by its id, acting for the merchant and for its owner.
        let theirs = format!("/v1/merchant/orders/{}", strangers.id);
        act(&door, &server, &sub, Method::GET, &theirs, None).await.is("not_found");
        let other = stranger.id.to_string();
        let closed = act(&door, &server, &other, Method::GET, &theirs, None).await;
        let nobody = act(&door, &server, "mch_00000000000000000000000010", Method::GET, &theirs, None).await;
        closed.is("forbidden");
        assert_eq!(
            closed.body["detail"],
            nobody.is("forbidden").body["detail"],
            "nobody learns who there is"
        );
        // A merchant that is no provider gets nowhere with the header.
        let (plain, signed) = (&street.server, format!("GET {other}"));
        send(&door, plain, (Method::GET, &signed), &theirs, &[&other], None).await.is("forbidden");
        // Idempotency keys of the provider and of the merchant's own server do not meet.
        let ask = json!({ "format": "csv", "from": "2020-01-01T00:00:00Z", "to": "2029-12-31T00:00:00Z" });
        let by_provider = act(&door, &server, &sub, Method::POST, "/v1/merchant/exports", Some(&ask)).await;
        let bytes = serde_json::to_vec(&ask).expect("JSON");
        let signature = street.server.sign("POST", "/v1/merchant/exports", &bytes);
        let request = door.request(Method::POST, "/v1/merchant/exports").body(bytes);
        let request = request.header("Authorization", signature.to_header()).header("Idempotency-Key", "k-1");
        let by_merchant = hear(request.header("Content-Type", "application/json")).await;
        assert_ne!(by_provider.went_well().text("id"), by_merchant.went_well().text("id"));
        let gone = door.person(owner, Method::DELETE, &grant, None).await;
        assert_eq!(gone.text("state"), "REVOKED");
        create("p-2").await.names("forbidden", HEADER);
        nothing_is_lost(world).await;
    });
}

#[test]
fn the_header_is_signed_so_it_is_neither_added_changed_nor_taken_away() {
    on_each_backend(async |world: &mut World| {
        let (street, door) = (Street::build(world).await, Door::open(world).await);
        let (acting, server) = provider(world, 3).await;
        let sub = street.shop.id.to_string();
        let other = Shop::open(world, 4, "BKB").await;
        for shop in [&street.shop, &other] {
            let ask = serde_json::from_value(json!({ "scopes": ["orders:write", "orders:read"] }));
            providers::grant(&world.app, &shop.owner.actor, shop.id, acting.id, ask.expect("an ask"))
                .await
                .expect("granted");
        }
        let (target, ask) = ("/v1/merchant/orders", order_ask("a-1", 100));
        let (for_sub, for_other) = (format!("POST {sub}"), other.id.to_string());
        let try_it = async |signed: &str, headers: &[&str]| {
            send(&door, &server, (Method::POST, signed), target, headers, Some(&ask)).await
        };
        try_it("POST", &[&sub]).await.is("signature_invalid");
        try_it(&for_sub, &[]).await.is("signature_invalid");
        try_it(&for_sub, &[&for_other]).await.is("signature_invalid");
        try_it(&for_sub, &[&sub, &for_other]).await.names("invalid_request", HEADER);
        try_it(&for_sub, &["everybody"]).await.names("invalid_request", HEADER);
        try_it(&for_sub, &[""]).await.names("invalid_request", HEADER);
        let padded = format!("POST {sub} ");
        try_it(&padded, &[&sub]).await.is("signature_invalid");
        // The signed text of a request with the header is that of no request without it.
        let bytes = serde_json::to_vec(&ask).expect("JSON");
        let signature = server.sign(&for_sub, target, &bytes);
        let moved = [sub.as_bytes(), b"\n", &bytes].concat();
        door.with_signature(&signature, Method::POST, target, moved).await.is("signature_invalid");
        let made = try_it(&for_sub, &[&sub]).await;
        assert_eq!((made.status, made.text("merchant_id")), (201, sub.clone()), "{}", made.body);
        let listed = door.merchant(&server, Method::GET, target, None).await;
        assert_eq!(listed.body["items"], json!([]), "nothing was made for the provider itself");
    });
}
