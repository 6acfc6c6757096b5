//! Whether a release may leave: what was done, whether the models hold, what identifiers are left.

use std::collections::HashMap;
use std::path::Path;

use super::super::{Class, HierarchyRule, Policy};
use super::search::Search;
use super::{Made, danger};
use crate::anonymise::{Claim, Hierarchies, Model, verify};
use crate::column;
use crate::error::{Error, Result, Text};
use crate::policy::explain;
use crate::read::{ReadOptions, read_batches};
use crate::report::{Finding, Grid, Plot, Report, Section, Verdict};
use crate::table::Table;
use crate::transform::{Operator, SeedCommitment};

/// Assesses a release that was read back from its file; the data had that many rows.
///
/// # Errors
/// A release that lacks columns; those of the hierarchies. What speaks against a release is no error but a finding.
pub fn assess(policy: &Policy, rows: u64, made: &Made, release: &Table) -> Result<Report> {
    let mut report = head(policy, made, rows, release.num_rows());
    report.sections.push(columns(policy, made));
    report.sections.push(shape(policy, release));
    if policy.anonymity.is_some() {
        report.sections.push(models(policy, release, Some(made), &policy.hierarchies(&made.before)?)?);
    }
    let search = Search::of(release)?;
    if policy.anonymity.is_some() {
        report.sections.push(danger::section(policy, made, release, search.direct(policy))?);
    }
    report.sections.push(search.section(policy));
    Ok(report)
}

/// Assesses a release that was made batch by batch, `rows` long.
pub(super) fn streamed(policy: &Policy, made: &Made, written: &Path, rows: u64) -> Result<Report> {
    let mut search = Search::default();
    let (mut found, mut first) = (0, None);
    for batch in read_batches(written, &ReadOptions::default())? {
        let batch = batch?;
        found += batch.num_rows();
        search.add(&batch)?;
        first.get_or_insert(batch);
    }
    let Some(first) = first else { return Err(Error::NoRows { file: written.display().to_string() }) };
    let mut report = head(policy, made, rows, found);
    report.sections.extend([columns(policy, made), shape(policy, &first), search.section(policy)]);
    Ok(report)
}

/// Reads a release again, without the data that it was made of: columns, models, identifiers. Models whose hierarchy is built over the
/// original values are checked by classes alone.
///
/// # Errors
/// As [`assess`].
pub fn recheck(policy: &Policy, release: &Table) -> Result<Report> {
    let title = Text::new(format!("Verification: {}", policy.policy.name), format!("核验：{}", policy.policy.name));
    let facts = vec![(Text::new("Rows", "行数"), release.num_rows().to_string())];
    let mut report = Report { title, facts, sections: vec![shape(policy, release)] };
    if policy.anonymity.is_some() {
        let files = policy.hierarchies.iter().filter(|rule| matches!(rule, HierarchyRule::File { .. }));
        let hierarchies = files.map(|rule| Ok((rule.column(), rule.build(release)?))).collect::<Result<Vec<_>>>()?;
        let hierarchies = hierarchies.into_iter().fold(Hierarchies::new(), |all, (column, hierarchy)| all.with(column, hierarchy));
        report.sections.push(models(policy, release, None, &hierarchies)?);
    }
    report.sections.push(Search::of(release)?.section(policy));
    Ok(report)
}

fn head(policy: &Policy, made: &Made, before: u64, after: u64) -> Report {
    let head = &policy.policy;
    let mut facts = vec![
        (Text::new("Policy", "规则"), head.name.clone()),
        (Text::new("Purpose", "目的"), head.purpose.clone()),
        (Text::new("Rows before and after", "处理前后行数"), format!("{before} / {after}")),
        (Text::new("Columns released", "发布列数"), policy.released().len().to_string()),
    ];
    if !made.dropped.is_empty() {
        facts.push((Text::new("Columns kept back", "未发布的列"), made.dropped.join(", ")));
    }
    if let Some(recipient) = &head.recipient {
        facts.push((Text::new("Recipient", "使用方"), recipient.clone()));
    }
    if let Some(seed) = made.anonymised.as_ref().and_then(|anonymised| anonymised.seed.as_ref()) {
        facts.push((Text::new("Commitment to the seed of random choices", "随机种子承诺"), SeedCommitment::of(seed).to_string()));
    }
    Report {
        title: Text::new(format!("De-identification report: {}", head.name), format!("去标识化评估报告：{}", head.name)),
        facts,
        sections: Vec::new(),
    }
}

/// What was done with each column.
fn columns(policy: &Policy, made: &Made) -> Section {
    let mut section = Section::new(Text::new("What was done", "处理情况"));
    let rows = policy.columns.iter().map(|rule| {
        let done = rule.operators.iter().map(Operator::explain);
        let (en, zh): (Vec<String>, Vec<String>) = done.map(|text| (text.en, text.zh)).unzip();
        let key = made.records.iter().find(|record| record.column == rule.name && record.key.is_some());
        let key = key.and_then(|record| Some(format!("{} ({})", record.key.as_ref()?, record.fingerprint.as_ref()?))).unwrap_or_default();
        let word = rule.class.word();
        let what = if en.is_empty() { String::new() } else { format!("{} / {}", zh.join("；"), en.join("; ")) };
        vec![rule.name.clone(), format!("{} / {}", word.zh, word.en), what, key]
    });
    section.grids.push(Grid {
        title: Text::new("Columns", "各列"),
        header: vec![
            Text::new("Column", "列"),
            Text::new("Class", "类别"),
            Text::new("Operators", "处理"),
            Text::new("Key (fingerprint)", "密钥（指纹）"),
        ],
        rows: rows.collect(),
    });
    section
}

