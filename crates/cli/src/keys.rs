//! `jialing keys`: make keys, and sign or check requests offline exactly as the API does.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Subcommand;
use jialing_crypto::Suite;
use jialing_crypto::http_signature::{RequestSignature, request_text};
use jialing_crypto::{PublicKey, SigningKey};

use crate::Done;

/// Arguments of `jialing keys`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make a key pair: FILE (secret, readable by its owner only) and FILE.pub
    Generate {
        /// ED25519, SM2-WITH-SM3, SHA256-RSA2048 or ES256
        #[arg(long, default_value = "ED25519")]
        suite: String,
        /// Where the secret key goes (PKCS#8 PEM)
        file: PathBuf,
    },
    /// Print the Authorization header for a request whose body comes on standard input
    Sign {
        /// The secret key file
        #[arg(long)]
        key: PathBuf,
        /// Your merchant or institution id
        #[arg(long)]
        mchid: String,
        /// GET, POST…
        method: String,
        /// The path with its query, as it will be sent
        target: String,
    },
    /// Check an Authorization header against a request whose body comes on standard input
    Verify {
        /// The public key file
        #[arg(long)]
        key: PathBuf,
        /// The header's value
        #[arg(long)]
        authorization: String,
        /// GET, POST…
        method: String,
        /// The path with its query, as it was sent
        target: String,
    },
}

pub(crate) fn run(args: Args) -> Done {
    match args.what {
        What::Generate { suite, file } => generate(&suite, &file),
        What::Sign { key, mchid, method, target } => sign(&key, &mchid, &method, &target),
        What::Verify { key, authorization, method, target } => verify(&key, &authorization, &method, &target),
    }
}

fn generate(suite: &str, file: &Path) -> Done {
    let suite: Suite = suite.parse().map_err(|_| {
        let names: Vec<_> = Suite::ALL.iter().map(|suite| suite.wire_name()).collect();
        format!("there is no suite {suite}; choose one of {}", names.join(", "))
    })?;
    let key = SigningKey::generate(suite);
    let public = PathBuf::from(format!("{}.pub", file.display()));
    write_new(file, 0o600, key.to_pem().as_bytes())?;
    write_new(&public, 0o644, key.public().to_pem().as_bytes())?;
    println!(
        "suite      {}\nserial_no  {}\nsecret     {}\npublic     {}",
        suite.wire_name(),
        key.public().id(),
        file.display(),
        public.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Writes a file that must not exist yet: a key is never overwritten.
fn write_new(file: &Path, mode: u32, bytes: &[u8]) -> Result<(), String> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(file)
        .and_then(|mut open| open.write_all(bytes))
        .map_err(|error| format!("cannot write {}: {error}", file.display()))
}

fn sign(key: &Path, mchid: &str, method: &str, target: &str) -> Done {
    if !jialing_crypto::http_signature::is_id(mchid) {
        return Err("--mchid takes 1 to 64 of A-Z a-z 0-9 _ - .".into());
    }
    let key =
        SigningKey::from_pkcs8_pem(&read(key)?).map_err(|error| format!("{}: {error}", key.display()))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let signature = RequestSignature::sign(&key, mchid, method, target, &body()?, now);
    println!("{}", signature.to_header());
    Ok(ExitCode::SUCCESS)
}

fn verify(key: &Path, authorization: &str, method: &str, target: &str) -> Done {
    let key = PublicKey::from_spki_pem(&read(key)?).map_err(|error| format!("{}: {error}", key.display()))?;
    let signature = RequestSignature::parse(authorization).map_err(|error| format!("the header: {error}"))?;
    let body = body()?;
    match signature.verify(&key, method, target, &body) {
        Ok(()) => {
            println!("valid: {} signed this as {}", signature.serial_no, signature.mchid);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("not valid: {error}\nthe signed text would be:");
            let text = request_text(method, target, signature.timestamp, &signature.nonce, &body);
            println!("{}", String::from_utf8_lossy(&text));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}

fn body() -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut body)
        .map_err(|error| format!("cannot read the body: {error}"))?;
    Ok(body)
}
