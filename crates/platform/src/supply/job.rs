//! Publishing the days that have ended, one after the other.
//!
//! For each day: the number of records before its cut; the table of accounts brought up to there; the
//! trees; the statement, kept; its digest, noted in the log. Every step is found again after a crash:
//! a table or tree that is not whole is made anew, and a statement that is kept is noted as it is.
//! Memory is bounded ([`MOST_CHANGED`] changed accounts, [`LEAVES_AT_ONCE`] leaves); a day of a
//! million accounts takes seconds of one core.

use std::collections::{BTreeMap, HashMap};

use jialing_crypto::hash::{Digest, HashAlgorithm};
use jialing_crypto::proof;
use jialing_ledger::AccountKind;
use tokio::task::spawn_blocking;

use super::accounts::{self, Changes, Entry, Flows, Merge, PER_PAGE};
use super::store::{self, Standing};
use super::tree::{Blinds, Builder, Leaf};
use super::{Book, Day, Statement, blinds, hash_of};
use crate::anchors::{self, NoteKind};
use crate::{App, Problem, Result, policies};

/// Records read together.
const READ: u64 = 8192;
/// Pages of accounts read or written together.
const PAGES_AT_ONCE: usize = 16;
/// Pages of a tree written together.
const TREE_PAGES_AT_ONCE: usize = 64;
/// Leaves sorted together; with more accounts, the table is read several times.
const LEAVES_AT_ONCE: u64 = 1 << 19;

/// Publishes the oldest day that has ended and is not published; none if there is none.
///
/// # Errors
/// Any fault of the database or the ledger; safe to repeat. `internal` also when the accounts do not
/// hold what was issued less what was redeemed: then nothing is published.
pub async fn publish_next(app: &App) -> Result<Option<Day>> {
    let newest = store::newest(app).await?;
    if let Some(kept) = newest.as_ref().filter(|kept| kept.record_seq.is_none()) {
        // A stop came between keeping the statement and remembering its record.
        return note(app, &kept.statement).await;
    }
    let (day, before) = match newest {
        Some(newest) => (newest.statement.day.next(), Some(newest.digest)),
        None => match feed(app, 0, 1).await?.first() {
            Some(first) => (Day::of(first.time), None),
            None => return Ok(None),
        },
    };
    if app.engine.now() < day.cut() {
        return Ok(None);
    }
    // A look is answered once all that was decided before it is durable, and what is decided after it
    // is decided after the cut: from here on, nothing is added to that day.
    app.engine.accounts(&[]).await.map_err(Problem::internal)?;
    let records = records_before(app, day).await?;
    let standing = advance(app, records).await?;
    let hash = hash_of(app)?;
    let books = build(app, day, standing, hash, blinds(app, day)).await?;
    let root = root_at(app, records, hash).await?;
    let log = app.engine.origin().to_owned();
    let statement = Statement { log, day, records, root, hash, before, books };
    if let Some(book) = statement.books.iter().find(|book| !book.is_balanced()) {
        return Err(Problem::internal(format!(
            "the supply of {day} does not balance and is not published: {book:?}"
        )));
    }
    store::put_statement(app, &statement).await?;
    note(app, &statement).await
}

/// Writes the statement's digest into the log and remembers where.
async fn note(app: &App, statement: &Statement) -> Result<Option<Day>> {
    let day = statement.day;
    let seq = anchors::note(app, NoteKind::Supply, day.number().into(), day.to_string(), statement.digest())
        .await?;
    // The note itself is after the cut unless somebody set the clock back meanwhile; then records may
    // have come into a day that was counted already.
    let next = feed(app, statement.records, 1).await?;
    if next.first().is_none_or(|next| next.time < day.cut()) {
        store::withdraw(app, day).await?;
        return Err(Problem::internal(format!(
            "the clock went back behind the end of {day}; it will be counted again"
        )));
    }
    store::set_published(app, day, seq, app.clock.millis()).await?;
    let kept = policies::number(app, "supply_proof_days").await?;
    let oldest = i64::from(day.number()) + 1 - kept.max(1);
    store::drop_trees_before(app, Day::from_number(u32::try_from(oldest).unwrap_or(0))).await?;
    Ok(Some(day))
}

async fn feed(app: &App, from: u64, limit: usize) -> Result<Vec<jialing_ledger::Record>> {
    app.engine.feed(from, limit).await.map_err(Problem::internal)
}

