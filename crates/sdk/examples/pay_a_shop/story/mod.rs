//! The story, step by step. Whatever does not happen as it should ends it with a reason.

mod visitor;

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use jialing_crypto::{SigningKey, Suite};
use jialing_sdk::answers::{Institution, MerchantView, Movement, NewMerchant, TopUp};
use jialing_sdk::receipt::{self, Proven};
use jialing_sdk::{Amount, Merchant, Public, Wallet};
use serde_json::Value;
use visitor::{Phones, Visitor, licence};

/// What a step answers.
pub(crate) type Told<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What is topped up, paid and given back, in fen.
const TOP_UP: u64 = 20_000;
const PRICE: u64 = 3_850;
const BACK: u64 = 850;
/// How long money from the bank, or a refund, is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the story ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Steps told.
    pub(crate) steps: u32,
    /// What the payer has left, fen.
    pub(crate) payer_balance: u64,
    /// What the shop has, fen.
    pub(crate) shop_balance: u64,
    /// Receipts that were verified.
    pub(crate) receipts: usize,
}

/// Prints numbered steps.
struct Teller<'a, W> {
    out: &'a mut W,
    steps: u32,
}

impl<W: Write> Teller<'_, W> {
    fn step(&mut self, zh: &str, en: &str) -> Told<()> {
        self.steps += 1;
        writeln!(self.out, "\n{:2}. {zh} {en}", self.steps)?;
        Ok(())
    }

    fn line(&mut self, text: impl std::fmt::Display) -> Told<()> {
        writeln!(self.out, "    {text}")?;
        Ok(())
    }
}

/// The person who pays.
struct Payer {
    visitor: Visitor,
    wallet: Wallet,
    wallet_id: String,
}

/// Tells the story against the demonstration at `url`, writing the payment's two receipts into `folder`
/// if there is one.
pub(crate) async fn tell<W: Write>(url: &str, folder: Option<&Path>, out: &mut W) -> Told<Ending> {
    let mut teller = Teller { out, steps: 0 };
    let public = Public::new(url);
    let (phones, banks) = find(&mut teller, url, &public).await?;
    // Noted down before anything happens: a key that comes with a receipt proves nothing.
    let key = public.verifier_key().await?;
    let first = banks.first().ok_or("the city has no bank")?;
    // A shop at a bank of the other liability model, where there is one: the payment settles between
    // the two banks at the same instant.
    let other = banks.iter().find(|bank| bank.model != first.model).unwrap_or(first);
    let payer = arrive(&mut teller, url, &phones, first).await?;
    let shop = open_shop(&mut teller, url, &phones, other).await?;
    let (order_id, transaction) = pay(&mut teller, &payer, &shop).await?;
    show_histories(&mut teller, &payer, &shop, &transaction).await?;
    let refund = give_back(&mut teller, &payer, &shop, &order_id).await?;
    let receipts = verify(&mut teller, &payer, &shop, [&transaction, &refund], &key, folder).await?;
    supply(&mut teller, &public).await?;
    let ending = Ending {
        steps: teller.steps,
        payer_balance: payer.wallet.wallet(&payer.wallet_id).await?.balance.amount,
        shop_balance: newest(&shop).await?.balance.amount,
        receipts,
    };
    let (left, earned) = (Amount::fen(ending.payer_balance), Amount::fen(ending.shop_balance));
    writeln!(teller.out, "\n完 The end: the payer has {left}, the shop {earned}")?;
    Ok(ending)
}

async fn find<W: Write>(
    teller: &mut Teller<'_, W>,
    url: &str,
    public: &Public,
) -> Told<(Phones, Vec<Institution>)> {
    teller.step("找到城市", "Find the city")?;
    let status = public.status().await?;
    let inbox = status
        .inbox
        .ok_or_else(|| format!("{url} is no demonstration: it does not say where messages arrive"))?;
    let mut banks = public.institutions().await?;
    banks.retain(|bank| bank.role == "OPERATING");
    teller.line(format!("{url} is {}, {} records in the log", status.status, status.records))?;
    for bank in &banks {
        teller.line(format!(
            "bank {} {} {}, liability model `{}`",
            bank.code, bank.name_zh, bank.name_en, bank.model
        ))?;
    }
    Ok((Phones::new(&inbox), banks))
}

