//! The yearly operation report and the public disclosure, drawn from the logs that are here.

use super::{entries, pair, refused, with_files};
use crate::docket::{draft, line, named};
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::procedure::law;
use crate::verbs::{done, to_value};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use yu_governance::clock::Time;
use yu_governance::metering::Book;
use yu_governance::policy::Floors;
use yu_governance::report::{AnnualReport, Disclosure, Facts, Section, withhold};
use yu_governance::sign::{KeyRing, Signed};
use yu_governance::text::Text;
use yu_governance::workflow::Word as _;

/// Draws and signs the yearly report; on request it is filed as well.
///
/// # Errors
/// `verify.failed` with what is missing: each of the five parts has a text of people.
pub fn annual(node: &Arc<Node>, period: (Time, Time), narrative: &str, files_it: bool) -> Result<Value> {
    let law = law::required(node)?;
    let entries = entries(node)?;
    // signed readings of counters are not kept by nodes: the report has the numbers of the logs
    let book = Book::new();
    let report = AnnualReport {
        v: 1,
        operator: node.name().parse()?,
        authority: law.authority,
        period,
        facts: Facts::draw(&entries, &book, period).map_err(refused)?,
        narrative: sections(narrative)?,
        at: now(),
    };
    let page = report.page();
    let signed = Signed::sign(report, node.name(), node.signing())?;
    // by the same rules as whoever has the logs
    AnnualReport::verify(&signed, &entries, &book, &own(node)?).map_err(refused)?;
    finish(node, "annual-report", &signed, &page, files_it)
}

/// One text for each part, as `[storage]` with `en` and `zh`.
fn sections(toml: &str) -> Result<BTreeMap<Section, Text>> {
    let bad = |what: String| Fault::new(Code::Input, what).at("narrative");
    let texts: BTreeMap<String, Text> = toml::from_str(toml).map_err(|e| bad(e.message().to_owned()))?;
    let all: Vec<&str> = Section::all().iter().map(|section| section.as_str()).collect();
    let of = |(name, text): (String, Text)| match Section::parse(&name) {
        Some(section) => Ok((section, text)),
        None => Err(bad(format!("`{}`: one of {}", name.escape_debug(), all.join(", ")))),
    };
    texts.into_iter().map(of).collect()
}

fn own(node: &Node) -> Result<KeyRing> {
    let mut ring = KeyRing::new();
    ring.insert(node.name(), node.signing().public())?;
    Ok(ring)
}

fn finish<T>(node: &Arc<Node>, kind: &str, signed: &Signed<T>, page: &yu_governance::report::Page, files_it: bool) -> Result<Value>
where
    Signed<T>: serde::Serialize,
{
    let [document, page] = pair(kind, signed, page)?;
    let mut say =
        vec![(format!("{} and {} hold every number with its source", document.0, page.0), format!("{} 与 {} 已生成", document.0, page.0))];
    if files_it {
        let filed = draft::start(node, named(kind)?, &to_value(signed)?)?;
        let part = |key: &str| filed["say"][0][key].as_str().unwrap_or_default().to_owned();
        say.push((part("en"), part("zh")));
    }
    Ok(with_files(&[(document.0.as_str(), document.1), (page.0.as_str(), page.1)], say))
}

/// What the logs and the docket say, by group and name; exact, for the authority only.
///
/// # Errors
/// `verify.failed`, `storage.damaged`.
fn exact(node: &Node, period: (Time, Time)) -> Result<BTreeMap<String, BTreeMap<String, u64>>> {
    let facts = Facts::draw(&entries(node)?, &Book::new(), period).map_err(refused)?;
    let mut groups: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    // how a node guards itself is nobody's business but the authority's
    for (section, name, count) in facts.lines().into_iter().filter(|(section, ..)| *section != Section::Security) {
        groups.entry(section.as_str().to_owned()).or_default().insert(name.en, count.parse().unwrap_or(0));
    }
    let mut from = 0;
    loop {
        let some = line::stored(node, from, line::PAGE)?;
        if some.is_empty() {
            return Ok(groups);
        }
        for told in some.into_iter().map(|filed| filed.line.payload) {
            from = told.sequence.saturating_add(1);
            if period.0 <= told.at && told.at < period.1 {
                let count = groups.entry("docket".to_owned()).or_default().entry(told.kind).or_default();
                *count = count.saturating_add(1);
            }
        }
    }
}

/// Draws and signs the public disclosure: small numbers are withheld, the others rounded down.
///
/// # Errors
/// `verify.failed`; `input.bad`.
pub fn disclosure(node: &Arc<Node>, period: (Time, Time), text: Text, files_it: bool) -> Result<Value> {
    law::required(node)?;
    let floor = Floors::DEFAULT.min_cell;
    let least = node.config().limits.min_cell.max(floor);
    let exact = exact(node, period)?;
    let groups = exact.iter().map(|(group, numbers)| (group.clone(), withhold(numbers, least))).collect();
    let disclosure = Disclosure { v: 1, operator: node.name().parse()?, period, least, groups, text, at: now() };
    let page = disclosure.page();
    let signed = Signed::sign(disclosure, node.name(), node.signing())?;
    Disclosure::verify(&signed, &exact, floor, &own(node)?).map_err(refused)?;
    finish(node, "public-disclosure", &signed, &page, files_it)
}

/// Draws the numbers of a filed yearly report again from the operator's log: at the regulator of every operator, elsewhere of the own.
///
/// # Errors
/// `verify.failed` with every number that differs; `not-found`.
pub fn check(node: &Node, begins: &str) -> Result<Value> {
    let ring = law::required(node)?.ring;
    let begins = begins.strip_prefix("sha-256:").unwrap_or(begins);
    let places = node.docket().with(node, |book| {
        let fits = book.documents.iter().filter(|(hash, (kind, _))| *kind == "annual-report" && hash.to_hex().starts_with(begins));
        Ok(fits.map(|(_, (_, place))| *place).collect::<Vec<_>>())
    })?;
    let [place] = places[..] else {
        return Err(Fault::new(Code::NotFound, format!("{} yearly reports begin with `{}`", places.len(), begins.escape_debug())));
    };
    let document = line::one(node, place)?.document.unwrap_or_default();
    let damaged = |_| Fault::new(Code::Damaged, "a filed report does not parse").at(format!("docket line {place}"));
    let signed: Signed<AnnualReport> = serde_json::from_value(document).map_err(damaged)?;
    let operator = &signed.payload.operator;
    let entries: Vec<_> = entries(node)?.into_iter().filter(|entry| entry.node == *operator).collect();
    if entries.is_empty() {
        return Err(Fault::new(Code::NotFound, format!("the log of `{operator}` is not here: ask the regulator")).party(node.name()));
    }
    AnnualReport::verify(&signed, &entries, &Book::new(), &ring).map_err(refused)?;
    Ok(done(&format!("the numbers of {operator} follow from its log"), &format!("{operator} 报告中的数字与其日志一致")))
}
