//! Running the binary, and acting in the city that it shows.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use jialing_crypto::SigningKey;
use jialing_sdk::wallet::Session;
use jialing_sdk::{Merchant, Wallet};
use serde_json::Value;

/// Far longer than anything here takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// The binary with these arguments.
pub(crate) fn jialing(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jialing"));
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn run(args: &[&str]) -> Output {
    jialing(args).output().expect("the binary runs")
}

/// Runs it to its end with `input` on standard input.
pub(crate) fn run_with(args: &[&str], input: &[u8]) -> Output {
    let mut child = jialing(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    child.stdin.take().expect("standard input").write_all(input).expect("the input is read");
    child.wait_with_output().expect("the binary ends")
}

/// What it said on both outputs.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A server that has said `ready`. Dropped, it is killed.
pub(crate) struct Server {
    process: Child,
    lines: mpsc::Receiver<String>,
    pub(crate) url: String,
}

impl Server {
    /// Starts the binary and waits until it is ready.
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut process =
            jialing(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary runs");
        let (tell, lines) = mpsc::channel();
        let out = process.stdout.take().expect("standard output");
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        let mut server = Self { process, lines, url: String::new() };
        let line = server.lines.recv_timeout(PATIENCE).expect("a line when it is ready");
        server.url = line.strip_prefix("ready ").expect("the line says ready").to_owned();
        server
    }

    /// A small city on `data` without traffic of its own.
    pub(crate) fn city(data: &Path) -> Self {
        let data = data.to_str().expect("a plain path");
        Self::start(&[
            "demo",
            "--data",
            data,
            "--port",
            "0",
            "--no-traffic",
            "--people",
            "2",
            "--shops",
            "1",
            "--banks",
            "2",
        ])
    }

    /// The next line that it says.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("another line")
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.process.kill().and_then(|()| self.process.wait()).expect("it can be killed");
    }

    /// SIGTERM; whether it ended well.
    pub(crate) fn terminate(mut self) -> bool {
        let id = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it can be asked");
        assert!(
            matches!(self.lines.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected)),
            "it stops when asked"
        );
        self.process.wait().expect("it ends").success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Somebody of the city, and a shop.
pub(crate) struct Acting {
    pub(crate) wallet: Wallet,
    pub(crate) wallet_id: String,
    pub(crate) pin: String,
    pub(crate) merchant: Merchant,
}

impl Acting {
    pub(crate) async fn find(data: &Path, url: &str) -> Self {
        let people: Value =
            serde_json::from_slice(&std::fs::read(data.join("people.json")).expect("the register"))
                .expect("JSON");
        let (payer, seller) = (&people["payers"][0], &people["sellers"][0]);
        let session: Session = serde_json::from_value(payer["session"].clone()).expect("a session");
        let key = SigningKey::from_pkcs8_pem(text(&seller["key"])).expect("a key");
        Self {
            wallet: Wallet::resume(url, session).expect("a wallet"),
            wallet_id: text(&payer["wallet_id"]).to_owned(),
            pin: text(&payer["pin"]).to_owned(),
            merchant: Merchant::connect(url, text(&seller["merchant_id"]), key).await.expect("a merchant"),
        }
    }

    /// Pays a new order of `amount` fen; the transaction's id.
    pub(crate) async fn pay(&self, number: &str, amount: u64) -> String {
        let order = self.merchant.order(number, "tea", amount).await.expect("an order");
        let paid = self
            .wallet
            .pay(&order.id, self.merchant.id(), &self.wallet_id, amount, Some(&self.pin))
            .await
            .expect("a payment");
        assert_eq!(paid.state, "SUCCESS");
        paid.transaction_id.expect("a transaction")
    }

    pub(crate) async fn balance(&self) -> u64 {
        self.wallet.wallet(&self.wallet_id).await.expect("the wallet").balance.amount
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
