//! The requirements form (需求表): what an applicant wants to connect, how much of it, and when.
//!
//! It lies sealed under the owner's own key, for it names a contact. It may be changed in every state but the
//! last no, because plans change after the go-live too; operators see it with the application, and both sides
//! see the [`PlatformChoice`] that follows from it.

use jiff::civil::Date;
use jiff::{Timestamp, tz};
use serde::{Deserialize, Serialize};

use super::{Application, State, choice, review, rules, store};
use crate::id::ApplicationId;
use crate::sessions::Actor;
use crate::{App, Code, Money, Problem, Result, Tx, merchants, people, stored, text};

pub use choice::{Advice, ChosenProduct, Client, PlatformChoice};

/// Payments a day that may be expected at most.
pub const MAX_PER_DAY: u64 = 100_000_000;
/// Payments in the peak second that may be expected at most.
pub const MAX_PER_SECOND: u32 = 50_000;
/// Days from today that a date may lie ahead.
pub const MAX_AHEAD_DAYS: i64 = 730;
/// Longest remark, characters.
pub const MAX_NOTE: usize = 1_000;
/// Longest mail address, characters.
const MAX_MAIL: usize = 120;
/// Seconds of a day.
const DAY_S: u64 = 86_400;

stored! {
    /// What can be connected.
    #[schema(as = RequiredProduct)]
    pub enum Product {
        /// A code for each order, which the payer scans.
        DynamicCode = "DYNAMIC_CODE",
        /// The hosted page where an order is paid.
        Cashier = "CASHIER",
        /// A code that the payer shows and the cashier scans.
        ConsumerCode = "CONSUMER_CODE",
        /// A printed code; the payer types the amount.
        StaticCode = "STATIC_CODE",
        /// A sub-wallet that the payer pushed, charged within its limits.
        Mandate = "MANDATE",
        /// Recurring debits that were agreed once.
        RecurringDebit = "RECURRING_DEBIT",
        /// Giving back what was paid.
        Refund = "REFUND",
        /// Batches of payouts.
        Payout = "PAYOUT",
        /// Being told of events.
        Webhook = "WEBHOOK",
        /// One's own file compared with the ledger.
        Reconciliation = "RECONCILIATION",
    }
}

stored! {
    /// Where money changes hands.
    #[schema(as = RequiredScenario)]
    pub enum Scenario {
        /// At a counter, with a person behind it.
        Counter = "COUNTER",
        /// On a website.
        Web = "WEB",
        /// On a phone: a page or an app.
        App = "APP",
        /// Machines, metro, parking.
        Machine = "MACHINE",
        /// Again and again by agreement.
        Subscription = "SUBSCRIPTION",
        /// To many payees: wages, subsidies, shares.
        Payout = "PAYOUT",
    }
}

stored! {
    /// What the applicant's servers are written in.
    pub enum ServerLanguage {
        /// TypeScript or JavaScript.
        TypeScript = "TYPESCRIPT",
        /// Python.
        Python = "PYTHON",
        /// Java, Kotlin or another language of its machine.
        Java = "JAVA",
        /// Rust.
        Rust = "RUST",
        /// Any other.
        Other = "OTHER",
    }
}

/// Whom to ask about the connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RequirementsContact)]
pub struct Contact {
    /// Their name, up to 60 characters.
    pub name: String,
    /// Their phone.
    #[schema(example = "13800000001")]
    pub phone: String,
    /// Their mail address, up to 120 characters.
    pub mail: Option<String>,
}

/// What is to be connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirements {
    /// What to connect, each once.
    pub products: Vec<Product>,
    /// Where money changes hands, each once.
    pub scenarios: Vec<Scenario>,
    /// Payments expected on an ordinary day, 1 to 100,000,000.
    #[schema(minimum = 1, maximum = 100_000_000)]
    pub payments_per_day: u64,
    /// Payments expected in the busiest second, 1 to 50,000.
    #[schema(minimum = 1, maximum = 50_000)]
    pub payments_per_peak_second: u32,
    /// What a payment is worth on average.
    pub average_amount: Money,
    /// What your servers are written in.
    pub server_language: ServerLanguage,
    /// The day of the go-live, as in 2026-12-31; from today to two years ahead.
    #[schema(format = Date, example = "2026-12-31")]
    pub planned_on: String,
    /// Whom to ask.
    pub contact: Contact,
    /// Anything else, up to 1,000 characters.
    pub note: Option<String>,
}

