//! Finding identifiers: known numbers, boundaries, separators, decoys, hostile text, columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use proptest::prelude::*;
use yu_desensitize::detect::{Class, ClassSet, Confidence, Detector, Hit, Options, Reason};
use yu_desensitize::resident::Population;
use yu_desensitize::{Label, Lang, Table};

fn hits(text: &str) -> Vec<(Class, Confidence, &str)> {
    Detector::default().scan(text).into_iter().map(|hit| (hit.class, hit.confidence, &text[hit.span()])).collect()
}

/// The only hit of at least likely.
fn only(text: &str) -> (Class, &str) {
    let found: Vec<_> = hits(text).into_iter().filter(|hit| hit.1 >= Confidence::Likely).collect();
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    (found[0].0, found[0].2)
}

#[test]
fn each_class_between_chinese_characters() {
    for (value, class) in [
        ("11010519491231002X", Class::ResidentId),
        ("11010519491231002x", Class::ResidentId),
        ("440524188001010014", Class::ResidentId),
        ("110105491231002", Class::ResidentId),
        ("91110000710926094P", Class::CreditCode),
        ("4111111111111111", Class::BankCard),
        ("6200000000000005", Class::BankCard),
        ("1M8GDM9AXKP042788", Class::Vin),
        ("13800138000", Class::Mobile),
        ("057487654321", Class::Landline),
        ("0574-87654321", Class::Landline),
        ("0574-87654321-801", Class::Landline),
        ("zhang.wei+1@mail.example.cn", Class::Email),
        ("10.2.3.4", Class::IpAddress),
        ("2001:db8::8a2e:370:7334", Class::IpAddress),
        ("00:1A:2b:3c:4d:5e", Class::MacAddress),
        ("00-1A-2B-3C-4D-5E", Class::MacAddress),
        ("001a.2b3c.4d5e", Class::MacAddress),
        ("wxid_a1b2c3d4e5f6", Class::WeChat),
    ] {
        for text in [value.to_owned(), format!("号码{value}如下"), format!("no: {value}, and"), format!("（{value}）。")] {
            // a word such as 号码 must not change class or span; the last of these has no word at all
            let text = if class == Class::Landline { format!("电话{text}").replace("电话no", "tel no") } else { text };
            assert_eq!(only(&text), (class, value), "{text}");
        }
    }
}

