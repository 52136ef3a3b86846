//! Components that several messages share.

use super::Content::{Amount, Choice, Foreign, Sequence, Text};
use super::{Content, any, maybe, one, unused, unused_many, up_to};
use crate::iso20022::form::Form;

pub(super) const MAX35: Content = Text(Form::Max(35));
pub(super) const MAX140: Content = Text(Form::Max(140));
pub(super) const MAX105: Content = Text(Form::Max(105));
pub(super) const MAX500: Content = Text(Form::Max(500));
pub(super) const DATE: Content = Text(Form::Date);
pub(super) const DATE_TIME: Content = Text(Form::DateTime);
pub(super) const BOOLEAN: Content = Text(Form::Boolean);
pub(super) const COUNT: Content = Text(Form::Digits(15));
pub(super) const DECIMAL: Content = Text(Form::Decimal);
pub(super) const UUID: Content = Text(Form::Uuid4);
pub(super) const CODE4: Content = Text(Form::Max(4));
pub(super) const MONEY: Content = Amount;
const LEI: Content = Text(Form::Lei);
const BIC: Content = Text(Form::Bic);
const COUNTRY: Content = Text(Form::Country);
const CURRENCY: Content = Text(Form::Currency);

/// `Cd` of up to four characters, or `Prtry`.
pub(super) const CODE_OR_PROPRIETARY: Content = Choice(&[one("Cd", &CODE4), one("Prtry", &MAX35)]);

/// ClearingSystemIdentification2Choice.
const CLEARING_SYSTEM: Content = Choice(&[one("Cd", &Text(Form::Max(5))), one("Prtry", &MAX35)]);
/// ClearingSystemMemberIdentification2.
const MEMBER: Content = Sequence(&[maybe("ClrSysId", &CLEARING_SYSTEM), one("MmbId", &MAX35)]);
/// GenericFinancialIdentification1.
const GENERIC_AGENT: Content =
    Sequence(&[one("Id", &MAX35), maybe("SchmeNm", &CODE_OR_PROPRIETARY), maybe("Issr", &MAX35)]);
/// FinancialInstitutionIdentification23.
const INSTITUTION: Content = Sequence(&[
    maybe("BICFI", &BIC),
    maybe("ClrSysMmbId", &MEMBER),
    maybe("LEI", &LEI),
    maybe("Nm", &MAX140),
    unused("PstlAdr"),
    maybe("Othr", &GENERIC_AGENT),
]);
/// BranchAndFinancialInstitutionIdentification8.
pub(super) const AGENT: Content = Sequence(&[one("FinInstnId", &INSTITUTION), unused("BrnchId")]);

/// GenericOrganisationIdentification3, GenericPersonIdentification2.
const GENERIC_PARTY: Content = Sequence(&[
    one("Id", &Text(Form::Max(256))),
    maybe("SchmeNm", &CODE_OR_PROPRIETARY),
    maybe("Issr", &MAX35),
]);
/// OrganisationIdentification39.
const ORGANISATION: Content =
    Sequence(&[maybe("AnyBIC", &BIC), maybe("LEI", &LEI), any("Othr", &GENERIC_PARTY)]);
/// PersonIdentification18.
const PERSON: Content = Sequence(&[unused("DtAndPlcOfBirth"), any("Othr", &GENERIC_PARTY)]);
/// Party52Choice.
const PARTY_ID: Content = Choice(&[one("OrgId", &ORGANISATION), one("PrvtId", &PERSON)]);
/// PartyIdentification272.
pub(super) const PARTY: Content = Sequence(&[
    maybe("Nm", &MAX140),
    unused("PstlAdr"),
    maybe("Id", &PARTY_ID),
    maybe("CtryOfRes", &COUNTRY),
    unused("CtctDtls"),
]);

