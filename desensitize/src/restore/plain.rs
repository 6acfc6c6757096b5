//! Identifiers in plain view: in columns that are declared raw, in cells of text, and behind declarations that say otherwise.
//!
//! What a column is declared to be is believed only where it can be: a column of telephone numbers that is called random, synthetic or
//! a reversible token may be the numbers themselves. With the original the cells are compared ([`equal_cells`]); without it nothing
//! tells them apart, and the release is refused.

use std::collections::HashSet;

use super::budget::{Cost, Meter};
use super::cells::{NULL, Values, count};
use super::subject::{Provenance, Release};
use super::thresholds::Thresholds;
use super::verdict::{Attack, Attempt, Compare, Ran, Share, refused};
use super::words;
use crate::Table;
use crate::detect::{Class, Confidence, Detector};
use crate::error::{Result, Text};

/// Identifiers in the columns of the table that may hold none.
pub(super) fn identifiers(release: &Release<'_>, table: &Table, limits: &Thresholds) -> Result<Vec<Attempt>> {
    let detector = Detector::default();
    let mut attempts = Vec::new();
    for found in detector.classify(table)? {
        let meter = Meter::new(release.clock(), limits.budget);
        // an IPv4 address may be anything with dots; every other class of the detector names a person, a device or a firm
        let is_sure = found.confidence >= Confidence::Likely && found.class != Class::CreditCode;
        // a district, a surname and a network are what names and addresses are generalised to
        let is_raw = release.provenance_of(&found.column) == Provenance::Raw;
        let is_coarse = matches!(found.class, Class::PersonName | Class::Address | Class::IpAddress) && !is_raw;
        let Some(advice) = advice(release, &found.column).filter(|_| is_sure && !is_coarse) else { continue };
        let (en, zh) = (found.class.title(crate::Lang::En), found.class.title(crate::Lang::Zh));
        let reason = Text::new(
            format!("the column holds {en} as they are, in {:.1} % of the cells that were looked at", 100.0 * found.share),
            format!("该列以明文包含{zh}，占所查单元格的{:.1}%", 100.0 * found.share),
        );
        let mut attempt = refused(Attack::PlainIdentifier, Some(&found.column), meter.cost(), reason, advice);
        let hits = (found.share * found.sampled as f64).round() as u64;
        attempt.share = Some(Share::counted(hits.min(found.sampled), found.sampled, limits.confidence));
        attempt.cost.tries = found.sampled;
        attempt.cost.is_complete = true;
        attempts.push(attempt);
    }
    for name in table.column_names() {
        if attempts.iter().all(|attempt| attempt.column.as_deref() != Some(name)) {
            attempts.extend(some_cells(release, table, name, &detector, limits)?);
        }
    }
    Ok(attempts)
}

/// What to do about identifiers in a column; nothing where they are allowed, or compared with the original.
fn advice(release: &Release<'_>, column: &str) -> Option<Text> {
    let is_known = release.original.is_some_and(|original| original.column_names().contains(&column));
    match release.provenance_of(column) {
        Provenance::Public | Provenance::Unkeyed { .. } => None,
        Provenance::Raw | Provenance::Generalised => Some(words::use_a_key()),
        _ if is_known => None,
        _ => Some(words::need_original()),
    }
}

/// Cells of text that hold an identifier of a person, however few.
fn some_cells(release: &Release<'_>, table: &Table, name: &str, detector: &Detector, limits: &Thresholds) -> Result<Option<Attempt>> {
    let Some(advice) = advice(release, name) else { return Ok(None) };
    let mut meter = Meter::new(release.clock(), limits.budget);
    let mut values = Values::default();
    let codes = values.code_as_is(table, name)?;
    let counts = count(&codes, values.texts.len());
    let (mut held, mut rows) = (0u64, 0u64);
    for (text, count) in values.texts.iter().zip(&counts) {
        if !meter.spend(1) {
            break;
        }
        rows += count;
        // numbers of these two shapes do not come up by chance; a mobile number in a column of numbers may
        let names_person = |class, confidence| match class {
            Class::ResidentId | Class::Email => confidence >= Confidence::Likely,
            Class::Mobile => confidence >= Confidence::Likely && !text.bytes().all(|byte| byte.is_ascii_digit()),
            _ => false,
        };
        let mut has_one = false;
        detector.scan_with(text, |hit| has_one |= names_person(hit.class, hit.confidence));
        held += if has_one { *count } else { 0 };
    }
    if held == 0 && meter.cost().is_complete {
        return Ok(None);
    }
    let share = Share::counted(held, rows, limits.confidence);
    let ran = Ran { attack: Attack::PlainIdentifier, column: Some(name.to_owned()), cost: meter.cost(), share, limit: limits.dictionary };
    let found = words::of(held, rows);
    let reason = |_| {
        Text::new(
            format!("{found} cells of the column hold a resident, telephone or e-mail number as it is"),
            format!("该列{found}个单元格以明文包含身份证号、电话号码或电子邮箱"),
        )
    };
    Ok(Some(ran.judge(Compare::Census, reason, advice)))
}

