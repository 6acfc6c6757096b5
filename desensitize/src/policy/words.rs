//! The Chinese words of a policy file, and the English ones that they stand for.

use toml::{Table, Value};

/// Keys: what a person may write, what it means.
const KEYS: &[(&str, &str)] = &[
    ("政策", "policy"),
    ("名称", "name"),
    ("目的", "purpose"),
    ("数据", "data"),
    ("使用方", "recipient"),
    ("依据", "clause"),
    ("说明", "note"),
    ("列", "columns"),
    ("列名", "column"),
    ("类别", "class"),
    ("级别", "grade"),
    ("处理", "operators"),
    ("抽样", "sample"),
    ("比例", "rate"),
    // operators
    ("算子", "op"),
    ("保留前", "first"),
    ("保留后", "last"),
    ("掩码字符", "mask"),
    ("长度", "length"),
    ("替换为", "with"),
    ("条件", "when"),
    ("散列", "hash"),
    ("用途", "purpose"),
    ("密钥", "key"),
    ("域", "domain"),
    ("编码", "encoding"),
    ("位", "bits"),
    ("密码算法", "cipher"),
    ("字母表", "alphabet"),
    ("其他字符", "others"),
    ("地区", "region"),
    ("出生日期", "birth"),
    ("性别", "sex"),
    ("主体列", "subject"),
    ("天数", "days"),
    ("到", "to"),
    ("下限", "bottom"),
    ("上限", "top"),
    ("边界", "edges"),
    ("网格", "grid"),
    ("步数", "steps"),
    ("百分比", "percent"),
    ("取值", "categories"),
    ("保持概率", "keep"),
    // hierarchies
    ("泛化层次", "hierarchies"),
    ("方式", "from"),
    ("文件", "file"),
    ("起点", "origin"),
    ("宽度", "width"),
    ("倍数", "factor"),
    ("级数", "levels"),
    ("保留位数", "kept"),
    ("步长", "step"),
    // anonymity
    ("匿名化", "anonymity"),
    ("方法", "method"),
    ("抑制上限", "suppression"),
    ("模型", "models"),
    ("敏感列", "column"),
    ("距离", "distance"),
    // the gate
    ("公开数据", "public"),
    ("不出域", "stays"),
    ("门限", "gate"),
    ("置信度", "confidence"),
    ("值域位数", "domain_bits"),
    ("令牌值域", "token_domain"),
    ("字典还原率", "dictionary"),
    ("频次还原率", "frequency"),
    ("照抄率", "copied"),
    ("原始行占比", "raw_rows"),
    ("近似距离", "near"),
    ("近似照抄率", "near_copies"),
    ("偏近原始率", "closer_to_original"),
    ("链接率", "linked"),
    ("距离链接率", "linked_by_distance"),
    ("关联率", "joint"),
    ("重构优势", "reconstruction"),
    ("成员推断误报率", "membership_fpr"),
    ("成员推断命中率", "membership_tpr"),
    ("影子模型数", "shadow_models"),
    ("须可重训", "needs_trainer"),
    ("植入样本暴露位数", "canary_exposure"),
    ("植入样本记住率", "canaries"),
    ("预算", "budget"),
    ("次数", "tries"),
    ("秒数", "seconds"),
];

/// Values of words, wherever they stand for one of a few things.
const VALUES: &[(&str, &str)] = &[
    ("直接标识符", "direct"),
    ("准标识符", "quasi"),
    ("敏感属性", "sensitive"),
    ("其他", "other"),
    ("不发布", "drop"),
    ("掩码", "keep"),
    ("替换", "replace"),
    ("置空", "null"),
    ("删行", "drop_rows"),
    ("加密散列", "hmac"),
    ("令牌", "token"),
    ("保留格式加密", "ff1"),
    ("身份证加密", "resident_id"),
    ("手机号加密", "mobile"),
    ("日期偏移", "date_shift"),
    ("日期泛化", "generalise_date"),
    ("泛化", "generalise"),
    ("分箱", "bin"),
    ("取整", "round"),
    ("截尾", "limit"),
    ("加噪", "noise"),
    ("秩交换", "rank_swap"),
    ("洗牌", "shuffle"),
    ("微聚集", "microaggregate"),
    ("随机化", "pram"),
    ("抽样", "sample"),
    ("数字", "digits"),
    ("文件", "file"),
    ("分段", "interval"),
    ("日期", "dates"),
    ("代码位数", "digits"),
    ("末位隐去", "masking"),
    ("不分级", "flat"),
    ("全域", "full_domain"),
    ("局部", "local"),
    ("无", "none"),
    ("K-匿名", "k"),
    ("不同取值多样性", "distinct_l"),
    ("熵多样性", "entropy_l"),
    ("递归多样性", "recursive_cl"),
    ("接近性", "t"),
    ("相等", "equal"),
    ("有序", "ordered"),
    ("层次", "hierarchical"),
];

