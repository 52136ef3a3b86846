//! `jialing serve` does not start half safe.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::program::{Server, run, said};

/// A folder with a configuration that production accepts.
pub(crate) struct Setup {
    folder: tempfile::TempDir,
    pub(crate) config: String,
}

impl Setup {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let setup = Self { folder, config: CONFIG.to_owned() };
        for name in ["answers.pem", "bank.pem"] {
            assert!(
                run(&["keys", "generate", setup.path(name).to_str().expect("a plain path")]).status.success()
            );
        }
        setup.secret("seal.hex", &"1f3c5a7e9b0d2468".repeat(4));
        setup.secret("blind.hex", &"97b6d5f4e3c2a180".repeat(4));
        setup
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn secret(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
        mode(&self.path(name), 0o600);
    }

    pub(crate) fn file(&self) -> String {
        let file = self.path("jialing.toml");
        fs::write(&file, &self.config).expect("written");
        file.to_str().expect("a plain path").to_owned()
    }
}

const CONFIG: &str = r#"
data = "data"
listen = "127.0.0.1:0"
origin = "jialing.example/test"

[settings]
public_url = "https://pay.example"

[keys]
answers = ["answers.pem"]
seal = "seal.hex"
blind = "blind.hex"

[[institutions]]
code = "PBC"
role = "CENTRAL"
model = "central"
name_zh = "中央银行"
name_en = "Central Bank"
authorised = 1000000

[[institutions]]
code = "JBB"
role = "OPERATING"
model = "central"
name_zh = "江北银行"
name_en = "Jiangbei Bank"

[banks.JBB]
url = "http://127.0.0.1:9"
caller_id = "jialing"
key = "bank.pem"
peer_keys = ["bank.pem.pub"]

[identity]
url = "http://127.0.0.1:9"
caller_id = "jialing"
key = "bank.pem"
peer_keys = ["bank.pem.pub"]

[notices]
url = "http://127.0.0.1:9"
caller_id = "jialing"
key = "bank.pem"
peer_keys = ["bank.pem.pub"]
"#;

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

/// Spoils a good configuration: the start is refused with `words`, and with no other reason.
fn check(spoil: impl Fn(&mut Setup), words: &str) {
    let mut setup = Setup::new();
    spoil(&mut setup);
    let output = run(&["serve", "--config", &setup.file()]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{words}: {said}");
    assert!(said.contains(words), "{words}: {said}");
    assert_eq!(said.matches("\n  - ").count(), 1, "one thing is wrong, one reason is given: {said}");
    assert!(!setup.path("data").exists(), "nothing was begun");
}

#[test]
fn a_good_configuration_starts_and_stops() {
    let setup = Setup::new();
    let server = Server::start(&["serve", "--config", &setup.file()]);
    assert!(server.url.starts_with("http://127.0.0.1:"));
    assert!(server.terminate());
}

#[test]
fn what_belongs_to_a_sandbox_is_refused_by_name() {
    let set = |line: &'static str| {
        move |setup: &mut Setup| {
            setup.config = setup.config.replace("[settings]", &format!("[settings]\n{line}"))
        }
    };
    check(set("sandbox = true"), "settings.sandbox");
    check(set("cheap_passwords = true"), "settings.cheap_passwords");
    check(set("inbox = \"http://127.0.0.1:9\""), "settings.inbox");
    check(|setup| setup.config = setup.config.replace("https://", "http://"), "settings.public_url");
    check(
        |setup| {
            fs::create_dir(setup.path("sandbox")).expect("a folder");
            fs::write(setup.path("sandbox/SANDBOX-KEYS"), "").expect("written");
            fs::rename(setup.path("answers.pem"), setup.path("sandbox/answers.pem")).expect("moved");
            setup.config = setup.config.replace("\"answers.pem\"", "\"sandbox/answers.pem\"");
        },
        "was made for a sandbox",
    );
}

#[test]
fn secrets_that_others_know_are_refused_by_name() {
    check(|setup| mode(&setup.path("answers.pem"), 0o644), "answers.pem can be read by others");
    check(|setup| mode(&setup.path("seal.hex"), 0o640), "seal.hex can be read by others");
    check(|setup| setup.secret("seal.hex", &"00".repeat(32)), "keys.seal");
    check(
        |setup| setup.secret("blind.hex", &(0..32).map(|n| format!("{n:02x}")).collect::<String>()),
        "keys.blind",
    );
    check(|setup| setup.secret("blind.hex", "short"), "64 hexadecimal digits");
    check(|setup| setup.secret("blind.hex", &"1f3c5a7e9b0d2468".repeat(4)), "the same secret");
    check(|setup| fs::remove_file(setup.path("answers.pem")).expect("removed"), "answers.pem");
}

#[test]
fn witnesses_that_cannot_be_are_refused_by_name() {
    let key = "witness.example.org/one+8cfa2a53+BAtROtm0kkAVygkC7QeQRNOsXb7CMG8GlIwQ2o62458t";
    let with = |top: &str, url: &str, key: &str| {
        let (top, table) = (top.to_owned(), format!("[[witness]]\nurl = \"{url}\"\nkey = \"{key}\"\n"));
        move |setup: &mut Setup| setup.config = format!("{top}\n{}\n{table}", setup.config)
    };
    let here = "http://127.0.0.1:9";
    check(with("witness_quorum = 2", here, key), "witness_quorum is 2, but 1 witnesses are named");
    check(with("", here, "no key"), "witness http://127.0.0.1:9");
    check(with("suite = \"md5\"", here, key), "there is no suite md5");
    check(with("", "http://witness.example", key), "plain http");
    check(with("", "ftp://witness.example", key), "witness ftp://witness.example");
}

#[test]
fn all_reasons_are_given_at_once() {
    let mut setup = Setup::new();
    setup.config = setup.config.replace("[settings]", "[settings]\nsandbox = true");
    mode(&setup.path("answers.pem"), 0o644);
    setup.secret("seal.hex", &"00".repeat(32));
    let said = said(&run(&["serve", "--config", &setup.file()]));
    assert_eq!(said.matches("\n  - ").count(), 3, "{said}");
}
