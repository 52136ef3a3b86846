//! Plays the platform's part against an integrator's system.
//!
//! The system offers two addresses. Its *receiver* takes notices, as it will in production. Its
//! *trigger* exists for this suite only: a `POST` of one JSON object asks it to act as a shop would, and
//! it answers what its own books say afterwards, with status 200:
//!
//! | asked | it does | it answers |
//! |---|---|---|
//! | `{"do": "order", "out_trade_no", "amount", "description"}` | makes this order at the platform; asked again, the same | `{"state", "order_id"}` |
//! | `{"do": "state", "out_trade_no"}` | looks into its own books only | `{"state"}` |
//! | `{"do": "refund", "out_trade_no", "out_refund_no", "amount"}` | asks the platform for this refund | `{"state"}` |
//! | `{"do": "reconcile"}` | compares its books with the platform's, and mends them | `{"breaks": ["out_trade_no", …]}` |
//!
//! `state` is `NONE`, `UNPAID`, `PAID`, `REFUNDED` or `CLOSED`; amounts are whole fen.

use std::time::Duration;

use jialing_conform::{Outcome, Scenario, Step};
use jialing_sdk::sandbox::{Handed, Listener, Notice};
use jialing_sdk::{Error, Sandbox};
use reqwest::{Client, Method, redirect};
use serde_json::{Value, json};

/// How long the system may take to answer.
const ANSWER: Duration = Duration::from_secs(20);
/// Times that notices are waited for until the one that is meant has come, ten seconds each.
const PATIENCE: u32 = 3;
/// What an order of the suite costs, in fen: no payer reads anything into it.
const AMOUNT: u64 = 1_250;

/// The system under test.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it takes notices.
    pub receiver: String,
    /// Where it takes what the suite asks.
    pub trigger: String,
    /// Sent to the trigger as a bearer token.
    pub secret: Option<String>,
}

/// Runs every scenario; `tell` hears each step as it is done.
///
/// # Errors
/// When the sandbox does not answer. What the system does wrong is in the outcomes.
pub async fn drive(
    sandbox: &Sandbox,
    target: &Target,
    mut tell: impl FnMut(Scenario, &Step),
) -> Result<Vec<Outcome>, Error> {
    let http = Client::builder().timeout(ANSWER).redirect(redirect::Policy::none()).no_proxy().build();
    let mut run = Run {
        sandbox: sandbox.clone(),
        listener: Listener::new(sandbox.clone()).await?,
        http: http.unwrap_or_default(),
        target: target.clone(),
        nonce: jialing_crypto::random::nonce()[..12].to_owned(),
        steps: Vec::new(),
    };
    let manner = sandbox.call(Method::GET, "/payers", None).await?;
    let told = json!({ "pays": "when_told", "after_s": 0 });
    sandbox.call(Method::PUT, "/payers", Some(&told)).await?;
    let mut outcomes = Vec::new();
    for scenario in Scenario::ALL {
        sandbox.call(Method::DELETE, "/faults", None).await?;
        let played = run.play(scenario).await;
        let steps = std::mem::take(&mut run.steps);
        steps.iter().for_each(|step| tell(scenario, step));
        outcomes.push(Outcome { scenario, seen: None, steps });
        if let Err(error) = played {
            sandbox.call(Method::PUT, "/payers", Some(&manner)).await?;
            return Err(error);
        }
    }
    sandbox.call(Method::PUT, "/payers", Some(&manner)).await?;
    Ok(outcomes)
}

struct Run {
    sandbox: Sandbox,
    listener: Listener,
    http: Client,
    target: Target,
    /// Makes this run's numbers its own.
    nonce: String,
    steps: Vec<Step>,
}

