//! Problems: what went wrong, why, and what to do next. One registry of stable codes.

use std::fmt;

use serde::Serialize;

/// What every fallible function of the platform answers.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

macro_rules! codes {
    ($($name:ident $text:literal $status:literal $retry:literal $title:literal $zh:literal: $cause:literal => $fix:literal;)*) => {
        /// A stable code. The text never changes once published; `docs/reference/errors.md` has a
        /// section for each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $title] $name),* }

        impl Code {
            /// Every code, in the registry's order.
            pub const ALL: &[Self] = &[$(Self::$name),*];
            /// The code's text in the API.
            #[must_use]
            pub const fn text(self) -> &'static str { match self { $(Self::$name => $text),* } }
            /// The HTTP status it is answered with.
            #[must_use]
            pub const fn status(self) -> u16 { match self { $(Self::$name => $status),* } }
            /// Whether the same request may succeed later.
            #[must_use]
            pub const fn retryable(self) -> bool { match self { $(Self::$name => $retry),* } }
            /// A short title.
            #[must_use]
            pub const fn title(self) -> &'static str { match self { $(Self::$name => $title),* } }
            /// The title in Chinese.
            #[must_use]
            pub const fn title_zh(self) -> &'static str { match self { $(Self::$name => $zh),* } }
            /// What causes it.
            #[must_use]
            pub const fn cause(self) -> &'static str { match self { $(Self::$name => $cause),* } }
            /// What to do about it.
            #[must_use]
            pub const fn fix(self) -> &'static str { match self { $(Self::$name => $fix),* } }
        }
    };
}

