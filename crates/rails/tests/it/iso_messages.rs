//! Business messages: what we write is what the definitions say, and nothing else is read.

use std::io::Write;
use std::process::Command;

use jialing_rails::iso20022::*;
use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn made() -> Timestamp {
    at("2026-11-22T02:00:00Z")
}

fn ids() -> Ids {
    Ids {
        instruction: Some("top_1".to_owned()),
        end_to_end: "top_1".to_owned(),
        transaction: None,
        uetr: Some(Uetr::of("BKA", "top_1")),
    }
}

fn original() -> Original {
    Original {
        message: Some(("top_1".to_owned(), PAIN_001.to_owned())),
        instruction: Some("top_1".to_owned()),
        end_to_end: Some("top_1".to_owned()),
        transaction: Some("top_1".to_owned()),
        uetr: Some(Uetr::of("BKA", "top_1")),
    }
}

fn organisation() -> Party {
    let other = vec![Identified { id: "jialing".to_owned(), scheme: Some(CodeOr::code("CUST")) }];
    Party {
        name: Some("嘉陵 & Söhne <Jialing>".to_owned()),
        id: Some(PartyId::Organisation { lei: Lei::parse("5493001KJTIIGC8Y1R12"), other }),
        country: Some("CN".to_owned()),
    }
}

fn person() -> Party {
    let other = vec![Identified { id: "agr_1".to_owned(), scheme: Some(CodeOr::proprietary("AGREEMENT")) }];
    Party { id: Some(PartyId::Person { other }), ..Party::default() }
}

fn proxy() -> Account {
    let proxy = Proxy { kind: Some(CodeOr::proprietary("AGREEMENT")), id: "agr_1".to_owned() };
    Account { currency: Some("CNY".to_owned()), proxy: Some(proxy), ..Account::default() }
}

fn remittance() -> Remittance {
    let document = ReferredDocument {
        kind: Some(CodeOr::code("CINV")),
        number: Some("INV-7".to_owned()),
        day: Some((CodeOr::code("INDA"), date(2026, 11, 1))),
    };
    let structured = Structured {
        documents: vec![document],
        reference: Some((Some(CodeOr::code("SCOR")), "top_1".to_owned())),
        additional: vec!["one".to_owned(), "two".to_owned()],
    };
    Remittance { unstructured: vec!["数字人民币充值".to_owned()], structured: vec![structured] }
}

fn agent() -> Agent {
    Agent {
        bic: Some("PCBCCNBJCQX".to_owned()),
        lei: Lei::parse("7LTWFZYICNSX8D621K86"),
        name: Some("江北银行".to_owned()),
        ..Agent::member("BKA")
    }
}

fn message(document: Document) -> BusinessMessage {
    let header = Header {
        from: Agent::member("jialing"),
        to: agent(),
        id: "top_1".to_owned(),
        created: made(),
        possible_duplicate: Some(true),
    };
    BusinessMessage { header, document }
}

fn initiation() -> Document {
    let transfer = InitiatedTransfer {
        ids: ids(),
        amount: Amount::new(10_050, "CNY"),
        mandate: Some("M-1".to_owned()),
        creditor_agent: Some(agent()),
        creditor: Some(organisation()),
        creditor_account: Some(Account::number("JIALING-SETTLEMENT")),
        purpose: Some(CodeOr::code("ETUP")),
        remittance: Some(remittance()),
        expires: Some(at("2026-11-22T02:05:00Z")),
    };
    Document::Initiation(Initiation {
        id: "top_1".to_owned(),
        created: made(),
        initiator: organisation(),
        payments: vec![Payment {
            id: "top_1".to_owned(),
            execution: date(2026, 11, 22),
            debtor: person(),
            debtor_account: proxy(),
            debtor_agent: agent(),
            transfers: vec![transfer],
        }],
    })
}

