//! The platform choice (平台选择): which products, client and pages fit a requirements form.
//!
//! Pure rules, the ones that `docs/guides/going-live.md` lists under their numbers:
//!
//! | rule | says |
//! |---|---|
//! | `R1` | each scenario names its products |
//! | `R2` | whoever is paid gives back and is told: refunds and webhooks |
//! | `R3` | from [`RECONCILE_FROM`] payments a day on, reconciliation |
//! | `R4` | a printed code only for small shops: at most [`STATIC_MOST_A_DAY`] payments of [`STATIC_MOST_FEN`] fen |
//! | `R5` | above [`SEVERAL_KEYS_FROM`] payments a second several servers, each with its key; above [`TALK_FROM`] a talk first |
//! | `R6` | an average above [`APPROVE_FROM_FEN`] fen: refunds that wait for approval |
//! | `R7` | less than [`SHORT_DAYS`] days: the review and the suite take time |
//! | `R8` | what was asked for and no scenario needs is named |
//! | `R9` | a service provider acts by grants |

use serde::{Deserialize, Serialize};

use super::requirements::{Product, Requirements, Scenario, ServerLanguage, days_ahead};
use crate::merchants::providers::Kind;
use crate::stored;

/// Payments a day from which files are compared.
pub const RECONCILE_FROM: u64 = 1_000;
/// Payments a day up to which a printed code is enough.
pub const STATIC_MOST_A_DAY: u64 = 200;
/// The average up to which a printed code is enough, fen.
pub const STATIC_MOST_FEN: u64 = 20_000;
/// Payments in the busiest second above which several servers share the work.
pub const SEVERAL_KEYS_FROM: u32 = 50;
/// Payments in the busiest second above which the operators are asked first: half of what a key may ask for.
pub const TALK_FROM: u32 = 500;
/// The average above which refunds should wait for approval, fen.
pub const APPROVE_FROM_FEN: u64 = 500_000;
/// Days to the go-live below which it is short.
pub const SHORT_DAYS: i64 = 14;

stored! {
    /// A client library, or the signature by hand.
    pub enum Client {
        /// `sdk/typescript`.
        TypeScript = "TYPESCRIPT",
        /// `sdk/python`.
        Python = "PYTHON",
        /// `sdk/java`.
        Java = "JAVA",
        /// `crates/sdk`.
        Rust = "RUST",
        /// None: sign by the published text.
        None = "NONE",
    }
}

/// A product that fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChosenProduct {
    /// Which.
    pub product: Product,
    /// Its page of the documents.
    #[schema(example = "guides/taking-a-payment")]
    pub guide: String,
    /// Whether the form asks for it.
    pub asked_for: bool,
}

/// Something to know, by a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ChoiceAdvice)]
pub struct Advice {
    /// The rule's number in the guide.
    #[schema(example = "R5")]
    pub rule: String,
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// What fits a requirements form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlatformChoice {
    /// The products, in the order to connect them.
    pub products: Vec<ChosenProduct>,
    /// The client library.
    pub client: Client,
    /// The pages to read, in their order.
    pub guides: Vec<String>,
    /// What to mind.
    pub advice: Vec<Advice>,
}

/// Which products, client and pages fit.
#[must_use]
pub fn choose(form: &Requirements, kind: Kind, now: i64) -> PlatformChoice {
    let fitting = fitting(form);
    let products: Vec<ChosenProduct> = Product::ALL
        .iter()
        .filter(|product| fitting.contains(product))
        .map(|product| ChosenProduct {
            product: *product,
            guide: guide(*product).to_owned(),
            asked_for: form.products.contains(product),
        })
        .collect();
    let (client, page) = client(form.server_language);
    let mut guides = vec!["guides/going-live", "guides/sandbox", page];
    guides.extend(fitting_guides(&products));
    if kind == Kind::Provider {
        guides.push("guides/service-providers");
    }
    guides.extend(["guides/conformance", "guides/onboarding"]);
    let mut once: Vec<String> = Vec::new();
    for guide in guides {
        if !once.iter().any(|known| known == guide) {
            once.push(guide.to_owned());
        }
    }
    PlatformChoice { client, guides: once, advice: advice(form, &fitting, kind, now), products }
}

fn fitting_guides(products: &[ChosenProduct]) -> impl Iterator<Item = &'static str> {
    products.iter().map(|one| guide(one.product))
}

