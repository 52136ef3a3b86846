//! pain.001.001.12.

use super::Content::{Choice, Sequence, Text};
use super::parts::{
    ACCOUNT, AGENT, CHARGE_BEARER, CODE_OR_PROPRIETARY, COUNT, DATE_TIME, DAY_OR_TIME, DECIMAL, MAX35,
    MAX140, MONEY, PARTY, REMITTANCE, SUPPLEMENT, UUID,
};
use super::{Content, any, maybe, one, some, unused, unused_many, up_to};
use crate::iso20022::form::Form;

/// GroupHeader114.
const HEADER: Content = Sequence(&[
    one("MsgId", &MAX35),
    one("CreDtTm", &DATE_TIME),
    up_to(2, "Authstn", &Content::Unused),
    one("NbOfTxs", &COUNT),
    maybe("CtrlSum", &DECIMAL),
    one("InitgPty", &PARTY),
    maybe("FwdgAgt", &AGENT),
    unused("InitnSrc"),
]);

/// PaymentIdentification6.
const PAYMENT_IDS: Content =
    Sequence(&[maybe("InstrId", &MAX35), one("EndToEndId", &MAX35), maybe("UETR", &UUID)]);

/// AmountType4Choice.
const AMOUNT: Content = Choice(&[one("InstdAmt", &MONEY), one("EqvtAmt", &Content::Unused)]);

/// CreditTransferMandateData1.
const MANDATE: Content = Sequence(&[
    maybe("MndtId", &MAX35),
    unused("Tp"),
    unused("DtOfSgntr"),
    unused("DtOfVrfctn"),
    unused("ElctrncSgntr"),
    unused("FrstPmtDt"),
    unused("FnlPmtDt"),
    unused("Frqcy"),
    unused("Rsn"),
]);

/// CreditTransferTransaction61.
const TRANSFER: Content = Sequence(&[
    one("PmtId", &PAYMENT_IDS),
    unused("PmtTpInf"),
    one("Amt", &AMOUNT),
    unused("XchgRateInf"),
    maybe("ChrgBr", &CHARGE_BEARER),
    maybe("MndtRltdInf", &MANDATE),
    unused("ChqInstr"),
    unused("UltmtDbtr"),
    unused("IntrmyAgt1"),
    unused("IntrmyAgt1Acct"),
    unused("IntrmyAgt2"),
    unused("IntrmyAgt2Acct"),
    unused("IntrmyAgt3"),
    unused("IntrmyAgt3Acct"),
    maybe("CdtrAgt", &AGENT),
    unused("CdtrAgtAcct"),
    maybe("Cdtr", &PARTY),
    maybe("CdtrAcct", &ACCOUNT),
    unused("UltmtCdtr"),
    unused_many("InstrForCdtrAgt"),
    unused("InstrForDbtrAgt"),
    maybe("Purp", &CODE_OR_PROPRIETARY),
    up_to(10, "RgltryRptg", &Content::Unused),
    unused("Tax"),
    up_to(10, "RltdRmtInf", &Content::Unused),
    maybe("RmtInf", &REMITTANCE),
    any("SplmtryData", &SUPPLEMENT),
]);

/// PaymentInstruction44.
const INSTRUCTION: Content = Sequence(&[
    one("PmtInfId", &MAX35),
    one("PmtMtd", &Text(Form::OneOf(&["CHK", "TRF", "TRA"]))),
    unused("ReqdAdvcTp"),
    unused("BtchBookg"),
    maybe("NbOfTxs", &COUNT),
    maybe("CtrlSum", &DECIMAL),
    unused("PmtTpInf"),
    one("ReqdExctnDt", &DAY_OR_TIME),
    unused("PoolgAdjstmntDt"),
    one("Dbtr", &PARTY),
    one("DbtrAcct", &ACCOUNT),
    one("DbtrAgt", &AGENT),
    unused("DbtrAgtAcct"),
    maybe("InstrForDbtrAgt", &MAX140),
    unused("UltmtDbtr"),
    maybe("ChrgBr", &CHARGE_BEARER),
    unused("ChrgsAcct"),
    unused("ChrgsAcctAgt"),
    some("CdtTrfTxInf", &TRANSFER),
]);

/// CustomerCreditTransferInitiationV12.
pub(crate) const INITIATION: Content =
    Sequence(&[one("GrpHdr", &HEADER), some("PmtInf", &INSTRUCTION), any("SplmtryData", &SUPPLEMENT)]);
