//! The generated text set: the templates, ranges and decoys of the peer script `gen_text.py`, with another stream of
//! random numbers. About a quarter of the numbers with a check digit are decoys: right shape, wrong check digit.

use std::fmt::Write;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use yu_desensitize::detect::Class;

/// What stands at a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Truth {
    /// Bytes.
    pub(super) start: usize,
    /// One past the last byte.
    pub(super) end: usize,
    /// Its class.
    pub(super) class: Class,
    /// Whether its check digit is wrong.
    pub(super) is_decoy: bool,
}

/// A text and what is in it.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// The text.
    pub(super) text: String,
    /// In order.
    pub(super) truths: Vec<Truth>,
}

const AREA: [&str; 8] = ["330203", "330212", "330106", "310101", "110105", "440305", "510107", "320102"];
const SURNAMES: &str = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕";
const GIVEN: &str = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文辉鑫宇浩子涵欣怡梓轩雨桐思源建国志强";
const ROADS: [&str; 8] = ["中山东路", "解放南路", "天童北路", "人民路", "世纪大道", "环城西路", "百丈路", "江南路"];
const DISTRICTS: [&str; 5] = ["浙江省宁波市鄞州区", "浙江省杭州市西湖区", "上海市黄浦区", "广东省深圳市南山区", "宁波市海曙区"];
const ID_WEIGHTS: [u64; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CREDIT: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
const CREDIT_WEIGHTS: [u64; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
const VIN: &str = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789";
const VIN_VALUES: &str = "123456781234579234567890123456789";
const VIN_WEIGHTS: [u64; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

const CHINESE: [&str; 9] = [
    "申请人{PERSON},身份证号{RESIDENT_ID},联系电话{MOBILE},现住{ADDRESS}。",
    "企业统一社会信用代码{USCC},办公电话{LANDLINE},邮箱{EMAIL}。",
    "车辆{PLATE}(车架号{VIN})于三月十二日完成年检,车主{PERSON},手机{MOBILE}。",
    "新能源车牌{PLATE_NEV},登记地址{ADDRESS}。",
    "退款至{PERSON}的银行卡{BANK_CARD},请核对后办理。",
    "护照号码{PASSPORT},港澳通行证{HK_MACAU_PERMIT},台胞证号{TW_PERMIT}。",
    "设备IMEI:{IMEI},登录IP为{IP},微信号{WECHAT},QQ号{QQ}。",
    "本季度全市公共数据授权运营平台共受理申请{n}件,平均办理时长为三个工作日,订单编号2024{n}{n}。",
    "患者{PERSON}因咳嗽三天就诊,既往体健,医保结算单号{n}-{n},随访电话{MOBILE}。",
];

const ENGLISH: [&str; 5] = [
    "Applicant {PERSON} can be reached at {EMAIL} or {MOBILE}; id {RESIDENT_ID}.",
    "Login from {IP} with device {IMEI} was flagged on 2025-03-17.",
    "Refund to card {BANK_CARD}, company {USCC}.",
    "The board met on 12 March and approved {n} items without comment; ticket {n}-{n}.",
    "Vehicle {VIN} registered, passport {PASSPORT}, contact {LANDLINE}.",
];

/// `count` documents of a seed.
pub(super) fn documents(count: usize, seed: u64) -> Vec<Document> {
    let mut dice = Dice(ChaCha20Rng::seed_from_u64(seed));
    (0..count).map(|_| document(&mut dice)).collect()
}

fn document(dice: &mut Dice) -> Document {
    let mut document = Document { text: String::new(), truths: Vec::new() };
    let is_chinese = dice.below(10) < 7;
    for _ in 0..dice.range(1, 6) {
        let template = if is_chinese { dice.pick(&CHINESE) } else { dice.pick(&ENGLISH) };
        fill(template, dice, &mut document);
        if !is_chinese {
            document.text.push(' ');
        }
    }
    document
}

fn fill(template: &str, dice: &mut Dice, document: &mut Document) {
    for (index, piece) in template.split(['{', '}']).enumerate() {
        // every second piece is the name of a field
        if index % 2 == 0 {
            document.text.push_str(piece);
        } else if piece == "n" {
            let _ = write!(document.text, "{}", dice.range(10, 99_999));
        } else {
            let (class, value, is_decoy) = field(piece, dice);
            let start = document.text.len();
            document.text.push_str(&value);
            document.truths.push(Truth { start, end: document.text.len(), class, is_decoy });
        }
    }
}

fn field(name: &str, dice: &mut Dice) -> (Class, String, bool) {
    let is_right = dice.below(4) > 0;
    let checked = |class, value| (class, value, !is_right);
    match name {
        "RESIDENT_ID" => checked(Class::ResidentId, resident(dice, is_right)),
        "BANK_CARD" => checked(Class::BankCard, card(dice, is_right)),
        "USCC" => checked(Class::CreditCode, credit(dice, is_right)),
        "VIN" => checked(Class::Vin, vin(dice, is_right)),
        "IMEI" => checked(Class::Imei, imei(dice, is_right)),
        _ => {
            let (class, value) = unchecked(name, dice);
            (class, value, false)
        }
    }
}

fn unchecked(name: &str, dice: &mut Dice) -> (Class, String) {
    let eight = |dice: &mut Dice| dice.range(10_000_000, 99_999_999);
    match name {
        "MOBILE" => (Class::Mobile, format!("1{}{:09}", dice.range(3, 9), dice.below(1_000_000_000))),
        "LANDLINE" => (Class::Landline, format!("{}-{}", dice.pick(&["0574", "010", "021", "0571"]), dice.range(20_000_000, 89_999_999))),
        "PERSON" => {
            let given = dice.pick(&[1, 2, 2]);
            let surname = dice.letters(SURNAMES, 1);
            (Class::PersonName, surname + &dice.letters(GIVEN, given))
        }
        "ADDRESS" => {
            let (district, road) = (dice.pick(&DISTRICTS), dice.pick(&ROADS));
            let (number, building, room) = (dice.range(1, 999), dice.range(1, 30), dice.range(101, 3002));
            (Class::Address, format!("{district}{road}{number}号{building}幢{room}室"))
        }
        "EMAIL" => {
            let (user, host) =
                (dice.pick(&["lihua", "zhang.wei", "office", "user"]), dice.pick(&["example.com", "example.org", "mail.example.cn"]));
            (Class::Email, format!("{user}{}@{host}", dice.range(1, 9999)))
        }
        "IP" => (Class::IpAddress, [0; 4].map(|_| dice.range(1, 254).to_string()).join(".")),
        "PLATE" => (
            Class::Plate,
            dice.letters("浙沪京粤苏", 1) + &dice.letters("ABCDEFGH", 1) + &dice.letters("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", 5),
        ),
        "PLATE_NEV" => (
            Class::Plate,
            dice.letters("浙沪京粤苏", 1) + &dice.letters("ABCDEFGH", 1) + &dice.letters("DF", 1) + &dice.letters("0123456789", 5),
        ),
        "PASSPORT" => (Class::Passport, dice.letters("EG", 1) + &eight(dice).to_string()),
        "HK_MACAU_PERMIT" => (Class::HkMacauPermit, dice.letters("HM", 1) + &eight(dice).to_string()),
        "TW_PERMIT" => (Class::TaiwanPermit, eight(dice).to_string()),
        "WECHAT" => (Class::WeChat, "wxid_".to_owned() + &dice.letters("abcdefghijklmnopqrstuvwxyz0123456789", 12)),
        // the templates name nothing else
        _ => (Class::Qq, dice.range(10_001, 3_999_999_999).to_string()),
    }
}

fn resident(dice: &mut Dice, is_right: bool) -> String {
    let date = format!("{}{:02}{:02}", dice.range(1950, 2010), dice.range(1, 12), dice.range(1, 28));
    let body = format!("{}{date}{:03}", dice.pick(&AREA), dice.range(1, 999));
    let sum: u64 = body.bytes().zip(ID_WEIGHTS).map(|(digit, weight)| u64::from(digit - b'0') * weight).sum();
    let check = char::from(b"10X98765432"[(sum % 11) as usize]);
    let last = if is_right { check } else { dice.other("0123456789X", check) };
    format!("{body}{last}")
}

fn luhn(digits: &str) -> u64 {
    let sum: u64 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u64::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    (10 - sum % 10) % 10
}

fn card(dice: &mut Dice, is_right: bool) -> String {
    let length = dice.pick(&[9, 12]);
    let body = dice.pick(&["622848", "621700", "622202", "625912", "621661"]).to_owned() + &dice.letters("0123456789", length);
    with_luhn(body, dice, is_right)
}

fn imei(dice: &mut Dice, is_right: bool) -> String {
    let body = "86".to_owned() + &dice.letters("0123456789", 12);
    with_luhn(body, dice, is_right)
}

fn with_luhn(body: String, dice: &mut Dice, is_right: bool) -> String {
    let check = luhn(&body);
    let last = if is_right { check } else { (check + dice.range(1, 9)) % 10 };
    format!("{body}{last}")
}

fn credit(dice: &mut Dice, is_right: bool) -> String {
    let body = dice.pick(&["91", "92", "12", "11", "52"]).to_owned() + dice.pick(&AREA) + &dice.letters(CREDIT, 9);
    let value = |c: char| CREDIT.find(c).unwrap_or(0) as u64;
    let sum: u64 = body.chars().zip(CREDIT_WEIGHTS).map(|(c, weight)| value(c) * weight).sum();
    let check = CREDIT.chars().nth(((31 - sum % 31) % 31) as usize).unwrap_or('0');
    let last = if is_right { check } else { dice.other(CREDIT, check) };
    format!("{body}{last}")
}

fn vin(dice: &mut Dice, is_right: bool) -> String {
    let characters: Vec<char> = format!("L{}", dice.letters(VIN, 16)).chars().collect();
    let value = |c: char| VIN.find(c).and_then(|at| VIN_VALUES.as_bytes().get(at)).map_or(0, |digit| u64::from(digit - b'0'));
    let sum: u64 = characters.iter().zip(VIN_WEIGHTS).map(|(c, weight)| value(*c) * weight).sum();
    let check = char::from(b"0123456789X"[(sum % 11) as usize]);
    let ninth = if is_right { check } else { dice.other("0123456789X", check) };
    characters.into_iter().enumerate().map(|(place, c)| if place == 8 { ninth } else { c }).collect()
}

struct Dice(ChaCha20Rng);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// Both ends included.
    fn range(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }

    fn letters(&mut self, set: &str, count: usize) -> String {
        let set: Vec<char> = set.chars().collect();
        (0..count).map(|_| self.pick(&set)).collect()
    }

    fn other(&mut self, set: &str, not: char) -> char {
        let set: Vec<char> = set.chars().filter(|c| *c != not).collect();
        self.pick(&set)
    }
}