/// GenericAccountIdentification1.
const GENERIC_ACCOUNT: Content = Sequence(&[
    one("Id", &Text(Form::Max(34))),
    maybe("SchmeNm", &CODE_OR_PROPRIETARY),
    maybe("Issr", &MAX35),
]);
/// AccountIdentification4Choice.
const ACCOUNT_ID: Content = Choice(&[one("IBAN", &Text(Form::Iban)), one("Othr", &GENERIC_ACCOUNT)]);
/// ProxyAccountIdentification1.
const PROXY: Content = Sequence(&[maybe("Tp", &CODE_OR_PROPRIETARY), one("Id", &Text(Form::Max(2048)))]);
/// CashAccount40.
pub(super) const ACCOUNT: Content = Sequence(&[
    maybe("Id", &ACCOUNT_ID),
    maybe("Tp", &CODE_OR_PROPRIETARY),
    maybe("Ccy", &CURRENCY),
    maybe("Nm", &Text(Form::Max(70))),
    maybe("Prxy", &PROXY),
]);
/// CashAccount43.
pub(super) const REPORTED_ACCOUNT: Content = Sequence(&[
    maybe("Id", &ACCOUNT_ID),
    maybe("Tp", &CODE_OR_PROPRIETARY),
    maybe("Ccy", &CURRENCY),
    maybe("Nm", &Text(Form::Max(70))),
    maybe("Prxy", &PROXY),
    unused("Ownr"),
    maybe("Svcr", &AGENT),
]);

/// CreditorReferenceType3.
const REFERENCE_TYPE: Content = Sequence(&[one("CdOrPrtry", &CODE_OR_PROPRIETARY), maybe("Issr", &MAX35)]);
/// CreditorReferenceInformation3.
const CREDITOR_REFERENCE: Content = Sequence(&[maybe("Tp", &REFERENCE_TYPE), maybe("Ref", &MAX35)]);
/// DocumentType1.
const DOCUMENT_TYPE: Content = Sequence(&[one("CdOrPrtry", &CODE_OR_PROPRIETARY), maybe("Issr", &MAX35)]);
/// DateAndType1.
const DATE_AND_TYPE: Content = Sequence(&[one("Tp", &CODE_OR_PROPRIETARY), one("Dt", &DATE)]);
/// ReferredDocumentInformation8.
const REFERRED_DOCUMENT: Content = Sequence(&[
    maybe("Tp", &DOCUMENT_TYPE),
    maybe("Nb", &MAX35),
    maybe("RltdDt", &DATE_AND_TYPE),
    unused_many("LineDtls"),
]);
/// StructuredRemittanceInformation18.
const STRUCTURED: Content = Sequence(&[
    any("RfrdDocInf", &REFERRED_DOCUMENT),
    unused("RfrdDocAmt"),
    maybe("CdtrRefInf", &CREDITOR_REFERENCE),
    unused("Invcr"),
    unused("Invcee"),
    unused("TaxRmt"),
    unused("GrnshmtRmt"),
    up_to(3, "AddtlRmtInf", &MAX140),
]);
/// RemittanceInformation22.
pub(super) const REMITTANCE: Content = Sequence(&[any("Ustrd", &MAX140), any("Strd", &STRUCTURED)]);

/// SupplementaryData1.
pub(super) const SUPPLEMENT: Content =
    Sequence(&[maybe("PlcAndNm", &Text(Form::Max(350))), one("Envlp", &Foreign)]);

/// ChargeBearerType1Code.
pub(super) const CHARGE_BEARER: Content = Text(Form::OneOf(&["DEBT", "CRED", "SHAR", "SLEV"]));
/// CreditDebitCode.
pub(super) const CREDIT_OR_DEBIT: Content = Text(Form::OneOf(&["CRDT", "DBIT"]));
/// SettlementMethod1Code.
const SETTLEMENT_METHOD: Content = Text(Form::OneOf(&["INDA", "INGA", "COVE", "CLRG"]));
/// SettlementInstruction15.
pub(super) const SETTLEMENT: Content = Sequence(&[
    one("SttlmMtd", &SETTLEMENT_METHOD),
    maybe("SttlmAcct", &ACCOUNT),
    unused("ClrSys"),
    unused("InstgRmbrsmntAgt"),
    unused("InstgRmbrsmntAgtAcct"),
    unused("InstdRmbrsmntAgt"),
    unused("InstdRmbrsmntAgtAcct"),
    unused("ThrdRmbrsmntAgt"),
    unused("ThrdRmbrsmntAgtAcct"),
]);
/// DateAndDateTime2Choice.
pub(super) const DAY_OR_TIME: Content = Choice(&[one("Dt", &DATE), one("DtTm", &DATE_TIME)]);
