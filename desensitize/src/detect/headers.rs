//! Classes that the header of a column names, in either language.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::class::Class;

/// Chinese words that a header contains; the first that fits wins, so that 邮箱地址 is no address.
const CHINESE: [(&str, Class); 58] = [
    ("身份证", Class::ResidentId),
    ("公民身份", Class::ResidentId),
    ("身份号码", Class::ResidentId),
    ("居民身份", Class::ResidentId),
    ("证件号", Class::ResidentId),
    ("信用代码", Class::CreditCode),
    ("信用码", Class::CreditCode),
    ("纳税人识别号", Class::CreditCode),
    ("税号", Class::CreditCode),
    ("银行卡", Class::BankCard),
    ("银行账", Class::BankCard),
    ("银行帐", Class::BankCard),
    ("储蓄卡", Class::BankCard),
    ("信用卡号", Class::BankCard),
    ("收款账号", Class::BankCard),
    ("卡号", Class::BankCard),
    ("车架号", Class::Vin),
    ("车辆识别代", Class::Vin),
    ("设备识别码", Class::Imei),
    ("串号", Class::Imei),
    ("邮箱", Class::Email),
    ("电子邮件", Class::Email),
    ("网卡地址", Class::MacAddress),
    ("物理地址", Class::MacAddress),
    ("IP地址", Class::IpAddress),
    ("MAC地址", Class::MacAddress),
    ("网络地址", Class::IpAddress),
    ("手机", Class::Mobile),
    ("移动电话", Class::Mobile),
    ("联系方式", Class::Mobile),
    ("固定电话", Class::Landline),
    ("座机", Class::Landline),
    ("办公电话", Class::Landline),
    ("家庭电话", Class::Landline),
    ("传真", Class::Landline),
    ("联系电话", Class::Mobile),
    ("电话", Class::Mobile),
    ("护照", Class::Passport),
    ("港澳通行证", Class::HkMacauPermit),
    ("回乡证", Class::HkMacauPermit),
    ("内地通行证", Class::HkMacauPermit),
    ("台胞证", Class::TaiwanPermit),
    ("台湾通行证", Class::TaiwanPermit),
    ("大陆通行证", Class::TaiwanPermit),
    ("车牌", Class::Plate),
    ("号牌", Class::Plate),
    ("牌照", Class::Plate),
    ("微信", Class::WeChat),
    ("QQ", Class::Qq),
    ("姓名", Class::PersonName),
    ("联系人", Class::PersonName),
    ("申请人", Class::PersonName),
    ("法定代表人", Class::PersonName),
    ("户主", Class::PersonName),
    ("负责人", Class::PersonName),
    ("地址", Class::Address),
    ("住址", Class::Address),
    ("住所", Class::Address),
];

