//! pacs.008.001.13, pacs.002.001.15, pacs.004.001.14, pacs.028.001.06.

use super::Content::{Choice, Sequence};
use super::parts::{
    ACCOUNT, AGENT, BOOLEAN, CHARGE_BEARER, CODE_OR_PROPRIETARY, CODE4, COUNT, DATE, DATE_TIME, DAY_OR_TIME,
    DECIMAL, MAX35, MAX105, MONEY, PARTY, REMITTANCE, SETTLEMENT, SUPPLEMENT, UUID,
};
use super::{Content, any, maybe, one, some, unused, unused_many, up_to};

/// PaymentIdentification13.
const PAYMENT_IDS: Content = Sequence(&[
    maybe("InstrId", &MAX35),
    one("EndToEndId", &MAX35),
    maybe("TxId", &MAX35),
    maybe("UETR", &UUID),
    maybe("ClrSysRef", &MAX35),
]);

/// AdditionalDateTime1.
const MORE_TIMES: Content = Sequence(&[
    maybe("AccptncDtTm", &DATE_TIME),
    maybe("PoolgAdjstmntDt", &DATE),
    maybe("XpryDtTm", &DATE_TIME),
]);

/// CreditTransferTransaction70.
const TRANSFER: Content = Sequence(&[
    one("PmtId", &PAYMENT_IDS),
    unused("PmtTpInf"),
    one("IntrBkSttlmAmt", &MONEY),
    maybe("IntrBkSttlmDt", &DATE),
    unused("SttlmPrty"),
    unused("SttlmTmIndctn"),
    unused("SttlmTmReq"),
    maybe("AddtlDtTm", &MORE_TIMES),
    unused("InstdAmt"),
    unused("XchgRate"),
    unused("AgrdRate"),
    one("ChrgBr", &CHARGE_BEARER),
    unused_many("ChrgsInf"),
    unused("MndtRltdInf"),
    unused("PmtSgntr"),
    unused("PrvsInstgAgt1"),
    unused("PrvsInstgAgt1Acct"),
    unused("PrvsInstgAgt2"),
    unused("PrvsInstgAgt2Acct"),
    unused("PrvsInstgAgt3"),
    unused("PrvsInstgAgt3Acct"),
    unused("InstgAgt"),
    unused("InstdAgt"),
    unused("IntrmyAgt1"),
    unused("IntrmyAgt1Acct"),
    unused("IntrmyAgt2"),
    unused("IntrmyAgt2Acct"),
    unused("IntrmyAgt3"),
    unused("IntrmyAgt3Acct"),
    unused("UltmtDbtr"),
    unused("InitgPty"),
    one("Dbtr", &PARTY),
    maybe("DbtrAcct", &ACCOUNT),
    one("DbtrAgt", &AGENT),
    unused("DbtrAgtAcct"),
    one("CdtrAgt", &AGENT),
    unused("CdtrAgtAcct"),
    one("Cdtr", &PARTY),
    maybe("CdtrAcct", &ACCOUNT),
    unused("UltmtCdtr"),
    unused_many("InstrForCdtrAgt"),
    unused_many("InstrForNxtAgt"),
    maybe("Purp", &CODE_OR_PROPRIETARY),
    up_to(10, "RgltryRptg", &Content::Unused),
    unused("Tax"),
    up_to(10, "RltdRmtInf", &Content::Unused),
    maybe("RmtInf", &REMITTANCE),
    any("SplmtryData", &SUPPLEMENT),
]);

/// GroupHeader131.
const TRANSFER_HEADER: Content = Sequence(&[
    one("MsgId", &MAX35),
    one("CreDtTm", &DATE_TIME),
    maybe("XpryDtTm", &DATE_TIME),
    unused("BtchBookg"),
    one("NbOfTxs", &COUNT),
    maybe("CtrlSum", &DECIMAL),
    maybe("TtlIntrBkSttlmAmt", &MONEY),
    maybe("IntrBkSttlmDt", &DATE),
    one("SttlmInf", &SETTLEMENT),
    unused("PmtTpInf"),
    maybe("InstgAgt", &AGENT),
    maybe("InstdAgt", &AGENT),
]);

