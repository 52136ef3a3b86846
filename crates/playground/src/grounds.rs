//! All sandboxes of a process: made, woken, put to sleep, removed.
//!
//! A sandbox's folder is the truth; what is awake is a matter of memory. At most so many are awake;
//! one more puts the one to sleep that rests the longest. What was not used for days is removed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jialing_crypto::hash::HashAlgorithm;
use jialing_crypto::random;
use jialing_platform::{Code, Problem};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::kept::{Kept, Keys};
use crate::payers::Manner;
use crate::refused::{Refused, inside};
use crate::yard::{Around, Yard, real_seconds};

/// How many sandboxes there may be and how long they live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Sandboxes on disk.
    pub most: usize,
    /// Sandboxes awake.
    pub awake: usize,
    /// Seconds without a request after which a sandbox sleeps.
    pub sleep_after_s: i64,
    /// Seconds without a request after which a sandbox may be put to sleep to make room.
    pub rest_s: i64,
    /// Seconds without a request after which a sandbox is removed.
    pub remove_after_s: i64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { most: 100, awake: 16, sleep_after_s: 900, rest_s: 60, remove_after_s: 14 * 86_400 }
    }
}

/// How often it is looked who rests.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// What an id begins with.
const PREFIX: &str = "sbx_";
/// Random bytes of an id.
const ID_BYTES: usize = 10;
/// The longest name, characters.
const MOST_NAME: usize = 60;

/// A sandbox that was made: what its maker needs, told once.
#[derive(Clone, Debug, Serialize)]
pub struct Opened {
    /// `sbx_…`.
    pub sandbox_id: String,
    /// What its maker calls it.
    pub name: String,
    /// The secret that opens `/v1/sandbox/*` below the base address.
    pub token: String,
    /// The address in front of `/v1`.
    pub base_url: String,
    /// The merchant that is ready.
    pub merchant: OpenedMerchant,
    /// Payers who pay on their own, for signing in by hand; the last one has no money.
    pub payers: Vec<OpenedPayer>,
    /// Where one-time codes are read: `GET …/messages?phone=`.
    pub inbox: Option<String>,
}

/// A merchant that is ready.
#[derive(Clone, Debug, Serialize)]
pub struct OpenedMerchant {
    /// `mchid` in signed requests.
    pub merchant_id: String,
    /// The serial of its test key.
    pub serial_no: String,
    /// The test key: Ed25519, PKCS#8 PEM.
    pub private_key: String,
}

/// A payer.
#[derive(Clone, Debug, Serialize)]
pub struct OpenedPayer {
    /// The invented name.
    pub name: String,
    /// The phone to sign in with.
    pub phone: String,
    /// The password.
    pub password: String,
    /// The payment PIN.
    pub pin: String,
    /// The wallet.
    pub wallet_id: String,
}

#[derive(Default)]
struct Slot {
    yard: Option<Arc<Yard>>,
    around: Arc<Around>,
}

/// All sandboxes of a process.
pub(crate) struct Grounds {
    data: PathBuf,
    /// `http://127.0.0.1:PORT`.
    origin: String,
    bounds: Bounds,
    slots: std::sync::Mutex<BTreeMap<String, Arc<Mutex<Slot>>>>,
}

