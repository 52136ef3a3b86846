//! nvlp.001.001.01 and head.001.001.04.

use super::Content::{Choice, Foreign, Sequence, Text};
use super::parts::{AGENT, BOOLEAN, DATE_TIME, MAX35, PARTY};
use super::{Content, maybe, one, unused, unused_many};
use crate::iso20022::form::Form;

/// BusinessMessageEnvelopeV01: what it holds is checked by the definition it names.
pub(crate) const BUSINESS_ENVELOPE: Content =
    Sequence(&[maybe("Hdr", &Foreign), one("Doc", &Foreign), unused_many("Ref"), unused_many("SplmtryData")]);

/// Party51Choice.
const PARTY51: Content = Choice(&[one("OrgId", &PARTY), one("FIId", &AGENT)]);

/// BusinessApplicationHeaderV04.
pub(crate) const APPLICATION_HEADER: Content = Sequence(&[
    unused("CharSet"),
    one("Fr", &PARTY51),
    one("To", &PARTY51),
    one("BizMsgIdr", &MAX35),
    one("MsgDefIdr", &MAX35),
    maybe("BizSvc", &MAX35),
    unused("MktPrctc"),
    one("CreDt", &DATE_TIME),
    maybe("BizPrcgDt", &DATE_TIME),
    maybe("CpyDplct", &Text(Form::OneOf(&["CODU", "COPY", "DUPL"]))),
    maybe("PssblDplct", &BOOLEAN),
    unused("Prty"),
    unused("Sgntr"),
    unused_many("Rltd"),
]);
