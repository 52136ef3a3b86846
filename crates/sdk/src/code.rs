//! The codes that a merchant's server decides by.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// A stable code of a problem. `docs/reference/errors.md` has a section for each, and more: a newer
        /// platform knows codes that this client does not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $name),* }

        impl Code {
            /// Every code that this client knows.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code's text.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// The code of this text.
            #[must_use]
            pub fn of(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.text() == text)
            }
        }
    };
}

codes! {
    /// A field is missing, unknown, of the wrong type or outside its bounds: `field` names it.
    InvalidRequest = "invalid_request",
    /// Not a whole number of fen above zero.
    AmountInvalid = "amount_invalid",
    /// No such thing, or somebody else's.
    NotFound = "not_found",
    /// The request is not signed.
    SignatureMissing = "signature_missing",
    /// The signature does not fit what arrived.
    SignatureInvalid = "signature_invalid",
    /// The key belongs to another suite.
    SignatureSuiteMismatch = "signature_suite_mismatch",
    /// The caller's clock is off.
    TimestampOutOfWindow = "timestamp_out_of_window",
    /// The nonce was used before.
    NonceReused = "nonce_reused",
    /// The key is unknown or revoked.
    KeyUnknown = "key_unknown",
    /// The number was used with other parameters: `field` names the first that differs.
    Conflict = "conflict",
    /// The thing has moved on: read it again.
    StateConflict = "state_conflict",
    /// The same request is being worked on.
    InProgress = "in_progress",
    /// Too many requests.
    RateLimited = "rate_limited",
    /// More work waits than can be done in time; nothing was done.
    Overloaded = "overloaded",
    /// The work goes on; its outcome is not known yet.
    OutcomeUnknown = "outcome_unknown",
    /// The service is stopping.
    Stopping = "stopping",
    /// A fault on the platform's side.
    Internal = "internal",
    /// The merchant is not active.
    MerchantInactive = "merchant_inactive",
    /// The order was closed or has expired.
    OrderClosed = "order_closed",
    /// The order is paid.
    OrderPaid = "order_paid",
    /// More would be given back than was paid.
    RefundExceedsPaid = "refund_exceeds_paid",
    /// The time for refunds is over.
    RefundWindowClosed = "refund_window_closed",
    /// The mandate is paused, revoked, or somebody else's.
    MandateUnusable = "mandate_unusable",
    /// The payer's balance does not suffice.
    BalanceTooLow = "balance_too_low",
    /// Above the limit for one payment.
    OverSingleLimit = "over_single_limit",
    /// Above today's limit.
    OverDayLimit = "over_day_limit",
    /// Above this year's limit.
    OverYearLimit = "over_year_limit",
}

impl Code {
    /// Whether it may come before the request's signature was accepted, when nobody signs the answer.
    pub(crate) fn is_before_the_gate(text: &str) -> bool {
        matches!(text, "body_too_large" | "headers_too_large" | "request_timeout" | "method_not_allowed")
            || Self::of(text).is_some_and(|code| {
                matches!(
                    code,
                    Self::SignatureMissing
                        | Self::SignatureInvalid
                        | Self::SignatureSuiteMismatch
                        | Self::TimestampOutOfWindow
                        | Self::NonceReused
                        | Self::KeyUnknown
                        | Self::RateLimited
                        | Self::Overloaded
                        | Self::OutcomeUnknown
                        | Self::Stopping
                        | Self::Internal
                )
            })
    }
}