/// FIToFICustomerCreditTransferV13.
pub(crate) const CREDIT_TRANSFER: Content = Sequence(&[
    one("GrpHdr", &TRANSFER_HEADER),
    some("CdtTrfTxInf", &TRANSFER),
    any("SplmtryData", &SUPPLEMENT),
]);

/// OriginalGroupInformation29.
const ORIGINAL_MESSAGE: Content =
    Sequence(&[one("OrgnlMsgId", &MAX35), one("OrgnlMsgNmId", &MAX35), maybe("OrgnlCreDtTm", &DATE_TIME)]);

/// AmountType4Choice.
const ORDERED_AMOUNT: Content = Choice(&[one("InstdAmt", &MONEY), one("EqvtAmt", &Content::Unused)]);

/// OriginalTransactionReference42, of which the amount is used.
const ORIGINAL_TRANSACTION: Content = Sequence(&[
    maybe("IntrBkSttlmAmt", &MONEY),
    maybe("Amt", &ORDERED_AMOUNT),
    unused("IntrBkSttlmDt"),
    unused("ReqdColltnDt"),
    unused("ReqdExctnDt"),
    unused("CdtrSchmeId"),
    unused("SttlmInf"),
    unused("PmtTpInf"),
    unused("PmtMtd"),
    unused("MndtRltdInf"),
    unused("RmtInf"),
    unused("UltmtDbtr"),
    unused("Dbtr"),
    unused("DbtrAcct"),
    unused("DbtrAgt"),
    unused("DbtrAgtAcct"),
    unused("CdtrAgt"),
    unused("CdtrAgtAcct"),
    unused("Cdtr"),
    unused("CdtrAcct"),
    unused("UltmtCdtr"),
    unused("Purp"),
]);

/// StatusReasonInformation14, PaymentReturnReason7.
const REASON: Content =
    Sequence(&[unused("Orgtr"), maybe("Rsn", &CODE_OR_PROPRIETARY), any("AddtlInf", &MAX105)]);

/// OriginalGroupHeader22.
const GROUP_STATUS: Content = Sequence(&[
    one("OrgnlMsgId", &MAX35),
    one("OrgnlMsgNmId", &MAX35),
    maybe("OrgnlCreDtTm", &DATE_TIME),
    unused("OrgnlNbOfTxs"),
    unused("OrgnlCtrlSum"),
    maybe("GrpSts", &CODE4),
    any("StsRsnInf", &REASON),
    unused_many("NbOfTxsPerSts"),
]);

/// PaymentTransaction164.
const TRANSACTION_STATUS: Content = Sequence(&[
    maybe("StsId", &MAX35),
    maybe("OrgnlGrpInf", &ORIGINAL_MESSAGE),
    maybe("OrgnlInstrId", &MAX35),
    maybe("OrgnlEndToEndId", &MAX35),
    maybe("OrgnlTxId", &MAX35),
    maybe("OrgnlUETR", &UUID),
    maybe("TxSts", &CODE4),
    any("StsRsnInf", &REASON),
    unused_many("ChrgsInf"),
    maybe("AccptncDtTm", &DATE_TIME),
    unused("PrcgDt"),
    maybe("FctvIntrBkSttlmDt", &DAY_OR_TIME),
    maybe("AcctSvcrRef", &MAX35),
    maybe("ClrSysRef", &MAX35),
    unused("CdtSttlmKey"),
    unused("InstgAgt"),
    unused("InstdAgt"),
    maybe("OrgnlTxRef", &ORIGINAL_TRANSACTION),
    any("SplmtryData", &SUPPLEMENT),
]);

/// GroupHeader120.
const REPORT_HEADER: Content = Sequence(&[
    one("MsgId", &MAX35),
    one("CreDtTm", &DATE_TIME),
    maybe("InstgAgt", &AGENT),
    maybe("InstdAgt", &AGENT),
    unused("OrgnlBizQry"),
]);

