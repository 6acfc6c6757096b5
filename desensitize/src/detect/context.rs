//! Words beside an identifier that name its class: looked up backwards from a candidate, so that text without
//! candidates costs nothing.

use super::chars::Han;
use super::class::Class;

/// Words that stand before an identifier of a class; Latin ones in small letters.
const fn words(class: Class) -> &'static [&'static str] {
    match class {
        Class::ResidentId => &["身份证", "身份证件", "公民身份", "居民身份", "证件", "id card", "identity", "id no", "id"],
        Class::CreditCode => &["信用代码", "社会信用", "税号", "纳税人识别", "credit code", "uscc"],
        Class::BankCard => &["银行卡", "卡", "账", "账户", "帐", "储蓄卡", "信用卡", "借记卡", "card", "account", "pan"],
        Class::Vin => &["车架", "识别代", "识别代码", "vin", "vehicle"],
        Class::Imei => &["imei", "串", "设备", "device"],
        Class::Mobile | Class::Landline => {
            &["电话", "手机", "联系方式", "热线", "传真", "座机", "tel", "phone", "mobile", "fax", "cell", "contact"]
        }
        Class::Passport => &["护照", "passport", "passport no"],
        Class::HkMacauPermit => {
            &["港澳通行证", "来往内地通行证", "往来港澳通行证", "回乡证", "回乡卡", "home return permit", "hk permit", "macau permit"]
        }
        Class::TaiwanPermit => &["台胞证", "来往大陆通行证", "往来台湾通行证", "台湾通行证", "台湾居民通行证", "taiwan permit", "mtp"],
        Class::Plate => &["车牌", "号牌", "车辆", "牌照", "plate", "vehicle", "车"],
        Class::WeChat => &["微信", "wechat", "weixin"],
        Class::Qq => &["qq", "扣扣", "企鹅"],
        Class::Address => &["住", "住址", "地址", "住所", "居住", "户籍", "住在", "位于", "籍贯", "address"],
        Class::Email | Class::IpAddress | Class::MacAddress | Class::PersonName => &[],
    }
}

/// Words before a person's name.
const PERSONS: &str = "姓名 申请人 联系人 经办人 代表人 法人 负责人 当事人 委托人 受托人 收件人 寄件人 收货人 发货人 被告人 证人 监护人 持卡人 \
    投保人 保险人 受益人 收款人 付款人 开户人 嫌疑人 被害人 责任人 代理人 介绍人 承办人 签收人 报案人 举报人 投诉人 户主 车主 业主 店主 机主 房主 患者 \
    病人 死者 伤者 作者 记者 学生 老师 教师 医生 医师 护士 员工 职工 司机 驾驶员 同学 居民 村民 市民 客户 用户 会员 乘客 旅客 原告 被告 退款至 转账至 \
    汇款至 退款给 转账给 汇款给 转给 付给 退给 寄给 汇给 交给 签名 签字 父亲 母亲 丈夫 妻子 儿子 女儿 配偶 家属 亲属 户名 名叫 我叫 我是 本人 公民 \
    同志 先生 女士 曾用名 别名";

/// Titles that follow a person's name.
pub(super) const TITLES: [&str; 16] =
    ["先生", "女士", "小姐", "同志", "同学", "老师", "医生", "医师", "教授", "博士", "律师", "法官", "主任", "经理", "师傅", "警官"];

/// The same as bytes: two characters each. Arrays are compared in a register, slices by a call.
const TITLE_BYTES: [[u8; 6]; 16] = {
    let mut all = [[0; 6]; 16];
    let mut at = 0;
    while at < all.len() {
        all[at] = bytes(TITLES[at]);
        at += 1;
    }
    all
};

/// The bytes of a word that has so many.
pub(super) const fn bytes<const N: usize>(word: &str) -> [u8; N] {
    assert!(word.len() == N, "a word of another length");
    match word.as_bytes().first_chunk() {
        Some(bytes) => *bytes,
        None => [0; N],
    }
}

/// Whether a text begins with a title.
pub(super) fn begins_with_title(text: &[u8]) -> bool {
    text.first_chunk().is_some_and(|first| TITLE_BYTES.contains(first))
}

/// Words before a person's name, one by one.
pub(super) fn person_words() -> impl Iterator<Item = &'static str> {
    PERSONS.split_whitespace()
}

/// What may stand between the word and the identifier: three bytes each.
const CONNECTORS: [[u8; 3]; 16] = {
    let words = ["号", "码", "：", "为", "是", "（", "，", "、", "“", "编", "证", "或", "人", "\u{3000}", "即", "改"];
    let mut all = [[0; 3]; 16];
    let mut at = 0;
    while at < all.len() {
        all[at] = bytes(words[at]);
        at += 1;
    }
    all
};

