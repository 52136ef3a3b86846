//! `jialing operate`: what people who run the platform decide, as signed requests to it.
//!
//! The platform knows operators by the keys that its configuration names, and writes down who did what. An
//! approval needs two of them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Subcommand;
use jialing_crypto::SigningKey;
use jialing_crypto::http_signature::RequestSignature;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Done, runtime};

/// Arguments of `jialing operate`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Applications of merchants and service providers: list, read, review
    Applications {
        /// The platform's address
        #[arg(long)]
        url: String,
        /// Your name, as the platform's configuration has it
        #[arg(long)]
        operator: String,
        /// Your secret key (PKCS#8 PEM)
        #[arg(long)]
        key: PathBuf,
        #[command(subcommand)]
        verb: Verb,
    },
    /// Feedback of integrators and readers: list, read, answer
    Feedback {
        /// The platform's address
        #[arg(long)]
        url: String,
        /// Your name, as the platform's configuration has it
        #[arg(long)]
        operator: String,
        /// Your secret key (PKCS#8 PEM)
        #[arg(long)]
        key: PathBuf,
        #[command(subcommand)]
        verb: FeedbackVerb,
    },
    /// Tickets of people: list, read, answer, close
    Tickets {
        /// The platform's address
        #[arg(long)]
        url: String,
        /// Your name, as the platform's configuration has it
        #[arg(long)]
        operator: String,
        /// Your secret key (PKCS#8 PEM)
        #[arg(long)]
        key: PathBuf,
        #[command(subcommand)]
        verb: TicketVerb,
    },
}

#[derive(Subcommand)]
enum TicketVerb {
    /// Tickets, newest first
    List {
        /// Only those in this state: OPEN, ANSWERED or CLOSED
        #[arg(long)]
        state: Option<String>,
    },
    /// One ticket with what was written; that you read it is written down
    Show { ticket: String },
    /// Answer it; the person is told
    Answer {
        ticket: String,
        /// The answer
        #[arg(long)]
        text: String,
    },
    /// Close it for good
    Close { ticket: String },
}

#[derive(Subcommand)]
enum FeedbackVerb {
    /// Feedback, newest first
    List {
        /// Only what is in this state: OPEN or ANSWERED
        #[arg(long)]
        state: Option<String>,
    },
    /// One feedback, with whom to answer
    Show { feedback: String },
    /// Answer it, once; its merchant is told
    Answer {
        feedback: String,
        /// The answer
        #[arg(long)]
        text: String,
    },
}

#[derive(Subcommand)]
enum Verb {
    /// Applications, newest first
    List {
        /// Only those in this state, such as SUBMITTED
        #[arg(long)]
        state: Option<String>,
    },
    /// One application
    Show { application: String },
    /// Take a submitted application to look at it
    Take { application: String },
    /// Give it back, saying what to correct: FIELD=NOTE, once for each
    Return {
        application: String,
        #[arg(long = "correct", required = true, value_name = "FIELD=NOTE")]
        corrections: Vec<String>,
    },
    /// Approve it; a second operator's approval counts
    Approve { application: String },
    /// Refuse it for good
    Refuse {
        application: String,
        #[arg(long)]
        reason: String,
    },
    /// Hand a conformance report in; the platform checks who signed it and that every scenario passed
    Conformance {
        application: String,
        /// The signed report, JSON or page
        #[arg(long)]
        report: PathBuf,
    },
    /// Fetch a document; that you read it is written down
    Document {
        application: String,
        document: String,
        /// Where to write it; the file must not exist yet
        #[arg(long)]
        out: PathBuf,
    },
}

pub(crate) fn run(args: Args) -> Done {
    let runtime = runtime()?;
    match args.what {
        What::Applications { url, operator, key, verb } => {
            runtime.block_on(Desk::open(&url, operator, &key)?.carry_out(verb))
        }
        What::Feedback { url, operator, key, verb } => {
            runtime.block_on(Desk::open(&url, operator, &key)?.answer_for(verb))
        }
        What::Tickets { url, operator, key, verb } => {
            runtime.block_on(Desk::open(&url, operator, &key)?.attend_to(verb))
        }
    }
}

fn read_text(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}

/// The platform, and who asks it.
struct Desk {
    url: String,
    operator: String,
    key: SigningKey,
}

impl Desk {
    fn open(url: &str, operator: String, key: &Path) -> Result<Self, String> {
        let parsed = SigningKey::from_pkcs8_pem(&read_text(key)?);
        let key = parsed.map_err(|error| format!("{}: {error}", key.display()))?;
        Ok(Self { url: url.trim_end_matches('/').to_owned(), operator, key })
    }