/// Whether the release has the columns of the policy and no others.
fn shape(policy: &Policy, release: &Table) -> Section {
    let mut section = Section::new(Text::new("The written file", "写出的文件"));
    let is_as_said = release.column_names() == policy.released();
    section.findings.push(Finding {
        code: "policy.columns".into(),
        verdict: if is_as_said { Verdict::Passed } else { Verdict::Refused },
        text: if is_as_said {
            Text::new(
                "The file was read again: it holds the columns of the policy and no others.",
                "已重新读取文件：其列与规则一致，无其他列。",
            )
        } else {
            Text::new("The file that was read again does not hold the columns of the policy.", "重新读取的文件与规则所列不一致。")
        },
        remedy: None,
    });
    section
}

fn models(policy: &Policy, release: &Table, made: Option<&Made>, hierarchies: &Hierarchies) -> Result<Section> {
    let mut section = Section::new(Text::new("Models", "隐私模型"));
    let models: &[Model] = policy.anonymity.as_ref().map_or(&[], |anonymity| &anonymity.models);
    let qis: Vec<String> = policy.of_class(Class::Quasi).into_iter().map(str::to_owned).collect();
    let claim = Claim { qis: &qis, models, hierarchies, population: None };
    let verdict = verify(made.map(|made| &made.before), release, &claim)?;
    section.lead.push(Text::new(
        "An independent verifier has read the file and formed the classes anew: rows that share all quasi-identifiers.",
        "独立校验程序重新读取文件并划分等价类：准标识符全部相同的行为一类。",
    ));
    for found in &verdict.models {
        let said = explain::model(&found.model);
        let worst =
            found.worst.map_or_else(String::new, |worst| format!("{worst:.4}").trim_end_matches('0').trim_end_matches('.').to_owned());
        section.findings.push(Finding {
            code: "anonymise.model".into(),
            verdict: if found.holds { Verdict::Passed } else { Verdict::Refused },
            text: Text::new(
                format!("{} Worst class: {worst}; classes that fail: {}.", said.en, found.violations.0),
                format!("{}最差的类：{worst}；不满足的类：{} 个。", said.zh, found.violations.0),
            ),
            remedy: (!found.holds)
                .then(|| Text::new("make the release again; if it happens twice, report it", "请重新制作；若再次出现，请反馈")),
        });
    }
    section.findings.extend(verdict.is_true.map(|is_true| Finding {
        code: "anonymise.true".into(),
        verdict: if is_true { Verdict::Passed } else { Verdict::Refused },
        text: if is_true {
            Text::new("Every cell is the original value or lies above it in its hierarchy.", "每个单元格均为原值或其上级泛化值。")
        } else {
            Text::new("A cell is not above its original value.", "存在与原值不符的单元格。")
        },
        remedy: None,
    }));
    section.grids.push(figures(&verdict, made));
    section.plots.push(sizes(release, &qis, models)?);
    Ok(section)
}

fn figures(verdict: &crate::anonymise::Verdict, made: Option<&Made>) -> Grid {
    let mut rows = vec![
        vec!["等价类数 / classes".to_owned(), verdict.classes.to_string()],
        vec!["最小类 / smallest class".to_owned(), verdict.smallest.to_string()],
        vec!["抑制的行 / suppressed rows".to_owned(), verdict.suppressed.to_string()],
    ];
    if let Some(anonymised) = made.and_then(|made| made.anonymised.as_ref()) {
        rows.push(vec!["损失 / loss".to_owned(), format!("{:.5}", anonymised.loss)]);
        if let Some(levels) = &anonymised.transformation {
            let levels = levels.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
            rows.push(vec!["层级 / levels".to_owned(), levels]);
        }
    }
    Grid { title: Text::new("Figures", "指标"), header: vec![Text::new("Figure", "指标"), Text::new("Value", "数值")], rows }
}

/// Edges of the ranges of class sizes; the last one is open.
const SIZES: [u64; 10] = [1, 2, 3, 5, 10, 20, 50, 100, 500, 2000];

/// Rows by the size of their class.
fn sizes(release: &Table, qis: &[String], models: &[Model]) -> Result<Plot> {
    let cells = qis.iter().map(|qi| column::text(release, qi)).collect::<Result<Vec<_>>>()?;
    let mut classes: HashMap<Vec<&str>, u64> = HashMap::new();
    for row in 0..usize::try_from(release.num_rows()).unwrap_or(0) {
        let key: Vec<&str> = cells.iter().filter_map(|column| column.get(row).map(String::as_str)).collect();
        if !key.iter().all(|cell| *cell == crate::anonymise::STAR) {
            *classes.entry(key).or_default() += 1;
        }
    }
    let k = models.iter().find_map(|model| if let Model::K { k } = model { Some(u64::from(*k)) } else { None });
    let bins = SIZES.iter().enumerate().map(|(at, low)| {
        let high = SIZES.get(at + 1).copied().unwrap_or(u64::MAX);
        let rows: u64 = classes.values().filter(|size| (*low..high).contains(size)).sum();
        let name = match high {
            u64::MAX => format!("{low}+"),
            _ if high == low + 1 => low.to_string(),
            _ => format!("{low}-{}", high - 1),
        };
        (name, rows as f64)
    });
    Ok(Plot::Histogram {
        title: Text::new("Rows by the size of their class", "按所在类的大小统计行数"),
        axis: Text::new("size of the class, rows", "类的大小（行）"),
        bins: bins.collect(),
        least: k.map(|k| SIZES.partition_point(|low| *low < k)),
    })
}
