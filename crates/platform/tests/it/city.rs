//! A city for tests: a central bank, three banks of both liability models, funded wallets.

use jialing_ledger::{Command, Group};
use jialing_platform::id::{InstitutionId, TopUpId, WalletId};
use jialing_platform::institutions::{self, Direction, Founding, IssuanceAsk, Model, NewInstitution, Role};
use jialing_platform::kind::Kind;
use jialing_platform::wallets::{self, AccountRef, Movement, OpenAsk, legs};
use jialing_platform::{App, Money};

use crate::citizen::Citizen;
use crate::world::World;

/// What the central bank may issue, and what each bank was issued at the beginning, fen.
pub const AUTHORISED: u64 = 100_000_000_000_000;
pub const ISSUED: u64 = 1_000_000_000_000;

/// Founds the institutions and issues to each bank: `BKA` keeps wallets of the central bank's money,
/// `BKB` and `BKC` of their own.
pub async fn found(world: &World) {
    let institution = |code: &str, role, model, authorised| NewInstitution {
        code: code.into(),
        role,
        model,
        name_zh: format!("{code} 银行"),
        name_en: format!("Bank {code}"),
        authorised,
        keys: Vec::new(),
    };
    let founding = Founding {
        institutions: vec![
            institution("CB", Role::Central, Model::Central, AUTHORISED),
            institution("BKA", Role::Operating, Model::Central, 0),
            institution("BKB", Role::Operating, Model::Deposit, AUTHORISED),
            institution("BKC", Role::Operating, Model::Deposit, AUTHORISED),
        ],
    };
    institutions::establish(&world.app, founding).await.expect("the institutions are founded");
    for code in crate::world::BANKS {
        let ask = IssuanceAsk { out_issuance_no: format!("first-{code}"), amount: Money::fen(ISSUED) };
        institutions::request(&world.app, bank(&world.app, code).await, Direction::Issue, ask, [0; 24])
            .await
            .expect("issued");
    }
}

/// The bank with this code.
pub async fn bank(app: &App, code: &str) -> InstitutionId {
    institutions::by_code(app, code).await.expect("the bank was founded").id
}

/// A wallet of the citizen at the bank, with so many fen in it.
pub async fn wallet(world: &World, citizen: &Citizen, bank: &str, fen: u64) -> WalletId {
    let ask = OpenAsk { institution: bank.into(), name: None };
    let wallet = wallets::open(&world.app, citizen.person, ask).await.expect("a wallet opens").wallet_id;
    fund(world, wallet, fen).await;
    wallet
}

/// Puts money into a wallet as its bank's top-up does, without the bank's side of it.
pub async fn fund(world: &World, wallet: WalletId, fen: u64) {
    if fen > 0 {
        fund_unseen(world, wallet, fen).await;
        world.settle().await;
    }
}

/// The same without waiting for the followers.
pub async fn fund_unseen(world: &World, wallet: WalletId, fen: u64) {
    let payee = wallets::account(&world.app, wallet).await.expect("the wallet is there");
    let payer = AccountRef::of_bank(payee.institution, &payee);
    let id = TopUpId::new(world.clock.millis()).number();
    let movement = Movement { id, kind: Kind::TopUp, amount: fen, digest: [0; 24], meters: &[] };
    let command = Command::Transfer(Group { legs: legs(&payer, &payee, &movement) });
    world.app.engine.submit(command).await.expect("the wallet may hold it");
}

/// What a wallet holds, by the ledger.
pub async fn balance(world: &World, wallet: WalletId) -> i64 {
    world
        .app
        .engine
        .account(wallet.number())
        .await
        .expect("the engine runs")
        .expect("the wallet has an account")
        .balance()
}

/// A unified social credit code (GB 32100-2015) with the right check character, different for each `n`.
pub fn licence(n: u32) -> String {
    const CHARACTERS: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    let body = format!("91500000{n:09}");
    let value =
        |byte: u8| CHARACTERS.iter().position(|&known| known == byte).expect("a character of the code");
    let sum: usize = body.bytes().zip(WEIGHTS).map(|(byte, weight)| value(byte) * weight).sum();
    let check = CHARACTERS[(31 - sum % 31) % 31];
    format!("{body}{}", char::from(check))
}
