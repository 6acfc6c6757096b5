//! What people are told of reviews: who has how many working days, what is overdue, how timely departments are.

use super::super::super::book::Book;
use super::{File, Reviews};
use crate::procedure::law::Law;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::deadline::{ReviewClock, Status, Subject, Verdict};
use yu_governance::profile::Named as _;

pub(super) fn tell(book: &Book, law: &Law, now: Time) -> Vec<(String, String)> {
    let reviews = &book.reviews;
    let mut out = Vec::new();
    for (hash, file) in reviews.files() {
        out.push(head(hash, file));
        out.extend(file.state.clocks().iter().map(|clock| one(reviews, file, clock, now)));
        out.extend(needs(book, law, file));
    }
    match reviews.timeliness(now) {
        Ok(table) => out.extend(table.rows.iter().map(|row| {
            let median = row.median_working_days.as_deref().unwrap_or("-");
            (
                format!(
                    "source department {}: {} in time, {} late, {} by silence, {} OVERDUE, {} open, median {median} working days",
                    row.department, row.in_time, row.late, row.deemed, row.overdue, row.open
                ),
                format!(
                    "数源部门 {}：按时 {}，逾期审核 {}，视为同意 {}，逾期未审 {}，审核中 {}，中位数 {median} 个工作日",
                    row.department, row.in_time, row.late, row.deemed, row.overdue, row.open
                ),
            )
        })),
        Err(fault) => out.push((format!("timeliness: {}", fault.detail), format!("审核时效：{}", fault.detail))),
    }
    out
}

fn head(hash: &Hash, file: &File) -> (String, String) {
    let short: String = hash.to_hex().chars().take(16).collect();
    let matter = file.application.matter.name();
    let what = match &file.application.subject {
        Subject::Request { request, dataset, .. } => format!("{request}, {dataset}"),
        Subject::Developer { .. } => String::new(),
    };
    let by = &file.application.applicant;
    (format!("{short} {} by {by} {what}", matter.en), format!("{short} {}，申请方 {by} {what}", matter.zh))
}

fn one(reviews: &Reviews, file: &File, clock: &ReviewClock, now: Time) -> (String, String) {
    let who = &clock.seats().reviewer;
    let (en, zh) = match clock.status(now) {
        Status::Waiting => ("its clock waits".to_owned(), "尚未起算".to_owned()),
        Status::Running { due: None } => ("open, without a limit".to_owned(), "审核中，未规定期限".to_owned()),
        Status::Running { due: Some(due) } => match reviews.calendar().working_days_between(now, due) {
            Ok(days) => (format!("{days} working days left, until {due}"), format!("剩余 {days} 个工作日，至 {due}")),
            Err(_) => (format!("open until {due}"), format!("审核中，至 {due}")),
        },
        Status::Paused { since } => (format!("stands since {since}: an outage"), format!("自 {since} 起因中断暂停")),
        Status::Lapsed { since } => (format!("OVERDUE since {since}"), format!("自 {since} 起逾期")),
        Status::Deemed { since } if file.has_lapsed(who) => {
            (format!("silent since {since}, which counts as consent"), format!("自 {since} 起逾期，视为同意"))
        }
        Status::Deemed { since } => (
            format!("OVERDUE since {since}; counts as consent once clock service and regulator sign"),
            format!("自 {since} 起逾期，经时钟服务与监管方签署后视为同意"),
        ),
        Status::Decided(decision) => {
            let late = if decision.is_late { (", LATE", "，逾期") } else { ("", "") };
            let why = decision.reasons.join("; ");
            let verdict = if decision.verdict == Verdict::Granted { ("granted", "通过") } else { ("refused", "未通过") };
            (format!("{} {}{} {why}", verdict.0, decision.at, late.0), format!("{} {}{} {why}", verdict.1, decision.at, late.1))
        }
    };
    (format!("  {who}: {en}"), format!("  {who}：{zh}"))
}

/// What is still needed although a reviewer's silence stands for its approval: no silence replaces it (A15, A16).
fn needs(book: &Book, law: &Law, file: &File) -> Vec<(String, String)> {
    let Subject::Request { dataset, columns, .. } = &file.application.subject else { return Vec::new() };
    let Some(record) = book.catalogue.0.record(dataset) else { return Vec::new() };
    let all = file.lapses.iter().flat_map(|lapse| lapse.still_needed(&record.entry, columns, law.rules()));
    all.map(|finding| (format!("  still needed: {}", finding.what.en), format!("  仍须：{}", finding.what.zh))).collect()
}
