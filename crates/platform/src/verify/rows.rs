//! The rows that belong to what the journal says.

use std::collections::{HashMap, HashSet};

use sqlx::{AssertSqlSafe, Row};

use super::{Claim, Report};
use crate::db::places;
use crate::follow::Follower;
use crate::history::rules::Side;
use crate::history::{InstitutionAccount, account_of_institution, subject_prefix};
use crate::id::{InstitutionId, WalletId, digits, parse_number};
use crate::kind::Kind;
use crate::{Db, Result};

/// The rows that movements of a kind pay for: how to read them, and in which states money has moved.
///
/// Each gives id, amount, state, payer's wallet, payee's wallet and the record, the last three NULL
/// where the table does not say.
const fn sql(kind: Kind) -> Option<(&'static str, &'static [&'static str])> {
    match kind {
        Kind::Payment => Some((
            "SELECT o.id, o.amount, o.state, o.payer_wallet AS payer, m.wallet AS payee, o.record_seq FROM orders o JOIN merchants m ON m.id = o.merchant WHERE o.id IN ",
            // A payment that came too late is on a closed order, and is given back.
            &["SUCCESS", "REVOKED", "CLOSED"],
        )),
        Kind::Refund => Some((
            "SELECT r.id, r.amount, r.state, m.wallet AS payer, COALESCE(r.to_wallet, o.payer_wallet) AS payee, r.record_seq \
             FROM refunds r JOIN orders o ON o.id = r.order_id JOIN merchants m ON m.id = r.merchant WHERE r.id IN ",
            &["SUCCESS"],
        )),
        Kind::Transfer => Some((
            "SELECT id, amount, state, from_wallet AS payer, to_wallet AS payee, record_seq FROM transfers WHERE id IN ",
            &["SUCCESS"],
        )),
        Kind::Payout => Some((
            "SELECT l.id, l.amount, l.state, m.wallet AS payer, l.wallet AS payee, l.record_seq \
             FROM payout_lines l JOIN merchants m ON m.id = l.merchant WHERE l.id IN ",
            &["SUCCESS"],
        )),
        Kind::SplitFreeze => Some((
            "SELECT s.id, s.amount, CASE WHEN s.frozen_at IS NULL THEN 'WAITING' ELSE 'FROZEN' END AS state, m.wallet AS payer, \
             CAST(NULL AS TEXT) AS payee, s.record_seq FROM split_orders s JOIN merchants m ON m.id = s.merchant WHERE s.id IN ",
            &["FROZEN"],
        )),
        Kind::Split => Some((
            "SELECT id, amount, state, CAST(NULL AS TEXT) AS payer, wallet AS payee, CAST(NULL AS BIGINT) AS record_seq FROM split_moves WHERE id IN ",
            &["SUCCESS"],
        )),
        Kind::SplitRelease => Some((
            "SELECT s.id, s.amount, s.state, CAST(NULL AS TEXT) AS payer, m.wallet AS payee, CAST(NULL AS BIGINT) AS record_seq \
             FROM split_moves s JOIN merchants m ON m.id = s.merchant WHERE s.id IN ",
            &["SUCCESS"],
        )),
        Kind::SplitReturn => Some((
            "SELECT id, amount, state, wallet AS payer, CAST(NULL AS TEXT) AS payee, CAST(NULL AS BIGINT) AS record_seq FROM split_moves WHERE id IN ",
            &["SUCCESS"],
        )),
        Kind::SettlementFee => Some((
            "SELECT s.id, s.fee AS amount, s.state, m.wallet AS payer, CAST(NULL AS TEXT) AS payee, CAST(NULL AS BIGINT) AS record_seq \
             FROM settlements s JOIN merchants m ON m.id = s.merchant WHERE s.id IN ",
            // One that came back later has cost its fee.
            &["PAID", "FAILED"],
        )),
        Kind::RedPacket => Some((
            "SELECT id, amount, state, wallet AS payer, CAST(NULL AS TEXT) AS payee, record_seq FROM red_packets WHERE id IN ",
            &["OPEN", "EMPTY", "RETURNING", "RETURNED"],
        )),
        Kind::RedPacketShare => Some((
            "SELECT id, amount, state, CAST(NULL AS TEXT) AS payer, wallet AS payee, record_seq FROM red_packet_shares WHERE id IN ",
            &["SUCCESS"],
        )),
        Kind::RedPacketReturn => Some((
            "SELECT id, returned AS amount, state, CAST(NULL AS TEXT) AS payer, return_wallet AS payee, return_seq AS record_seq FROM red_packets WHERE id IN ",
            &["RETURNED"],
        )),
        Kind::TopUp => Some((
            "SELECT id, amount, state, CAST(NULL AS TEXT) AS payer, wallet_id AS payee, CAST(NULL AS BIGINT) AS record_seq FROM exchanges WHERE id IN ",
            &["SUCCESS"],
        )),
        Kind::Withdrawal | Kind::Sweep => Some((
            "SELECT id, amount, state, wallet_id AS payer, CAST(NULL AS TEXT) AS payee, CAST(NULL AS BIGINT) AS record_seq FROM exchanges WHERE id IN ",
            &["SUCCESS", "RETURNED"],
        )),
        Kind::WithdrawalReturn => Some((
            "SELECT id, amount, state, CAST(NULL AS TEXT) AS payer, wallet_id AS payee, CAST(NULL AS BIGINT) AS record_seq FROM exchanges WHERE id IN ",
            &["RETURNED"],
        )),
        Kind::Issue | Kind::Redeem => Some((
            "SELECT id, amount, state, CAST(NULL AS TEXT) AS payer, CAST(NULL AS TEXT) AS payee, CAST(NULL AS BIGINT) AS record_seq FROM issuances WHERE id IN ",
            &["SUCCESS"],
        )),
        Kind::Settlement | Kind::Bulk => None,
    }
}

/// Checks the row of each claim.
pub(super) async fn check(db: &Db, report: &mut Report, kind: Kind, claims: &[&Claim]) -> Result<()> {
    let Some((select, moved)) = sql(kind) else {
        report.find(format!("record {} settles between banks for nothing", claims[0].seq));
        return Ok(());
    };
    let name = |id: u128| format!("{}_{}", subject_prefix(kind), digits(id));
    let mut query = sqlx::query(AssertSqlSafe(format!("{select}({})", places(1, claims.len()))));
    for claim in claims {
        query = query.bind(name(claim.id));
    }
    let mut rows = HashMap::new();
    for row in query.fetch_all(db.read()).await? {
        rows.insert(row.try_get::<String, _>("id")?, row);
    }
    for claim in claims {
        let id = name(claim.id);
        let Some(row) = rows.get(&id) else {
            report.find(format!(
                "record {} moved {} fen as a {} of {id}, which no table has",
                claim.seq,
                claim.amount,
                kind.name()
            ));
            continue;
        };
        let (amount, state): (i64, String) = (row.try_get("amount")?, row.try_get("state")?);
        if u64::try_from(amount) != Ok(claim.amount) {
            report.find(format!("{id} says {amount} fen, but record {} moved {}", claim.seq, claim.amount));
        }
        if !moved.contains(&state.as_str()) {
            report.find(format!("{id} is {state}, but record {} moved its money", claim.seq));
        }
        for (column, account) in [("payer", claim.debit), ("payee", claim.credit)] {
            let wallet: Option<String> = row.try_get(column)?;
            if wallet.as_ref().is_some_and(|wallet| *wallet != WalletId::from_number(account).to_string()) {
                report.find(format!("{id} names another {column} than record {}", claim.seq));
            }
        }
        let seq: Option<i64> = row.try_get("record_seq")?;
        if seq.is_some_and(|seq| u64::try_from(seq) != Ok(claim.seq)) {
            report.find(format!(
                "{id} names record {}, but its money moved in record {}",
                seq.unwrap_or_default(),
                claim.seq
            ));
        }
    }
    Ok(())
}

/// The accounts that are wallets.
pub(super) async fn wallets(db: &Db, accounts: &[u128]) -> Result<HashSet<u128>> {
    let mut wallets = HashSet::new();
    for some in accounts.chunks(1000) {
        let mut query = sqlx::query_scalar(AssertSqlSafe(format!(
            "SELECT id FROM wallets WHERE id IN ({})",
            places(1, some.len())
        )));
        for account in some {
            query = query.bind(WalletId::from_number(*account));
        }
        let found: Vec<String> = query.fetch_all(db.read()).await?;
        wallets.extend(found.iter().filter_map(|id| parse_number(id.get(4..)?)));
    }
    Ok(wallets)
}

/// The accounts that are institutions', and which account of theirs each is.
pub(super) async fn institution_accounts(
    db: &Db,
    accounts: &[u128],
) -> Result<HashMap<u128, InstitutionAccount>> {
    let known: Vec<String> = sqlx::query_scalar("SELECT id FROM institutions").fetch_all(db.read()).await?;
    let is_known = |id: InstitutionId| known.contains(&id.to_string());
    let of = |&account: &u128| {
        let (institution, which) = account_of_institution(account)?;
        is_known(institution).then_some((account, which))
    };
    Ok(accounts.iter().filter_map(of).collect())
}

/// Checks that the history has each side as the journal has it.
pub(super) async fn check_sides(db: &Db, report: &mut Report, sides: &[Side]) -> Result<()> {
    for some in sides.chunks(200) {
        let pairs: Vec<String> =
            (0..some.len()).map(|n| format!("(${}, ${})", 2 * n + 1, 2 * n + 2)).collect();
        let sql = format!(
            "SELECT wallet, seq, transaction_no, kind, direction, amount, balance, at FROM movements WHERE (wallet, seq) IN (VALUES {})",
            pairs.join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for side in some {
            query = query.bind(WalletId::from_number(side.wallet).to_string()).bind(side.seq as i64);
        }
        let mut rows = HashMap::new();
        for row in query.fetch_all(db.read()).await? {
            rows.insert((row.try_get::<String, _>("wallet")?, row.try_get::<i64, _>("seq")?), row);
        }
        for side in some {
            let wallet = WalletId::from_number(side.wallet).to_string();
            let Some(row) = rows.get(&(wallet.clone(), side.seq as i64)) else {
                report.find(format!("the history of {wallet} lacks record {}", side.seq));
                continue;
            };
            let texts = [
                ("transaction_no", digits(side.transaction)),
                ("kind", side.kind.name().to_owned()),
                ("direction", side.direction.text().to_owned()),
            ];
            let numbers = [("amount", side.amount as i64), ("balance", side.balance), ("at", side.at)];
            for (column, expected) in texts {
                if row.try_get::<String, _>(column)? != expected {
                    report.find(format!(
                        "the history of {wallet} has another {column} than record {}",
                        side.seq
                    ));
                }
            }
            for (column, expected) in numbers {
                if row.try_get::<i64, _>(column)? != expected {
                    report.find(format!(
                        "the history of {wallet} has another {column} than record {}",
                        side.seq
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Checks that the audit chain has the anchored hash at the anchored place.
pub(super) async fn anchor(
    db: &Db,
    report: &mut Report,
    position: u128,
    digest: [u8; 32],
    seq: u64,
) -> Result<()> {
    let kept: Option<Vec<u8>> = sqlx::query_scalar("SELECT hash FROM audit_entries WHERE position = $1")
        .bind(i64::try_from(position).unwrap_or(i64::MAX))
        .fetch_optional(db.read())
        .await?;
    if kept.as_deref() != Some(&digest[..]) {
        report.find(format!("the audit chain at place {position} is not what record {seq} anchors"));
    }
    Ok(())
}

/// The number of records that `follower` has handled.
pub(super) async fn cursor(db: &Db, follower: Follower) -> Result<u64> {
    let next: Option<i64> = sqlx::query_scalar("SELECT next_seq FROM cursors WHERE follower = $1")
        .bind(follower.name())
        .fetch_optional(db.read())
        .await?;
    Ok(next.and_then(|next| u64::try_from(next).ok()).unwrap_or(0))
}
