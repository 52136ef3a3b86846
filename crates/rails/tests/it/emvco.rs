use jialing_rails::emvco::{Account, BadCode, Localised, MAX_PAYLOAD, MerchantCode, Object, crc16};
use proptest::prelude::*;

/// The example of the specification, section 4.8.
const EXAMPLE: &str = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A";

fn noodle_shop() -> MerchantCode {
    MerchantCode {
        dynamic: true,
        accounts: vec![Account {
            tag: 26,
            objects: vec![Object::new(0, "jialing"), Object::new(1, "ord_01JD")],
        }],
        category: "5812".to_owned(),
        currency: "156".to_owned(),
        amount: Some(1_250),
        country: "CN".to_owned(),
        name: "Old Street Noodles".to_owned(),
        city: "CHONGQING".to_owned(),
        localised: Some(Localised {
            language: "ZH".to_owned(),
            name: "老街小面".to_owned(),
            city: Some("重庆".to_owned()),
        }),
        additional: vec![Object::new(5, "ord_01JD"), Object::new(7, "T1")],
        other: vec![],
    }
}

#[test]
fn the_check_sum_is_crc_16_ccitt_false() {
    assert_eq!(crc16(b"123456789"), 0x29B1);
    assert_eq!(crc16(b""), 0xFFFF);
}

#[test]
fn the_specification_s_example_is_understood() {
    let code = MerchantCode::decode(EXAMPLE).unwrap();
    assert!(code.dynamic);
    assert_eq!(code.accounts.len(), 2);
    assert_eq!(code.account_of("D15600000000").unwrap().objects[1], Object::new(5, "A93FO3230Q"));
    assert_eq!(code.account_of("jialing"), None);
    assert_eq!(code.category, "4111");
    assert_eq!(code.amount, Some(2_372));
    assert_eq!((&*code.country, &*code.name, &*code.city), ("CN", "BEST TRANSPORT", "BEIJING"));
    assert_eq!(code.localised.as_ref().unwrap().name, "最佳运输");
    assert_eq!(code.additional[0], Object::new(3, "1234"));
    assert_eq!(code.other.len(), 2);
    assert_eq!(MerchantCode::decode(&code.encode().unwrap()), Ok(code));
}

#[test]
fn a_code_is_written_in_the_order_of_the_specification() {
    let code = noodle_shop();
    let payload = code.encode().unwrap();
    assert!(
        payload.starts_with(
            "00020101021226230007jialing0108ord_01JD52045812530315654\
         0512.505802CN5918Old Street Noodles6009CHONGQING62180508ord_01JD0702T1\
         64200002ZH0104老街小面0202重庆6304"
        ),
        "{payload}"
    );
    assert_eq!(MerchantCode::decode(&payload).as_ref(), Ok(&code));
    let printed = MerchantCode { dynamic: false, amount: None, ..code };
    let payload = printed.encode().unwrap();
    assert!(payload.starts_with("000201010211"));
    assert_eq!(MerchantCode::decode(&payload), Ok(printed));
}

#[test]
fn every_changed_character_is_noticed() {
    let payload = noodle_shop().encode().unwrap();
    for (at, old) in payload.char_indices() {
        let new = if old == '7' { "8" } else { "7" };
        let mut changed = payload.clone();
        changed.replace_range(at..at + old.len_utf8(), new);
        assert!(MerchantCode::decode(&changed).is_err(), "{changed}");
    }
}

#[test]
fn amounts_are_read_exactly_or_not_at_all() {
    let check = |text: &str, expect: Result<u64, BadCode>| {
        let plain = noodle_shop().encode().unwrap();
        let object = format!("54{:02}{text}", text.chars().count());
        let body = plain[..plain.len() - 4].replace("540512.50", &object);
        let payload = format!("{body}{:04X}", crc16(body.as_bytes()));
        let amount = MerchantCode::decode(&payload).map(|code| code.amount.unwrap());
        assert_eq!(amount, expect, "{text}");
    };
    check("12.50", Ok(1_250));
    check("12.5", Ok(1_250));
    check("12", Ok(1_200));
    check("12.", Ok(1_200));
    check("0.01", Ok(1));
    check("9999999999.99", Ok(999_999_999_999));
    for bad in ["0", "0.00", ".5", "-1", "+1", "1e3", "1.234", "1,5", "99999999999.99", "１", " 1"] {
        check(bad, Err(BadCode::Value(54)));
    }
}