// name text status retryable title 中文: cause => fix
codes! {
    // The request itself.
    InvalidRequest "invalid_request" 400 false "The request is not valid" "请求无效": "A field is missing, unknown, of the wrong type or outside its bounds." => "Correct the field named in `field`.";
    AmountInvalid "amount_invalid" 400 false "The amount is not valid" "金额无效": "Amounts are whole minor units above zero and within bounds." => "Send a whole number of fen, in CNY.";
    CurrencyUnsupported "currency_unsupported" 400 false "The currency is not supported" "不支持该币种": "Only the currencies of this ledger are accepted." => "Send CNY.";
    NotFound "not_found" 404 false "There is no such thing, or it is not yours" "不存在或不属于您": "The id is unknown, or belongs to somebody else; the answer is the same for both." => "Check the id and who you are signed in as.";
    MethodNotAllowed "method_not_allowed" 405 false "The path does not take this method" "方法不允许": "The path exists with other methods." => "See the API reference.";
    BodyTooLarge "body_too_large" 413 false "The body is too large" "请求体过大": "The body is above 64 KiB." => "Send less.";
    UnsupportedMediaType "unsupported_media_type" 415 false "The body is not JSON" "请求体不是 JSON": "The Content-Type is not application/json." => "Send JSON with its content type.";
    HeadersTooLarge "headers_too_large" 431 false "The headers are too large" "请求头过大": "The headers are above 16 KiB." => "Send fewer or shorter headers.";
    RequestTimeout "request_timeout" 408 true "The request came too slowly" "请求超时": "The whole request did not arrive in time." => "Send it again on a better connection, with the same idempotency key.";
    // Who you are.
    Unauthenticated "unauthenticated" 401 false "Sign in first" "请先登录": "The session token is missing, unknown, expired or ended." => "Sign in again.";
    SignInFailed "sign_in_failed" 401 false "The phone, password or code is not right" "手机号、密码或验证码错误": "One of them is wrong; the answer does not say which." => "Try again; after several failures, wait.";
    Forbidden "forbidden" 403 false "You may not do this" "无权操作": "Your role or identity level does not allow it." => "Ask somebody who may, or raise your identity level.";
    SignatureMissing "signature_missing" 401 false "The request is not signed" "缺少签名": "The Authorization header is missing or not of the scheme JIALING1." => "Sign the request as the guide on signing describes.";
    SignatureInvalid "signature_invalid" 401 false "The signature does not fit" "签名错误": "The text that the server saw was not signed by this key." => "Compare your signed text with the one in the answer; use the self-test endpoint.";
    SignatureSuiteMismatch "signature_suite_mismatch" 401 false "The key belongs to another algorithm" "签名算法与密钥不符": "A key verifies only under the suite it was registered with." => "Sign with the suite of the key.";
    TimestampOutOfWindow "timestamp_out_of_window" 401 false "The timestamp is too far from now" "时间戳超出范围": "Requests are accepted within 300 seconds of the server's time." => "Set your clock and sign again.";
    NonceReused "nonce_reused" 401 false "The nonce was used before" "随机串重复": "A nonce is accepted once." => "Sign again with a fresh nonce.";
    KeyUnknown "key_unknown" 401 false "The key is unknown or revoked" "密钥不存在或已吊销": "No valid key has this serial number." => "Register the key, or use the present one.";
    ScopeMissing "scope_missing" 403 false "The key may not do this" "密钥权限不足": "The key was registered with scopes, and none of them covers this route; `needed` names the one that does." => "Sign with another key, or register one with that scope.";
    SealedValueInvalid "sealed_value_invalid" 400 false "A sealed value does not open" "加密字段无法解密": "The request says that values are sealed, and one is sealed for another key, was changed, or is no JWE of the key's algorithms; `field` names it." => "Seal it anew for a key of the list `encryption` in /v1/public/keys, and name that key in `Jialing-Sealed-With`.";
    AddressNotAllowed "address_not_allowed" 403 false "The key may not be used from here" "来源地址不在白名单": "The key was registered for certain addresses, and the request came from another." => "Send from one of them, or register a key for this one.";
    // Idempotency and conflicts.
    IdempotencyKeyMissing "idempotency_key_missing" 400 false "An Idempotency-Key is needed" "缺少幂等键": "This write has no natural key." => "Send the header `Idempotency-Key` with a value of up to 64 characters made before the first try.";
    IdempotencyKeyReused "idempotency_key_reused" 409 false "The Idempotency-Key was used for another request" "幂等键已用于其他请求": "The same key came with another path or body." => "Use a new key for a new request.";
    InProgress "in_progress" 409 true "The same request is being worked on" "请求处理中": "An earlier request with this key has not finished." => "Wait a moment and send it again unchanged.";
    Conflict "conflict" 409 false "It exists with other content" "已存在且内容不同": "The natural key was used with other parameters; `field` names the first that differs." => "Use the first parameters, or a new key.";
    StateConflict "state_conflict" 409 false "The present state does not allow this" "当前状态不允许": "The thing has moved on." => "Read it again and decide anew.";
    // Limits of use.
    RateLimited "rate_limited" 429 true "Too many requests" "请求过于频繁": "The bucket for this person, key or address is empty." => "Wait as long as `Retry-After` says.";
    Overloaded "overloaded" 503 true "The service is busy" "服务繁忙": "More work waits than can be done in time; nothing was done." => "Try again with the same key after `Retry-After`.";
    OutcomeUnknown "outcome_unknown" 504 true "The outcome is not known yet" "结果未知": "The work takes longer than an answer may; it goes on." => "Query, or send the same request with the same key again; never under a new one.";
    Stopping "stopping" 503 true "The service is stopping" "服务正在停止": "The process drains and takes no new work." => "Try again in a moment.";
    Internal "internal" 500 true "Something went wrong on our side" "内部错误": "An unexpected fault; it was logged under the request id." => "Query what you asked for before trying again with the same key.";
    // People, devices, PIN.
    CodeInvalid "code_invalid" 400 false "The one-time code is not right" "验证码错误": "The code is wrong, used or expired." => "Ask for a new code.";
    NoticeUnavailable "notice_unavailable" 503 true "The code could not be sent" "验证码暂时无法发送": "The notice service does not answer." => "Ask for a code again in a moment.";
    PasswordWeak "password_weak" 400 false "The password is too weak" "密码强度不足": "It is shorter than 10 characters, or easily guessed." => "Choose a longer one.";
    PinRequired "pin_required" 403 false "The payment PIN is needed" "需要支付密码": "The amount is above the no-PIN amount." => "Send the PIN.";
    PinInvalid "pin_invalid" 403 false "The PIN is not right" "支付密码错误": "It does not match; each failure lengthens the wait." => "Try again, or change it with a second factor.";
    PinLocked "pin_locked" 429 true "Too many wrong PINs" "支付密码已锁定": "The PIN was wrong too often." => "Wait as long as `Retry-After` says, or change the PIN with a second factor.";
    PinNotSet "pin_not_set" 403 false "No payment PIN is set" "未设置支付密码": "The person has not chosen a PIN." => "Set one first.";
    PinWeak "pin_weak" 400 false "The PIN is too easy" "支付密码过于简单": "Six equal digits or a run such as 123456." => "Choose another.";
    DeviceUnknown "device_unknown" 403 false "The device is not bound or was revoked" "设备未绑定或已解绑": "No active device of yours has this id." => "Bind the device first.";
    DeviceSignatureInvalid "device_signature_invalid" 403 false "The device's signature does not fit" "设备签名错误": "What is to be paid was not signed by the device's key, or the text differs." => "Sign the canonical text for exactly what is sent.";
    ProofOfPossessionInvalid "proof_of_possession_invalid" 400 false "The device did not prove that it holds the key" "密钥持有证明无效": "The challenge was not signed by the key to bind, or expired." => "Ask for a new challenge and sign it.";
    SecondFactorRequired "second_factor_required" 403 false "A second factor is needed" "需要第二因素验证": "This change needs a fresh one-time code." => "Ask for a code and send it along.";
    FactorInvalid "factor_invalid" 403 false "The second factor is not right" "第二因素验证失败": "The authenticator's code, the recovery code or the passkey does not fit, or was used." => "Try again with a fresh one; after several failures, wait.";
    PasskeyInvalid "passkey_invalid" 400 false "The passkey's answer does not fit" "通行密钥验证失败": "It was made for another text, page or account, its holder was not verified, or it was removed." => "Ask the passkey again, over exactly what is sent.";
    EvidenceExpired "evidence_expired" 400 false "What was signed has expired" "签名内容已过期": "The device signed an expiry that has passed, or one too far ahead." => "Sign again.";
    IdentityMismatch "identity_mismatch" 422 false "The identity could not be confirmed" "身份信息不一致": "The identity service found no such person." => "Check the name and number.";
    IdentityTaken "identity_taken" 409 false "The identity belongs to another account" "该身份已绑定其他账户": "This identity number is verified for somebody else." => "Sign in to that account, or recover it.";
    PhoneTaken "phone_taken" 409 false "The phone has an account already" "该手机号已注册": "Only who holds the phone and its code is told so." => "Sign in, or recover the account.";
    // Wallets and money.
    WalletUnavailable "wallet_unavailable" 403 false "The wallet cannot be used for this now" "钱包当前不可用": "It is frozen, lost, under control or closed." => "See its status.";
    WalletNotEmpty "wallet_not_empty" 409 false "The wallet still holds money" "钱包余额不为零": "Closing needs a zero balance or a linked account to sweep to." => "Link a bank account, or spend the balance.";
    BalanceTooLow "balance_too_low" 422 false "The balance does not suffice" "余额不足": "Available is less than the amount." => "Top up, or pay from another wallet.";
    BalanceTooHigh "balance_too_high" 422 false "The wallet would hold more than it may" "超过钱包余额上限": "The wallet class has a highest balance." => "Raise the wallet's class, or withdraw first.";
    OverSingleLimit "over_single_limit" 422 false "Above the limit for one payment" "超过单笔限额": "The wallet class or mandate limits one payment." => "Pay less, or raise the wallet's class.";
    OverDayLimit "over_day_limit" 422 false "Above today's limit" "超过当日限额": "The day's sum or count would exceed the limit." => "Wait until tomorrow, or raise the wallet's class.";
    OverYearLimit "over_year_limit" 422 false "Above this year's limit" "超过当年限额": "The year's sum or count would exceed the limit." => "Raise the wallet's class.";
    OverAuthorised "over_authorised" 422 false "Above the authorised amount" "超过授权发行额度": "Issuing would exceed what is authorised." => "Authorise more first.";
    LedgerRefused "ledger_refused" 422 false "The ledger refused the movement" "账本拒绝": "`detail` names the reason and its number." => "See the refusals of the ledger.";
    PayeeUnknown "payee_unknown" 404 false "No payee was found" "未找到收款人": "Nobody receives under this alias." => "Check the number with the payee.";
    // Banks.
    BankRefused "bank_refused" 422 false "The bank refused" "银行拒绝": "`detail` carries the bank's reason." => "Ask the bank.";
    BankUnavailable "bank_unavailable" 503 true "The bank does not answer" "银行暂不可用": "No outcome is known yet." => "Query later; do not repeat under a new number.";
    LinkUnusable "link_unusable" 409 false "The bank account's link cannot be used" "银行卡签约不可用": "It is pending or ended." => "Sign the link, or link another account.";
    // Orders.
    OrderClosed "order_closed" 409 false "The order is closed" "订单已关闭": "It was closed or has expired." => "Ask the merchant for a new order.";
    OrderPaid "order_paid" 409 false "The order is already paid" "订单已支付": "Somebody paid it." => "Nothing is to be done.";
    PaymentCodeInvalid "payment_code_invalid" 422 false "This is no payment code" "付款码无效": "The text is no payment code of this scheme, or was not made by the payer's app." => "Scan the code again, or ask the payer for a fresh one.";
    PaymentCodeExpired "payment_code_expired" 422 false "The payment code is too old" "付款码已过期": "A payment code is good for 60 seconds after it was shown." => "Ask the payer to show a fresh one.";
    PaymentCodeUsed "payment_code_used" 409 false "The payment code was used" "付款码已使用": "A payment code pays one order." => "Ask the payer to show a fresh one.";
    PayerRefused "payer_refused" 422 false "The payer said no" "付款人已拒绝": "The payer was asked for the PIN and refused." => "Ask the payer; a fresh code may be charged under the same number.";
    AmountMismatch "amount_mismatch" 409 false "The amounts differ" "金额不一致": "The payer agreed to another amount than the order asks for." => "Show the order to the payer again.";
    RefundExceedsPaid "refund_exceeds_paid" 422 false "More would be refunded than was paid" "退款超过可退金额": "Done and pending refunds never exceed the payment." => "Refund at most what is left.";
    RefundWindowClosed "refund_window_closed" 422 false "The time for refunds is over" "超过退款期限": "Refunds are possible for 365 days after the payment." => "Pay the customer by transfer.";
    MerchantInactive "merchant_inactive" 403 false "The merchant is not active" "商户未生效": "It awaits approval, or was suspended." => "See the merchant's status.";
    SplitExceedsLeft "split_exceeds_left" 422 false "More is asked for than is left to split" "超过可分账金额": "Shares, unfreezes and refunds together never exceed what was frozen; `left` is what remains." => "Ask for at most what is left.";
    SplitShareTooHigh "split_share_too_high" 422 false "More would be given than may be" "超过最大分账比例": "What is given of an order is bounded by policy; `limit` is the most, in fen." => "Give less.";
    SplitReturnNeeded "split_return_needed" 422 false "What was shared out has to be returned first" "需先回退已分账款项": "The refund needs money that receivers have; `needed` says how much." => "Take shares back, then refund.";
    SettlementTooSmall "settlement_too_small" 422 false "There is too little to settle" "可结算金额不足": "What the wallet holds, less what is to stay and the fee, is below the merchant's minimum." => "Wait until there is more, or set a lower minimum.";
    PayoutLinesInvalid "payout_lines_invalid" 422 false "Lines of the batch are not valid" "批量付款明细有误": "`lines` names each bad line with its number, field and reason; nothing was taken in." => "Correct the lines, or send `skip_invalid` to leave them out.";
    DebitAgreementUnusable "debit_agreement_unusable" 409 false "The debit agreement cannot be used" "代扣协议不可用": "It is not active, or does not wait for an approval any more." => "Read it; propose another if it is over.";
    MandateUnusable "mandate_unusable" 409 false "The mandate cannot be used" "子钱包不可用": "It is paused, revoked, or of another merchant." => "Ask the holder.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.text())
    }
}

