//! Finding movements by what they were for: an id, or a number of one's own.
//!
//! The text is turned into numbers of transactions by the unique keys of the tables that hold it, so
//! the history itself needs no further column and looks up a few keys.

use crate::exchange::{self, Direction};
use crate::id::{OrderId, parse_number};
use crate::wallets::legs::thing;
use crate::{App, Result, institutions, orders, payouts, refunds, transfers};

use super::account::Asker;

/// Prefixes of ids that movements are for.
const SUBJECTS: [&str; 11] = ["ord", "ref", "tra", "top", "wdr", "iss", "txn", "pol", "spf", "spm", "set"];

/// The transactions that `text` stands for, to the one who asks: those of an id, with an order also its
/// refunds; or of one's own number of an order, refund, transfer, top-up, withdrawal or issuance. None
/// where it stands for nothing.
pub(super) async fn transactions(app: &App, asker: Asker, text: &str) -> Result<Vec<u128>> {
    if let Some((prefix, number)) = subject(text) {
        return match prefix {
            // A transaction's id does not say what it was for; if it was an order, its refunds belong to it.
            "ord" | "txn" => with_refunds(app, OrderId::from_number(number)).await,
            _ => Ok(vec![number]),
        };
    }
    let mut found = Vec::new();
    match asker {
        Asker::Merchant(merchant) => {
            if let Some(order) = orders::number_of(app, merchant, text).await? {
                found.extend(with_refunds(app, order).await?);
            }
            found.extend(refunds::number_of(app, merchant, text).await?.map(|refund| refund.number()));
            found.extend(payouts::number_of(app, merchant, text).await?.map(|line| line.number()));
        }
        Asker::Person(person) => {
            found.extend(transfers::number_of(app, person, text).await?.map(|transfer| transfer.number()));
            for direction in [Direction::TopUp, Direction::Withdrawal] {
                let row = exchange::store::by_number(app.db.read(), person, direction, text).await?;
                found.extend(row.and_then(|row| subject(&row.id)).map(|(_, number)| number));
            }
        }
        Asker::Institution(institution) => {
            let issuance = institutions::number_of(app, institution, text).await?;
            found.extend(issuance.map(|issuance| issuance.number()));
        }
    }
    Ok(found)
}

/// The prefix and number of an id.
fn subject(text: &str) -> Option<(&'static str, u128)> {
    let (prefix, digits) = text.split_once('_')?;
    let prefix = SUBJECTS.into_iter().find(|known| *known == prefix)?;
    Some((prefix, thing(parse_number(digits)?)))
}

async fn with_refunds(app: &App, order: OrderId) -> Result<Vec<u128>> {
    let mut found = vec![order.number()];
    found.extend(refunds::of_order(app, order).await?.into_iter().map(|refund| refund.number()));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_by_its_prefix_and_names_the_thing_behind_every_leg() {
        let check = |text: &str, expect: Option<(&str, u128)>| assert_eq!(subject(text), expect, "{text}");
        check("ord_00000000000000000000000010", Some(("ord", 32)));
        check("txn_00000000000000000000000011", Some(("txn", 32)));
        check("wal_00000000000000000000000010", None);
        check("ord_0000000000000000000000001", None);
        check("ord_0000000000000000000000001U", None);
        check("20261122-0001", None);
        check("R_1", None);
        check("", None);
    }
}