/// Cells that are the very values that they should stand for; nothing if the original has no such column.
///
/// `texts` and `counts` are the distinct released cells and their rows, `codes` the cells row by row.
pub(super) fn equal_cells(
    release: &Release<'_>,
    column: &str,
    (texts, counts, codes): (&[String], &[u64], &[u32]),
    limits: &Thresholds,
) -> Result<Option<Attempt>> {
    let Some(original) = release.original.filter(|original| original.column_names().contains(&column)) else { return Ok(None) };
    let meter = Meter::new(release.clock(), limits.budget);
    let mut values = Values::default();
    let before = values.code_as_is(original, column)?;
    let text = |code: u32| texts.get(code as usize).map_or("", String::as_str);
    let rows: u64 = counts.iter().sum();
    let equal = if let Some(row_of) = release.row_of {
        let own = |row: &u64| usize::try_from(*row).ok().and_then(|row| before.get(row)).copied().unwrap_or(NULL);
        let pairs = codes.iter().zip(row_of).filter(|(code, row)| **code != NULL && own(row) != NULL);
        pairs.filter(|(code, row)| values.text(own(row)) == text(**code)).count() as u64
    } else {
        // tokens of a dense domain are somebody's values by chance
        let originals: HashSet<&str> = values.texts.iter().map(String::as_str).collect();
        let hits: u64 = texts.iter().zip(counts).filter(|(text, _)| originals.contains(text.as_str())).map(|(_, n)| n).sum();
        if is_beyond_chance(hits, rows, originals.len(), texts) { hits } else { 0 }
    };
    let share = Share::counted(equal, rows, limits.confidence);
    let cost = Cost { tries: values.texts.len() as u64, ..meter.cost() };
    let ran = Ran { attack: Attack::PlainIdentifier, column: Some(column.to_owned()), cost, share, limit: limits.dictionary };
    let found = words::of(equal, rows);
    let reason =
        |_| Text::new(format!("{found} cells equal the value that they should stand for"), format!("{found}个单元格与其应替代的原值相同"));
    Ok(Some(ran.judge(Compare::Census, reason, words::use_a_key())))
}

/// Whether more cells equal some value of the original than strings of their form would by chance (six standard deviations).
/// Of digits at most eight count as free: prefixes and dates are often kept.
fn is_beyond_chance(hits: u64, rows: u64, originals: usize, texts: &[String]) -> bool {
    let length = texts.iter().map(|text| text.chars().count()).min().unwrap_or(0).min(8);
    let base: f64 = if texts.iter().all(|text| text.bytes().all(|byte| byte.is_ascii_digit())) { 10.0 } else { 16.0 };
    let share = originals as f64 / base.powi(i32::try_from(length).unwrap_or(8));
    let chance = rows as f64 * share.min(1.0);
    hits as f64 > if chance < 1e-3 { 0.0 } else { chance + 6.0 * chance.sqrt() + 3.0 }
}

/// Whether a column that should have no value of the original is one of identifiers, so that every value in common counts.
pub(super) fn names_people(release: &Release<'_>, column: &str) -> Result<bool> {
    let Some(original) = release.original.filter(|original| original.column_names().contains(&column)) else { return Ok(false) };
    let position = original.position(column)?;
    let is_personal = |class| !matches!(class, Class::CreditCode | Class::PersonName);
    Ok(Detector::default()
        .classify(original)?
        .iter()
        .any(|found| found.position == position && found.confidence >= Confidence::Likely && is_personal(found.class)))
}
