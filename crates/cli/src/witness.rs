//! `jialing witness`: remembers and cosigns checkpoints of logs, for somebody who is not their keeper.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use jialing_crypto::note::NoteVerifier;
use jialing_witness::pull::{self, Source};
use jialing_witness::{Witness, http};
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::house::listen_for_stop;
use crate::{Done, runtime};

/// Between two looks at a log that is fetched, unless it is said otherwise.
const EVERY_SECONDS: u64 = 10;

/// Arguments of `jialing witness`: a configuration file, or the same as options.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The configuration file; docs/operate/witness.md explains every entry
    #[arg(long, conflicts_with_all = ["name", "data", "listen", "log", "every_seconds"])]
    config: Option<PathBuf>,
    /// The witness's name in signature lines, such as witness.example.org/one. Part of the key: never change it
    #[arg(long, required_unless_present = "config")]
    name: Option<String>,
    /// The folder of the key and of what was cosigned last
    #[arg(long, required_unless_present = "config")]
    data: Option<PathBuf>,
    /// The address to serve on; put TLS in front of it
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// A log to witness: its verifier key; KEY@URL also fetches from there
    #[arg(long, required_unless_present = "config")]
    log: Vec<String>,
    /// Seconds between two looks at a log that is fetched
    #[arg(long, default_value_t = EVERY_SECONDS)]
    every_seconds: u64,
}

/// The configuration file. `data` is taken from its folder; unknown entries are refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    data: PathBuf,
    listen: SocketAddr,
    #[serde(default = "every_seconds")]
    every_seconds: u64,
    #[serde(rename = "log")]
    logs: Vec<LogFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogFile {
    /// The log's verifier key.
    key: String,
    /// The prefix of its `checkpoint` and `tile/`; it is fetched when it is there.
    url: Option<String>,
}

fn every_seconds() -> u64 {
    EVERY_SECONDS
}

impl Args {
    fn file(&self) -> Result<File, String> {
        if let Some(path) = &self.config {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            let mut file: File =
                toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
            file.data = path.parent().unwrap_or(Path::new(".")).join(file.data);
            return Ok(file);
        }
        let logs = self.log.iter().map(|log| match log.rsplit_once("@http") {
            Some((key, rest)) => LogFile { key: key.to_owned(), url: Some(format!("http{rest}")) },
            None => LogFile { key: log.clone(), url: None },
        });
        Ok(File {
            name: self.name.clone().ok_or("--name is missing")?,
            data: self.data.clone().ok_or("--data is missing")?,
            listen: self.listen,
            every_seconds: self.every_seconds,
            logs: logs.collect(),
        })
    }
}

pub(crate) fn run(args: &Args) -> Done {
    crate::log::start();
    let file = args.file()?;
    if file.logs.is_empty() || file.every_seconds == 0 {
        return Err("name at least one log, and fetch at most once a second".into());
    }
    let mut keys = Vec::new();
    let mut sources = Vec::new();
    for log in &file.logs {
        let key = NoteVerifier::from_vkey(&log.key).map_err(|error| format!("{}: {error}", log.key))?;
        sources.extend(log.url.clone().map(|url| Source { log: key.clone(), url }));
        keys.push(key);
    }
    let witness = Arc::new(Witness::open(&file.data, &file.name, &keys).map_err(|error| error.to_string())?);
    runtime()?.block_on(async {
        let listener = TcpListener::bind(file.listen)
            .await
            .map_err(|error| format!("cannot listen on {}: {error}", file.listen))?;
        let running = http::serve(witness.clone(), listener).map_err(|error| error.to_string())?;
        let every = Duration::from_secs(file.every_seconds);
        let pulling: Vec<_> = sources
            .into_iter()
            .map(|source| tokio::spawn(pull::keep(witness.clone(), source, every)))
            .collect();
        let mut stop = listen_for_stop()?;
        println!("ready http://{}", running.address);
        println!("key {}", witness.verifier_key());
        stop.wait_for(|asked| *asked).await.map_err(|error| error.to_string())?;
        pulling.iter().for_each(tokio::task::JoinHandle::abort);
        running.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_file_is_read_whole() {
        let page = include_str!("../../../docs/operate/witness.md");
        let shown = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
        let file: File = toml::from_str(shown.expect("a file is shown")).expect("it is read");
        assert_eq!((file.logs.len(), file.every_seconds), (2, 10));
        for log in &file.logs {
            NoteVerifier::from_vkey(&log.key).expect("the keys shown are keys");
        }
    }
}