impl Run {
    async fn play(&mut self, scenario: Scenario) -> Result<(), Error> {
        let number = format!("C-{}-{}", self.nonce, scenario.name());
        match scenario {
            Scenario::Happy => self.paid(&number, None).await.map(drop),
            Scenario::DuplicateSubmit => self.duplicate(&number).await,
            Scenario::LostAnswer => self.lost_answer(&number).await,
            Scenario::Refund => self.refund(&number).await,
            Scenario::LateNotice => self.paid(&number, Some("late_notice")).await.map(drop),
            Scenario::DuplicateNotice => self.paid(&number, Some("duplicate_notice")).await.map(drop),
            Scenario::ForgedNotice => self.paid(&number, Some("forged_notice")).await.map(drop),
            Scenario::ReplayedNotice => self.paid(&number, Some("stale_notice")).await.map(drop),
            Scenario::Reconciliation => self.reconcile(&number).await,
            Scenario::KeyRotation => {
                self.sandbox.call(Method::POST, "/keys/rotation", Some(&json!({}))).await?;
                self.paid(&number, None).await.map(drop)
            }
        }
    }

    /// An order is made and paid, and its notice, with this fault, has come: the books say paid.
    async fn paid(&mut self, number: &str, fault: Option<&str>) -> Result<Option<String>, Error> {
        let Some(order) = self.order(number).await else { return Ok(None) };
        if let Some(kind) = fault {
            self.fault(json!({ "kind": kind, "event": "order.paid" })).await?;
        }
        self.pay(&order).await?;
        if fault == Some("late_notice") {
            self.sandbox.advance(61).await?;
        }
        let bad = matches!(fault, Some("forged_notice" | "stale_notice"));
        if bad {
            self.notices("the notice that must be refused", &order, false, 1).await?;
        }
        let times = if fault == Some("duplicate_notice") { 2 } else { 1 };
        self.notices("the notice of the payment", &order, true, times).await?;
        self.state(number, "PAID").await;
        Ok(Some(order))
    }

    async fn duplicate(&mut self, number: &str) -> Result<(), Error> {
        let Some(order) = self.order(number).await else { return Ok(()) };
        let again = self.order(number).await;
        self.step("the same order is asked for again", &order, again.as_deref().unwrap_or("no order"));
        Ok(())
    }

    /// The answer to the submission breaks off; the system finds its order again.
    async fn lost_answer(&mut self, number: &str) -> Result<(), Error> {
        self.fault(json!({ "kind": "torn", "route": "POST /v1/merchant/orders" })).await?;
        let ask = order(number);
        // It may answer an error while it knows nothing; asked again, it must know.
        let first = self.ask(&ask).await;
        let order = match first {
            Ok(answer) if answer["order_id"].is_string() => answer["order_id"].as_str().map(str::to_owned),
            _ => self.order(number).await,
        };
        let Some(order) = order else { return Ok(()) };
        self.pay(&order).await?;
        self.notices("the notice of the payment", &order, true, 1).await?;
        self.state(number, "PAID").await;
        Ok(())
    }

    async fn refund(&mut self, number: &str) -> Result<(), Error> {
        if self.paid(number, None).await?.is_none() {
            return Ok(());
        }
        let out_refund_no = format!("{number}-R");
        let ask = json!({ "do": "refund", "out_trade_no": number, "out_refund_no": out_refund_no, "amount": AMOUNT });
        let answer = self.ask(&ask).await;
        let got = answer.map_or_else(|error| error, |_| "done".to_owned());
        self.step("a refund is asked for", "done", &got);
        if got != "done" {
            return Ok(());
        }
        self.event(
            "the notice of the refund",
            "refund.succeeded",
            |resource| resource["out_refund_no"] == out_refund_no.as_str(),
            true,
            1,
        )
        .await?;
        self.state(number, "REFUNDED").await;
        Ok(())
    }

    async fn reconcile(&mut self, number: &str) -> Result<(), Error> {
        let Some(order) = self.order(number).await else { return Ok(()) };
        self.fault(json!({ "kind": "lost_notice", "event": "order.paid" })).await?;
        self.pay(&order).await?;
        // The sandbox takes the event up and drops its notice.
        self.sandbox.notices(0).await?;
        let answer = self.ask(&json!({ "do": "reconcile" })).await;
        let found = answer.is_ok_and(|answer| {
            answer["breaks"].as_array().is_some_and(|breaks| breaks.iter().any(|found| found == number))
        });
        let got = if found { "named" } else { "not named" };
        self.step("reconciling names the payment that no notice told of", "named", got);
        self.state(number, "PAID").await;
        Ok(())
    }

