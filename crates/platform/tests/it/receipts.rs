//! Receipts: whoever has the ledger's key can check one, and none survives a change.

use jialing_crypto::note::NoteVerifier;
use jialing_crypto::{SigningKey, Suite};
use jialing_platform::history::{self, Direction, HistoryAsk};
use jialing_platform::kind::Kind;
use jialing_platform::receipts::{self, CosignaturesAsk, Fault, Receipt, ReceiptAsk, Trust, verify};
use jialing_platform::{Code, exchange};
use jialing_rails::bank::{EntryKind, NoticeState};
use serde_json::Value;

use crate::city::{bank, found};
use crate::history::refund;
use crate::market::{Payer, Shop};
use crate::saver::{Saver, found_at_noon, notice};
use crate::transfers::send;
use crate::world::{World, on_each_backend};

fn any() -> ReceiptAsk {
    ReceiptAsk::default()
}

fn trust(world: &World) -> Trust {
    Trust::in_ledger(&world.app.engine.verifier_key()).expect("the ledger's key")
}

fn text(receipt: &Receipt) -> String {
    serde_json::to_string(receipt).expect("a receipt is JSON")
}

#[test]
fn both_parties_get_a_receipt_that_the_ledgers_key_alone_verifies() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let key = trust(world);
        for (n, bank) in [(10, "BKA"), (20, "BKB"), (30, "BKC")] {
            let (shop, ann) =
                (Shop::open(world, n, "BKB").await, Payer::with(world, n + 1, bank, 10_000).await);
            let order = shop.order(world, "o-1", 2_800).await;
            let paid = ann.pay(world, &order).await.expect("paid");
            let transaction = paid.transaction_id.expect("paid");
            let anns = receipts::of_person(&world.app, &ann.citizen.actor, transaction, &any())
                .await
                .expect("the payer's");
            assert_eq!(
                (anns.what.kind, anns.what.direction, anns.what.amount.amount),
                (Kind::Payment, Direction::Out, 2_800)
            );
            assert_eq!(anns.described.counterparty, Some(format!("小面馆{n}")));
            let evidence = anns.evidence.as_ref().expect("the payer's device signed it");
            assert!(evidence.text.contains(&format!("subject:{}", order.id)), "{}", evidence.text);
            let verified = verify(&text(&anns), &key).expect("holds");
            assert_eq!(verified.receipt, anns);
            let shops = receipts::of_merchant(&world.app, shop.id, transaction, &CosignaturesAsk::default())
                .await
                .expect("the payee's");
            assert_eq!(
                (shops.what.wallet_id, shops.what.direction, shops.evidence.is_none()),
                (shop.wallet, Direction::In, true)
            );
            verify(&text(&shops), &key).expect("holds");
            refund(world, &shop, order.id, "r-1", 300).await;
        }
        let (ann, bob) = (Payer::with(world, 41, "BKA", 1_000).await, Payer::with(world, 42, "BKC", 0).await);
        let sent = send(world, &ann, "t-1", &bob.wallet.to_string(), 10).await.expect("sent");
        let transaction = sent.transaction_id.expect("moved");
        let anns = receipts::of_person(&world.app, &ann.citizen.actor, transaction, &any())
            .await
            .expect("the payer's");
        assert!(anns.evidence.as_ref().is_some_and(|evidence| evidence.text.contains("subject:t-1")));
        verify(&text(&anns), &key).expect("holds");
        let bobs = receipts::of_person(&world.app, &bob.citizen.actor, transaction, &any())
            .await
            .expect("the payee's");
        assert_eq!(bobs.evidence, None);
        verify(&text(&bobs), &key).expect("holds");
    });
}

#[test]
fn nobody_else_gets_the_receipt() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKB").await, Payer::with(world, 2, "BKA", 10_000).await);
        let (other, eve) = (Shop::open(world, 3, "BKB").await, Payer::with(world, 4, "BKA", 10_000).await);
        let paid = ann.pay(world, &shop.order(world, "o-1", 2_800).await).await.expect("paid");
        let transaction = paid.transaction_id.expect("paid");
        let code = |answer: jialing_platform::Result<Receipt>| answer.expect_err("not a party").code;
        assert_eq!(
            code(receipts::of_person(&world.app, &eve.citizen.actor, transaction, &any()).await),
            Code::NotFound
        );
        assert_eq!(
            code(receipts::of_person(&world.app, &shop.owner.actor, transaction, &any()).await),
            Code::NotFound
        );
        assert_eq!(
            code(receipts::of_merchant(&world.app, other.id, transaction, &CosignaturesAsk::default()).await),
            Code::NotFound
        );
        let unknown = jialing_platform::id::TransactionId::new(1);
        assert_eq!(
            code(receipts::of_person(&world.app, &ann.citizen.actor, unknown, &any()).await),
            Code::NotFound
        );
    });
}

