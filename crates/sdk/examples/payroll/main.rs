//! A bank pays a month's salaries in one frame: connect, open accounts, fund, pay, repeat, look.
//!
//! ```sh
//! cargo run --release --example payroll -p jialing-sdk -- http://127.0.0.1:8080 JBB data/demo/keys/treasury-0.pem
//! ```

mod story;

use std::process::ExitCode;

use jialing_crypto::SigningKey;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, code, key] = arguments.as_slice() else {
        eprintln!("usage: payroll URL BANK KEY.pem");
        return ExitCode::FAILURE;
    };
    let pem = std::fs::read_to_string(key).map_err(|error| format!("{key}: {error}"));
    let told = match pem.and_then(|pem| SigningKey::from_pkcs8_pem(&pem).map_err(|error| error.to_string())) {
        Ok(key) => {
            story::tell(url, code, key, &mut std::io::stdout()).await.map_err(|error| error.to_string())
        }
        Err(why) => Err(why),
    };
    match told {
        Ok(_) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("the payroll ends here: {why}");
            ExitCode::FAILURE
        }
    }
}
