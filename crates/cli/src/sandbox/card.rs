//! Which sandbox is meant: a small file, or two environment variables.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jialing_sdk::Sandbox;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The file unless another is named.
const FILE: &str = "jialing-sandbox.json";
/// Names the file.
const FILE_VARIABLE: &str = "JIALING_SANDBOX";
/// The base address and the token, instead of a file.
const VARIABLES: [&str; 2] = ["JIALING_SANDBOX_URL", "JIALING_SANDBOX_TOKEN"];

/// Which sandbox, and for whom the answer is.
#[derive(Clone, clap::Args)]
pub(super) struct Which {
    /// The file that `jialing sandbox create` wrote; JIALING_SANDBOX by default, else
    /// jialing-sandbox.json. JIALING_SANDBOX_URL and JIALING_SANDBOX_TOKEN together stand for a file
    #[arg(long = "sandbox", value_name = "FILE")]
    sandbox: Option<PathBuf>,
    /// Answer in JSON, a line for each thing
    #[arg(long)]
    pub(super) json: bool,
}

impl Which {
    /// The file that is meant.
    pub(super) fn file(&self) -> PathBuf {
        let named = self.sandbox.clone().or_else(|| std::env::var_os(FILE_VARIABLE).map(PathBuf::from));
        named.unwrap_or_else(|| PathBuf::from(FILE))
    }

    /// The sandbox, and whether the answer is for a program.
    pub(super) fn open(&self) -> Result<(Sandbox, bool), String> {
        let variables = VARIABLES.map(|name| std::env::var(name).ok());
        let (base_url, token) = match (&self.sandbox, variables) {
            (None, [Some(url), Some(token)]) => (url, token),
            _ => {
                let card = Card::read(&self.file())?;
                (card.base_url, card.token)
            }
        };
        Ok((Sandbox::new(&base_url, &token), self.json))
    }
}

/// What opens a sandbox, as it was told when it was made.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Card {
    pub(super) sandbox_id: String,
    pub(super) base_url: String,
    pub(super) token: String,
    /// The merchant with its test key.
    merchant: Value,
    payers: Value,
}

impl Card {
    pub(super) fn of(made: &Value) -> Result<Self, String> {
        Self::deserialize(made).map_err(|error| format!("the server answers no sandbox: {error}"))
    }

    fn read(file: &Path) -> Result<Self, String> {
        let bytes = fs::read(file).map_err(|error| {
            format!(
                "cannot read {}: {error}; make a sandbox with `jialing sandbox create`, or set {} and {}",
                file.display(),
                VARIABLES[0],
                VARIABLES[1]
            )
        })?;
        serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", file.display()))
    }

    /// Writes a file that must not exist yet.
    pub(super) fn write(&self, file: &Path) -> Result<(), String> {
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| error.to_string())?;
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file)
            .and_then(|mut open| open.write_all(&bytes))
            .map_err(|error| format!("cannot write {}: {error}", file.display()))
    }
}
