//! camt.053.001.13 and camt.054.001.13.

use super::Content::{Sequence, Text};
use super::parts::{
    BOOLEAN, CODE_OR_PROPRIETARY, CODE4, COUNT, CREDIT_OR_DEBIT, DATE_TIME, DAY_OR_TIME, DECIMAL, MAX35,
    MAX105, MAX500, MONEY, REMITTANCE, REPORTED_ACCOUNT, SUPPLEMENT, UUID,
};
use super::{Content, any, maybe, one, some, unused, unused_many};
use crate::iso20022::form::Form;

/// Pagination1.
const PAGE: Content = Sequence(&[one("PgNb", &Text(Form::Digits(5))), one("LastPgInd", &BOOLEAN)]);

/// GroupHeader116.
const HEADER: Content = Sequence(&[
    one("MsgId", &MAX35),
    one("CreDtTm", &DATE_TIME),
    unused("MsgRcpt"),
    maybe("MsgPgntn", &PAGE),
    unused("OrgnlBizQry"),
    unused("AddtlInf"),
]);

/// DateTimePeriod1.
const PERIOD: Content = Sequence(&[one("FrDtTm", &DATE_TIME), one("ToDtTm", &DATE_TIME)]);

/// BalanceType13.
const BALANCE_TYPE: Content = Sequence(&[one("CdOrPrtry", &CODE_OR_PROPRIETARY), unused("SubTp")]);

/// CashBalance8.
const BALANCE: Content = Sequence(&[
    one("Tp", &BALANCE_TYPE),
    unused_many("CdtLine"),
    one("Amt", &MONEY),
    one("CdtDbtInd", &CREDIT_OR_DEBIT),
    one("Dt", &DAY_OR_TIME),
    unused_many("Avlbty"),
]);

/// NumberAndSumOfTransactions1.
const TOTAL: Content = Sequence(&[maybe("NbOfNtries", &COUNT), maybe("Sum", &DECIMAL)]);

/// TotalTransactions6.
const SUMMARY: Content = Sequence(&[
    unused("TtlNtries"),
    maybe("TtlCdtNtries", &TOTAL),
    maybe("TtlDbtNtries", &TOTAL),
    unused_many("TtlNtriesPerBkTxCd"),
]);

/// BankTransactionCodeStructure6.
const FAMILY: Content = Sequence(&[one("Cd", &CODE4), one("SubFmlyCd", &CODE4)]);
/// BankTransactionCodeStructure5.
const DOMAIN: Content = Sequence(&[one("Cd", &CODE4), one("Fmly", &FAMILY)]);
/// ProprietaryBankTransactionCodeStructure1.
const PROPRIETARY: Content = Sequence(&[one("Cd", &MAX35), maybe("Issr", &MAX35)]);
/// BankTransactionCodeStructure4.
const TRANSACTION_CODE: Content = Sequence(&[maybe("Domn", &DOMAIN), maybe("Prtry", &PROPRIETARY)]);

/// TransactionReferences6.
const REFERENCES: Content = Sequence(&[
    maybe("MsgId", &MAX35),
    maybe("AcctSvcrRef", &MAX35),
    maybe("PmtInfId", &MAX35),
    maybe("InstrId", &MAX35),
    maybe("EndToEndId", &MAX35),
    maybe("UETR", &UUID),
    maybe("TxId", &MAX35),
    unused("MndtId"),
    unused("ChqNb"),
    unused("ClrSysRef"),
    unused("AcctOwnrTxId"),
    unused("AcctSvcrTxId"),
    unused("MktInfrstrctrTxId"),
    unused("PrcgId"),
    unused_many("Prtry"),
]);

/// PaymentReturnReason8.
const RETURN_REASON: Content = Sequence(&[
    unused("OrgnlBkTxCd"),
    unused("Orgtr"),
    maybe("Rsn", &CODE_OR_PROPRIETARY),
    any("AddtlInf", &MAX105),
]);

