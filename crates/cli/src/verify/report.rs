//! An audit's result, for a person and for a program.

use std::fmt;

use jialing_ledger::Totals;
use serde_json::{Value, json};

use super::audit::Found;

impl Found {
    fn holder(&self, number: u32) -> String {
        let known = self.tables.as_ref().and_then(|tables| tables.holders.get(&number));
        known.cloned().unwrap_or_else(|| format!("holder {number}"))
    }

    fn root(&self) -> String {
        self.ledger.root.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn supply(&self) -> Vec<Totals> {
        let mut totals: Vec<Totals> = self.ledger.ledger.totals_all().collect();
        totals.sort_by_key(|totals| (totals.currency, totals.holder));
        totals
    }

    /// Everything as one JSON object; amounts are in minor units.
    pub(crate) fn to_json(&self) -> Value {
        let ledger = &self.ledger;
        let supply: Vec<Value> = self.supply().iter().map(|t| json!({
            "holder": t.holder, "institution": self.holder(t.holder), "currency": t.currency,
            "issued": t.issued, "redeemed": t.redeemed, "in_vaults": t.vault, "in_wallets": t.personal,
            "in_organisations": t.organisation, "in_transit": t.transit, "set_aside": t.held,
        })).collect();
        let findings: Vec<Value> = ledger
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "file": finding.file, "byte": finding.byte, "record": finding.seq, "what": finding.what,
                })
            })
            .collect();
        json!({
            "sound": self.is_sound(),
            "ledger": {
                "origin": ledger.origin, "verifier_key": ledger.verifier_key, "records": ledger.records,
                "transfers": self.transfers, "accounts": ledger.ledger.accounts().len(), "segments": ledger.segments,
                "root": self.root(), "checkpoints": ledger.checkpoints, "newest_checkpoint": ledger.newest_checkpoint,
                "snapshots": ledger.snapshots, "indexes": ledger.indexes, "torn_bytes": ledger.torn_bytes, "findings": findings,
            },
            "tables": self.tables.as_ref().map(|tables| json!({
                "movements": tables.report.movements, "sides": tables.report.sides, "audit_entries": tables.report.audit_entries,
                "anchors": tables.report.anchors, "policies": tables.report.policies, "supply_days": tables.report.supply_days, "behind": tables.report.behind, "found": tables.report.found, "findings": tables.report.findings,
            })),
            "supply": supply,
        })
    }

    fn findings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.ledger.findings {
            writeln!(f, "WRONG  {finding}")?;
        }
        let Some(tables) = &self.tables else { return Ok(()) };
        if !self.ledger.is_sound() && !tables.report.is_clean() {
            writeln!(
                f,
                "       The tables were compared with the records before the first fault above; mend the ledger first."
            )?;
        }
        for finding in &tables.report.findings {
            writeln!(f, "WRONG  tables: {finding}")?;
        }
        match tables.report.found - tables.report.findings.len() as u64 {
            0 => Ok(()),
            more => writeln!(f, "WRONG  tables: and {more} more"),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ledger = &self.ledger;
        self.findings(f)?;
        writeln!(f, "log          {}", ledger.origin)?;
        writeln!(f, "key          {}", ledger.verifier_key)?;
        writeln!(f, "records      {} in {} segments, root {}", ledger.records, ledger.segments, self.root())?;
        writeln!(f, "transfers    {}", self.transfers)?;
        writeln!(f, "accounts     {}", ledger.ledger.accounts().len())?;
        writeln!(
            f,
            "checkpoints  {} signed; the newest covers {} records",
            ledger.checkpoints, ledger.newest_checkpoint
        )?;
        writeln!(f, "derived      {} snapshots and {} indexes compared", ledger.snapshots, ledger.indexes)?;
        if ledger.torn_bytes > 0 {
            writeln!(
                f,
                "tail         {} bytes of a write that was cut off; the next start removes them, nothing acknowledged is in them",
                ledger.torn_bytes
            )?;
        }
        match &self.tables {
            Some(tables) => {
                let report = &tables.report;
                writeln!(
                    f,
                    "tables       {} movements and {} sides in the history compared; {} records not yet taken over, which the next start does",
                    report.movements, report.sides, report.behind
                )?;
                writeln!(
                    f,
                    "audit chain  {} entries, {} hashes of it in the journal",
                    report.audit_entries, report.anchors
                )?;
                writeln!(
                    f,
                    "anchors      {} policy versions and the supply of {} days compared with the journal",
                    report.policies, report.supply_days
                )?;
            }
            None => writeln!(f, "tables       not compared")?,
        }
        for totals in self.supply() {
            write!(f, "{}", Supply { name: self.holder(totals.holder), totals })?;
        }
        if self.is_sound() {
            writeln!(f, "\n{} is sound.", self.data.display())
        } else {
            let wrong =
                ledger.findings.len() as u64 + self.tables.as_ref().map_or(0, |tables| tables.report.found);
            writeln!(f, "\n{} is NOT sound: {wrong} findings, listed first.", self.data.display())
        }
    }
}

/// One holder's equation in words.
struct Supply {
    name: String,
    totals: Totals,
}

impl fmt::Display for Supply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = &self.totals;
        let currency = if t.currency == 156 { "CNY".to_owned() } else { format!("currency {}", t.currency) };
        let found =
            [t.vault, t.personal, t.organisation, t.transit].into_iter().map(i128::from).sum::<i128>();
        let outstanding = i128::from(t.issued) - i128::from(t.redeemed);
        let sign = if found == outstanding { "=" } else { "IS NOT" };
        writeln!(
            f,
            "supply       {} {currency}: issued {} − redeemed {} {sign} vaults {} + wallets {} + organisations {} + in transit {}",
            self.name,
            yuan(t.issued),
            yuan(t.redeemed),
            yuan(t.vault),
            yuan(t.personal),
            yuan(t.organisation),
            yuan(t.transit)
        )
    }
}

/// Minor units as a person reads them.
pub(super) fn yuan(fen: u64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_yuan() {
        let check = |fen, expect| assert_eq!(yuan(fen), expect);
        check(0, "0.00");
        check(5, "0.05");
        check(123_456, "1234.56");
    }
}