/// What the scenarios and the figures ask for: rules 1 to 4.
fn fitting(form: &Requirements) -> Vec<Product> {
    use Product::{
        Cashier, ConsumerCode, DynamicCode, Mandate, Payout, Reconciliation, RecurringDebit, Refund,
        StaticCode, Webhook,
    };
    let small = form.payments_per_day <= STATIC_MOST_A_DAY && form.average_amount.amount <= STATIC_MOST_FEN;
    let mut fitting = Vec::new();
    for scenario in &form.scenarios {
        fitting.extend_from_slice(match scenario {
            Scenario::Counter if small => &[DynamicCode, ConsumerCode, StaticCode],
            Scenario::Counter => &[DynamicCode, ConsumerCode],
            Scenario::Web => &[DynamicCode, Cashier],
            Scenario::App => &[Cashier, Mandate],
            Scenario::Machine => &[DynamicCode, Mandate],
            Scenario::Subscription => &[RecurringDebit],
            Scenario::Payout => &[Payout],
        });
    }
    if form.scenarios.iter().any(|scenario| *scenario != Scenario::Payout) {
        fitting.push(Refund);
    }
    fitting.push(Webhook);
    if form.payments_per_day >= RECONCILE_FROM {
        fitting.push(Reconciliation);
    }
    fitting
}

/// A product's page.
const fn guide(product: Product) -> &'static str {
    match product {
        Product::DynamicCode | Product::Refund => "guides/taking-a-payment",
        Product::Cashier => "guides/cashier",
        Product::ConsumerCode | Product::StaticCode | Product::Mandate => "guides/ways-to-pay",
        Product::RecurringDebit => "guides/recurring-debit",
        Product::Payout => "guides/payouts",
        Product::Webhook => "guides/webhooks",
        Product::Reconciliation => "guides/reconciliation",
    }
}

const fn client(language: ServerLanguage) -> (Client, &'static str) {
    match language {
        ServerLanguage::TypeScript => (Client::TypeScript, "guides/typescript-client"),
        ServerLanguage::Python => (Client::Python, "guides/python-client"),
        ServerLanguage::Java => (Client::Java, "guides/java-client"),
        ServerLanguage::Rust => (Client::Rust, "guides/rust-client"),
        ServerLanguage::Other => (Client::None, "guides/signing-requests"),
    }
}