/// EntryTransaction15.
const TRANSACTION: Content = Sequence(&[
    maybe("Refs", &REFERENCES),
    maybe("Amt", &MONEY),
    maybe("CdtDbtInd", &CREDIT_OR_DEBIT),
    unused("AmtDtls"),
    unused_many("Avlbty"),
    unused("BkTxCd"),
    unused("Chrgs"),
    unused("Intrst"),
    unused("RltdPties"),
    unused("RltdAgts"),
    unused("LclInstrm"),
    unused("PmtTpInf"),
    unused("Purp"),
    unused_many("RltdRmtInf"),
    maybe("RmtInf", &REMITTANCE),
    unused("RltdDts"),
    unused("RltdPric"),
    unused_many("RltdQties"),
    unused("FinInstrmId"),
    unused("Tax"),
    maybe("RtrInf", &RETURN_REASON),
    unused("RltdCorpActn"),
    unused("SfkpgAcct"),
    unused_many("UndrlygAllcn"),
    unused_many("CshDpst"),
    unused("CardTx"),
    unused("InstrCpy"),
    unused("AddtlTxInf"),
    any("SplmtryData", &SUPPLEMENT),
]);

/// EntryDetails14.
const DETAILS: Content = Sequence(&[unused("Btch"), any("TxDtls", &TRANSACTION)]);

/// ReportEntry15.
const ENTRY: Content = Sequence(&[
    maybe("NtryRef", &MAX35),
    one("Amt", &MONEY),
    one("CdtDbtInd", &CREDIT_OR_DEBIT),
    maybe("RvslInd", &BOOLEAN),
    one("Sts", &CODE_OR_PROPRIETARY),
    maybe("BookgDt", &DAY_OR_TIME),
    maybe("ValDt", &DAY_OR_TIME),
    maybe("AcctSvcrRef", &MAX35),
    unused_many("Avlbty"),
    one("BkTxCd", &TRANSACTION_CODE),
    unused("ComssnWvrInd"),
    unused("AddtlInfInd"),
    unused("AmtDtls"),
    unused("Chrgs"),
    unused("TechInptChanl"),
    unused("Intrst"),
    unused("CardTx"),
    any("NtryDtls", &DETAILS),
    maybe("AddtlNtryInf", &MAX500),
]);

/// AccountStatement14.
const STATEMENT: Content = Sequence(&[
    one("Id", &MAX35),
    maybe("StmtPgntn", &PAGE),
    unused("ElctrncSeqNb"),
    unused("RptgSeq"),
    unused("LglSeqNb"),
    maybe("CreDtTm", &DATE_TIME),
    maybe("FrToDt", &PERIOD),
    unused("CpyDplctInd"),
    unused("RptgSrc"),
    one("Acct", &REPORTED_ACCOUNT),
    unused("RltdAcct"),
    unused_many("Intrst"),
    some("Bal", &BALANCE),
    maybe("TxsSummry", &SUMMARY),
    any("Ntry", &ENTRY),
    maybe("AddtlStmtInf", &MAX500),
]);

/// BankToCustomerStatementV13.
pub(crate) const BANK_TO_CUSTOMER_STATEMENT: Content =
    Sequence(&[one("GrpHdr", &HEADER), some("Stmt", &STATEMENT), any("SplmtryData", &SUPPLEMENT)]);

/// The account notification of camt.054.
const NOTIFICATION: Content = Sequence(&[
    one("Id", &MAX35),
    maybe("NtfctnPgntn", &PAGE),
    unused("ElctrncSeqNb"),
    unused("RptgSeq"),
    unused("LglSeqNb"),
    maybe("CreDtTm", &DATE_TIME),
    maybe("FrToDt", &PERIOD),
    unused("CpyDplctInd"),
    unused("RptgSrc"),
    one("Acct", &REPORTED_ACCOUNT),
    unused("RltdAcct"),
    unused_many("Intrst"),
    maybe("TxsSummry", &SUMMARY),
    any("Ntry", &ENTRY),
    maybe("AddtlNtfctnInf", &MAX500),
]);

/// BankToCustomerDebitCreditNotificationV13.
pub(crate) const BANK_TO_CUSTOMER_NOTIFICATION: Content =
    Sequence(&[one("GrpHdr", &HEADER), some("Ntfctn", &NOTIFICATION), any("SplmtryData", &SUPPLEMENT)]);
