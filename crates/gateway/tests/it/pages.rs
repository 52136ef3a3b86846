//! Files beside the API: compressed where a browser takes that, and loaded by other sites only where they may be.

use std::borrow::Cow;

use jialing_gateway::Asset;
use jialing_platform::db::Backend;
use reqwest::Method;
use reqwest::header::HeaderMap;

use crate::door::{Door, Heard, hear};
use crate::world::World;

const PLAIN: &[u8] = b"plain";
const GZIPPED: &[u8] = b"compressed";

fn asset(path: &'static str, gzipped: bool, for_all: bool) -> Asset {
    Asset {
        path: path.into(),
        media_type: "text/javascript; charset=utf-8".into(),
        content: Cow::Borrowed(PLAIN),
        policy: "default-src 'none'; frame-ancestors 'none'",
        lasting: path.contains("/assets/"),
        gzipped: gzipped.then_some(Cow::Borrowed(GZIPPED)),
        for_all,
    }
}

async fn served() -> (World, Door) {
    let world = World::start(Backend::Sqlite).await;
    let door = Door::with(&world, |config| {
        config.assets = vec![
            asset("/cashier/{*rest}", true, false),
            asset("/cashier/assets/a.js", true, false),
            asset("/cashier/pay.js", false, true),
        ];
    })
    .await;
    (world, door)
}

async fn get(door: &Door, path: &str, headers: &[(&'static str, &str)]) -> Heard {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
        .collect();
    hear(door.request(Method::GET, path).headers(headers)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_compressed_to_those_who_take_gzip_and_plain_to_others() {
    let (_world, door) = served().await;
    let check = async |accepted: &str, content: &[u8], encoding: Option<&str>| {
        let answer = get(&door, "/cashier/some-token", &[("accept-encoding", accepted)]).await;
        assert_eq!(answer.bytes, content, "{accepted}");
        assert_eq!(
            answer.headers.get("content-encoding").map(|name| name.to_str().expect("ASCII")),
            encoding
        );
        assert_eq!(answer.headers["vary"], "Accept-Encoding");
        assert_eq!(answer.headers["content-type"], "text/javascript; charset=utf-8");
    };
    check("gzip, deflate, br", GZIPPED, Some("gzip")).await;
    check("br,gzip", GZIPPED, Some("gzip")).await;
    check("identity", PLAIN, None).await;
    check("gzip;q=0", PLAIN, None).await;
    check("xgzip", PLAIN, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_forms_of_a_file_are_known_by_one_tag_and_a_named_one_lasts() {
    let (_world, door) = served().await;
    let first = get(&door, "/cashier/some-token", &[("accept-encoding", "gzip")]).await;
    let tag = first.headers["etag"].to_str().expect("ASCII").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    for accepted in ["gzip", "identity"] {
        let again =
            get(&door, "/cashier/other", &[("accept-encoding", accepted), ("if-none-match", &tag)]).await;
        assert_eq!((again.status, again.bytes.len()), (304, 0), "{accepted}");
    }
    assert_eq!(first.headers["cache-control"], "no-cache");
    let lasting = get(&door, "/cashier/assets/a.js", &[]).await;
    assert_eq!(lasting.headers["cache-control"], "public, max-age=31536000, immutable");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sites_may_load_the_drop_in_script_and_nothing_else() {
    let (_world, door) = served().await;
    let script = get(&door, "/cashier/pay.js", &[]).await;
    assert_eq!(script.headers["cross-origin-resource-policy"], "cross-origin");
    assert_eq!(script.headers["access-control-allow-origin"], "*");
    assert!(!script.headers.contains_key("vary"), "there is one form of it");
    let page = get(&door, "/cashier/some-token", &[]).await;
    assert_eq!(page.headers["cross-origin-resource-policy"], "same-origin");
    assert_eq!(page.headers["x-frame-options"], "DENY");
    let permissions = page.headers["permissions-policy"].to_str().expect("ASCII");
    for granted in ["camera=(self)", "microphone=()"] {
        assert!(permissions.contains(granted), "{permissions}");
    }
    assert!(!page.headers.contains_key("access-control-allow-origin"));
}
