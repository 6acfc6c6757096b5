//! Column by column: rules, identifiers in plain view, dictionary and frequency attacks.

use super::budget::{Cost, Meter};
use super::cells::{NULL, Values, count};
use super::dictionary::{self, Broken, Small, notation};
use super::digest::{Digests, Form, base64, recognise};
use super::frequency::{self, Histogram};
use super::guess::{Mobiles, Residents, Source};
use super::plain;
use super::subject::{Provenance, Release};
use super::thresholds::Thresholds;
use super::verdict::{Attack, Attempt, Compare, Ran, Share, refused};
use super::words;
use crate::Table;
use crate::error::{Result, Text};

/// A released column, coded.
struct Column<'a> {
    name: &'a str,
    /// `None` where nobody says.
    provenance: Option<Provenance>,
    values: Values,
    codes: Vec<u32>,
    /// Rows of each distinct value.
    counts: Vec<u64>,
    /// Rows that are not empty.
    rows: u64,
}

/// All attacks on single columns of the released table.
pub(super) fn attack(release: &Release<'_>, table: &Table, limits: &Thresholds) -> Result<Vec<Attempt>> {
    let mut attempts = plain::identifiers(release, table, limits)?;
    for name in table.column_names() {
        let mut values = Values::default();
        let codes = values.code_as_is(table, name)?;
        let counts = count(&codes, values.texts.len());
        let rows = counts.iter().sum();
        let column = Column { name, provenance: release.provenance.get(name).copied(), values, codes, counts, rows };
        if rows > 0 {
            column.attack(release, table, limits, &mut attempts)?;
        }
    }
    Ok(attempts)
}