    /// Has the system make an order; its id at the platform.
    async fn order(&mut self, number: &str) -> Option<String> {
        let answer = self.ask(&order(number)).await;
        let (got, id) = match &answer {
            Ok(answer) => match answer["order_id"].as_str() {
                Some(id) => ("an order".to_owned(), Some(id.to_owned())),
                None => (answer.to_string(), None),
            },
            Err(error) => (error.clone(), None),
        };
        self.step("an order is asked for", "an order", &got);
        id
    }

    /// What the system's own books say of an order.
    async fn state(&mut self, number: &str, expected: &str) {
        let answer = self.ask(&json!({ "do": "state", "out_trade_no": number })).await;
        let got = match &answer {
            Ok(answer) => answer["state"].as_str().map_or_else(|| answer.to_string(), str::to_owned),
            Err(error) => error.clone(),
        };
        self.step("the system's own books", expected, &got);
    }

    async fn pay(&self, order_id: &str) -> Result<(), Error> {
        self.sandbox.call(Method::POST, "/payments", Some(&json!({ "order_id": order_id }))).await.map(drop)
    }

    async fn fault(&self, order: Value) -> Result<(), Error> {
        self.sandbox.call(Method::POST, "/faults", Some(&order)).await.map(drop)
    }

    async fn notices(&mut self, what: &str, order_id: &str, genuine: bool, times: u32) -> Result<(), Error> {
        let meant = |resource: &Value| resource["id"] == order_id;
        self.event(what, "order.paid", meant, genuine, times).await
    }

    /// Brings notices to the receiver until the ones that are meant were answered `times` times: taken
    /// when the platform signed them, refused when it did not.
    async fn event(
        &mut self,
        what: &str,
        event: &str,
        meant: impl Fn(&Value) -> bool,
        genuine: bool,
        times: u32,
    ) -> Result<(), Error> {
        let expected = if genuine { "taken" } else { "refused" };
        let mut left = times;
        for _ in 0..PATIENCE * times {
            let (http, url) = (self.http.clone(), self.target.receiver.clone());
            let handed = self.listener.next(async |notice, _| hand(&http, &url, notice).await).await?;
            let nothing = handed.is_empty();
            for handed in handed {
                let notice = &handed.notice;
                let is_it =
                    notice.event == event && meant(&notice.resource) && handed.doubt.is_none() == genuine;
                if is_it && left > 0 {
                    left -= 1;
                    self.step(what, expected, &answered(&handed));
                }
            }
            if left == 0 {
                return Ok(());
            }
            if nothing {
                break;
            }
        }
        self.step(what, expected, "it never came");
        Ok(())
    }

    fn step(&mut self, what: &str, expected: &str, got: &str) {
        self.steps.push(Step {
            what: what.to_owned(),
            expected: expected.to_owned(),
            got: got.to_owned(),
            right: got == expected,
        });
    }

    /// Asks the system's trigger.
    async fn ask(&self, ask: &Value) -> Result<Value, String> {
        let mut request = self.http.post(&self.target.trigger).json(ask);
        if let Some(secret) = &self.target.secret {
            request = request.bearer_auth(secret);
        }
        let answer = request.send().await.map_err(|error| format!("no answer: {error}"))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(format!("status {status}"));
        }
        answer.json().await.map_err(|error| format!("no JSON: {error}"))
    }
}

fn order(number: &str) -> Value {
    json!({ "do": "order", "out_trade_no": number, "amount": AMOUNT, "description": "conformance" })
}

/// Hands a notice to the receiver with all its headers.
async fn hand(http: &Client, url: &str, notice: &Notice) -> Option<u16> {
    let mut request = http.post(url).body(notice.body.clone());
    for (name, value) in &notice.headers {
        request = request.header(name, value);
    }
    Some(request.send().await.ok()?.status().as_u16())
}

fn answered(handed: &Handed) -> String {
    match handed.status {
        Some(200..=299) => "taken".to_owned(),
        Some(_) => "refused".to_owned(),
        None => "no answer".to_owned(),
    }
}