/// FIToFIPaymentStatusReportV15.
pub(crate) const STATUS_REPORT: Content = Sequence(&[
    one("GrpHdr", &REPORT_HEADER),
    any("OrgnlGrpInfAndSts", &GROUP_STATUS),
    any("TxInfAndSts", &TRANSACTION_STATUS),
    any("SplmtryData", &SUPPLEMENT),
]);

/// The group header of a status request.
const REQUEST_HEADER: Content = Sequence(&[
    one("MsgId", &MAX35),
    one("CreDtTm", &DATE_TIME),
    maybe("InstgAgt", &AGENT),
    maybe("InstdAgt", &AGENT),
]);

/// PaymentTransaction158.
const QUESTION: Content = Sequence(&[
    maybe("StsReqId", &MAX35),
    maybe("OrgnlGrpInf", &ORIGINAL_MESSAGE),
    maybe("OrgnlInstrId", &MAX35),
    maybe("OrgnlEndToEndId", &MAX35),
    maybe("OrgnlTxId", &MAX35),
    maybe("OrgnlUETR", &UUID),
    maybe("AccptncDtTm", &DATE_TIME),
    maybe("ClrSysRef", &MAX35),
    unused("InstgAgt"),
    unused("InstdAgt"),
    maybe("OrgnlTxRef", &ORIGINAL_TRANSACTION),
    any("SplmtryData", &SUPPLEMENT),
]);

/// FIToFIPaymentStatusRequestV06.
pub(crate) const STATUS_REQUEST: Content = Sequence(&[
    one("GrpHdr", &REQUEST_HEADER),
    unused_many("OrgnlGrpInf"),
    any("TxInf", &QUESTION),
    any("SplmtryData", &SUPPLEMENT),
]);

/// GroupHeader123.
const RETURN_HEADER: Content = Sequence(&[
    one("MsgId", &MAX35),
    one("CreDtTm", &DATE_TIME),
    up_to(2, "Authstn", &Content::Unused),
    unused("BtchBookg"),
    one("NbOfTxs", &COUNT),
    maybe("CtrlSum", &DECIMAL),
    maybe("GrpRtr", &BOOLEAN),
    maybe("TtlRtrdIntrBkSttlmAmt", &MONEY),
    maybe("IntrBkSttlmDt", &DATE),
    one("SttlmInf", &SETTLEMENT),
    unused("PmtTpInf"),
    maybe("InstgAgt", &AGENT),
    maybe("InstdAgt", &AGENT),
]);

/// PaymentTransaction163.
const RETURNED: Content = Sequence(&[
    maybe("RtrId", &MAX35),
    maybe("OrgnlGrpInf", &ORIGINAL_MESSAGE),
    maybe("OrgnlInstrId", &MAX35),
    maybe("OrgnlEndToEndId", &MAX35),
    maybe("OrgnlTxId", &MAX35),
    maybe("OrgnlUETR", &UUID),
    unused("OrgnlClrSysRef"),
    maybe("OrgnlIntrBkSttlmAmt", &MONEY),
    maybe("OrgnlIntrBkSttlmDt", &DATE),
    unused("PmtTpInf"),
    one("RtrdIntrBkSttlmAmt", &MONEY),
    maybe("IntrBkSttlmDt", &DATE),
    unused("SttlmPrty"),
    unused("SttlmTmIndctn"),
    unused("SttlmTmReq"),
    unused("RtrdInstdAmt"),
    unused("XchgRate"),
    unused("AgrdRate"),
    unused("CompstnAmt"),
    maybe("ChrgBr", &CHARGE_BEARER),
    unused_many("ChrgsInf"),
    maybe("ClrSysRef", &MAX35),
    unused("InstgAgt"),
    unused("InstdAgt"),
    unused("RtrChain"),
    any("RtrRsnInf", &REASON),
    unused("OrgnlTxRef"),
    any("SplmtryData", &SUPPLEMENT),
]);

/// PaymentReturnV14.
pub(crate) const PAYMENT_RETURN: Content = Sequence(&[
    one("GrpHdr", &RETURN_HEADER),
    unused("OrgnlGrpInf"),
    any("TxInf", &RETURNED),
    any("SplmtryData", &SUPPLEMENT),
]);