impl Column<'_> {
    fn attack(&self, release: &Release<'_>, table: &Table, limits: &Thresholds, attempts: &mut Vec<Attempt>) -> Result<()> {
        let is_token = self.provenance.is_some_and(Provenance::is_keyed) || matches!(self.provenance, Some(Provenance::Unkeyed { .. }));
        let cells = (self.values.texts.as_slice(), self.counts.as_slice(), self.codes.as_slice());
        let digests = match self.provenance {
            Some(Provenance::Public) => return Ok(()),
            // nothing to restore, if that is true
            Some(Provenance::Random | Provenance::Synthetic | Provenance::Noise) if plain::names_people(release, self.name)? => {
                attempts.extend(plain::equal_cells(release, self.name, cells, limits)?);
                recognise(&self.values.texts, Form::Usual)
            }
            Some(Provenance::Synthetic) => return Ok(()),
            _ => recognise(&self.values.texts, if is_token { Form::Decorated } else { Form::Usual }),
        };
        attempts.extend(self.rule(limits));
        if let Some(digests) = &digests {
            attempts.push(self.dictionary(digests, release, table, limits)?);
        }
        if is_token {
            attempts.extend(plain::equal_cells(release, self.name, cells, limits)?);
        }
        let is_random = matches!(self.provenance, Some(Provenance::Random | Provenance::Synthetic | Provenance::Noise));
        if is_token || digests.is_some() && !is_random {
            attempts.push(self.frequency(release, limits));
            attempts.extend(self.ranks(release, limits)?);
        }
        attempts.extend(self.encoding(release, limits));
        Ok(())
    }

    /// What needs no attack: unkeyed functions of few values, format-preserving encryption of few values.
    fn rule(&self, limits: &Thresholds) -> Option<Attempt> {
        let refuse =
            |reason, remedy| Some(refused(Attack::Rule, Some(self.name), Cost { is_complete: true, ..Cost::default() }, reason, remedy));
        match self.provenance {
            Some(Provenance::Unkeyed { domain }) => {
                let bits = domain.filter(|domain| *domain >= 1.0).map_or(0.0, f64::log2);
                if bits >= limits.domain_bits {
                    return None;
                }
                let size = domain.map_or(("unknown, counted as few".to_owned(), "未知，按小值域处理".to_owned()), |domain| {
                    (format!("{domain:.0}, below 2^{}", limits.domain_bits), format!("{domain:.0}，低于2^{}", limits.domain_bits))
                });
                refuse(
                    Text::new(
                        format!("a function without a key over a small domain ({}): whoever tries all inputs reads the column", size.0),
                        format!("对小值域（{}）使用无密钥函数：穷举全部输入即可还原该列", size.1),
                    ),
                    words::use_a_key(),
                )
            }
            Some(Provenance::KeyedReversible { domain: Some(domain) }) if domain < limits.token_domain => refuse(
                Text::new(
                    format!(
                        "reversible tokens over {domain:.0} values, below the least domain of {:.0} (NIST SP 800-38G r1)",
                        limits.token_domain
                    ),
                    format!("可逆令牌的值域仅{domain:.0}，低于最小值域{:.0}（NIST SP 800-38G r1）", limits.token_domain),
                ),
                words::use_a_key(),
            ),
            _ => None,
        }
    }

    fn dictionary(&self, digests: &Digests, release: &Release<'_>, table: &Table, limits: &Thresholds) -> Result<Attempt> {
        let mut meter = Meter::new(release.clock(), limits.budget);
        let originals = original_values(release, self.name)?;
        let mut small: Vec<Small<'_>> = Vec::new();
        for values in &originals {
            small.push(Small {
                name: ("values of the original", "原始数据中的值"), guesses: values.iter().map(String::as_str).collect()
            });
        }
        if !release.guesses.words.is_empty() {
            let guesses = release.guesses.words.iter().map(String::as_str).collect();
            small.push(Small { name: ("the given dictionary", "给定字典"), guesses });
        }
        let has_own = release.original.is_some_and(|original| original.column_names().contains(&self.name));
        let tables: Vec<&Table> = release.original.into_iter().chain([table]).collect();
        let (mobiles, residents) = (Mobiles::new(&release.guesses), Residents::new(&release.guesses, &tables)?);
        let large: &[&dyn Source] = if has_own { &[] } else { &[&mobiles, &residents] };
        let broken = dictionary::attack(digests, &small, large, &[self.name, table.source()], &mut meter);
        Ok(self.judge(&broken, digests, meter.cost(), limits))
    }

    fn judge(&self, broken: &Broken, digests: &Digests, cost: Cost, limits: &Thresholds) -> Attempt {
        let share = Share::counted(broken.rows(&self.counts), self.rows, limits.confidence);
        let column = Some(self.name);
        if let Some(function) = &broken.function {
            let (function, (source, source_zh)) = (notation(function, digests.nibbles), broken.source);
            let found = words::of(broken.rows(&self.counts), self.rows);
            let (whole, whole_zh) = broken.domain.map_or_else(Default::default, |domain| {
                let seconds = domain as f64 / broken.rate;
                (
                    format!("; the whole domain of {domain} takes {seconds:.0} s of one core"),
                    format!("；单核遍历全部{domain}个值需{seconds:.0}秒"),
                )
            });
            let reason = Text::new(
                format!("the column is {function}, a function without a secret key: {source} gave back {found} cells{whole}"),
                format!("该列为{function}，未使用秘密密钥：以{source_zh}还原{found}个单元格{whole_zh}"),
            );
            let mut attempt = refused(Attack::Dictionary, column, cost, reason, words::use_a_key());
            // an enumeration stops early: what it did not reach is as readable as what it did
            attempt.passed = broken.domain.is_none() && share.value <= limits.dictionary;
            (attempt.share, attempt.limit) = (Some(share), limits.dictionary);
            return attempt;
        }
        if !broken.is_small_done {
            let reason = Text::new(
                "the budget ended before the values of the original and the dictionary were tried",
                "预算耗尽时尚未试完原始数据的值和字典",
            );
            return refused(Attack::Dictionary, column, cost, reason, words::more_budget());
        }
        let is_stated = matches!(
            self.provenance,
            Some(
                Provenance::KeyedDeterministic { .. }
                    | Provenance::KeyedReversible { .. }
                    | Provenance::Unkeyed { .. }
                    | Provenance::Random
                    | Provenance::Synthetic
            )
        );
        if !is_stated {
            let reason = Text::new(
                "the column looks like digests, and nobody states that a key made them; no guess fitted, which proves nothing",
                "该列形似摘要，但未声明由密钥生成；未猜中并不能证明安全",
            );
            return refused(Attack::Dictionary, column, cost, reason, Text::new("state how the column was made", "请声明该列的生成方式"));
        }
        let (tried, functions) = (cost.tries, broken.functions);
        let reason = Text::new(
            format!("none of {functions} functions without a secret gave a cell, in {tried} tries"),
            format!("{functions}种无秘密密钥的函数共尝试{tried}次，均未得到任何单元格"),
        );
        Attempt {
            attack: Attack::Dictionary,
            column: Some(self.name.to_owned()),
            cost,
            share: Some(share),
            limit: limits.dictionary,
            passed: true,
            reason,
            remedy: words::none(),
        }
    }

    fn frequency(&self, release: &Release<'_>, limits: &Thresholds) -> Attempt {
        let meter = Meter::new(release.clock(), limits.budget);
        let (rows, all) = frequency::expected(&self.counts, limits.k);
        let share = Share::counted(rows.min(all), all, limits.confidence);
        let cost = Cost { tries: self.counts.len() as u64, ..meter.cost() };
        let ran = Ran { attack: Attack::Frequency, column: Some(self.name.to_owned()), cost, share, limit: limits.frequency };
        let tokens = self.counts.len();
        let found = words::of(rows, all);
        let reason = |_| {
            Text::new(
                format!("whoever knows how often each value occurs reads {found} rows off the {tokens} tokens"),
                format!("掌握各值出现频次者可由{tokens}个令牌读出{found}行"),
            )
        };
        let remedy = Text::new(
            "use tokens that differ from row to row, generalise the column, or suppress values whose frequency singles them out",
            "改用逐行不同的令牌、泛化该列，或删除因频次而可识别的值",
        );
        ran.judge(Compare::Census, reason, remedy)
    }

    /// Rank matching against the original's frequencies, where rows can be matched.
    fn ranks(&self, release: &Release<'_>, limits: &Thresholds) -> Result<Option<Attempt>> {
        let original = release.original.filter(|original| original.column_names().contains(&self.name));
        let (Some(original), Some(row_of)) = (original, release.row_of) else { return Ok(None) };
        let meter = Meter::new(release.clock(), limits.budget);
        let mut values = Values::default();
        let before = values.code_as_is(original, self.name)?;
        let known = count(&before, values.texts.len());
        let own: Vec<u32> =
            row_of.iter().map(|row| usize::try_from(*row).ok().and_then(|row| before.get(row)).copied().unwrap_or(NULL)).collect();
        let tokens = Histogram { texts: &self.values.texts, counts: &self.counts };
        let (right, all) =
            frequency::rank_matching(&self.codes, tokens, &own, Histogram { texts: &values.texts, counts: &known }, limits.k);
        let share = Share::counted(right, all, limits.confidence);
        let cost = Cost { tries: all, ..meter.cost() };
        let ran = Ran { attack: Attack::Frequency, column: Some(self.name.to_owned()), cost, share, limit: limits.frequency };
        let found = words::of(right, all);
        let reason = |_| {
            Text::new(
                format!("matching tokens and values by rank gave {found} rows their value"),
                format!("按频次名次匹配令牌与原值，{found}行被正确还原"),
            )
        };
        let remedy = Text::new("use tokens that differ from row to row, or generalise the column", "改用逐行不同的令牌，或泛化该列");
        Ok(Some(ran.judge(Compare::Census, reason, remedy)))
    }

    /// Text that only needs decoding: hexadecimal or base64 of readable characters.
    fn encoding(&self, release: &Release<'_>, limits: &Thresholds) -> Option<Attempt> {
        let meter = Meter::new(release.clock(), limits.budget);
        let readable = |bytes: Vec<u8>| {
            bytes.len() >= 3 && std::str::from_utf8(&bytes).is_ok_and(|text| text.chars().all(|c| !c.is_control() && c != '\u{fffd}'))
        };
        let decode = |text: &String| hex::decode(text).is_ok_and(readable) || base64(text).is_some_and(readable);
        let rows: u64 = self.values.texts.iter().zip(&self.counts).filter(|(text, _)| decode(text)).map(|(_, count)| count).sum();
        // words of four letters may be base64 of something by chance, a whole column is not
        let longest = self.values.texts.iter().map(String::len).min().unwrap_or(0);
        if (rows as f64) < 0.9 * self.rows as f64
            || longest < 8
            || self.values.texts.iter().all(|text| text.bytes().all(|b| b.is_ascii_digit()))
        {
            return None;
        }
        let reason = Text::new(
            format!("the column is readable text in hexadecimal or base64: {} cells", words::of(rows, self.rows)),
            format!("该列为可读文本的十六进制或base64编码：{}个单元格", words::of(rows, self.rows)),
        );
        let cost = Cost { tries: self.values.texts.len() as u64, ..meter.cost() };
        let mut attempt = refused(Attack::Dictionary, Some(self.name), cost, reason, words::use_a_key());
        attempt.share = Some(Share::counted(rows, self.rows, limits.confidence));
        Some(attempt)
    }
}

/// Distinct values of the original's columns: those of the same name first.
fn original_values(release: &Release<'_>, column: &str) -> Result<Vec<Vec<String>>> {
    let Some(original) = release.original else { return Ok(Vec::new()) };
    let mut names = original.column_names();
    names.sort_by_key(|name| *name != column);
    names
        .into_iter()
        .map(|name| {
            let mut values = Values::default();
            values.code_as_is(original, name)?;
            Ok(values.texts)
        })
        .collect()
}