fn advice(form: &Requirements, fitting: &[Product], kind: Kind, now: i64) -> Vec<Advice> {
    let mut advice = Vec::new();
    let mut say = |rule: &str, zh: String, en: String| advice.push(Advice { rule: rule.into(), zh, en });
    if form.products.contains(&Product::StaticCode) && !fitting.contains(&Product::StaticCode) {
        say(
            "R4",
            format!(
                "静态码由顾客输入金额，只适合每日不超过 {STATIC_MOST_A_DAY} 笔、平均不超过 {} 元的小店；请改用动态码或付款码。",
                STATIC_MOST_FEN / 100
            ),
            format!(
                "With a printed code the payer types the amount: it fits shops of at most {STATIC_MOST_A_DAY} payments a day of {} yuan on average. Take dynamic or consumer codes.",
                STATIC_MOST_FEN / 100
            ),
        );
    }
    let peak = form.payments_per_peak_second;
    if peak > TALK_FROM {
        say(
            "R5",
            format!("峰值每秒 {peak} 笔超过 {TALK_FROM}：请先与运营方商定限速与压测时间。"),
            format!(
                "{peak} payments in the busiest second are more than {TALK_FROM}: agree with the operators on rates and a time for a load test first."
            ),
        );
    } else if peak > SEVERAL_KEYS_FROM {
        say(
            "R5",
            format!("峰值每秒 {peak} 笔：请用多台服务器，每台一把密钥，并按应答头 RateLimit 放慢。"),
            format!(
                "{peak} payments in the busiest second: use several servers, each with a key of its own, and slow down by the header RateLimit."
            ),
        );
    }
    if form.average_amount.amount > APPROVE_FROM_FEN {
        say(
            "R6",
            "平均金额较高：请为商户设置 refund_approval_above，让大额退款由负责人批准。".into(),
            "The average is high: set refund_approval_above, so that large refunds wait for the owner."
                .into(),
        );
    }
    if let Some(days) = days_ahead(&form.planned_on, now).filter(|days| *days < SHORT_DAYS) {
        say(
            "R7",
            format!("距计划上线只有 {days} 天：请同时准备审核材料与一致性测试。"),
            format!("{days} days are left: prepare the documents for the review and the suite side by side."),
        );
    }
    let unneeded: Vec<&str> = form
        .products
        .iter()
        .filter(|product| !fitting.contains(product) && **product != Product::StaticCode)
        .filter(|product| **product != Product::Reconciliation)
        .map(|product| product.text())
        .collect();
    if !unneeded.is_empty() {
        let names = unneeded.join(", ");
        say(
            "R8",
            format!("所选场景用不到：{names}。如有其他场景请补充。"),
            format!("No scenario of the form needs {names}: add the one that does, or leave it out."),
        );
    }
    if kind == Kind::Provider {
        say(
            "R9",
            "服务商须由商户负责人逐一授权，请求头写明所代理的商户。".into(),
            "A service provider acts for merchants that granted it scopes, naming the merchant in a header."
                .into(),
        );
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::super::requirements::tests::{NOW, form};
    use super::*;
    use crate::Money;

    fn rules(choice: &PlatformChoice) -> Vec<&str> {
        choice.advice.iter().map(|one| one.rule.as_str()).collect()
    }

    fn check(change: fn(&mut Requirements), kind: Kind, products: &[Product], advised: &[&str]) {
        let mut form = form();
        change(&mut form);
        let choice = choose(&form, kind, NOW);
        let chosen: Vec<Product> = choice.products.iter().map(|one| one.product).collect();
        assert_eq!((chosen.as_slice(), rules(&choice).as_slice()), (products, advised), "{form:?}");
        for one in &choice.products {
            assert_eq!(one.asked_for, form.products.contains(&one.product));
            assert!(choice.guides.contains(&one.guide));
        }
        for guide in &choice.guides {
            let page =
                std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/{guide}.md"));
            assert!(page.exists(), "{guide} is no page");
        }
    }

    #[test]
    fn each_scenario_and_figure_names_what_fits() {
        use Product::{
            Cashier, ConsumerCode, DynamicCode, Mandate, Payout, Reconciliation, RecurringDebit, Refund,
            StaticCode, Webhook,
        };
        let merchant = Kind::Merchant;
        check(|_| {}, merchant, &[DynamicCode, ConsumerCode, Refund, Webhook], &[]);
        check(
            |f| f.scenarios = vec![Scenario::Web],
            merchant,
            &[DynamicCode, Cashier, Refund, Webhook],
            &["R8"],
        );
        check(
            |f| (f.scenarios, f.products) = (vec![Scenario::App, Scenario::Machine], vec![Mandate]),
            merchant,
            &[DynamicCode, Cashier, Mandate, Refund, Webhook],
            &[],
        );
        check(
            |f| (f.scenarios, f.products) = (vec![Scenario::Subscription], vec![RecurringDebit]),
            merchant,
            &[RecurringDebit, Refund, Webhook],
            &[],
        );
        check(
            |f| (f.scenarios, f.products) = (vec![Scenario::Payout], vec![Payout]),
            merchant,
            &[Payout, Webhook],
            &[],
        );
        check(
            |f| f.payments_per_day = RECONCILE_FROM,
            merchant,
            &[DynamicCode, ConsumerCode, Refund, Webhook, Reconciliation],
            &[],
        );
        let small = |f: &mut Requirements| {
            f.payments_per_day = STATIC_MOST_A_DAY;
            f.average_amount = Money::fen(STATIC_MOST_FEN);
            f.products = vec![StaticCode];
        };
        check(small, merchant, &[DynamicCode, ConsumerCode, StaticCode, Refund, Webhook], &[]);
        let usual = [DynamicCode, ConsumerCode, Refund, Webhook];
        check(|f| f.products = vec![StaticCode], merchant, &usual, &["R4"]);
        check(|f| f.payments_per_peak_second = SEVERAL_KEYS_FROM, merchant, &usual, &[]);
        check(|f| f.payments_per_peak_second = SEVERAL_KEYS_FROM + 1, merchant, &usual, &["R5"]);
        check(|f| f.payments_per_peak_second = TALK_FROM + 1, merchant, &usual, &["R5"]);
        check(|f| f.average_amount = Money::fen(APPROVE_FROM_FEN), merchant, &usual, &[]);
        check(|f| f.average_amount = Money::fen(APPROVE_FROM_FEN + 1), merchant, &usual, &["R6"]);
        check(|f| f.planned_on = "2026-12-06".into(), merchant, &usual, &[]);
        check(|f| f.planned_on = "2026-12-05".into(), merchant, &usual, &["R7"]);
        check(|_| {}, Kind::Provider, &usual, &["R9"]);
    }

    #[test]
    fn each_language_has_its_client() {
        for (language, expect) in [
            (ServerLanguage::TypeScript, Client::TypeScript),
            (ServerLanguage::Python, Client::Python),
            (ServerLanguage::Java, Client::Java),
            (ServerLanguage::Rust, Client::Rust),
            (ServerLanguage::Other, Client::None),
        ] {
            let choice = choose(&Requirements { server_language: language, ..form() }, Kind::Merchant, NOW);
            assert_eq!(choice.client, expect);
        }
    }
}
