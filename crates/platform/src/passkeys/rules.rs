//! What passkeys are asked, and by whom.

use jialing_crypto::webauthn::Expected;

use super::invalid;
use crate::id::ChallengeId;
use crate::{App, Result, Settings, devices};

/// What a fresh challenge is signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceremony {
    /// To register a passkey.
    Register,
    /// To sign in.
    SignIn,
    /// To confirm a change while signed in.
    StepUp,
}

impl Ceremony {
    const fn text(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::SignIn => "sign_in",
            Self::StepUp => "step_up",
        }
    }
}

/// The text whose SHA-256 is the challenge of a ceremony.
#[must_use]
pub fn ceremony_text(ceremony: Ceremony, challenge: ChallengeId, nonce: &str) -> String {
    format!("JIALING-PASSKEY-1\naction:{}\nchallenge:{challenge}\nnonce:{nonce}\n", ceremony.text())
}

/// [`ceremony_text`] for a challenge that lives.
pub(super) async fn drawn_text(app: &App, ceremony: Ceremony, challenge: ChallengeId) -> Result<String> {
    let nonce = devices::live_challenge(app, challenge).await?.ok_or_else(invalid)?;
    Ok(ceremony_text(ceremony, challenge, &nonce))
}

/// The host of the public address. WebAuthn knows no addresses of the network as relying parties, so a
/// sandbox on the loopback address is `localhost`.
pub(super) fn rp_id(settings: &Settings) -> String {
    let host = host_of(&settings.public_url);
    if settings.sandbox && is_loopback(host) { "localhost".into() } else { host.to_owned() }
}

/// What has to be asked: this challenge, by our own page.
pub(super) fn expected<'a>(challenge: &'a [u8; 32], rp_id: &'a str, settings: &'a Settings) -> Expected<'a> {
    let local = settings.sandbox && is_loopback(host_of(&settings.public_url));
    let home = settings.public_url.trim_end_matches('/');
    Expected { challenge, rp_id, origin: if local { is_local } else { is_home }, home }
}

/// Outside a sandbox the origin is that of the public address, to the letter.
fn is_home(origin: &str, home: &str) -> bool {
    let end = home.find("://").and_then(|at| home[at + 3..].find('/').map(|slash| at + 3 + slash));
    origin == &home[..end.unwrap_or(home.len())]
}

/// A sandbox on the loopback address is served at a port that was free.
fn is_local(origin: &str, _: &str) -> bool {
    origin
        .strip_prefix("http://localhost")
        .is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
}

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        _ => authority,
    }
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "[::1]" | "localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(sandbox: bool, public_url: &str) -> Settings {
        Settings { sandbox, public_url: public_url.into(), ..Settings::default() }
    }

    #[test]
    fn the_relying_party_is_the_public_host() {
        let check = |sandbox: bool, url: &str, expect: &str| {
            assert_eq!(rp_id(&settings(sandbox, url)), expect, "{url}")
        };
        check(false, "https://pay.example.cn", "pay.example.cn");
        check(false, "https://pay.example.cn:8443/", "pay.example.cn");
        check(true, "https://pay.example.cn/sandbox", "pay.example.cn");
        check(true, "http://127.0.0.1:8080", "localhost");
        check(true, "http://[::1]:8080", "localhost");
        check(false, "http://localhost", "localhost");
    }

    #[test]
    fn only_our_own_page_may_ask() {
        let check = |sandbox: bool, url: &str, origin: &str, expect: bool| {
            let settings = settings(sandbox, url);
            let expected = expected(&[0; 32], "", &settings);
            assert_eq!((expected.origin)(origin, expected.home), expect, "{url} {origin}");
        };
        check(false, "https://pay.example.cn", "https://pay.example.cn", true);
        check(false, "https://pay.example.cn/", "https://pay.example.cn", true);
        check(false, "https://pay.example.cn/pay", "https://pay.example.cn", true);
        check(false, "https://pay.example.cn:8443/pay", "https://pay.example.cn:8443", true);
        check(false, "https://pay.example.cn", "https://pay.example.cn:8443", false);
        check(false, "https://pay.example.cn", "http://pay.example.cn", false);
        check(false, "https://pay.example.cn", "https://pay.example.cn.evil.example", false);
        check(false, "https://pay.example.cn", "https://evil.example", false);
        check(true, "http://127.0.0.1:8080", "http://localhost:8080", true);
        check(true, "http://127.0.0.1:8080", "http://localhost", true);
        check(true, "http://127.0.0.1:8080", "http://localhost.evil.example", false);
        check(true, "http://127.0.0.1:8080", "http://localhost:80@evil", false);
        check(false, "http://127.0.0.1:8080", "http://localhost:8080", false);
    }

    #[test]
    fn the_text_names_the_act_so_that_one_is_never_taken_for_another() {
        let challenge: ChallengeId = "chl_01k9zq6m8e0000000000000000".parse().expect("an id");
        let text = |ceremony| ceremony_text(ceremony, challenge, "n");
        assert_eq!(
            text(Ceremony::SignIn),
            "JIALING-PASSKEY-1\naction:sign_in\nchallenge:chl_01k9zq6m8e0000000000000000\nnonce:n\n"
        );
        assert_ne!(text(Ceremony::SignIn), text(Ceremony::StepUp));
        assert_ne!(text(Ceremony::Register), text(Ceremony::StepUp));
    }
}