/// A person arrives: account, device, PIN, identity, wallet, bank account, money.
async fn arrive<W: Write>(
    teller: &mut Teller<'_, W>,
    url: &str,
    phones: &Phones,
    bank: &Institution,
) -> Told<Payer> {
    let visitor = Visitor::invent("江小渝");
    teller.step("新市民注册,绑定设备,设支付密码", "A new person signs up, binds a device key, sets a PIN")?;
    let wallet = phones.sign_up(url, &visitor).await?;
    teller.line(format!(
        "{} with phone {}, device {}",
        wallet.session().person_id,
        visitor.phone,
        wallet.session().device_id
    ))?;

    teller.step("核验身份,开立钱包", "Shows an identity, opens a wallet")?;
    wallet.verify_identity(visitor.name, &visitor.id_number).await?;
    let opened = wallet.open(&bank.code).await?;
    expect("the wallet's class", opened.class.as_str(), "III")?;
    teller.line(format!(
        "{} at {}, class {}, balance {}",
        opened.wallet_id, bank.name_en, opened.class, opened.balance
    ))?;

    teller.step("绑定银行卡并充值", "Links a bank account and tops up")?;
    let after = phones.newest(&visitor.phone).await?;
    let link = wallet.link(&bank.code, &visitor.account).await?;
    let code = phones.code(&visitor.phone, after).await?;
    let link = wallet.confirm_link(&link.link_id, &code).await?;
    let topup = wallet.top_up("STORY-1", &opened.wallet_id, &link.link_id, TOP_UP, Some(visitor.pin)).await?;
    let topup = arrived(&wallet, topup).await?;
    let balance = wallet.wallet(&opened.wallet_id).await?.balance;
    teller
        .line(format!("{} from {} is {}: balance {balance}", topup.amount, link.account_mask, topup.state))?;
    expect("the balance after the top-up", balance.amount, TOP_UP)?;
    Ok(Payer { visitor, wallet, wallet_id: opened.wallet_id })
}