fn transfers() -> Document {
    let transfer = CreditTransfer {
        ids: Ids { transaction: Some("wdr_1".to_owned()), ..ids() },
        amount: Amount::new(1, "CNY"),
        settled: Some(date(2026, 11, 22)),
        charges: Charges::Scheme,
        debtor: organisation(),
        debtor_account: Some(Account {
            id: Some(AccountId::Iban("DE89370400440532013000".to_owned())),
            ..Account::default()
        }),
        debtor_agent: agent(),
        creditor_agent: agent(),
        creditor: person(),
        creditor_account: Some(proxy()),
        purpose: Some(CodeOr::proprietary("WITHDRAWAL")),
        remittance: None,
    };
    let second =
        CreditTransfer { amount: Amount::new(999, "CNY"), charges: Charges::Shared, ..transfer.clone() };
    Document::CreditTransfers(CreditTransfers {
        id: "wdr_1".to_owned(),
        created: made(),
        expires: Some(at("2026-11-22T02:05:00Z")),
        settlement: Settlement {
            method: SettlementMethod::Instructed,
            account: Some(Account::number("JIALING-SETTLEMENT")),
        },
        instructing: Some(Agent::member("jialing")),
        instructed: Some(agent()),
        transfers: vec![transfer, second],
    })
}

fn report() -> Document {
    let reason = Reason { code: Some(CodeOr::code("AM04")), information: vec!["余额不足".to_owned()] };
    let status = |status: Option<TxStatus>, reasons: Vec<Reason>| TransactionStatus {
        id: Some("S-1".to_owned()),
        original: original(),
        status,
        reasons,
        accepted: Some(made()),
        servicer_reference: Some("B7".to_owned()),
        amount: Some(Amount::new(10_050, "CNY")),
    };
    Document::StatusReport(StatusReport {
        id: "S-1".to_owned(),
        created: made(),
        instructing: Some(agent()),
        instructed: Some(Agent::member("jialing")),
        groups: vec![GroupStatus {
            message: "top_1".to_owned(),
            definition: PAIN_001.to_owned(),
            status: Some(TxStatus::Partly),
            reasons: vec![reason.clone()],
        }],
        transactions: vec![
            status(Some(TxStatus::Settled), vec![]),
            status(Some(TxStatus::Other("ACCC".to_owned())), vec![reason]),
            status(None, vec![]),
        ],
    })
}

fn request() -> Document {
    Document::StatusRequest(StatusRequest {
        id: "Q-1".to_owned(),
        created: made(),
        instructing: Some(Agent::member("jialing")),
        instructed: Some(agent()),
        questions: vec![StatusQuestion { id: Some("Q-1".to_owned()), original: original() }],
    })
}

fn returned() -> Document {
    Document::PaymentReturn(PaymentReturn {
        id: "R-1".to_owned(),
        created: made(),
        settlement: Settlement { method: SettlementMethod::Clearing, account: None },
        instructing: Some(agent()),
        instructed: None,
        transactions: vec![ReturnedTransfer {
            id: Some("R-1".to_owned()),
            original: original(),
            original_amount: Some(Amount::new(500, "CNY")),
            amount: Amount::new(500, "CNY"),
            reasons: vec![Reason { code: Some(CodeOr::code("AC04")), information: vec![] }],
        }],
    })
}

fn entry(line: u32, credit: bool, reversal: bool) -> Entry {
    let code = BankCode::Domain { domain: "PMNT".into(), family: "RCDT".into(), sub_family: "DMCT".into() };
    Entry {
        reference: Some(line.to_string()),
        amount: Amount::new(100, "CNY"),
        credit,
        reversal,
        status: CodeOr::code("BOOK"),
        booked: Some(made()),
        servicer_reference: Some(format!("B{line}")),
        code: if reversal { BankCode::Proprietary("RETURN".to_owned()) } else { code },
        bookings: vec![Booking {
            original: Original { message: None, ..original() },
            servicer_reference: Some(format!("B{line}")),
            return_reason: reversal
                .then(|| Reason { code: Some(CodeOr::code("AC04")), information: vec!["closed".to_owned()] }),
        }],
    }
}