#[test]
fn words_decide_where_the_shape_does_not() {
    for (text, class, value) in [
        ("护照号码E12345678，", Class::Passport, "E12345678"),
        ("护照EA1234567", Class::Passport, "EA1234567"),
        ("passport no. G12345678", Class::Passport, "G12345678"),
        ("港澳通行证H12345678", Class::HkMacauPermit, "H12345678"),
        ("往来港澳通行证号码：CA1234567", Class::HkMacauPermit, "CA1234567"),
        ("台胞证号12345678", Class::TaiwanPermit, "12345678"),
        ("往来台湾通行证L12345678", Class::TaiwanPermit, "L12345678"),
        ("QQ：123456", Class::Qq, "123456"),
        ("my qq is 3999999999", Class::Qq, "3999999999"),
        ("QQ123456789", Class::Qq, "123456789"),
        ("微信号：li_hua88", Class::WeChat, "li_hua88"),
        ("WeChat: lihua1988", Class::WeChat, "lihua1988"),
        ("车主电话：87654321", Class::Landline, "87654321"),
        ("浙B12345已停放", Class::Plate, "浙B12345"),
        ("新能源浙BD12345。", Class::Plate, "浙BD12345"),
        ("京A·12345", Class::Plate, "京A·12345"),
        ("粤Z1234港", Class::Plate, "粤Z1234港"),
        ("沪A12345D", Class::Plate, "沪A12345D"),
        ("申请人李秀英已签字", Class::PersonName, "李秀英"),
        ("姓名：欧阳建国", Class::PersonName, "欧阳建国"),
        ("感谢王建国先生的来信", Class::PersonName, "王建国"),
        ("Mr. John Smith came", Class::PersonName, "John Smith"),
        ("Name: Mary Ann O'Neil", Class::PersonName, "Mary Ann O'Neil"),
        ("现住浙江省宁波市鄞州区天童北路12号3幢502室。", Class::Address, "浙江省宁波市鄞州区天童北路12号3幢502室"),
        ("广西壮族自治区南宁市青秀区民族大道100号", Class::Address, "广西壮族自治区南宁市青秀区民族大道100号"),
        ("住址：百丈东路787号2单元101", Class::Address, "百丈东路787号2单元101"),
    ] {
        assert_eq!(only(text), (class, value), "{text}");
    }
    for text in [
        "本市高度重视公共数据工作，方面众多，周期三年。",
        "浙江省农村信用社、深圳市人民医院与上海市公安局",
        "订单编号20241234567890，共12345件，3.14159265358979",
        "2025-03-17 12:30:45，版本1.2.3.4.5，比例12.5%",
        "std::vec and a::b, the end; name of the file",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ] {
        let found: Vec<_> = hits(text).into_iter().filter(|hit| hit.1 >= Confidence::Likely).collect();
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}

#[test]
fn separators_and_full_width_digits_keep_the_span_of_the_text() {
    for (text, class, value) in [
        ("电话138 0013 8000。", Class::Mobile, "138 0013 8000"),
        ("电话138-0013-8000转", Class::Mobile, "138-0013-8000"),
        ("(+86) 13800138000", Class::Mobile, "(+86) 13800138000"),
        ("call +86 138 0013 8000 now", Class::Mobile, "+86 138 0013 8000"),
        ("+8613800138000", Class::Mobile, "+8613800138000"),
        ("(0574) 87654321", Class::Landline, "(0574) 87654321"),
        ("卡号4111 1111 1111 1111，", Class::BankCard, "4111 1111 1111 1111"),
        ("4111-1111-1111-1111", Class::BankCard, "4111-1111-1111-1111"),
        ("身份证110105 19491231 002X", Class::ResidentId, "110105 19491231 002X"),
        ("电话１３８００１３８０００。", Class::Mobile, "１３８００１３８０００"),
        ("１１０１０５１９４９１２３１００２Ｘ", Class::ResidentId, "１１０１０５１９４９１２３１００２Ｘ"),
        ("电话138００１３8000", Class::Mobile, "138００１３8000"),
        ("４１１１－１１１１－１１１１－１１１１", Class::BankCard, "４１１１－１１１１－１１１１－１１１１"),
        ("联系a@example.com联系", Class::Email, "a@example.com"),
        ("邮箱a@example.com.", Class::Email, "a@example.com"),
        ("13800138000@example.com", Class::Email, "13800138000@example.com"),
        ("IP为10.2.3.4。", Class::IpAddress, "10.2.3.4"),
        ("ID11010519491231002X", Class::ResidentId, "11010519491231002X"),
    ] {
        assert_eq!(only(text), (class, value), "{text}");
    }
}

#[test]
fn a_wrong_check_digit_is_never_certain() {
    // every single changed digit: MOD 11-2, MOD 31, weights and Luhn find each of them
    for (number, class) in [
        ("110105194912310021", Class::ResidentId),
        ("91110000710926094P", Class::CreditCode),
        ("1M8GDM9AXKP042788", Class::Vin),
        ("6200000000000005", Class::BankCard),
        ("860000000000009", Class::Imei),
    ] {
        let right = if class == Class::ResidentId { "11010519491231002X" } else { number };
        let detector = Detector::default();
        for (place, digit) in (0..right.len()).flat_map(|place| (b'0'..=b'9').map(move |digit| (place, digit))) {
            let mut other = right.as_bytes().to_vec();
            // the ninth place of a vehicle number is the check digit itself and weighs nothing
            if other[place] == digit || class == Class::Vin && !other[place].is_ascii_digit() {
                continue;
            }
            other[place] = digit;
            let text = String::from_utf8(other).unwrap();
            for hit in detector.scan(&text) {
                assert!(hit.confidence < Confidence::Certain || hit.class != class, "{class:?} {text} {hit:?}");
            }
        }
        let found = detector.scan(right);
        assert_eq!((found[0].class, found[0].confidence), (class, Confidence::Certain), "{right}");
    }
    let wrong = Detector::default().scan("身份证110105194912310021");
    assert_eq!((wrong[0].confidence, wrong[0].reason), (Confidence::Possible, Reason::CheckDigitWrong));
}

#[test]
fn options_and_redaction() {
    let text = "王建国，13800138000，a@example.com";
    let only_mail = Options { classes: [Class::Email].into_iter().collect(), ..Options::default() };
    let found = Detector::new(only_mail).scan(text);
    assert_eq!(found.iter().map(|hit| hit.class).collect::<Vec<_>>(), [Class::Email]);
    let clean = Detector::default().redact(text, Confidence::Likely, Lang::Zh);
    assert_eq!(clean.text, "【姓名】，【手机号码】，【电子邮箱】");
    assert_eq!(clean.counts, [(Class::Mobile, 1), (Class::Email, 1), (Class::PersonName, 1)]);
    assert_eq!(Detector::default().redact("", Confidence::Possible, Lang::En).text, "");
    let none = Options { classes: ClassSet::NONE, ..Options::default() };
    assert_eq!(Detector::new(none).redact(text, Confidence::Possible, Lang::En).text, text);
}

#[test]
fn simulated_residents_are_all_found() {
    let table = Population::new(7, 5000, 5000, 0.5).unwrap().health().unwrap();
    let found = Detector::default().classify(&table).unwrap();
    let id = &found[0];
    assert_eq!(
        (id.column.as_str(), id.class, id.confidence, id.reason),
        ("resident_id", Class::ResidentId, Confidence::Certain, Reason::HeaderAndCells)
    );
    assert!((id.share - 1.0).abs() < 1e-9);
    assert_eq!(id.sampled, 4096);
    assert_eq!(found.len(), 1, "{found:?}");
}

fn table(columns: Vec<(&str, ArrayRef)>) -> Table {
    Table::from_columns("people.csv", columns).unwrap()
}

fn text(cells: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(cells.to_vec()))
}