/// Waits until a top-up has ended well.
async fn arrived(wallet: &Wallet, mut topup: TopUp) -> Told<TopUp> {
    let began = std::time::Instant::now();
    while topup.state != "SUCCESS" {
        if matches!(topup.state.as_str(), "FAIL" | "RETURNED") || began.elapsed() > PATIENCE {
            return Err(format!("the top-up is {}: {:?}", topup.state, topup.reason).into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        topup = wallet.topup(&topup.topup_id).await?;
    }
    Ok(topup)
}

/// A second person opens a shop: organisation, merchant, signing key.
async fn open_shop<W: Write>(
    teller: &mut Teller<'_, W>,
    url: &str,
    phones: &Phones,
    bank: &Institution,
) -> Told<Merchant> {
    teller.step("另一位市民开店", "A second person opens a shop")?;
    let visitor = Visitor::invent("何山城");
    let owner = phones.sign_up(url, &visitor).await?;
    owner.verify_identity(visitor.name, &visitor.id_number).await?;
    let organisation = owner.register_organisation("重庆山城小面有限公司", &licence()).await?;
    let new = NewMerchant {
        organisation_id: &organisation.organisation_id,
        name_zh: "山城小面",
        name_en: "Mountain City Noodles",
        mcc: "5812",
        institution: &bank.code,
    };
    let MerchantView { id, status, .. } = owner.register_merchant(&new).await?;
    let key = SigningKey::generate(Suite::Ed25519);
    let registered = owner.register_merchant_key(&id, &key).await?;
    teller.line(format!(
        "{id} 山城小面 at {} is {status}; it signs with key {} ({})",
        bank.name_en, registered.serial, registered.suite
    ))?;
    Ok(Merchant::connect(url, &id, key).await?)
}

/// An order and its payment. Answers the order's id and the transaction's.
async fn pay<W: Write>(teller: &mut Teller<'_, W>, payer: &Payer, shop: &Merchant) -> Told<(String, String)> {
    teller.step("商家下单(请求已签名)", "The shop makes an order, its request signed")?;
    let order = shop.order("STORY-1", "小面 × 2", PRICE).await?;
    let again = shop.order("STORY-1", "小面 × 2", PRICE).await?;
    teller.line(format!("{} over {} is {}", order.id, order.amount, order.state))?;
    teller.line("the same request sent twice answers the same order")?;
    expect("the id of the order sent twice", &again.id, &order.id)?;

    teller.step("扫码,设备签名付款", "The person scans and pays; the device signs what is paid")?;
    let seen = payer.wallet.scan(&order.qr_code.ok_or("the order has no QR code")?).await?;
    let paid = payer
        .wallet
        .pay(&seen.id, &seen.merchant_id, &payer.wallet_id, seen.amount.amount, Some(payer.visitor.pin))
        .await?;
    let transaction = paid.transaction_id.ok_or("the payment names no transaction")?;
    let balance = payer.wallet.wallet(&payer.wallet_id).await?.balance;
    teller.line(format!(
        "{} {} to {} {}: {}, balance {balance}",
        seen.description, seen.amount, seen.merchant_name_zh, seen.merchant_name_en, paid.state
    ))?;
    expect("the state of the paid order", paid.state.as_str(), "SUCCESS")?;
    expect("the payer's balance", balance.amount, TOP_UP - PRICE)?;
    Ok((order.id, transaction))
}

async fn show_histories<W: Write>(
    teller: &mut Teller<'_, W>,
    payer: &Payer,
    shop: &Merchant,
    transaction: &str,
) -> Told<()> {
    teller.step("双方账单立即可见", "Both sides' histories show it at once")?;
    let payers = payer.wallet.history(&payer.wallet_id).await?.items;
    let shops = shop.transactions().await?.items;
    for (whose, movements, direction) in [("payer", payers, "out"), ("shop", shops, "in")] {
        let movement = movements.first().ok_or_else(|| format!("the {whose}'s history is empty"))?;
        teller.line(format!("{whose:5}  {}", shown(movement)))?;
        expect(whose, movement.transaction_id.as_str(), transaction)?;
        expect(whose, movement.direction.as_str(), direction)?;
        expect(whose, movement.amount.amount, PRICE)?;
    }
    let events = shop.undelivered_events().await?.items;
    let paid = events.iter().find(|event| event.kind == "order.paid").ok_or("the shop did not hear of it")?;
    shop.acknowledge(&paid.id).await?;
    teller.line(format!("the shop hears {} ({}) and acknowledges it", paid.kind, paid.id))?;
    expect("events left", shop.undelivered_events().await?.items.len(), events.len() - 1)?;
    Ok(())
}

fn shown(movement: &Movement) -> String {
    let Movement { at, kind, direction, amount, balance, counterparty, .. } = movement;
    let other = counterparty.name.as_deref().unwrap_or("somebody whose name the shop does not learn");
    format!("{at}  {kind} {direction} {amount}  balance {balance}  {other}")
}

/// A part goes back. Answers the transaction.
async fn give_back<W: Write>(
    teller: &mut Teller<'_, W>,
    payer: &Payer,
    shop: &Merchant,
    order_id: &str,
) -> Told<String> {
    teller.step("商家退还一部分", "The shop gives a part back")?;
    let mut refund = shop.refund(order_id, "STORY-1-R1", BACK, "少一碗浇头").await?;
    let began = std::time::Instant::now();
    while refund.state == "PROCESSING" && began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(100)).await;
        refund = shop.refund_by_number("STORY-1-R1").await?;
    }
    expect("the refund", refund.state.as_str(), "SUCCESS")?;
    let movements = payer.wallet.history(&payer.wallet_id).await?.items;
    let back = movements
        .iter()
        .find(|movement| movement.subject == refund.id)
        .ok_or("the refund is not in the payer's history")?;
    teller.line(format!("{} {}: {}, balance {}", refund.id, refund.amount, refund.state, back.balance))?;
    expect("the balance after the refund", back.balance.amount, TOP_UP - PRICE + BACK)?;
    let greedy = shop.refund(order_id, "STORY-1-R2", PRICE, "太多").await;
    let refused = greedy.err().and_then(|error| error.code().map(str::to_owned));
    expect("a refund over what is left", refused.as_deref(), Some("refund_exceeds_paid"))?;
    teller.line("more than was paid cannot go back: refund_exceeds_paid")?;
    Ok(back.transaction_id.clone())
}

