//! What an order consists of, line by line, as its merchant lists it.
//!
//! The lines are for people and campaigns to read. They decide nothing: what is paid is the order's
//! amount, and with a discount the lines need not add up to it.

use serde::{Deserialize, Serialize};

use crate::{Code, Money, Problem, Result, text};

/// Most lines of one order.
pub const MAX_LINES: usize = 50;
/// Longest name of goods, characters.
pub const MAX_NAME: usize = 128;
/// Largest quantity of one line.
pub const MAX_QUANTITY: u32 = 1_000_000;

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Goods {
    /// Your number of the goods, 1 to 64 letters, digits and `_-|*.:`.
    #[schema(example = "noodles-small")]
    pub goods_id: String,
    /// What they are called, up to 128 characters.
    #[schema(example = "重庆小面")]
    pub name: String,
    /// How many, 1 to 1,000,000.
    pub quantity: u32,
    /// What one costs; 0 for what is given away.
    pub unit_price: Money,
}

/// Checks the lines of an order.
///
/// # Errors
/// `invalid_request` naming `goods_detail`, `goods_id`, `name` or `quantity`; `amount_invalid`.
pub fn check(goods: &[Goods]) -> Result<()> {
    if goods.is_empty() || goods.len() > MAX_LINES {
        return Err(Problem::new(Code::InvalidRequest)
            .field("goods_detail")
            .detail(format!("An order lists from 1 to {MAX_LINES} goods, or has no `goods_detail`.")));
    }
    for line in goods {
        text::key("goods_id", &line.goods_id)?;
        text::line("name", &line.name, MAX_NAME)?;
        if line.unit_price.amount > 0 {
            line.unit_price.positive("unit_price")?;
        }
        if !(1..=MAX_QUANTITY).contains(&line.quantity) {
            return Err(Problem::new(Code::InvalidRequest)
                .field("quantity")
                .detail(format!("A line has a quantity from 1 to {MAX_QUANTITY}.")));
        }
    }
    Ok(())
}

/// The lines as the table keeps them.
///
/// # Errors
/// `internal`, if they cannot be written.
pub(super) fn stored(goods: Option<&[Goods]>) -> Result<Option<String>> {
    goods.map(serde_json::to_string).transpose().map_err(Problem::internal)
}

/// The lines that the table keeps.
///
/// # Errors
/// `internal`, if they cannot be read.
pub(crate) fn read(kept: Option<&str>) -> Result<Option<Vec<Goods>>> {
    kept.map(serde_json::from_str).transpose().map_err(Problem::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Goods {
        Goods { goods_id: "n-1".into(), name: "小面".into(), quantity: 1, unit_price: Money::fen(600) }
    }

    #[test]
    fn lines_are_bounded_in_number_and_each_is_checked() {
        let check = |goods: Vec<Goods>, field: Option<&str>| {
            assert_eq!(check(&goods).err().and_then(|problem| problem.field).as_deref(), field, "{goods:?}");
        };
        check(vec![line(); MAX_LINES], None);
        check(vec![line(); MAX_LINES + 1], Some("goods_detail"));
        check(vec![], Some("goods_detail"));
        check(vec![Goods { goods_id: "小面".into(), ..line() }], Some("goods_id"));
        check(vec![Goods { name: "n".repeat(MAX_NAME), ..line() }], None);
        check(vec![Goods { name: "n".repeat(MAX_NAME + 1), ..line() }], Some("name"));
        check(vec![Goods { quantity: 0, ..line() }], Some("quantity"));
        check(vec![Goods { quantity: MAX_QUANTITY, ..line() }], None);
        check(vec![Goods { quantity: MAX_QUANTITY + 1, ..line() }], Some("quantity"));
        check(vec![Goods { unit_price: Money::fen(0), ..line() }], None);
        check(vec![Goods { unit_price: Money::fen(Money::MAX + 1), ..line() }], Some("unit_price"));
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let goods = vec![line(), Goods { name: "\"引号\"".into(), ..line() }];
        let kept = stored(Some(&goods)).expect("writable");
        assert_eq!(read(kept.as_deref()).expect("readable"), Some(goods));
        assert_eq!(stored(None).expect("nothing"), None);
    }
}