fn statement() -> Document {
    let balance = |kind: &str, minor: u64, credit: bool| Balance {
        kind: CodeOr::code(kind),
        amount: Amount::new(minor, "CNY"),
        credit,
        day: date(2026, 11, 21),
    };
    let total = |count: u64| Some(Total { count, sum: Amount::new(100 * count, "CNY") });
    Document::Statement(StatementMessage {
        id: "C-1".to_owned(),
        created: made(),
        page: Some(Page { number: 1, last: true }),
        statements: vec![AccountStatement {
            id: "C-1".to_owned(),
            period: Some((at("2026-11-20T16:00:00Z"), at("2026-11-21T16:00:00Z"))),
            account: Account { currency: Some("CNY".to_owned()), ..Account::number("JIALING-SETTLEMENT") },
            balances: vec![balance("OPBD", 300, false), balance("CLBD", 200, false)],
            credits: total(2),
            debits: total(1),
            entries: vec![entry(1, true, false), entry(2, false, false), entry(3, true, true)],
        }],
    })
}

fn advice() -> Document {
    Document::Advice(Advice {
        id: "A-1".to_owned(),
        created: made(),
        notifications: vec![Notification {
            id: "A-1".to_owned(),
            account: Account::number("JIALING-SETTLEMENT"),
            entries: vec![entry(1, true, false)],
        }],
    })
}

fn all() -> Vec<BusinessMessage> {
    [initiation(), transfers(), report(), request(), returned(), statement(), advice()]
        .map(message)
        .into_iter()
        .collect()
}

fn text(message: &BusinessMessage) -> String {
    String::from_utf8(message.write().unwrap()).unwrap()
}

#[test]
fn what_is_written_is_read_the_same() {
    for message in all() {
        let bytes = message.write().unwrap();
        assert_eq!(BusinessMessage::read(&bytes), Ok(message.clone()), "{}", message.document.definition());
        assert_eq!(message.write().unwrap(), bytes);
    }
}