/// What may stand between a word that announces a person and the name.
const PERSON_CONNECTORS: [[u8; 3]; 4] = [bytes("："), bytes("为"), bytes("是"), bytes("“")];

/// The last bytes of the words of each class, one bit each: most texts end otherwise, which one look settles.
static LAST: [[u64; 4]; Class::ALL.len()] = {
    let mut all = [[0; 4]; Class::ALL.len()];
    let mut class = 0;
    while class < all.len() {
        let list = words(Class::ALL[class]);
        let mut word = 0;
        while word < list.len() {
            if let Some(last) = list[word].as_bytes().last() {
                all[class][(*last >> 6) as usize] |= 1 << (*last & 63);
            }
            word += 1;
        }
        class += 1;
    }
    all
};

/// Whether a word that names `class` stands before `at`, with connectors between.
pub(super) fn names_before(text: &[u8], at: usize, class: Class) -> bool {
    let list = words(class);
    // INVARIANT: a class stands in `ALL` at its own number
    let last = LAST.get(class as usize).unwrap_or(&[u64::MAX; 4]);
    let mut end = at;
    // at most six connectors: "号码为: (" has six
    for _ in 0..7 {
        let before = text.get(..end).unwrap_or(&[]);
        let Some(byte) = before.last().map(u8::to_ascii_lowercase) else { return false };
        if last[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1 && list.iter().any(|word| ends_with(before, word)) {
            return true;
        }
        match connector_before(before) {
            0 => return false,
            length => end = end.saturating_sub(length),
        }
    }
    false
}

/// Whether a word that announces a person ends at `at`, with `:`, `：`, a blank, 为 or 是 between.
pub(super) fn announces_person(han: &Han, text: &[u8], at: usize) -> bool {
    let mut end = at;
    for _ in 0..4 {
        let before = text.get(..end).unwrap_or(&[]);
        let length = match before {
            [.., b':' | b' ' | b'=' | b'"'] => 1,
            [.., b'a'..=b'z' | b'A'..=b'Z'] => return ends_with(before, "name"),
            [.., 0x80..=0xff] if han.ends_with_person(before) => return true,
            [.., 0x80..=0xff] => before.last_chunk().filter(|last| PERSON_CONNECTORS.contains(last)).map_or(0, |last| last.len()),
            _ => 0,
        };
        if length == 0 {
            return false;
        }
        end = end.saturating_sub(length);
    }
    false
}

fn connector_before(before: &[u8]) -> usize {
    match before {
        [.., b' ' | b':' | b'=' | b'#' | b'.' | b'"' | b'\'' | b'(' | b',' | b'+' | b'\t'] => 1,
        [.., first, second, third @ 0x80..=0xff] if CONNECTORS.contains(&[*first, *second, *third]) => 3,
        _ if ends_with(before, " is") || ends_with(before, " no") => 3,
        _ if ends_with(before, " number") => 7,
        _ if ends_with(before, " id") => 3,
        _ => 0,
    }
}

/// `text` ends with `word`, without regard to case; a Latin word must not be the end of a longer one.
fn ends_with(text: &[u8], word: &str) -> bool {
    let word = word.as_bytes();
    // most words end otherwise: one comparison settles it
    if text.last().map(u8::to_ascii_lowercase) != word.last().copied() {
        return false;
    }
    let Some(start) = text.len().checked_sub(word.len()) else { return false };
    let Some((before, tail)) = text.split_at_checked(start) else { return false };
    if !tail.eq_ignore_ascii_case(word) {
        return false;
    }
    let is_latin = word.first().is_some_and(u8::is_ascii_alphabetic);
    !(is_latin && before.last().is_some_and(u8::is_ascii_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_stand_at_their_numbers() {
        for (number, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, number);
            for word in words(class) {
                assert!(names_before(word.as_bytes(), word.len(), class), "{word}");
            }
        }
    }

    #[test]
    fn words_before() {
        let person = |text: &str| announces_person(&crate::detect::chars::HAN_TABLE, text.as_bytes(), text.len());
        for (text, class) in [
            ("台胞证号", Class::TaiwanPermit),
            ("QQ号码为：", Class::Qq),
            ("my qq is ", Class::Qq),
            ("Passport No. ", Class::Passport),
            ("护照号码", Class::Passport),
            ("联系电话: ", Class::Mobile),
        ] {
            assert!(names_before(text.as_bytes(), text.len(), class), "{text}");
        }
        for (text, class) in [("编号", Class::Qq), ("void", Class::ResidentId), ("", Class::Qq), ("号号号号号号号号号", Class::Passport)]
        {
            assert!(!names_before(text.as_bytes(), text.len(), class), "{text}");
        }
        assert!(person("患者") && person("姓名：") && person("Name: ") && !person("会议") && !person(""));
        assert!(!names_before("号".as_bytes(), 99, Class::Qq));
    }
}
