//! The witness's key: made at the first start, read by its owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use jialing_crypto::cosign::WitnessSigner;
use jialing_crypto::random;
use zeroize::Zeroizing;

/// The file's name in the witness's folder.
pub const FILE: &str = "witness.key";

/// The key in `folder`, made with mode 0600 when there is none: 64 hexadecimal digits, an Ed25519 seed.
///
/// # Errors
/// When it cannot be read or made, others may read it, or it is no seed; or `name` is no name.
pub fn load_or_make(folder: &Path, name: &str) -> io::Result<WitnessSigner> {
    let file = folder.join(FILE);
    let bad = |what: String| io::Error::other(format!("{}: {what}", file.display()));
    if !file.exists() {
        make(folder, &file)?;
    }
    let mode = fs::metadata(&file)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(bad(format!("others can read it (mode {mode:o}); run chmod 600 on it")));
    }
    let text = Zeroizing::new(fs::read_to_string(&file)?);
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), seed.as_mut()).map_err(|_| bad("not 64 hexadecimal digits".into()))?;
    WitnessSigner::from_seed(name, &seed).map_err(|error| bad(error.to_string()))
}

/// Written beside and put in place, so that a crash leaves no half a key.
fn make(folder: &Path, file: &Path) -> io::Result<()> {
    let fresh = file.with_extension("key.new");
    let _ = fs::remove_file(&fresh);
    let text = Zeroizing::new(hex::encode(random::bytes::<32>()) + "\n");
    let mut open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()?;
    fs::rename(&fresh, file)?;
    File::open(folder)?.sync_all()
}