/// Where requirements are sealed.
const COLUMN: &str = "applications.requirements";

/// Sets the requirements of one's own application: the whole form is replaced. The answer shows the platform
/// choice that follows.
///
/// # Errors
/// `not_found` unless it is the actor's; `invalid_request` or `amount_invalid`, naming the field;
/// `state_conflict` for an application that was refused.
pub async fn require(app: &App, actor: &Actor, id: ApplicationId, ask: Requirements) -> Result<Application> {
    super::own(app, actor, id).await?;
    let now = app.clock.millis();
    check(&ask, now)?;
    let form = serde_json::to_string(&ask).map_err(Problem::internal)?;
    let sealed = people::seal(app, actor.person, COLUMN, &form).await?;
    let who = actor.person.to_string();
    app.db
        .write(async move |tx: &mut Tx| {
            let row = store::locked(tx, id).await?;
            if row.state == State::Refused {
                return Err(rules::conflict(row.state));
            }
            store::require(tx, id, &sealed).await?;
            review::log(tx, id, (who.clone(), "application.require"), None, now).await
        })
        .await?;
    super::get(app, actor, id).await
}

/// The form of an application, if it was filled in.
pub(super) async fn of(app: &App, row: &store::Row) -> Result<Option<Requirements>> {
    let Some(sealed) = &row.requirements else { return Ok(None) };
    let text = people::open(app, row.owner, COLUMN, sealed).await?;
    serde_json::from_str(&text).map(Some).map_err(Problem::internal)
}

/// Checks every field.
///
/// # Errors
/// `invalid_request` or `amount_invalid`, naming the field.
pub fn check(form: &Requirements, now: i64) -> Result<()> {
    let refused =
        |field: &str, detail: String| Err(Problem::new(Code::InvalidRequest).field(field).detail(detail));
    if form.products.is_empty() || repeats(&form.products) {
        return refused("products", "Name at least one product, and each once.".into());
    }
    if form.scenarios.is_empty() || repeats(&form.scenarios) {
        return refused("scenarios", "Name at least one scenario, and each once.".into());
    }
    if !(1..=MAX_PER_DAY).contains(&form.payments_per_day) {
        return refused("payments_per_day", format!("Expect from 1 to {MAX_PER_DAY} payments a day."));
    }
    if !(1..=MAX_PER_SECOND).contains(&form.payments_per_peak_second) {
        let detail = format!("Expect from 1 to {MAX_PER_SECOND} payments in the busiest second.");
        return refused("payments_per_peak_second", detail);
    }
    // The busiest second has at least as many as the average one, and no more than the whole day.
    let (day, peak) = (form.payments_per_day, u64::from(form.payments_per_peak_second));
    if peak < day.div_ceil(DAY_S) || peak > day {
        let detail = format!(
            "With {day} payments a day the busiest second has from {} to {day} of them.",
            day.div_ceil(DAY_S)
        );
        return refused("payments_per_peak_second", detail);
    }
    form.average_amount.positive("average_amount")?;
    check_date(&form.planned_on, now)?;
    text::line("contact.name", &form.contact.name, merchants::rules::MAX_NAME)?;
    rules::phone("contact.phone", &form.contact.phone)?;
    if let Some(mail) = &form.contact.mail {
        text::line("contact.mail", mail, MAX_MAIL)?;
        let parts = mail.split_once('@').filter(|(name, host)| !name.is_empty() && host.contains('.'));
        if parts.is_none() || mail.contains(' ') {
            return refused("contact.mail", "A mail address is written as in dev@shop.example.".into());
        }
    }
    form.note.as_deref().map_or(Ok(()), |note| text::lines("note", note, MAX_NOTE))
}

fn repeats<T: PartialEq>(items: &[T]) -> bool {
    items.iter().enumerate().any(|(place, item)| items[..place].contains(item))
}

