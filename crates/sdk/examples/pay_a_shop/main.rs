//! The whole story against a running demonstration: two strangers arrive, one opens a shop, the other
//! pays it; money goes back; receipts are checked without believing anybody.
//!
//! ```sh
//! cargo run --release --example pay_a_shop -p jialing-sdk -- http://127.0.0.1:8080 [FOLDER]
//! ```
//!
//! With a folder, the two receipts of the payment are written there.

mod story;

use std::path::PathBuf;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "http://127.0.0.1:8080".into());
    let folder = arguments.next().map(PathBuf::from);
    match story::tell(&url, folder.as_deref(), &mut std::io::stdout()).await {
        Ok(_) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("the story ends here: {why}");
            ExitCode::FAILURE
        }
    }
}