/// Records before the cut of `day`. Their times never go back, so it is found by halves.
async fn records_before(app: &App, day: Day) -> Result<u64> {
    let (mut low, mut high) = (0, *app.engine.durable().borrow());
    while low < high {
        let middle = low + (high - low) / 2;
        if feed(app, middle, 1).await?.first().is_some_and(|record| record.time < day.cut()) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The log's root over its first `records`, which are at least one.
async fn root_at(app: &App, records: u64, hash: HashAlgorithm) -> Result<Digest> {
    let last = records.checked_sub(1).ok_or_else(|| Problem::internal("an empty log has no supply"))?;
    let record = feed(app, last, 1).await?;
    let record = record.first().ok_or_else(|| Problem::internal(format!("record {last} is not there")))?;
    let path = app.engine.inclusion(last, records).await.map_err(Problem::internal)?;
    // Of the last leaf, every sibling is to the left.
    let leaf = proof::leaf_hash(hash, &record.encode());
    Ok(path.iter().fold(leaf, |node, left| proof::node_hash(hash, left, &node)))
}

/// Brings the table of accounts to the first `records` of the journal.
async fn advance(app: &App, records: u64) -> Result<Standing> {
    loop {
        let standing = store::standing(app).await?;
        if standing.records == records {
            return Ok(standing);
        }
        if standing.records > records {
            return Err(Problem::internal(format!(
                "the supply's accounts stand at record {}, the day ended at {records}",
                standing.records
            )));
        }
        let (mut changes, mut next) = (Changes::default(), standing.records);
        while next < records && !changes.is_full() {
            let read = feed(app, next, READ.min(records - next) as usize).await?;
            let last = read.last().ok_or_else(|| Problem::internal(format!("record {next} is not there")))?;
            next = last.seq + 1;
            for record in &read {
                changes.take(record)?;
            }
        }
        merge(app, standing, blocking(move || changes.sorted()).await?, next).await?;
    }
}

/// Writes the table after `changes` beside the one before, and makes it the one that counts.
async fn merge(app: &App, before: Standing, mut changes: Merge, records: u64) -> Result<()> {
    store::drop_other_generations(app, before.generation).await?;
    let mut after = Pages { generation: before.generation + 1, written: 0, entries: Vec::new() };
    let mut from = 0;
    while from < before.pages {
        let to = before.pages.min(from + PAGES_AT_ONCE as i64);
        for page in store::account_pages(app, before.generation, from, to).await? {
            changes.page(entries(&page)?, &mut after.entries)?;
        }
        after.write(app, PER_PAGE).await?;
        from = to;
    }
    let flows = changes.rest(&mut after.entries)?;
    after.write(app, 1).await?;
    let next = Standing { generation: after.generation, pages: after.written, records };
    store::settle(app, before, next, flows.into_iter().collect()).await?;
    store::drop_other_generations(app, next.generation).await
}

/// Entries on their way into pages.
struct Pages {
    generation: i64,
    written: i64,
    entries: Vec<Entry>,
}

impl Pages {
    /// Writes pages as long as there are `least` entries for the next.
    async fn write(&mut self, app: &App, least: usize) -> Result<()> {
        while self.entries.len() >= least {
            let ready = match self.entries.len() {
                len if len < PER_PAGE => len,
                len => (len - len % PER_PAGE).min(PAGES_AT_ONCE * PER_PAGE),
            };
            let pages: Vec<Vec<u8>> = self.entries[..ready].chunks(PER_PAGE).map(accounts::encode).collect();
            self.entries.drain(..ready);
            let count = pages.len() as i64;
            store::put_account_pages(app, self.generation, self.written, pages).await?;
            self.written += count;
        }
        Ok(())
    }
}

fn entries(page: &[u8]) -> Result<Vec<Entry>> {
    accounts::decode(page).ok_or_else(|| Problem::internal("a page of the supply's accounts is damaged"))
}

/// Builds the trees of `day` from the table and gives the books.
async fn build(
    app: &App,
    day: Day,
    table: Standing,
    hash: HashAlgorithm,
    blinds: Blinds,
) -> Result<Vec<Book>> {
    store::drop_tree(app, day).await?;
    let flows: HashMap<(u16, u32), Flows> = store::issued(app).await?.into_iter().collect();
    let mut builders = BTreeMap::new();
    let mut leaves = 0;
    for_each_page(app, table, |entries| {
        for entry in &entries {
            builders.entry(entry.book()).or_insert_with(|| Builder::new(hash));
            leaves += u64::from(entry.kind != AccountKind::Issuance);
        }
        Ok(())
    })
    .await?;
    let passes = leaves.div_ceil(LEAVES_AT_ONCE).max(1);
    for pass in 0..passes {
        let leaves = leaves_of(app, table, hash, &blinds, pass, passes).await?;
        let sorted = blocking(move || {
            let mut leaves = leaves;
            leaves.sort_unstable();
            leaves
        });
        for (book, leaf) in sorted.await? {
            let builder = builders.get_mut(&book).ok_or_else(|| Problem::internal("a book appeared"))?;
            builder.add(leaf).map_err(Problem::internal)?;
            if builder.full_pages() >= TREE_PAGES_AT_ONCE {
                let pages = builder.take_pages();
                store::put_tree_pages(app, day, builders.range(..book).count(), pages).await?;
            }
        }
    }
    let mut books = Vec::with_capacity(builders.len());
    for (place, ((currency, holder), builder)) in builders.into_iter().enumerate() {
        let count = builder.count();
        let (tree, pages) = builder.finish().map_err(Problem::internal)?;
        for some in pages.chunks(TREE_PAGES_AT_ONCE) {
            store::put_tree_pages(app, day, place, some.to_vec()).await?;
        }
        let Flows { issued, redeemed } = flows.get(&(currency, holder)).copied().unwrap_or_default();
        books.push(Book { currency, holder, issued, redeemed, leaves: count, tree });
    }
    Ok(books)
}

/// A leaf with its book.
type Placed = ((u16, u32), Leaf);

/// The leaves whose commitments are in part `pass` of `passes`.
async fn leaves_of(
    app: &App,
    table: Standing,
    hash: HashAlgorithm,
    blinds: &Blinds,
    pass: u64,
    passes: u64,
) -> Result<Vec<Placed>> {
    let mut leaves: Vec<Placed> = Vec::new();
    let mut from = 0;
    while from < table.pages {
        let to = table.pages.min(from + PAGES_AT_ONCE as i64);
        let pages = store::account_pages(app, table.generation, from, to).await?;
        let blinds = blinds.clone();
        let some = blocking(move || {
            let mut some = Vec::new();
            for page in &pages {
                for entry in entries(page)? {
                    some.extend(leaf(&entry, hash, &blinds)?.filter(|(_, leaf)| part(leaf, passes) == pass));
                }
            }
            Ok::<_, Problem>(some)
        });
        leaves.extend(some.await??);
        from = to;
    }
    Ok(leaves)
}

/// The account's leaf; none for one that issues.
fn leaf(entry: &Entry, hash: HashAlgorithm, blinds: &Blinds) -> Result<Option<Placed>> {
    if entry.kind == AccountKind::Issuance {
        return Ok(None);
    }
    let balance = u64::try_from(entry.balance).map_err(|_| {
        Problem::internal(format!(
            "account {:x} is below zero, so the supply cannot be proven",
            entry.account
        ))
    })?;
    Ok(Some((entry.book(), Leaf { commitment: blinds.commitment(hash, entry.account), balance })))
}

/// Which of `passes` equal parts the leaf's commitment is in; parts are in the order of commitments.
fn part(leaf: &Leaf, passes: u64) -> u64 {
    let first = u64::from_be_bytes(std::array::from_fn(|n| leaf.commitment[n]));
    ((u128::from(first) * u128::from(passes)) >> 64) as u64
}

async fn for_each_page(
    app: &App,
    table: Standing,
    mut each: impl FnMut(Vec<Entry>) -> Result<()>,
) -> Result<()> {
    let mut from = 0;
    while from < table.pages {
        let to = table.pages.min(from + PAGES_AT_ONCE as i64);
        for page in store::account_pages(app, table.generation, from, to).await? {
            each(entries(&page)?)?;
        }
        from = to;
    }
    Ok(())
}

/// Runs what keeps a core busy beside the requests.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    spawn_blocking(work).await.map_err(Problem::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_below_zero_has_no_leaf_and_one_that_issues_needs_none() {
        let entry = |kind, balance| Entry { account: 5, balance, currency: 156, holder: 1, kind };
        let blinds = Blinds::new("secret".to_owned());
        let check = |kind, balance, expect: Option<Option<u64>>| {
            let found = leaf(&entry(kind, balance), HashAlgorithm::Sha256, &blinds);
            assert_eq!(
                found.ok().map(|leaf| leaf.map(|(_, leaf)| leaf.balance)),
                expect,
                "{kind:?} {balance}"
            );
        };
        check(AccountKind::Personal, 7, Some(Some(7)));
        check(AccountKind::Transit, 0, Some(Some(0)));
        check(AccountKind::Vault, i64::MAX, Some(Some(i64::MAX as u64)));
        check(AccountKind::Issuance, -7, Some(None));
        check(AccountKind::Personal, -1, None);
        check(AccountKind::Vault, i64::MIN, None);
    }

    #[test]
    fn the_parts_of_a_pass_follow_the_order_of_commitments() {
        let at = |first: u8, passes| part(&Leaf { commitment: [first; 32], balance: 0 }, passes);
        assert_eq!([0, 0x7f, 0x80, 0xff].map(|first| at(first, 1)), [0; 4]);
        assert_eq!([0, 0x7f, 0x80, 0xff].map(|first| at(first, 2)), [0, 0, 1, 1]);
        assert_eq!([0, 0x54, 0x56, 0xaa, 0xab, 0xff].map(|first| at(first, 3)), [0, 0, 1, 1, 2, 2]);
    }
}