/// Every way to change one leaf of `value` a little, with the path to it.
fn changes(value: &Value, path: &str, change: &mut dyn FnMut(&str, Value)) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                changes(inner, &format!("{path}/{name}"), &mut |at: &str, new: Value| {
                    let mut whole = fields.clone();
                    whole.insert(name.clone(), new);
                    change(at, Value::Object(whole));
                });
                let mut without = fields.clone();
                without.remove(name);
                change(&format!("{path}/{name} removed"), Value::Object(without));
            }
            let mut more = fields.clone();
            more.insert("more".into(), Value::Null);
            change(&format!("{path} with more"), Value::Object(more));
        }
        Value::Array(items) => {
            for (place, inner) in items.iter().enumerate() {
                changes(inner, &format!("{path}/{place}"), &mut |at: &str, new: Value| {
                    let mut whole = items.clone();
                    whole[place] = new;
                    change(at, Value::Array(whole));
                });
            }
            change(&format!("{path} doubled"), Value::Array(items.iter().chain(items).cloned().collect()));
            change(&format!("{path} cut"), Value::Array(items[..items.len() - 1].to_vec()));
        }
        Value::String(text) => {
            let letters: Vec<char> = text.chars().collect();
            // Every character of what is short, every seventh of what is long.
            let step = if letters.len() < 64 { 1 } else { 7 };
            for place in (0..letters.len()).step_by(step) {
                let mut other = letters.clone();
                other[place] = if other[place] == '1' { '2' } else { '1' };
                change(path, Value::String(other.into_iter().collect()));
            }
            change(path, Value::String(format!("{text} ")));
            change(path, Value::String(String::new()));
        }
        Value::Number(number) => {
            let number = number.as_u64().expect("receipts hold whole numbers");
            change(path, Value::from(number + 1));
            change(path, Value::from(number.wrapping_sub(1)));
            change(path, Value::from(number as f64 + 0.5));
        }
        Value::Bool(_) | Value::Null => panic!("{path}: receipts hold no such value"),
    }
}

#[test]
fn a_receipt_with_any_proven_field_changed_does_not_hold() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKB").await, Payer::with(world, 2, "BKA", 10_000).await);
        for n in 0..5 {
            ann.pay(world, &shop.order(world, &format!("o-{n}"), 100 + n).await).await.expect("paid");
        }
        let order = shop.order(world, "o-last", 2_800).await;
        let paid = ann.pay(world, &order).await.expect("paid");
        let receipt =
            receipts::of_person(&world.app, &ann.citizen.actor, paid.transaction_id.expect("paid"), &any())
                .await
                .expect("the payer's");
        let key = trust(world);
        let whole = serde_json::to_value(&receipt).expect("JSON");
        verify(&whole.to_string(), &key).expect("holds before it is changed");
        let (mut tried, mut free) = (0, Vec::new());
        changes(&whole, "", &mut |path, changed| {
            tried += 1;
            if verify(&changed.to_string(), &key).is_ok() {
                free.push(path.to_owned());
            }
        });
        assert!(tried > 300, "{tried}");
        // What the platform adds is not proven, and the payer may leave the device's evidence out.
        free.retain(|path| !path.starts_with("/described/") && path != "/evidence removed");
        assert_eq!(free, Vec::<String>::new());
        let stranger = SigningKey::generate(Suite::Ed25519).public().clone();
        let log = NoteVerifier::new(key.log.name(), stranger).expect("a key");
        let other = Trust { log, ..key.clone() };
        assert!(matches!(
            verify(&whole.to_string(), &other),
            Err(Fault::Checkpoint(_) | Fault::Differs { .. })
        ));
        assert!(matches!(verify("{}", &key), Err(Fault::Unreadable(_))));
        assert!(matches!(verify("not JSON", &key), Err(Fault::Unreadable(_))));
    });
}

#[test]
fn the_proof_of_one_payment_does_not_carry_another() {
    on_each_backend(async |world: &mut World| {
        found(world).await;
        let (shop, ann) = (Shop::open(world, 1, "BKA").await, Payer::with(world, 2, "BKA", 10_000).await);
        let mut made = Vec::new();
        for (number, fen) in [("o-1", 100), ("o-2", 9_000)] {
            let paid = ann.pay(world, &shop.order(world, number, fen).await).await.expect("paid");
            made.push(
                receipts::of_person(
                    &world.app,
                    &ann.citizen.actor,
                    paid.transaction_id.expect("paid"),
                    &any(),
                )
                .await
                .expect("the payer's"),
            );
        }
        let key = trust(world);
        let mixed = [
            Receipt { what: made[1].what.clone(), ..made[0].clone() },
            Receipt { proof: made[1].proof.clone(), ..made[0].clone() },
            Receipt { evidence: made[1].evidence.clone(), ..made[0].clone() },
        ];
        for receipt in mixed {
            verify(&text(&receipt), &key).expect_err("two receipts in one");
        }
    });
}

#[test]
fn a_withdrawal_that_came_back_has_a_receipt_each_way() {
    on_each_backend(async |world: &mut World| {
        found_at_noon(world).await;
        let saver = Saver::new(world, 1, "BKB", "BKC").await;
        saver.top_up(world, "T-1", 1_000).await.expect("topped up");
        let withdrawal = saver.withdraw(world, "W-1", 600).await.expect("taken in");
        let reference = withdrawal.withdrawal_id.to_string();
        let back = notice(world, "BKC", &reference, EntryKind::Return, NoticeState::Returned, 600);
        exchange::notice::take(&world.app, bank(&world.app, "BKC").await, back).await.expect("taken in");
        world.settle().await;
        let ask = HistoryAsk::default();
        let page = history::of_wallet(&world.app, &saver.citizen.actor, saver.wallet, &ask).await;
        let page = page.expect("own history").items;
        let kinds: Vec<Kind> = page.iter().map(|movement| movement.kind).collect();
        assert_eq!(kinds, [Kind::WithdrawalReturn, Kind::Withdrawal, Kind::TopUp]);
        for movement in page {
            let ask = ReceiptAsk { movement: Some(movement.id.clone()), ..any() };
            let receipt =
                receipts::of_person(&world.app, &saver.citizen.actor, movement.transaction_id, &ask);
            let receipt = receipt.await.expect("one's own");
            assert_eq!((receipt.what.kind, receipt.what.direction), (movement.kind, movement.direction));
            verify(&text(&receipt), &trust(world)).expect("holds");
        }
    });
}
