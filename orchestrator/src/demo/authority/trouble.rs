//! An incident, a correction order, a suspended tenant.

use super::book::{Book, Case};
use super::opening::{Opened, show};
use crate::fault::{Code, Fault, Result};
use yu_governance::text::Text;
use yu_governance::workflow::{authorisation, incident, suspension};

pub(super) fn play(book: &mut Book<'_>, opened: &mut Opened) -> Result<()> {
    incident(book, opened)?;
    correction(book)?;
    plan_withdrawn(book, opened)
}

/// S3: told along the chain in time, evidence frozen until it is closed.
fn incident(book: &mut Book<'_>, opened: &mut Opened) -> Result<()> {
    book.chapter("an incident", "安全事件");
    let rules = book.rules().incident();
    let mut case = Case::<incident::Case>::new("incident-1");
    let frozen = book.paper("manifest of frozen evidence")?;
    book.step(&mut case, incident::Event::Find { detected: book.now, frozen }, &rules, "an unusual export is detected")?;
    let matter = frozen;
    book.step(&mut opened.case, authorisation::Event::OpenMatter { matter }, &opened.rules.clone(), "nothing may be destroyed meanwhile")?;
    book.refused(&case, incident::Event::Handle, &rules, "incident.not-reported")?;
    for notice in rules.notices.clone() {
        book.now = book.now.plus_seconds(1_200);
        book.step(&mut case, incident::Event::Notify { to: notice.to }, &rules, "notice within its time")?;
    }
    if case.at.case().told().iter().any(|told| told.late) {
        return Err(Fault::new(Code::Bug, "a notice was late"));
    }
    book.pass_days(1);
    book.step(&mut case, incident::Event::Handle, &rules, "access closed, keys changed")?;
    book.step(&mut case, incident::Event::Trace, &rules, "a token had been left in a script")?;
    book.step(&mut case, incident::Event::Summarise, &rules, "closing report")?;
    let other = book.paper("another manifest")?;
    book.refused(&case, incident::Event::Close { frozen: other }, &rules, "incident.evidence-changed")?;
    book.step(&mut case, incident::Event::Close { frozen }, &rules, "closed by the authority")?;
    book.step(&mut opened.case, authorisation::Event::CloseMatter { matter }, &opened.rules.clone(), "the matter is closed")
}

/// C5, L3: corrected in time, then opened again by the authority alone.
fn correction(book: &mut Book<'_>) -> Result<()> {
    book.chapter("a suspended tenant", "暂停的租户");
    let rules = book.rules().suspension();
    let mut tenant = Case::<suspension::Case>::new("bank");
    book.step(&mut tenant, suspension::Event::Open, &rules, "access of the bank")?;
    let what = Text::new("rotate every token, show the record", "更换全部令牌并提交记录");
    let until = book.now.plus_days(15);
    book.step(&mut tenant, suspension::Event::Order { what, until }, &rules, "correction within 15 days; access is closed")?;
    if tenant.at.case().may_operate() {
        return Err(Fault::new(Code::Bug, "the tenant operates under a correction"));
    }
    book.refused(&tenant, suspension::Event::Reopen, &rules, "correction.not-reported")?;
    book.pass_days(9);
    book.step(&mut tenant, suspension::Event::Report, &rules, "evidence of the correction")?;
    book.step(&mut tenant, suspension::Event::Reopen, &rules, "opened again")
}

/// A2: without its plan an authorisation stands still.
fn plan_withdrawn(book: &mut Book<'_>, opened: &mut Opened) -> Result<()> {
    book.chapter("an authorisation without its plan", "预案失效的授权");
    let rules = opened.rules.clone();
    book.step(&mut opened.case, authorisation::Event::PlanOut, &rules, "the plan is withdrawn: jobs are refused (A2)")?;
    show(book, opened)?;
    book.refused(&opened.case, authorisation::Event::Reopen, &rules, "authorisation.plan-missing")?;
    let plan = book.paper("contingency plan, second edition, after a drill (A3)")?;
    book.step(&mut opened.case, authorisation::Event::PlanIn { plan }, &rules, "the new plan")?;
    book.step(&mut opened.case, authorisation::Event::Reopen, &rules, "opened again")?;
    show(book, opened)
}