#[test]
fn columns_by_header_and_cells() {
    let table = table(vec![
        ("编号", text(&["11010519491231002X", "44052418800101001４", "", "34052419800101001X"])),
        ("QQ号", text(&["123456", "3999999999", "10001", ""])),
        ("客户姓名", text(&["王建国", "李娜", "欧阳修文", "张伟"])),
        ("备注", text(&["请致电13800138000", "无", "发往a@example.com", "无"])),
        ("手机", Arc::new(Int64Array::from(vec![Some(13_800_138_000), None, Some(13_912_345_678), Some(15_912_345_678)]))),
        ("金额", Arc::new(Float64Array::from(vec![1.5, 2.5, 3.5, 4.5]))),
        ("身份证", text(&["a", "b", "c", "d"])),
        ("district", text(&["海曙区", "鄞州区", "江北区", "鄞州区"])),
    ]);
    let (labelled, found) = Detector::default().label(table, Confidence::Likely).unwrap();
    let seen: Vec<(&str, Class, Confidence, bool)> =
        found.iter().map(|found| (found.column.as_str(), found.class, found.confidence, found.is_free_text)).collect();
    assert_eq!(
        seen,
        [
            ("编号", Class::ResidentId, Confidence::Certain, false),
            ("QQ号", Class::Qq, Confidence::Likely, false),
            ("客户姓名", Class::PersonName, Confidence::Likely, false),
            ("备注", Class::Mobile, Confidence::Likely, true),
            ("手机", Class::Mobile, Confidence::Likely, false),
            ("身份证", Class::ResidentId, Confidence::Possible, false),
        ]
    );
    let label = |column| labelled.label(column).unwrap();
    assert_eq!(label("编号"), Label { owner: None, grade: Some("4".into()), class: Some("resident_id".into()) });
    assert_eq!(label("备注").class.as_deref(), Some("free_text"));
    assert_eq!((label("身份证"), label("district")), (Label::default(), Label::default()));
}

#[test]
fn the_sample_covers_all_batches() {
    // the identifiers stand in the last of three batches only
    let batch = |cells: Vec<&str>| {
        let cells: ArrayRef = Arc::new(StringArray::from(cells));
        RecordBatch::try_from_iter([("x", cells)]).unwrap()
    };
    let batches = vec![batch(vec!["-"; 10_000]), batch(vec!["-"; 5000]), batch(vec!["13800138000"; 5000])];
    let table = Table::from_batches("t", batches[0].schema(), batches).unwrap();
    let found = Detector::default().classify(&table).unwrap();
    assert_eq!((found[0].class, found[0].sampled), (Class::Mobile, 4096));
    assert!((found[0].share - 0.25).abs() < 0.001, "{}", found[0].share);
    let few = Detector::new(Options { sample: 0, ..Options::default() }).classify(&table).unwrap();
    assert!(few.len() <= 1);
}