/// Keys whose text is one of [`VALUES`]; elsewhere a text is what it says.
const WORDS: &[&str] = &["class", "op", "from", "method", "model", "distance", "alphabet"];

/// The same text with Chinese bare keys in quotes, as TOML wants them. Outside of strings and comments nothing else is not ASCII.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' => string_len(rest, first),
            _ if is_bare(first) => {
                let len = rest.find(|c| !is_bare(c)).unwrap_or(rest.len());
                let (word, after) = rest.split_at(len);
                rest = after;
                if word.is_ascii() {
                    out.push_str(word);
                } else {
                    out.extend(["\"", word, "\""]);
                }
                continue;
            }
            _ => first.len_utf8(),
        };
        let (part, after) = rest.split_at(len);
        out.push_str(part);
        rest = after;
    }
    out
}

fn is_bare(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '_'
}

/// Bytes of the string that the text begins with, its quotation marks included; to the end if it is not closed.
fn string_len(text: &str, quote: char) -> usize {
    let long: String = std::iter::repeat_n(quote, 3).collect();
    let end = if text.starts_with(&long) { long } else { quote.to_string() };
    let mut at = end.len();
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(&end) {
            // up to two more marks belong to a long string
            let more = if end.len() == 3 { rest.bytes().skip(3).take(2).take_while(|byte| char::from(*byte) == quote).count() } else { 0 };
            return at + end.len() + more;
        }
        let escaped = quote == '"' && rest.starts_with('\\');
        at += rest.chars().take(if escaped { 2 } else { 1 }).map(char::len_utf8).sum::<usize>();
    }
    text.len()
}

fn find(words: &[(&str, &'static str)], word: &str) -> Option<&'static str> {
    words.iter().find(|(chinese, _)| *chinese == word).map(|(_, english)| *english)
}

/// The same file in English words.
///
/// # Errors
/// The key that stands twice in one table, in both languages or in two words for it.
pub(super) fn english(table: Table) -> Result<Table, String> {
    let mut renamed = Table::new();
    for (key, value) in table {
        let name = find(KEYS, &key).map_or_else(|| key.clone(), str::to_owned);
        // one model or many: `模型` names both the list and the word in it
        let name = if name == "models" && value.is_str() { "model".to_owned() } else { name };
        let value = translate(&name, value)?;
        if renamed.insert(name, value).is_some() {
            return Err(key);
        }
    }
    Ok(renamed)
}

fn translate(key: &str, value: Value) -> Result<Value, String> {
    Ok(match value {
        Value::Table(table) => Value::Table(english(table)?),
        Value::Array(values) => Value::Array(values.into_iter().map(|value| translate(key, value)).collect::<Result<_, _>>()?),
        Value::String(word) if WORDS.contains(&key) => Value::String(find(VALUES, &word).map_or(word, str::to_owned)),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_keys_need_no_quotes() {
        for (written, quoted) in [
            ("[政策]\n名称 = \"甲 # 乙\" # 丙", "[\"政策\"]\n\"名称\" = \"甲 # 乙\" # 丙"),
            ("a.列1 = {到 = 1, b-c = '它\\'}", "a.\"列1\" = {\"到\" = 1, b-c = '它\\'}"),
            ("x = \"\"\"甲\"乙\\\"\"\"\"\"\n丙 = 1", "x = \"\"\"甲\"乙\\\"\"\"\"\"\n\"丙\" = 1"),
            ("x = \"open 甲", "x = \"open 甲"),
        ] {
            assert_eq!(super::quoted(written), quoted);
        }
    }

    #[test]
    fn both_languages_say_the_same() {
        let chinese = "[政策]\n名称 = \"无\"\n[[列]]\n名称 = \"手机\"\n类别 = \"直接标识符\"\n处理 = [{ 算子 = \"掩码\", 保留前 = 3 }]\n\
                       [匿名化]\n方法 = \"局部\"\n模型 = [{ 模型 = \"K-匿名\", k = 5 }]\n";
        let written = "[policy]\nname = \"无\"\n[[columns]]\nname = \"手机\"\nclass = \"direct\"\noperators = [{ op = \"keep\", first = 3 }]\n\
                       [anonymity]\nmethod = \"local\"\nmodels = [{ model = \"k\", k = 5 }]\n";
        assert_eq!(english(toml::from_str(&quoted(chinese)).unwrap()).unwrap(), toml::from_str::<Table>(written).unwrap());
        assert_eq!(english(toml::from_str(&quoted("[政策]\n[policy]\n")).unwrap()).unwrap_err(), "政策");
    }

    #[test]
    fn no_word_has_two_meanings() {
        for words in [KEYS, VALUES] {
            for (at, (word, _)) in words.iter().enumerate() {
                assert!(words[at + 1..].iter().all(|(other, _)| other != word), "{word}");
            }
        }
    }
}
