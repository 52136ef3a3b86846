//! A new sandbox is furnished: the bank gets its money, three people arrive, one opens a shop. All of
//! it goes through the public API, as anybody's client would do it.

use jialing_sandbox::city::Person;
use jialing_sdk::Bank;

use crate::actors::{KeptPayer, KeptSeller, Payer, Town, said};
use crate::inside::{BANK, city};

/// What the bank has issued to it at the beginning, in fen: 1 billion yuan.
const FIRST_ISSUE: u64 = 100_000_000_000;
/// What each payer tops up at first, in fen: 10,000 yuan, what a wallet of class III takes with room.
const FIRST_TOP_UP: u64 = 1_000_000;

/// Who lives in a sandbox.
pub(crate) struct Furnished {
    pub(crate) merchant: KeptSeller,
    /// The last one has no money.
    pub(crate) payers: Vec<KeptPayer>,
}

/// Furnishes the platform at `base`, whose messages arrive at `inbox`.
pub(crate) async fn furnish(
    base: &str,
    inbox: &str,
    treasury: jialing_crypto::SigningKey,
) -> Result<Furnished, String> {
    let bank = Bank::connect(base, BANK, treasury).await.map_err(said("reading the platform's keys"))?;
    bank.issue("FIRST-1", FIRST_ISSUE).await.map_err(said("issuing the first money"))?;
    let (town, city) = (Town::new(base, inbox), city());
    let [one, two, three] = &city.people[..] else { return Err("three people live in a sandbox".into()) };
    // One fen is the least a top-up takes, and too little for anything.
    let (first, second, third) = tokio::try_join!(
        arrive(&town, one, FIRST_TOP_UP),
        arrive(&town, two, FIRST_TOP_UP),
        arrive(&town, three, 1)
    )?;
    let seller = town.open_shop(&first.wallet, &city.shops[0], BANK, 1).await?;
    Ok(Furnished {
        merchant: seller.kept.clone(),
        payers: [first, second, third].into_iter().map(|payer| payer.kept).collect(),
    })
}

async fn arrive(town: &Town, person: &Person, fen: u64) -> Result<Payer, String> {
    let payer = town.arrive(person, BANK, fen).await?;
    payer.wallet.verify_by_bank().await.map_err(said("raising the identity level"))?;
    Ok(payer)
}
