//! `jialing listen`: a sandbox's notices, brought to a receiver that has no public address.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use jialing_sdk::sandbox::{Handed, Listener, Notice};
use serde_json::json;

use super::card::Which;
use crate::house::listen_for_stop;
use crate::{Done, runtime};

/// How long a receiver may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Pause after the sandbox did not answer.
const PAUSE: Duration = Duration::from_secs(2);

/// Arguments of `jialing listen`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where your receiver is
    #[arg(long, value_name = "URL")]
    forward_to: String,
    /// End after so many notices; 0 goes on until it is stopped
    #[arg(long, default_value_t = 0)]
    count: usize,
    /// End with an error when `--count` notices did not come in so many seconds
    #[arg(long, default_value_t = 60)]
    within: u64,
    #[command(flatten)]
    which: Which,
}

pub(crate) fn run(args: &Args) -> Done {
    runtime()?.block_on(async {
        let mut stop = listen_for_stop()?;
        let (sandbox, json) = args.which.open()?;
        let told = |error: jialing_sdk::Error| error.to_string();
        let mut listener = Listener::new(sandbox.clone()).await.map_err(told)?;
        let receiver = Receiver::new(&args.forward_to)?;
        if !json {
            eprintln!("notices of {} go to {}", sandbox.base(), args.forward_to);
        }
        println!("ready");
        let (mut seen, mut right, until) = (0, true, Instant::now() + Duration::from_secs(args.within));
        loop {
            let next = tokio::select! {
                next = listener.next(async |notice, _| receiver.hand(notice).await) => next,
                _ = stop.wait_for(|asked| *asked) => return Ok(ExitCode::SUCCESS),
            };
            match next {
                Ok(handed) => {
                    for handed in handed {
                        seen += 1;
                        right &= is_right(&handed);
                        say(&handed, json);
                    }
                }
                Err(error) if args.count == 0 => {
                    eprintln!("jialing: {error}; trying again");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error.to_string()),
            }
            if args.count > 0 && seen >= args.count {
                return Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            if args.count > 0 && Instant::now() >= until {
                return Err(format!("{seen} of {} notices came in {} s", args.count, args.within));
            }
        }
    })
}

/// A receiver takes what the platform signed and refuses what it did not.
fn is_right(handed: &Handed) -> bool {
    let taken = handed.status.is_some_and(|status| (200..300).contains(&status));
    taken == handed.doubt.is_none()
}

struct Receiver {
    http: reqwest::Client,
    url: String,
}

impl Receiver {
    fn new(url: &str) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { http, url: url.to_owned() })
    }

    /// Hands a notice over with all its headers; the status, if there was an answer.
    async fn hand(&self, notice: &Notice) -> Option<u16> {
        let mut request = self.http.post(&self.url).body(notice.body.clone());
        for (name, value) in &notice.headers {
            request = request.header(name, value);
        }
        Some(request.send().await.ok()?.status().as_u16())
    }
}

fn say(handed: &Handed, json: bool) {
    let Handed { notice, doubt, status, acknowledged } = handed;
    if json {
        let line = json!({
            "event_id": notice.event_id, "type": notice.event, "attempt": notice.attempt, "fault": notice.fault,
            "signature": doubt.as_deref().unwrap_or("fits"), "status": status, "acknowledged": acknowledged,
            "right": is_right(handed),
        });
        println!("{line}");
        return;
    }
    let answer = status.map_or("no answer".to_owned(), |status| status.to_string());
    let verdict = match (is_right(handed), doubt) {
        (true, None) => "taken".to_owned(),
        (true, Some(_)) => "rightly refused".to_owned(),
        (false, None) => "not taken, will come again".to_owned(),
        (false, Some(_)) => "TAKEN THOUGH IT MUST BE REFUSED".to_owned(),
    };
    let why = doubt.as_deref().map(|doubt| format!("  ({doubt})")).unwrap_or_default();
    println!("{answer:<10} {:<18} {} try {}  {verdict}{why}", notice.event, notice.event_id, notice.attempt);
}