/// What the checker in Python says of these texts, line by line.
fn in_python(texts: &[String]) -> (bool, Vec<String>) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/iso20022/check.py");
    let files: Vec<_> = texts
        .iter()
        .map(|text| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file
        })
        .collect();
    let ran = Command::new("python3").arg("-B").arg(script).args(files.iter().map(|f| f.path())).output();
    let ran = ran.expect("python3 runs (Debian package `python3`)");
    assert!(ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    (ran.status.success(), String::from_utf8(ran.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn a_checker_written_from_the_definitions_alone_agrees() {
    let texts: Vec<String> = all().iter().map(text).collect();
    let (fine, said) = in_python(&texts);
    let expect: Vec<String> =
        all().iter().map(|message| format!("ok {}", message.document.definition())).collect();
    assert_eq!((fine, said), (true, expect));
}

#[test]
fn the_messages_of_the_guide_are_read_and_agreed_on() {
    let guide = include_str!("../../../../docs/guides/connecting-a-bank.md");
    let shown: Vec<String> =
        guide.split("```xml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect();
    let read: Vec<_> = shown
        .iter()
        .map(|text| BusinessMessage::read(text.as_bytes()).unwrap().document.definition())
        .collect();
    assert_eq!(read, [PAIN_001, PACS_008, PACS_002, PACS_028, PACS_004, CAMT_053]);
    let (fine, said) = in_python(&shown);
    assert!(fine, "{said:?}");
}

#[test]
fn the_reference_names_the_messages_and_limits_as_they_are() {
    let page = include_str!("../../../../docs/reference/iso20022.md");
    for definition in [PAIN_001, PACS_008, PACS_002, PACS_004, PACS_028, CAMT_053, CAMT_054] {
        assert!(page.contains(&format!("| `{definition}` |")), "{definition}");
    }
    for (limit, default) in [
        ("MAX_BYTES", MAX_BYTES),
        ("MAX_DEPTH", MAX_DEPTH),
        ("MAX_ELEMENTS", MAX_ELEMENTS),
        ("MAX_TEXT", MAX_TEXT),
        ("MAX_ATTRIBUTES", MAX_ATTRIBUTES),
        ("MAX_NOTICES", jialing_rails::bank::MAX_NOTICES),
        ("MAX_STATEMENT_PAGES", jialing_rails::bank::MAX_STATEMENT_PAGES),
    ] {
        assert!(page.contains(&format!("| `{limit}` | {default} |")), "{limit}");
    }
}

/// Changes that break a definition, each on a message it belongs to.
fn misfits() -> Vec<(&'static str, String)> {
    let of = |document: Document, from: &str, to: &str| {
        let text = text(&message(document));
        assert!(text.contains(from), "{from} is in {text}");
        text.replacen(from, to, 1)
    };
    vec![
        ("missing", of(transfers(), "<ChrgBr>SLEV</ChrgBr>", "")),
        ("an unpublished element", of(transfers(), "<NbOfTxs>", "<Foo/><NbOfTxs>")),
        ("twice", of(request(), "<MsgId>Q-1</MsgId>", "<MsgId>Q-1</MsgId><MsgId>Q-1</MsgId>")),
        (
            "out of order",
            of(
                report(),
                "<MsgId>S-1</MsgId><CreDtTm>2026-11-22T02:00:00Z</CreDtTm>",
                "<CreDtTm>2026-11-22T02:00:00Z</CreDtTm><MsgId>S-1</MsgId>",
            ),
        ),
        ("a code of no set", of(transfers(), "<ChrgBr>SLEV", "<ChrgBr>SLEF")),
        ("too long", of(request(), "<MsgId>Q-1", &format!("<MsgId>{}", "x".repeat(36)))),
        ("empty", of(request(), "<MsgId>Q-1", "<MsgId>")),
        ("no UUID", of(request(), "<OrgnlUETR>", "<OrgnlUETR>x")),
        ("no amount", of(returned(), ">5.00<", ">5,00<")),
        ("six digits behind the point", of(returned(), ">5.00<", ">5.000001<")),
        ("finer than a fen", of(returned(), ">5.00<", ">5.001<")),
        ("no currency", of(returned(), " Ccy=\"CNY\"", "")),
        ("a strange currency", of(returned(), " Ccy=\"CNY\"", " Ccy=\"yuan\"")),
        ("both of a choice", of(transfers(), "<Cd>", "<Prtry>x</Prtry><Cd>")),
        ("four where three may stand", {
            let one = "<AddtlRmtInf>one</AddtlRmtInf>";
            of(initiation(), one, &one.repeat(3))
        }),
        ("no balance", {
            let text = text(&message(statement()));
            let (from, to) = (text.find("<Bal>").unwrap(), text.rfind("</Bal>").unwrap() + 6);
            format!("{}{}", &text[..from], &text[to..])
        }),
        ("text beside elements", of(advice(), "<Ntry>", "<Ntry>x")),
        ("an attribute", of(advice(), "<Ntry>", "<Ntry x=\"1\">")),
        ("another version", of(advice(), "xsd:camt.054.001.13", "xsd:camt.054.001.12")),
        ("another message in the header", of(advice(), "<MsgDefIdr>camt.054", "<MsgDefIdr>camt.053")),
        ("another namespace", of(advice(), "<Ntry>", "<Ntry xmlns=\"urn:other\">")),
    ]
}

#[test]
fn what_breaks_a_definition_is_refused_here_and_by_the_checker() {
    for (what, text) in misfits() {
        assert!(BusinessMessage::read(text.as_bytes()).is_err(), "{what}: {text}");
    }
    let texts: Vec<String> = misfits().into_iter().map(|(_, text)| text).collect();
    let (fine, said) = in_python(&texts);
    assert!(!fine);
    for ((what, _), said) in misfits().into_iter().zip(said) {
        assert!(!said.starts_with("ok"), "the checker takes {what}");
    }
}

#[test]
fn published_elements_of_no_use_are_read_past() {
    let plain = message(transfers());
    let text = text(&plain).replacen("<NbOfTxs>", "<BtchBookg>true</BtchBookg><NbOfTxs>", 1);
    let text = text.replacen(
        "</CtryOfRes>",
        "</CtryOfRes><CtctDtls><Nm>x</Nm><Othr><ChanlTp>a</ChanlTp></Othr></CtctDtls>",
        1,
    );
    assert_eq!(BusinessMessage::read(text.as_bytes()), Ok(plain));
    let (fine, said) = in_python(&[text]);
    assert!(fine, "{said:?}");
}

#[test]
fn prefixes_white_space_references_and_schema_hints_are_xml_all_the_same() {
    let plain = message(request());
    let text = text(&plain)
        .replace("<Document xmlns=", "<p:Document xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"a b\" xmlns=\"urn:x\" xmlns:p=")
        .replace("</Document>", "</p:Document>")
        .replace("<FIToFIPmtStsReq>", "<p:FIToFIPmtStsReq>\n\t")
        .replace("</FIToFIPmtStsReq>", "</p:FIToFIPmtStsReq>");
    let inside = text.find("<p:FIToFIPmtStsReq>").unwrap() + 20;
    let until = text.find("</p:FIToFIPmtStsReq>").unwrap();
    let body = text[inside..until].replace("</", "\u{0}").replace('<', "<p:").replace('\u{0}', "</p:");
    let text =
        format!("\u{feff}{}{}{}", &text[..inside], body.replace("Q-1", "Q&#45;&#x31;"), &text[until..]);
    assert_eq!(BusinessMessage::read(text.as_bytes()), Ok(plain), "{text}");
}

#[test]
fn hostile_xml_is_refused_before_it_does_anything() {
    let plain = text(&message(request()));
    let with = |from: &str, to: &str| plain.replacen(from, to, 1);
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;&b;\">]>";
    let file = "<!DOCTYPE a [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>";
    let deep = format!("{}{}", "<a>".repeat(MAX_DEPTH + 1), "</a>".repeat(MAX_DEPTH + 1));
    let check = |text: &str, expect: BadMessage| {
        assert_eq!(BusinessMessage::read(text.as_bytes()), Err(expect), "{:.200}", text);
    };
    let xml = BadMessage::Xml;
    check(&with("?>", &format!("?>{bomb}")), xml("a document type"));
    check(&with("?>", &format!("?>{file}")), xml("a document type"));
    check(&with(">Q-1<", ">&f;<"), xml("an entity that is not XML's own"));
    check(&with(">Q-1<", ">&#0;<"), xml("an entity that is not XML's own"));
    check(&with(">Q-1<", ">&#xFFFFFFFFF;<"), xml("an entity that is not XML's own"));
    check(&with(">Q-1<", ">\u{1}<"), xml("a character that XML does not have"));
    check(&with(">Q-1<", "><![CDATA[Q-1]]><"), xml("a CDATA section"));
    check(&with(">Q-1<", "><!-- x --><"), xml("a comment"));
    check(&with(">Q-1<", "><?php x ?><"), xml("a processing instruction"));
    check(&with("UTF-8", "UTF-16"), xml("it is not UTF-8"));
    check(&with("1.0", "1.1"), xml("its version is not 1.0"));
    check(&with("<MsgId>", "<MsgId a=\"1\" a=\"2\">"), xml("it is not well formed"));
    check(&with("</MsgId>", "</MsgIe>"), xml("it is not well formed"));
    check(&with("<MsgId>Q-1</MsgId>", "<x:MsgId>Q-1</x:MsgId>"), xml("a prefix without a namespace"));
    check(&plain[..plain.len() - 20], xml("it ends too early"));
    check(&format!("{plain}{plain}"), xml("a processing instruction"));
    check(&format!("{plain}<a/>"), xml("more than one root"));
    check(&format!("{plain}a"), xml("text outside the root"));
    check("", xml("there is no element"));
    check(&deep, BadMessage::Limit("MAX_DEPTH"));
    check(&format!("<a>{}</a>", "<b/>".repeat(MAX_ELEMENTS)), BadMessage::Limit("MAX_ELEMENTS"));
    check(&format!("<a>{}</a>", "x".repeat(MAX_TEXT + 1)), BadMessage::Limit("MAX_TEXT"));
    let many: String = (0..=MAX_ATTRIBUTES).map(|n| format!(" a{n}=\"\"")).collect();
    check(&format!("<a{many}/>"), BadMessage::Limit("MAX_ATTRIBUTES"));
    check(&" ".repeat(MAX_BYTES + 1), BadMessage::Limit("MAX_BYTES"));
    assert_eq!(BusinessMessage::read(b"\xff\xfe<a/>"), Err(xml("it is not UTF-8")));
    // At the edge of each limit it is only a message that is not spoken.
    let at_edge = |text: String| {
        assert!(matches!(BusinessMessage::read(text.as_bytes()), Err(BadMessage::Unspoken(_))));
    };
    at_edge(format!("{}{}", "<a>".repeat(MAX_DEPTH), "</a>".repeat(MAX_DEPTH)));
    at_edge(format!("<a>{}</a>", "<b/>".repeat(MAX_ELEMENTS - 1)));
    at_edge(format!("<a>{}</a>", "x".repeat(MAX_TEXT)));
    at_edge(format!("<a/>{}", " ".repeat(MAX_BYTES - 4)));
}

#[test]
fn numbers_and_sums_of_a_header_must_be_those_of_its_payments() {
    let refused = |document: Document, from: &str, to: &str| {
        let text = text(&message(document));
        assert!(text.contains(from), "{text}");
        assert!(BusinessMessage::read(text.replacen(from, to, 1).as_bytes()).is_err(), "{from} {to}");
    };
    refused(transfers(), "<NbOfTxs>2<", "<NbOfTxs>3<");
    refused(transfers(), "<CtrlSum>10.00<", "<CtrlSum>10.01<");
    refused(transfers(), "\"CNY\">10.00<", "\"CNY\">10.01<");
    refused(initiation(), "<CtrlSum>100.50<", "<CtrlSum>100.5001<");
    refused(returned(), "<NbOfTxs>1<", "<NbOfTxs>2<");
    refused(initiation(), "<PmtMtd>TRF<", "<PmtMtd>CHK<");
}

#[test]
fn what_a_definition_does_not_allow_cannot_be_written() {
    let unwritten = |change: fn(&mut BusinessMessage)| {
        let mut message = message(request());
        change(&mut message);
        assert!(message.write().is_err());
    };
    unwritten(|message| message.header.id = String::new());
    unwritten(|message| message.header.id = "x".repeat(36));
    unwritten(|message| message.header.id = "x\u{1}".to_owned());
    unwritten(|message| message.header.to.bic = Some("x".to_owned()));
    unwritten(|message| {
        message.document = Document::Advice(Advice { id: "A".into(), created: made(), notifications: vec![] })
    });
}

proptest! {
    /// Whatever comes, it is read or refused, and what is read is written and read the same.
    #[test]
    fn damaged_messages_never_break_the_reader(which in 0usize..7, at in any::<prop::sample::Index>(), with in "[<>&;\"/a-zA-Z0-9 .\\-]{0,3}", length in 0usize..12) {
        let text = text(&all()[which]);
        let chars: Vec<char> = text.chars().collect();
        let at = at.index(chars.len());
        let until = (at + length).min(chars.len());
        let damaged: String = chars[..at].iter().copied().chain(with.chars()).chain(chars[until..].iter().copied()).collect();
        if let Ok(read) = BusinessMessage::read(damaged.as_bytes()) {
            let again = read.write().map(|bytes| BusinessMessage::read(&bytes));
            prop_assert!(again.is_err() || again == Ok(Ok(read)));
        }
    }
}