    async fn answer_for(&self, verb: FeedbackVerb) -> Done {
        let of = |feedback: &str| format!("/v1/operator/feedback/{feedback}");
        show(&match verb {
            FeedbackVerb::List { state } => self.list("feedback", state).await?,
            FeedbackVerb::Show { feedback } => self.ask(Method::GET, &of(&feedback), None).await?,
            FeedbackVerb::Answer { feedback, text } => {
                self.tell(&of(&feedback), "answer", Some(json!({ "answer": text }))).await?
            }
        })
    }

    async fn attend_to(&self, verb: TicketVerb) -> Done {
        let of = |ticket: &str| format!("/v1/operator/tickets/{ticket}");
        show(&match verb {
            TicketVerb::List { state } => self.list("tickets", state).await?,
            TicketVerb::Show { ticket } => self.ask(Method::GET, &of(&ticket), None).await?,
            TicketVerb::Answer { ticket, text } => {
                self.tell(&of(&ticket), "answer", Some(json!({ "text": text }))).await?
            }
            TicketVerb::Close { ticket } => self.tell(&of(&ticket), "close", None).await?,
        })
    }

    async fn list(&self, what: &str, state: Option<String>) -> Result<Value, String> {
        let query = state.map(|state| format!("?state={state}&limit=100")).unwrap_or("?limit=100".into());
        self.ask(Method::GET, &format!("/v1/operator/{what}{query}"), None).await
    }

    async fn carry_out(&self, verb: Verb) -> Done {
        let of = |application: &str| format!("/v1/operator/applications/{application}");
        let answer = match verb {
            Verb::List { state } => self.list("applications", state).await?,
            Verb::Show { application } => self.ask(Method::GET, &of(&application), None).await?,
            Verb::Take { application } => self.tell(&of(&application), "take", None).await?,
            Verb::Approve { application } => self.tell(&of(&application), "approve", None).await?,
            Verb::Return { application, corrections } => {
                let body = json!({ "corrections": read(&corrections)? });
                self.tell(&of(&application), "return", Some(body)).await?
            }
            Verb::Refuse { application, reason } => {
                self.tell(&of(&application), "refuse", Some(json!({ "reason": reason }))).await?
            }
            Verb::Conformance { application, report } => {
                let body = json!({ "report": read_text(&report)? });
                self.tell(&of(&application), "conformance", Some(body)).await?
            }
            Verb::Document { application, document, out } => {
                let target = format!("{}/documents/{document}/file", of(&application));
                let bytes = self.send(Method::GET, &target, Vec::new()).await?;
                return write_new(&out, &bytes);
            }
        };
        show(&answer)
    }

    async fn tell(&self, of: &str, verb: &str, body: Option<Value>) -> Result<Value, String> {
        self.ask(Method::POST, &format!("{of}/{verb}"), body).await
    }

    async fn ask(&self, method: Method, target: &str, body: Option<Value>) -> Result<Value, String> {
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let answer = self.send(method, target, body).await?;
        serde_json::from_slice(&answer).map_err(|error| format!("the answer cannot be read: {error}"))
    }

    async fn send(&self, method: Method, target: &str, body: Vec<u8>) -> Result<Vec<u8>, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
        let signature =
            RequestSignature::sign(&self.key, &self.operator, method.as_str(), target, &body, now);
        let mut request = reqwest::Client::new()
            .request(method, format!("{}{target}", self.url))
            .header("Authorization", signature.to_header());
        if !body.is_empty() {
            request = request.header("Content-Type", "application/json").body(body);
        }
        let answer = request.send().await.map_err(|error| format!("no answer from {}: {error}", self.url))?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|error| format!("the answer broke off: {error}"))?.to_vec();
        if status.is_success() {
            return Ok(bytes);
        }
        let problem: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        Err(format!("{} {}: {}", status.as_u16(), text("code"), text("detail")))
    }
}

fn show(answer: &Value) -> Done {
    println!("{}", serde_json::to_string_pretty(answer).map_err(|error| error.to_string())?);
    Ok(ExitCode::SUCCESS)
}

/// Corrections out of `FIELD=NOTE`.
fn read(corrections: &[String]) -> Result<Vec<Value>, String> {
    let one = |text: &String| {
        let (field, note) = text.split_once('=').ok_or_else(|| format!("{text:?} is not FIELD=NOTE"))?;
        Ok(json!({ "field": field, "note": note }))
    };
    corrections.iter().map(one).collect()
}

/// Writes a document for its reader alone.
fn write_new(out: &Path, bytes: &[u8]) -> Done {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(out)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|error| format!("cannot write {}: {error}", out.display()))?;
    println!("{}", out.display());
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn corrections_are_fields_with_notes() {
        let read = |texts: &[&str]| read(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>());
        assert_eq!(
            read(&["mcc=5462", "documents.LICENCE=blurred = again"]),
            Ok(vec![
                json!({ "field": "mcc", "note": "5462" }),
                json!({ "field": "documents.LICENCE", "note": "blurred = again" }),
            ])
        );
        assert_eq!(read(&["mcc"]), Err("\"mcc\" is not FIELD=NOTE".to_owned()));
    }
}
