//! Taking an exchange in: once per number, within the link's limits, with the device's evidence.

use jialing_ledger::calendar;

use super::rules::{self, LinkLimits};
use super::store::{self, New, Row};
use super::{Direction, same};
use crate::devices::evidence::Signed;
use crate::id::{LinkId, PersonId, WalletId};
use crate::{App, Code, Problem, Result, Tx, links, policies};

/// What is to be taken in.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) id: String,
    pub(crate) direction: Direction,
    pub(crate) sweep: bool,
    pub(crate) person: PersonId,
    pub(crate) wallet: WalletId,
    pub(crate) link: LinkId,
    pub(crate) out_no: String,
    pub(crate) amount: u64,
    /// Most that may still arrive in the wallet, other top-ups under way included.
    pub(crate) room: Option<i64>,
}

/// The row of this number, if there is one with the same content.
///
/// # Errors
/// `conflict`, naming the field that differs.
pub(crate) async fn earlier(app: &App, wanted: &Wanted) -> Result<Option<Row>> {
    let row = store::by_number(app.db.read(), wanted.person, wanted.direction, &wanted.out_no).await?;
    row.map(|row| compare(row, wanted)).transpose()
}

fn compare(row: Row, wanted: &Wanted) -> Result<Row> {
    same("wallet_id", &row.wallet_id, &wanted.wallet)?;
    same("link_id", &row.link_id, &wanted.link)?;
    same("amount", &row.fen(), &wanted.amount)?;
    Ok(row)
}

/// Takes the exchange in, with the evidence; the row of this number if there is one already.
///
/// # Errors
/// `conflict`; `not_found` or `link_unusable` for the link; the limit it breaks; `balance_too_high`;
/// those of the evidence.
pub(crate) async fn reserve(app: &App, wanted: Wanted, signed: Signed) -> Result<Row> {
    let limits = link_limits(app).await?;
    let now = app.clock.millis();
    let nanos = u64::try_from(now).unwrap_or(0) * 1_000_000;
    let not_after = now + policies::number(app, "bank_request_validity").await? * 1000;
    app.db
        .write(async move |tx: &mut Tx| {
            if let Some(row) =
                store::by_number(&mut *tx, wanted.person, wanted.direction, &wanted.out_no).await?
            {
                return compare(row, &wanted);
            }
            let link = links::signed(tx, wanted.person, wanted.link).await?;
            let (day, year) = (i64::from(calendar::day(nanos)), i64::from(calendar::year(nanos)));
            let amount = i64::try_from(wanted.amount).map_err(Problem::internal)?;
            if !wanted.sweep {
                let used = store::used(tx, link.id, wanted.direction, day, year).await?;
                rules::check(&limits, &used, amount)?;
            }
            if let Some(room) = wanted.room
                && amount > room.saturating_sub(store::arriving(tx, wanted.wallet).await?)
            {
                return Err(Problem::new(Code::BalanceTooHigh));
            }
            let proof = signed.keep(tx).await?;
            let new = New {
                id: wanted.id.clone(),
                direction: wanted.direction,
                sweep: wanted.sweep,
                person: wanted.person,
                wallet: wanted.wallet,
                link: link.id,
                out_no: wanted.out_no.clone(),
                amount,
                day,
                year,
                now,
                not_after,
            };
            store::insert(tx, &new, link.institution, &proof.digest).await?;
            store::read(&mut *tx, &wanted.id).await
        })
        .await
}

async fn link_limits(app: &App) -> Result<LinkLimits> {
    Ok(LinkLimits {
        single: policies::bound(app, "link_single").await?,
        day: policies::bound(app, "link_day").await?,
        day_count: policies::bound(app, "link_day_count").await?,
        year: policies::bound(app, "link_year").await?,
    })
}