/// Whether `id` has the form of a sandbox's id: nothing else may become a path.
fn is_id(id: &str) -> bool {
    id.strip_prefix(PREFIX).is_some_and(|rest| {
        rest.len() == 2 * ID_BYTES && rest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

impl Grounds {
    /// The sandboxes in `data`, all asleep.
    pub(crate) fn open(data: PathBuf, origin: String, bounds: Bounds) -> Result<Arc<Self>, String> {
        let failed = |error: std::io::Error| format!("cannot read {}: {error}", data.display());
        fs::create_dir_all(&data).map_err(failed)?;
        let mut slots = BTreeMap::new();
        for entry in fs::read_dir(&data).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            if is_id(&name) {
                slots.insert(name, Arc::default());
            }
        }
        Ok(Arc::new(Self { data, origin, bounds, slots: std::sync::Mutex::new(slots) }))
    }

    /// Makes a sandbox and furnishes it.
    pub(crate) async fn create(&self, name: &str) -> Result<Opened, Refused> {
        if name.chars().count() > MOST_NAME || name.chars().any(char::is_control) {
            let problem = Problem::new(Code::InvalidRequest).field("name");
            return Err(problem.detail("Up to 60 characters in one line.").into());
        }
        let id = format!("{PREFIX}{}", hex::encode(random::bytes::<ID_BYTES>()));
        let token = format!("sbt_{}", random::token());
        let slot = self.place(&id)?;
        let made = self.make(&id, name, &token, &slot).await;
        if made.is_err() {
            self.discard(&id, &mut *slot.lock().await).await;
        }
        made
    }

    async fn make(&self, id: &str, name: &str, token: &str, slot: &Mutex<Slot>) -> Result<Opened, Refused> {
        self.make_room(id).await?;
        let now = real_seconds();
        let kept = Kept {
            id: id.to_owned(),
            name: name.to_owned(),
            token_sha256: digest(token),
            created_at: now,
            used_at: now,
            ahead_ms: 0,
            manner: Manner::default(),
            merchant: None,
            payers: Vec::new(),
            retired: Vec::new(),
        };
        let folder = self.data.join(id);
        fs::create_dir(&folder).map_err(|error| inside(format!("{}: {error}", folder.display())))?;
        kept.write(&folder).map_err(inside)?;
        let yard = {
            let mut slot = slot.lock().await;
            let yard = Yard::open(folder, kept, &self.origin, slot.around.clone()).await.map_err(inside)?;
            slot.yard = Some(yard.clone());
            yard
        };
        yard.furnish(&self.origin).await.map_err(inside)?;
        let (_, merchant) = yard.merchant()?;
        let payers = yard.kept().payers;
        let people = crate::inside::city().people;
        Ok(Opened {
            sandbox_id: id.to_owned(),
            name: name.to_owned(),
            token: token.to_owned(),
            base_url: yard.base.clone(),
            merchant: OpenedMerchant {
                merchant_id: merchant.merchant_id,
                serial_no: merchant.serial_no,
                private_key: merchant.key,
            },
            payers: people
                .into_iter()
                .zip(payers)
                .map(|(person, payer)| OpenedPayer {
                    name: person.name,
                    phone: payer.phone,
                    password: person.password,
                    pin: payer.pin,
                    wallet_id: payer.wallet_id,
                })
                .collect(),
            inbox: yard.app.settings.inbox.clone(),
        })
    }

    /// A place for a new sandbox.
    fn place(&self, id: &str) -> Result<Arc<Mutex<Slot>>, Problem> {
        let mut slots = self.slots();
        if slots.len() >= self.bounds.most {
            return Err(Problem::new(Code::Overloaded)
                .detail("All sandboxes are taken; remove one, or wait until one is removed by itself."));
        }
        Ok(slots.entry(id.to_owned()).or_default().clone())
    }

    /// The sandbox of this id, woken if it slept.
    pub(crate) async fn find(&self, id: &str) -> Result<Arc<Yard>, Refused> {
        let slot = if is_id(id) { self.slots().get(id).cloned() } else { None };
        let slot = slot.ok_or(Problem::new(Code::NotFound))?;
        let asleep = slot.lock().await.yard.is_none();
        if asleep {
            self.make_room(id).await?;
        }
        let mut slot = slot.lock().await;
        if let Some(yard) = &slot.yard {
            yard.touch();
            return Ok(yard.clone());
        }
        let folder = self.data.join(id);
        let kept = Kept::read(&folder).map_err(inside)?;
        let yard = Yard::open(folder, kept, &self.origin, slot.around.clone()).await.map_err(inside)?;
        slot.yard = Some(yard.clone());
        Ok(yard)
    }

    /// The sandbox of this id, for whoever has its token.
    pub(crate) async fn find_with(&self, id: &str, token: Option<&str>) -> Result<Arc<Yard>, Refused> {
        let yard = self.find(id).await?;
        let given = digest(token.unwrap_or_default());
        if random::same(given.as_bytes(), yard.kept().token_sha256.as_bytes()) {
            Ok(yard)
        } else {
            Err(Problem::new(Code::Unauthenticated)
                .detail("Send the sandbox's token: `Authorization: Bearer sbt_…`.")
                .into())
        }
    }

    /// Puts one to sleep where as many are awake as may be.
    async fn make_room(&self, for_id: &str) -> Result<(), Problem> {
        let awake = self.awake().await;
        if awake.len() < self.bounds.awake {
            return Ok(());
        }
        match self.longest_at_rest(&awake, for_id) {
            Some(id) => {
                self.sleep(&id).await;
                Ok(())
            }
            None => Err(Problem::new(Code::Overloaded)
                .retry_after(10)
                .detail("As many sandboxes are in use as may be awake; try again in a moment.")),
        }
    }

    fn longest_at_rest(&self, awake: &[(String, i64)], for_id: &str) -> Option<String> {
        let resting = awake.iter().filter(|(id, idle_s)| id != for_id && *idle_s >= self.bounds.rest_s);
        resting.max_by_key(|(_, idle_s)| *idle_s).map(|(id, _)| id.clone())
    }

    /// Those awake, with the seconds since each was used.
    async fn awake(&self) -> Vec<(String, i64)> {
        let slots: Vec<_> = self.slots().iter().map(|(id, slot)| (id.clone(), slot.clone())).collect();
        let mut awake = Vec::new();
        for (id, slot) in slots {
            // One that is just being opened or closed is not looked at.
            if let Ok(slot) = slot.try_lock()
                && let Some(yard) = &slot.yard
            {
                awake.push((id, yard.idle_s()));
            }
        }
        awake
    }

    /// How many there are, and how many of them are awake.
    pub(crate) async fn count(&self) -> (usize, usize) {
        let awake = self.awake().await.len();
        (self.slots().len(), awake)
    }

    pub(crate) const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    async fn sleep(&self, id: &str) {
        let slot = self.slots().get(id).cloned();
        if let Some(slot) = slot {
            let mut slot = slot.lock().await;
            if let Some(yard) = slot.yard.take() {
                yard.close().await;
            }
        }
    }

    /// Gives the sandbox's platform a new key for answers and notices; the old one stays in the
    /// directory. Answers the new key's serial.
    pub(crate) async fn rotate(&self, id: &str) -> Result<String, Refused> {
        let slot = self.slots().get(id).cloned().ok_or(Problem::new(Code::NotFound))?;
        let mut slot = slot.lock().await;
        if let Some(yard) = slot.yard.take() {
            yard.close().await;
        }
        let folder = self.data.join(id);
        let mut kept = Kept::read(&folder).map_err(inside)?;
        kept.retired.insert(0, Keys::rotate(&folder.join("keys")).map_err(inside)?);
        kept.write(&folder).map_err(inside)?;
        let yard = Yard::open(folder, kept, &self.origin, slot.around.clone()).await.map_err(inside)?;
        let serial = yard.answers.public().id().to_owned();
        yard.watch(|watch, _| watch.rotated(&serial));
        slot.yard = Some(yard);
        Ok(serial)
    }

    /// Removes a sandbox with all it holds.
    pub(crate) async fn remove(&self, id: &str) {
        let slot = self.slots().get(id).cloned();
        if let Some(slot) = slot {
            self.discard(id, &mut *slot.lock().await).await;
        }
    }

    async fn discard(&self, id: &str, slot: &mut Slot) {
        if let Some(yard) = slot.yard.take() {
            yard.close().await;
        }
        let folder = self.data.join(id);
        if let Err(error) = fs::remove_dir_all(&folder)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::error!(%error, folder = %folder.display(), "a sandbox's folder could not be removed");
        }
        self.slots().remove(id);
    }

    /// Puts to sleep and removes whose time has come, for as long as it is polled.
    pub(crate) async fn keep(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.look().await;
        }
    }

    async fn look(&self) {
        for (id, idle_s) in self.awake().await {
            if idle_s >= self.bounds.sleep_after_s {
                self.sleep(&id).await;
            }
        }
        let slots: Vec<_> = self.slots().iter().map(|(id, slot)| (id.clone(), slot.clone())).collect();
        for (id, slot) in slots {
            let Ok(mut slot) = slot.try_lock() else { continue };
            let silent = slot.yard.is_none()
                && Kept::read(&self.data.join(&id))
                    .is_ok_and(|kept| real_seconds() - kept.used_at >= self.bounds.remove_after_s);
            if silent {
                tracing::info!(sandbox = id, "a sandbox that nobody used is removed");
                self.discard(&id, &mut slot).await;
            }
        }
    }

    /// Stops all that are awake.
    pub(crate) async fn close(&self) {
        let ids: Vec<_> = self.slots().keys().cloned().collect();
        for id in ids {
            self.sleep(&id).await;
        }
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Mutex<Slot>>>> {
        self.slots.lock().expect("no holder panics")
    }
}

fn digest(token: &str) -> String {
    hex::encode(HashAlgorithm::Sha256.digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_id_becomes_a_path() {
        let check = |id: &str, expect: bool| assert_eq!(is_id(id), expect, "{id}");
        check("sbx_0123456789abcdef0123", true);
        check("sbx_0123456789abcdef012", false);
        check("sbx_0123456789abcdef01234", false);
        check("sbx_0123456789ABCDEF0123", false);
        check("sbx_../../../../../../..", false);
        check("0123456789abcdef0123", false);
        check("", false);
    }
}
