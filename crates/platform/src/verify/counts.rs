//! No more settled rows than the journal has movements.
//!
//! Every movement was compared with its row, so if the numbers agree, the sets do.

use super::Report;
use crate::kind::Kind;
use crate::{Db, Result};

/// Movements of each kind in the journal, and sides of accounts.
#[derive(Default)]
pub(super) struct Tally {
    of: [u64; Kind::ALL.len() + 1],
    pub(super) sides: u64,
}

impl Tally {
    pub(super) fn add(&mut self, kind: Kind, count: u64) {
        self.of[kind as usize] += count;
    }

    fn of(&self, kinds: &[Kind]) -> u64 {
        kinds.iter().map(|kind| self.of[*kind as usize]).sum()
    }
}

/// What is counted, the kinds in the journal, how to count rows, and how to name suspects.
const COUNTS: &[(&str, &[Kind], &str)] = &[
    (
        "paid orders",
        &[Kind::Payment],
        "SELECT COUNT(*) FROM orders WHERE record_seq IS NOT NULL OR state = 'SUCCESS'",
    ),
    (
        "refunds that succeeded",
        &[Kind::Refund],
        "SELECT COUNT(*) FROM refunds WHERE record_seq IS NOT NULL OR state = 'SUCCESS'",
    ),
    (
        "transfers that succeeded",
        &[Kind::Transfer],
        "SELECT COUNT(*) FROM transfers WHERE record_seq IS NOT NULL OR state = 'SUCCESS'",
    ),
    (
        "payouts that succeeded",
        &[Kind::Payout],
        "SELECT COUNT(*) FROM payout_lines WHERE record_seq IS NOT NULL OR state = 'SUCCESS'",
    ),
    (
        "frozen payments",
        &[Kind::SplitFreeze],
        "SELECT COUNT(*) FROM split_orders WHERE record_seq IS NOT NULL",
    ),
    (
        "movements of frozen money",
        &[Kind::Split, Kind::SplitRelease, Kind::SplitReturn],
        "SELECT COUNT(*) FROM split_moves WHERE state = 'SUCCESS' AND amount > 0",
    ),
    (
        "settlement fees",
        &[Kind::SettlementFee],
        "SELECT COUNT(*) FROM settlements WHERE fee_taken_at IS NOT NULL",
    ),
    (
        "red packets that were filled",
        &[Kind::RedPacket],
        "SELECT COUNT(*) FROM red_packets WHERE record_seq IS NOT NULL OR state NOT IN ('ACCEPTED', 'FAIL')",
    ),
    (
        "shares of red packets that arrived",
        &[Kind::RedPacketShare],
        "SELECT COUNT(*) FROM red_packet_shares WHERE record_seq IS NOT NULL OR state = 'SUCCESS'",
    ),
    (
        "red packets that went back",
        &[Kind::RedPacketReturn],
        "SELECT COUNT(*) FROM red_packets WHERE return_seq IS NOT NULL OR state = 'RETURNED'",
    ),
    (
        "top-ups that succeeded",
        &[Kind::TopUp],
        "SELECT COUNT(*) FROM exchanges WHERE direction = 'TOP_UP' AND state = 'SUCCESS'",
    ),
    (
        "withdrawals that succeeded or came back",
        &[Kind::Withdrawal, Kind::Sweep],
        "SELECT COUNT(*) FROM exchanges WHERE direction = 'WITHDRAWAL' AND state IN ('SUCCESS', 'RETURNED')",
    ),
    (
        "withdrawals that came back",
        &[Kind::WithdrawalReturn],
        "SELECT COUNT(*) FROM exchanges WHERE direction = 'WITHDRAWAL' AND state = 'RETURNED'",
    ),
    (
        "issues and redemptions",
        &[Kind::Issue, Kind::Redeem],
        "SELECT COUNT(*) FROM issuances WHERE state = 'SUCCESS'",
    ),
];

pub(super) async fn compare(db: &Db, report: &mut Report, tally: &Tally) -> Result<()> {
    for (what, kinds, sql) in COUNTS {
        let rows: i64 = sqlx::query_scalar(*sql).fetch_one(db.read()).await?;
        let moved = tally.of(kinds);
        if u64::try_from(rows) != Ok(moved) {
            report.find(format!("the tables have {rows} {what}, the journal moved the money of {moved}"));
        }
    }
    let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM movements").fetch_one(db.read()).await?;
    if u64::try_from(rows) != Ok(tally.sides) {
        report
            .find(format!("the history has {rows} rows, the journal has {} sides of accounts", tally.sides));
    }
    Ok(())
}