/// What went wrong, for the one who asked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code}: {}", detail.as_deref().unwrap_or(code.title()))]
pub struct Problem {
    /// The stable code.
    pub code: Code,
    /// What happened here, in one or two sentences; never secrets or personal data.
    pub detail: Option<String>,
    /// The field at fault.
    pub field: Option<String>,
    /// Seconds to wait before trying again.
    pub retry_after: Option<u64>,
    /// What the fault was, for our log only.
    pub internal: Option<String>,
    /// Further members of the answer, such as the text that was verified or the limit left.
    pub extra: Option<Box<serde_json::Map<String, serde_json::Value>>>,
    pub(crate) conflict: bool,
}

impl Problem {
    /// A problem of the given code.
    #[must_use]
    pub const fn new(code: Code) -> Self {
        Self {
            code,
            detail: None,
            field: None,
            retry_after: None,
            internal: None,
            extra: None,
            conflict: false,
        }
    }

    /// With what happened.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With the field at fault.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// With the seconds to wait.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// With a further member of the answer.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.extra.get_or_insert_default().insert(name.to_owned(), value.into());
        self
    }

    /// Whether what a natural key stands for already is what is asked for now: of `fields`, the name of each
    /// and whether it differs.
    ///
    /// # Errors
    /// `conflict`, naming the first that differs; `detail` says what it differs from.
    pub fn conflict_if<const N: usize>(
        fields: [(&'static str, bool); N],
        detail: impl FnOnce(&str) -> String,
    ) -> Result<(), Self> {
        match fields.into_iter().find(|(_, differs)| *differs) {
            None => Ok(()),
            Some((field, _)) => Err(Self::new(Code::Conflict).field(field).detail(detail(field))),
        }
    }

    /// An internal fault, told only to our log.
    #[must_use]
    pub fn internal(fault: impl fmt::Display) -> Self {
        Self { internal: Some(fault.to_string()), ..Self::new(Code::Internal) }
    }

    /// What a transaction saw has changed under it: run it again.
    #[must_use]
    pub(crate) fn again() -> Self {
        Self { conflict: true, ..Self::internal("rows changed between a look and a write") }
    }

    /// Whether the database asks to run the transaction again.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        self.conflict
    }

    /// A fault that hit several jobs of one commit.
    pub(crate) fn from_shared(fault: String) -> Self {
        Self::internal(fault)
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        // 40001 serialization failure, 40P01 deadlock: the work is run again.
        let conflict = error
            .as_database_error()
            .and_then(|e| e.code().map(|code| matches!(code.as_ref(), "40001" | "40P01")))
            .unwrap_or(false);
        match &error {
            sqlx::Error::PoolTimedOut => {
                Self { internal: Some(error.to_string()), ..Self::new(Code::Overloaded) }
            }
            _ => Self { conflict, ..Self::internal(error) },
        }
    }
}
