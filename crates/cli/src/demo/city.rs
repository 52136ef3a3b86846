//! The city settles: institutions, money, people and shops; kept so that a restart goes on.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use jialing_platform::institutions::{Founding, Model, NewInstitution, NewKey, Role};
use jialing_rails::bank::OurSide;
use jialing_sandbox::Sandbox;
use jialing_sandbox::city::City;
use jialing_sdk::Bank;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::keys::Keys;
use super::{Args, Demo};
use crate::actors::{KeptPayer, KeptSeller, Payer, Seller, said};
use crate::house::House;

/// The banks' codes on the platform.
const CODES: [&str; 6] = ["JBB", "YZB", "NSB", "CQB", "BBB", "WJB"];
/// What the central bank may have outstanding, in fen: 100 million yuan.
const AUTHORISED: u64 = 10_000_000_000;
/// What each bank has issued to it at the beginning, in fen: 5 million yuan.
const FIRST_ISSUE: u64 = 500_000_000;
/// What each person tops up at first, in fen: 3,000 yuan.
const FIRST_TOP_UP: u64 = 300_000;
/// Where the register is, in the demonstration's folder.
pub(crate) const REGISTER: &str = "people.json";
/// People who arrive at once.
const ARRIVING: usize = 16;

/// The code of the bank at `place`.
pub(crate) fn code(place: usize) -> &'static str {
    CODES[place.min(CODES.len() - 1)]
}

/// The institutions: a central bank, banks whose wallets are its liability, and, as the last of
/// several, one whose wallets are deposits of its own.
pub(super) fn founding(city: &City, keys: &Keys, sandbox: &Sandbox) -> Founding {
    let key = |key: &jialing_crypto::PublicKey| NewKey { public_key: key.to_pem(), expires_at: None };
    let central = NewInstitution {
        code: "PBC".into(),
        role: Role::Central,
        model: Model::Central,
        name_zh: "中央银行".into(),
        name_en: "Central Bank".into(),
        authorised: AUTHORISED,
        keys: Vec::new(),
    };
    let banks = city.banks.iter().zip(sandbox.banks()).enumerate().map(|(place, (bank, address))| {
        let deposit = city.banks.len() > 1 && place + 1 == city.banks.len();
        NewInstitution {
            code: code(place).into(),
            role: Role::Operating,
            model: if deposit { Model::Deposit } else { Model::Central },
            name_zh: bank.name.into(),
            name_en: bank.name_en.into(),
            authorised: if deposit { AUTHORISED } else { 0 },
            keys: vec![key(&address.key), key(keys.treasuries[place].public())],
        }
    });
    Founding { institutions: std::iter::once(central).chain(banks).collect() }
}

/// How the platform appears to the second bank of the city, which speaks ISO 20022.
pub(super) fn iso_banks(city: &City) -> BTreeMap<String, OurSide> {
    let second = (city.banks.len() > 1).then(|| (code(1).to_owned(), OurSide::default()));
    second.into_iter().collect()
}

/// Each bank asks for its first money, over the API. The same number is carried out once.
pub(super) async fn issue(house: &House, keys: &Keys) -> Result<(), String> {
    for (place, key) in keys.treasuries.iter().enumerate() {
        let bank = Bank::connect(&house.url(), code(place), key.clone())
            .await
            .map_err(said("reading the platform's keys"))?;
        bank.issue("FIRST-1", FIRST_ISSUE).await.map_err(said("issuing the first money"))?;
    }
    Ok(())
}

/// Everybody who has arrived.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Register {
    pub(crate) payers: Vec<KeptPayer>,
    pub(crate) sellers: Vec<KeptSeller>,
}

impl Register {
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        match fs::read(file) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", file.display()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{}: {error}", file.display())),
        }
    }

    /// Replaces the file whole; it holds secrets of invented people, and only its owner reads it.
    fn write(&self, file: &Path) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", file.display());
        let fresh = file.with_extension("new");
        let mut open = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)
            .map_err(failed)?;
        let bytes = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        open.write_all(&bytes).and_then(|()| open.sync_all()).map_err(failed)?;
        fs::rename(&fresh, file).map_err(failed)
    }
}

/// Everybody of the city, arrived now or before.
pub(crate) async fn settle(demo: &Demo, args: &Args) -> Result<(Vec<Payer>, Vec<Seller>), String> {
    let file = args.data.join(REGISTER);
    let mut register = Register::read(&file)?;
    let mut payers: Vec<Payer> =
        register.payers.iter().filter_map(|kept| demo.town.resume_payer(kept.clone())).collect();
    arrive(demo, &mut register, &mut payers, &file).await?;
    payers.sort_by_key(|payer| payer.kept.index);
    let mut sellers = Vec::new();
    for kept in register.sellers.clone() {
        sellers.push(demo.town.resume_seller(kept).await?);
    }
    open_shops(demo, &mut register, &payers, &mut sellers, &file).await?;
    sellers.sort_by_key(|seller| seller.kept.index);
    Ok((payers, sellers))
}

async fn arrive(
    demo: &Demo,
    register: &mut Register,
    payers: &mut Vec<Payer>,
    file: &Path,
) -> Result<(), String> {
    let missing: Vec<_> = demo
        .city
        .people
        .iter()
        .filter(|person| !register.payers.iter().any(|kept| kept.index == person.index))
        .cloned()
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let (all, door, mut arriving) = (missing.len(), Arc::new(Semaphore::new(ARRIVING)), JoinSet::new());
    for person in missing {
        let (town, door) = (demo.town.clone(), door.clone());
        arriving.spawn(async move {
            let _place = door.acquire_owned().await.map_err(|error| error.to_string())?;
            // Somebody who had signed up when the process died comes back instead.
            match town.arrive(&person, code(person.bank), FIRST_TOP_UP).await {
                Err(error) if error.contains("phone_taken") => town.come_back(&person).await,
                arrived => arrived,
            }
        });
    }
    while let Some(arrived) = arriving.join_next().await {
        let payer = arrived.map_err(|error| error.to_string())??;
        register.payers.push(payer.kept.clone());
        payers.push(payer);
        if payers.len().is_multiple_of(20) || arriving.is_empty() {
            eprintln!("demo: {} of {all} people have arrived", payers.len());
            register.write(file)?;
        }
    }
    Ok(())
}

async fn open_shops(
    demo: &Demo,
    register: &mut Register,
    payers: &[Payer],
    sellers: &mut Vec<Seller>,
    file: &Path,
) -> Result<(), String> {
    let before = sellers.len();
    for shop in &demo.city.shops {
        if sellers.iter().any(|seller| seller.kept.index == shop.index) {
            continue;
        }
        let owner = &payers[shop.index % payers.len()];
        let bank = code(shop.index % demo.city.banks.len());
        let number = demo.city.seed % 100_000 * 10_000 + shop.index as u64;
        let seller = demo
            .town
            .open_shop(&owner.wallet, shop, bank, number)
            .await
            .map_err(|error| format!("{}: {error}", shop.name_en))?;
        register.sellers.push(seller.kept.clone());
        sellers.push(seller);
    }
    if sellers.len() > before {
        eprintln!("demo: {} shops have opened", sellers.len());
        register.write(file)?;
    }
    Ok(())
}