#[test]
fn a_code_that_breaks_a_rule_is_not_written() {
    let check = |change: fn(&mut MerchantCode), expect| {
        let mut code = noodle_shop();
        change(&mut code);
        assert_eq!(code.encode(), Err(expect));
    };
    check(|c| c.category = "58".into(), BadCode::Value(52));
    check(|c| c.currency = "CNY".into(), BadCode::Value(53));
    check(|c| c.amount = Some(0), BadCode::Value(54));
    check(|c| c.country = "cn".into(), BadCode::Value(58));
    check(|c| c.name = "老街".into(), BadCode::Value(59));
    check(|c| c.name = "x".repeat(26), BadCode::Value(59));
    check(|c| c.city = String::new(), BadCode::Value(60));
    check(|c| c.accounts.clear(), BadCode::Missing(26));
    check(|c| c.accounts[0].tag = 52, BadCode::Value(52));
    check(|c| c.accounts[0].objects[0].tag = 3, BadCode::Value(26));
    check(|c| c.additional[0].value = "x".repeat(100), BadCode::Value(5));
    check(|c| c.additional[1].tag = 5, BadCode::Twice(5));
    check(|c| c.additional[0].value = "a\nb".into(), BadCode::Value(5));
    check(|c| c.other.push(Object::new(63, "x")), BadCode::Value(63));
    check(|c| c.localised.as_mut().unwrap().name.clear(), BadCode::Value(64));
    check(|c| c.other = (80..=85).map(|tag| Object::new(tag, "x".repeat(90))).collect(), BadCode::TooLong);
}

#[test]
fn what_is_no_payload_is_refused() {
    let with_crc = |body: &str| {
        let body = format!("{body}6304");
        format!("{body}{:04X}", crc16(body.as_bytes()))
    };
    let check = |payload: &str, expect| {
        assert_eq!(MerchantCode::decode(payload), Err(expect), "{payload}");
    };
    check("", BadCode::Crc);
    check("6304", BadCode::Crc);
    check("https://example.com/pay", BadCode::Crc);
    check("渝渝渝", BadCode::Crc);
    check(&EXAMPLE.replace("A13A", "a13a"), BadCode::Crc);
    check(&with_crc(""), BadCode::Missing(0));
    check(&with_crc("0002"), BadCode::Structure);
    check(&with_crc("000202"), BadCode::Value(0));
    check(&with_crc("000201000201"), BadCode::Twice(0));
    check(&with_crc("0002010102135204"), BadCode::Structure);
    check(&with_crc("000201010213"), BadCode::Value(1));
    check(&with_crc("000201"), BadCode::Missing(52));
    check(&with_crc("0002010100"), BadCode::Value(1));
    check(&with_crc("0002010x02"), BadCode::Structure);
    check(&"1".repeat(MAX_PAYLOAD + 1), BadCode::TooLong);
}

proptest! {
    #[test]
    fn no_text_makes_decoding_panic(text in "([0-9]{2}|\\PC){0,120}") {
        let _ = MerchantCode::decode(&text);
        let body = format!("{text}6304");
        let _ = MerchantCode::decode(&format!("{body}{:04X}", crc16(body.as_bytes())));
    }

    #[test]
    fn whatever_is_written_is_read_the_same(
        amount in proptest::option::of(1u64..=999_999_999_999),
        name in "[ -~]{1,25}",
        zh in "[一-龥]{1,25}",
        reference in "[A-Za-z0-9_]{1,40}",
        dynamic in any::<bool>(),
    ) {
        let mut code = noodle_shop();
        code.amount = amount;
        code.name = name;
        code.localised.as_mut().unwrap().name = zh;
        code.additional[0].value = reference;
        code.dynamic = dynamic;
        prop_assert_eq!(MerchantCode::decode(&code.encode().unwrap()), Ok(code));
    }
}
