//! The scenarios, and what each proves.

use serde::{Deserialize, Serialize};

/// One thing that an integrator's system must get right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// An order is made, paid, and the notice taken.
    Happy,
    /// The same order is submitted twice and stays one.
    DuplicateSubmit,
    /// An answer is lost; the order is found by its own number.
    LostAnswer,
    /// Money is given back, and the notice taken.
    Refund,
    /// A notice that comes late or out of order is taken.
    LateNotice,
    /// A notice that comes twice is taken twice and counted once.
    DuplicateNotice,
    /// A notice that the platform did not sign is refused.
    ForgedNotice,
    /// An old notice sent again is refused.
    ReplayedNotice,
    /// A payment that no notice told of is found by reconciling.
    Reconciliation,
    /// The platform changes its key, and notices are still taken.
    KeyRotation,
}

impl Scenario {
    /// Every scenario, in the order of the report.
    pub const ALL: [Self; 10] = [
        Self::Happy,
        Self::DuplicateSubmit,
        Self::LostAnswer,
        Self::Refund,
        Self::LateNotice,
        Self::DuplicateNotice,
        Self::ForgedNotice,
        Self::ReplayedNotice,
        Self::Reconciliation,
        Self::KeyRotation,
    ];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Happy => "happy",
            Self::DuplicateSubmit => "duplicate_submit",
            Self::LostAnswer => "lost_answer",
            Self::Refund => "refund",
            Self::LateNotice => "late_notice",
            Self::DuplicateNotice => "duplicate_notice",
            Self::ForgedNotice => "forged_notice",
            Self::ReplayedNotice => "replayed_notice",
            Self::Reconciliation => "reconciliation",
            Self::KeyRotation => "key_rotation",
        }
    }

    /// What it is, in Chinese.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Happy => "正常下单、支付并接收通知",
            Self::DuplicateSubmit => "重复提交同一订单，仍为一笔",
            Self::LostAnswer => "应答丢失后按商户订单号查询",
            Self::Refund => "退款并接收通知",
            Self::LateNotice => "通知迟到或乱序仍正确处理",
            Self::DuplicateNotice => "重复通知只记一次",
            Self::ForgedNotice => "拒绝伪造的通知",
            Self::ReplayedNotice => "拒绝重放的旧通知",
            Self::Reconciliation => "对账发现未收到通知的支付",
            Self::KeyRotation => "平台更换密钥后仍能验签",
        }
    }

    /// What it is, in English.
    #[must_use]
    pub const fn en(self) -> &'static str {
        match self {
            Self::Happy => "An order is made, paid, and the notice taken",
            Self::DuplicateSubmit => "The same order is submitted twice and stays one",
            Self::LostAnswer => "An answer is lost; the order is found by its own number",
            Self::Refund => "Money is given back, and the notice taken",
            Self::LateNotice => "A notice that comes late or out of order is taken",
            Self::DuplicateNotice => "A notice that comes twice is counted once",
            Self::ForgedNotice => "A notice that the platform did not sign is refused",
            Self::ReplayedNotice => "An old notice sent again is refused",
            Self::Reconciliation => "A payment that no notice told of is found by reconciling",
            Self::KeyRotation => "The platform changes its key, and notices are still taken",
        }
    }
}