/// Both sides' receipts are checked offline, and a forged copy is not believed.
async fn verify<W: Write>(
    teller: &mut Teller<'_, W>,
    payer: &Payer,
    shop: &Merchant,
    transactions: [&str; 2],
    key: &str,
    folder: Option<&Path>,
) -> Told<usize> {
    teller.step("离线验证双方凭证", "Both sides' receipts are verified offline")?;
    teller.line(format!("with nothing but {key}"))?;
    let mut receipts = Vec::new();
    for (what, transaction, amount) in
        [("payment", transactions[0], PRICE), ("refund", transactions[1], BACK)]
    {
        receipts.push(("payer", what, amount, payer.wallet.receipt(transaction).await?));
        receipts.push(("shop", what, amount, shop.receipt(transaction).await?));
    }
    for (whose, what, amount, receipt) in &receipts {
        let Proven { kind, amount: proven, index, tree_size, signed_by_device, .. } =
            receipt::verify(receipt, key)?;
        expect("the kind of the receipt", kind.as_str(), *what)?;
        expect("the amount of the receipt", proven, *amount)?;
        let signed = if signed_by_device { ", signed by the payer's device" } else { "" };
        teller.line(format!(
            "{whose:5}  {what} of {}: record {index} in a log of {tree_size}{signed}",
            Amount::fen(proven)
        ))?;
    }
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder)?;
        for (whose, what, _, receipt) in &receipts {
            let file = folder.join(format!("{what}-{whose}.json"));
            std::fs::write(&file, serde_json::to_vec_pretty(receipt)?)?;
            teller.line(format!("written to {}", file.display()))?;
        }
    }
    teller.step("改一分钱就验不过", "One changed fen, and it does not hold")?;
    let mut forged: Value = receipts[0].3.clone();
    forged["what"]["amount"]["amount"] = (PRICE + 1).into();
    let Err(fault) = receipt::verify(&forged, key) else {
        return Err("a forged receipt was believed".into());
    };
    teller.line(fault)?;
    Ok(receipts.len())
}

async fn supply<W: Write>(teller: &mut Teller<'_, W>, public: &Public) -> Told<()> {
    teller.step("货币总量恒等式", "The money supply adds up")?;
    let supply = public.supply().await?;
    for holder in &supply.holders {
        teller.line(format!(
            "{:4} issued {} − redeemed {} = vaults {} + wallets {} + organisations {} + in transit {}",
            holder.institution,
            holder.issued,
            holder.redeemed,
            holder.in_vaults,
            holder.in_wallets,
            holder.in_organisations,
            holder.in_transit
        ))?;
        expect("the equation", holder.balances(), true)?;
    }
    Ok(())
}

async fn newest(shop: &Merchant) -> Told<Movement> {
    shop.transactions().await?.items.into_iter().next().ok_or_else(|| "the shop's history is empty".into())
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Told<()> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?} instead of {expected:?}").into()) }
}