#[test]
fn many_columns() {
    let cells = text(&["1"]);
    let names: Vec<String> = (0..50_000).map(|number| format!("column_{number}")).chain(["手机号".to_owned()]).collect();
    let table = table(names.iter().map(|name| (name.as_str(), cells.clone())).collect());
    let (table, found) = Detector::default().label(table, Confidence::Possible).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(table.label("手机号").unwrap().class.as_deref(), Some("mobile"));
}

#[test]
fn megabytes_of_one_thing_end() {
    let detector = Detector::default();
    for piece in [
        "1",
        "１",
        "1-",
        "1 ",
        "a.",
        "a@",
        "a@a.",
        "1.",
        "::",
        "f:",
        "王",
        "省",
        "浙江",
        "浙江省宁波市",
        "路1号",
        "微信",
        "QQ",
        "A1",
        "110105 ",
        "0574-",
        "(",
        "号",
        "先生",
        "王伟先生",
        "1１",
        "+86",
        "_",
        "%",
        "\u{10ffff}",
        "é",
        "Mr. ",
        "Name: A",
        "浙B",
    ] {
        let text = piece.repeat(1_000_000 / piece.len());
        check(&text, &detector.scan(&text));
    }
}

/// Spans are in order, do not overlap, and lie on characters.
fn check(text: &str, hits: &[Hit]) {
    let mut end = 0;
    for hit in hits {
        assert!(hit.start >= end && hit.end > hit.start, "{hit:?}");
        assert!(text.is_char_boundary(hit.start) && text.is_char_boundary(hit.end), "{hit:?}");
        end = hit.end;
    }
    assert!(end <= text.len());
}

/// Text of pieces that the automata read, cut anywhere.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "浙江省",
            "宁波",
            "鄞州区",
            "路",
            "号",
            "12",
            "1",
            "X",
            "x",
            "-",
            " ",
            ".",
            ":",
            "@",
            "example.com",
            "王",
            "建国",
            "先生",
            "微信",
            "QQ",
            "号码",
            "13800138000",
            "11010519491231002X",
            "4111 1111 1111 1111",
            "１３",
            "Ｘ",
            "，",
            "。",
            "(",
            ")",
            "+86",
            "0574",
            "wxid_",
            "a",
            "Mr",
            "浙B",
            "·",
            "E",
            "身份证",
            "f0",
            "::",
            "\u{a0}",
            "欧阳",
            "\u{3000}",
            "单元",
            "街道",
            "é",
            "😀",
            "\u{0}",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[0-9]{1,20}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_gives_ordered_spans(text in pieces()) {
        let detector = Detector::default();
        let found = detector.scan(&text);
        check(&text, &found);
        prop_assert_eq!(&found, &detector.scan(&text));
        // what is left of the text is kept
        let kept: usize = text.len() - found.iter().map(|hit| hit.end - hit.start).sum::<usize>();
        let names: usize = found.iter().map(|hit| hit.class.title(Lang::En).len() + 2).sum();
        prop_assert_eq!(detector.redact(&text, Confidence::Possible, Lang::En).text.len(), kept + names);
    }

    #[test]
    fn resident_numbers_are_found_between_any_characters(before in "[^0-9A-Za-z０-９Ａ-Ｚａ-ｚ@.＠_%+:-]{0,6}", after in "[^0-9A-Za-z０-９Ａ-Ｚａ-ｚ@._%+-]{0,6}") {
        prop_assume!(!before.ends_with([' ', '(']) && !after.starts_with([' ', ')', '（', '）']));
        let text = format!("{before}11010519491231002X{after}");
        let start = before.len();
        prop_assert!(Detector::default().scan(&text).iter().any(|hit| hit.class == Class::ResidentId && hit.span() == (start..start + 18)));
    }
}