/// English words and sequences of words.
const ENGLISH: [(&str, Class); 90] = [
    ("id card no", Class::ResidentId),
    ("id card number", Class::ResidentId),
    ("resident id", Class::ResidentId),
    ("id card", Class::ResidentId),
    ("idcard", Class::ResidentId),
    ("id number", Class::ResidentId),
    ("id no", Class::ResidentId),
    ("idno", Class::ResidentId),
    ("identity number", Class::ResidentId),
    ("identity card", Class::ResidentId),
    ("identity no", Class::ResidentId),
    ("national id", Class::ResidentId),
    ("citizen id", Class::ResidentId),
    ("cert no", Class::ResidentId),
    ("sfzh", Class::ResidentId),
    ("sfz", Class::ResidentId),
    ("zjhm", Class::ResidentId),
    ("credit code", Class::CreditCode),
    ("uscc", Class::CreditCode),
    ("tyshxydm", Class::CreditCode),
    ("bank card", Class::BankCard),
    ("bankcard", Class::BankCard),
    ("card no", Class::BankCard),
    ("card number", Class::BankCard),
    ("bank account", Class::BankCard),
    ("account number", Class::BankCard),
    ("account no", Class::BankCard),
    ("pan", Class::BankCard),
    ("credit card", Class::BankCard),
    ("yhkh", Class::BankCard),
    ("vin", Class::Vin),
    ("vehicle identification", Class::Vin),
    ("chassis", Class::Vin),
    ("cjh", Class::Vin),
    ("imei", Class::Imei),
    ("mobile", Class::Mobile),
    ("mobile phone", Class::Mobile),
    ("cellphone", Class::Mobile),
    ("cell phone", Class::Mobile),
    ("phone", Class::Mobile),
    ("phone number", Class::Mobile),
    ("phonenumber", Class::Mobile),
    ("telephone", Class::Mobile),
    ("tel", Class::Mobile),
    ("sjh", Class::Mobile),
    ("sjhm", Class::Mobile),
    ("lxdh", Class::Mobile),
    ("landline", Class::Landline),
    ("home phone", Class::Landline),
    ("office phone", Class::Landline),
    ("work phone", Class::Landline),
    ("fax", Class::Landline),
    ("email", Class::Email),
    ("e mail", Class::Email),
    ("mail", Class::Email),
    ("email address", Class::Email),
    ("mail address", Class::Email),
    ("ip", Class::IpAddress),
    ("ip address", Class::IpAddress),
    ("ipv4", Class::IpAddress),
    ("ipv6", Class::IpAddress),
    ("client ip", Class::IpAddress),
    ("mac", Class::MacAddress),
    ("mac address", Class::MacAddress),
    ("passport", Class::Passport),
    ("hk permit", Class::HkMacauPermit),
    ("macau permit", Class::HkMacauPermit),
    ("home return permit", Class::HkMacauPermit),
    ("taiwan permit", Class::TaiwanPermit),
    ("plate", Class::Plate),
    ("licence plate", Class::Plate),
    ("license plate", Class::Plate),
    ("plate number", Class::Plate),
    ("cph", Class::Plate),
    ("wechat", Class::WeChat),
    ("weixin", Class::WeChat),
    ("wxid", Class::WeChat),
    ("qq", Class::Qq),
    ("full name", Class::PersonName),
    ("fullname", Class::PersonName),
    ("real name", Class::PersonName),
    ("person name", Class::PersonName),
    ("customer name", Class::PersonName),
    ("patient name", Class::PersonName),
    ("contact name", Class::PersonName),
    ("name", Class::PersonName),
    ("xm", Class::PersonName),
    ("address", Class::Address),
    ("home address", Class::Address),
    ("addr", Class::Address),
];

static BY_WORD: LazyLock<HashMap<&'static str, Class>> = LazyLock::new(|| ENGLISH.into_iter().collect());

/// A header longer than this is text in the wrong place.
const HEADER_MAX: usize = 256;

/// The class that a header names.
pub(crate) fn class_of(header: &str) -> Option<Class> {
    if header.len() > HEADER_MAX {
        return None;
    }
    if !header.is_ascii() {
        let upper = header.to_uppercase();
        if let Some((_, class)) = CHINESE.iter().find(|(word, _)| upper.contains(word)) {
            return Some(*class);
        }
    }
    let words = split(header);
    let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
    // the longest sequence; of equal ones the last, as English puts the noun last: `contact person name`
    for length in (1..=words.len().min(3)).rev() {
        for start in (0..=words.len() - length).rev() {
            let class = match words.get(start..start + length)? {
                [word] => BY_WORD.get(word),
                several => BY_WORD.get(several.join(" ").as_str()),
            };
            // `file name`, `product name`: a bare `name` beside another word may be anything's
            if let Some(class) = class.filter(|class| **class != Class::PersonName || length > 1 || words.len() == 1) {
                return Some(*class);
            }
        }
    }
    None
}

/// Small letters, one blank between words; `cardNo` has two words.
fn split(header: &str) -> String {
    let mut words = String::with_capacity(header.len() + 8);
    let mut was_small = false;
    for character in header.chars() {
        if character.is_ascii_uppercase() && was_small {
            words.push(' ');
        }
        was_small = character.is_ascii_lowercase();
        words.push(if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { ' ' });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_name_classes() {
        for (header, class) in [
            ("身份证号", Some(Class::ResidentId)),
            ("resident_id", Some(Class::ResidentId)),
            ("idCardNo", Some(Class::ResidentId)),
            ("邮箱地址", Some(Class::Email)),
            ("ip地址", Some(Class::IpAddress)),
            ("家庭住址", Some(Class::Address)),
            ("Mobile Phone", Some(Class::Mobile)),
            ("QQ号", Some(Class::Qq)),
            ("client_ip", Some(Class::IpAddress)),
            ("name", Some(Class::PersonName)),
            ("file name", None),
            ("district", None),
            ("shipping", None),
            ("age", None),
            ("", None),
        ] {
            assert_eq!(class_of(header), class, "{header}");
        }
        assert_eq!(class_of(&"a_".repeat(1_000_000)), None);
    }
}