/// Days of UTC+8 from today to the planned one.
pub(super) fn days_ahead(planned_on: &str, now: i64) -> Option<i64> {
    let planned: Date = planned_on.parse().ok().filter(|date: &Date| date.to_string() == planned_on)?;
    let today = Timestamp::from_millisecond(now).ok()?.to_zoned(tz::TimeZone::fixed(tz::offset(8))).date();
    Some(i64::from((planned - today).get_days()))
}

fn check_date(planned_on: &str, now: i64) -> Result<()> {
    let refused = |detail: String| Err(Problem::new(Code::InvalidRequest).field("planned_on").detail(detail));
    match days_ahead(planned_on, now) {
        None => refused("`planned_on` is a day as in 2026-12-31.".into()),
        Some(days) if days < 0 => refused("The day has passed.".into()),
        Some(days) if days > MAX_AHEAD_DAYS => {
            refused(format!("The day is at most {MAX_AHEAD_DAYS} days ahead."))
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// 2026-11-22T06:13:20+08:00.
    pub(in crate::applications) const NOW: i64 = 1_795_299_200_000;

    pub(in crate::applications) fn form() -> Requirements {
        Requirements {
            products: vec![Product::ConsumerCode, Product::Refund],
            scenarios: vec![Scenario::Counter],
            payments_per_day: 800,
            payments_per_peak_second: 3,
            average_amount: Money::fen(2_800),
            server_language: ServerLanguage::Java,
            planned_on: "2026-12-31".into(),
            contact: Contact {
                name: "王掌柜".into(),
                phone: "13800000001".into(),
                mail: Some("dev@shop.example".into()),
            },
            note: None,
        }
    }

    #[test]
    fn a_form_is_checked_field_by_field() {
        let expect = |change: fn(&mut Requirements), field: Option<&str>| {
            let mut form = form();
            change(&mut form);
            let found = check(&form, NOW).err().and_then(|problem| problem.field);
            assert_eq!(found.as_deref(), field, "{form:?}");
        };
        expect(|_| {}, None);
        expect(|f| f.products = Vec::new(), Some("products"));
        expect(|f| f.products.push(Product::Refund), Some("products"));
        expect(|f| f.scenarios = Vec::new(), Some("scenarios"));
        expect(|f| f.scenarios.push(Scenario::Counter), Some("scenarios"));
        expect(|f| f.payments_per_day = 0, Some("payments_per_day"));
        expect(|f| f.payments_per_day = MAX_PER_DAY + 1, Some("payments_per_day"));
        expect(|f| f.payments_per_peak_second = 0, Some("payments_per_peak_second"));
        expect(|f| f.payments_per_peak_second = MAX_PER_SECOND + 1, Some("payments_per_peak_second"));
        expect(|f| f.payments_per_peak_second = 801, Some("payments_per_peak_second"));
        expect(|f| f.payments_per_day = 86_400 * 3, None);
        expect(|f| f.payments_per_day = 86_400 * 3 + 1, Some("payments_per_peak_second"));
        expect(|f| f.average_amount = Money::fen(0), Some("average_amount"));
        expect(|f| f.planned_on = "2026-11-22".into(), None);
        expect(|f| f.planned_on = "2026-11-21".into(), Some("planned_on"));
        expect(|f| f.planned_on = "2028-11-21".into(), None);
        expect(|f| f.planned_on = "2028-11-22".into(), Some("planned_on"));
        expect(|f| f.planned_on = "next week".into(), Some("planned_on"));
        expect(|f| f.planned_on = "2026-12-31T00:00:00Z".into(), Some("planned_on"));
        expect(|f| f.contact.name = String::new(), Some("contact.name"));
        expect(|f| f.contact.phone = "call me".into(), Some("contact.phone"));
        expect(|f| f.contact.mail = Some("nobody".into()), Some("contact.mail"));
        expect(|f| f.contact.mail = None, None);
        expect(|f| f.note = Some("春节前\n上线".into()), None);
        expect(|f| f.note = Some("x".repeat(MAX_NOTE + 1)), Some("note"));
    }
}
