//! Daily work: people, requests, silence, consent, quotas.

use super::book::{Book, Case};
use super::opening::{DATASET, Opened, PURPOSE, SCENARIO};
use crate::fault::{Code, Fault, Result};
use std::collections::{BTreeMap, BTreeSet};
use yu_governance::Error;
use yu_governance::canonical::{Hash, digest};
use yu_governance::clock::Time;
use yu_governance::consent::book::{ConsentBook, InstantQuery};
use yu_governance::consent::record::{ConsentEvidence, ConsentRecord, ConsentRevocation, SubjectRef};
use yu_governance::deadline::{Matter, ReviewClock, ReviewEvent, ReviewRecord, Reviewer, Seats, Status, Terms};
use yu_governance::finding::Finding;
use yu_governance::grant::Measures;
use yu_governance::id::{ColumnSet, DatasetId, JobId, Purpose, Scenario, document_hash};
use yu_governance::profile::DeemedConsent;
use yu_governance::quota::Ledger;
use yu_governance::text::Text;
use yu_governance::workflow::request::{self, Event};
use yu_governance::workflow::{Role, person};

pub(super) fn play(book: &mut Book<'_>, opened: &mut Opened) -> Result<()> {
    people(book)?;
    requests(book)?;
    silence(book)?;
    consent(book)?;
    quota(book, opened)
}

/// H1: nobody acts without the four evidences.
fn people(book: &mut Book<'_>) -> Result<()> {
    book.chapter("people", "人员");
    let rules = book.rules().person();
    let (mut analyst, until) = (Case::<person::Case>::new("analyst-7"), book.now.plus_years(1));
    book.step(&mut analyst, person::Event::Apply, &rules, "application of the bank")?;
    book.refused(&analyst, person::Event::Vet, &rules, "person.evidence")?;
    let last = person::Evidence::Nda;
    for evidence in person::Evidence::ALL.iter().copied().filter(|evidence| *evidence != last) {
        book.step(&mut analyst, person::Event::Prove { evidence, until }, &rules, "evidence for a year")?;
    }
    book.step(&mut analyst, person::Event::Vet, &rules, "real name and vetting accepted")?;
    book.refused(&analyst, person::Event::Activate, &rules, "person.evidence")?;
    book.step(&mut analyst, person::Event::Prove { evidence: last, until }, &rules, "agreement of secrecy with term and liability")?;
    book.step(&mut analyst, person::Event::Activate, &rules, "access is opened (H1, H3)")
}

/// One request is granted, one is refused with its reasons (A20, C3).
fn requests(book: &mut Book<'_>) -> Result<()> {
    book.chapter("requests for data", "数据申请");
    let rules = book.rules().request();
    let papers = [book.paper("three columns for the scenario")?, book.paper("the address of every patient")?];
    let submit = |application| Event::Submit { application, outside: BTreeSet::new(), higher_level: false };
    let (mut granted, mut refused) = (Case::<request::Case>::new("request-1"), Case::<request::Case>::new("request-2"));
    book.step(&mut granted, submit(papers[0]), &rules, "three columns for the scenario")?;
    if rules.checked_by.is_some() {
        book.step(&mut granted, Event::Check, &rules, "compliance check (C2)")?;
    }
    for reviewer in rules.reviewers.clone() {
        book.pass_days(1);
        book.step(&mut granted, Event::Approve { reviewer }, &rules, "approved within its limit (C3)")?;
    }
    book.step(&mut refused, submit(papers[1]), &rules, "the address of every patient")?;
    if let Some(by) = rules.checked_by {
        let reason = Text::new("addresses are not needed for the scenario (A5)", "住址非该场景所必需（A5）");
        return book.step(&mut refused, Event::Refuse { by, reason }, &rules, "the check refuses, with reasons");
    }
    book.refused(&refused, Event::Refuse { by: Role::Provider, reason: Text::new("", "") }, &rules, "workflow.reason-missing")?;
    let reason = Text::new("addresses are not needed for the scenario (A5)", "住址非该场景所必需（A5）");
    book.step(&mut refused, Event::Refuse { by: Role::Provider, reason }, &rules, "the provider refuses agreed data, with reasons")?;
    book.step(&mut refused, Event::Report, &rules, "the refusal is reported to the authority (A20)")?;
    let reason = Text::new("the provider is right", "提供单位意见成立");
    book.step(&mut refused, Event::Uphold { reason }, &rules, "the authority upholds it")
}

/// A reviewer says nothing: consent in one profile, a report in the others (C4).
fn silence(book: &mut Book<'_>) -> Result<()> {
    book.chapter("a reviewer who says nothing", "逾期未审");
    let application = book.paper("a third request")?;
    let seats = Seats {
        applicant: book.cast.one(Role::Licensee)?,
        operator: book.cast.one(Role::Platform)?,
        reviewer: book.cast.one(Role::Provider)?,
        role: Reviewer::SourceDepartment,
        clock_service: book.cast.one(Role::Clock)?,
        regulator: book.cast.one(Role::Regulator)?,
    };
    let terms = Terms::of(Matter::UseApproval, &book.profile, book.now);
    let mut clock = ReviewClock::new(application, Matter::UseApproval, seats, terms, BTreeSet::new())?;
    for event in [ReviewEvent::Submitted, ReviewEvent::Accepted, ReviewEvent::Delivered] {
        clock = recorded(book, &clock, event)?;
    }
    let Status::Running { due } = clock.status(book.now) else { return Err(Fault::new(Code::Bug, "the clock of a review stands")) };
    let Some(due) = due else {
        book.note("this profile sets no limit for the review: nothing lapses", "本规则集未规定审核期限，不发生逾期");
        return Ok(());
    };
    book.note(
        &format!("delivered; the last second of the review is {due}, working days of the calendar"),
        &format!("已送达；审核期限最后一秒为 {due}（按工作日历）"),
    );
    book.now = due;
    let profile = document_hash(book.profile.profile())?;
    let early = clock.deemed_consent(book.now, profile).err();
    book.denied(early, "review.not-deemed")?;
    book.now = due.plus_seconds(1);
    if terms.silence == DeemedConsent::Off {
        let refusal = clock.deemed_consent(book.now, profile).err();
        book.denied(refusal, "review.not-deemed")?;
        book.note(
            "a second later: a lapse, reported to the authority (C6); no consent",
            "一秒之后：逾期，报主管部门通报（C6），不视为同意",
        );
        return Ok(());
    }
    let statement = clock.deemed_consent(book.now, profile)?;
    let signed = book.publish(statement, &[Role::Clock, Role::Regulator])?;
    clock.accept_deemed(&signed, book.now, profile, &book.cast.ring)?;
    let rules = book.rules().request();
    let mut third = Case::<request::Case>::new("request-3");
    book.step(&mut third, Event::Submit { application, outside: BTreeSet::new(), higher_level: false }, &rules, "the request")?;
    book.step(&mut third, Event::Check, &rules, "compliance check")?;
    let (statement, paper) = (signed.payload.clone(), document_hash(&signed.payload)?);
    let other = yu_governance::deadline::DeemedConsent { application: paper, ..statement.clone() };
    book.refused(&third, Event::Lapse { reviewer: Role::Provider, statement: other }, &rules, "request.other-lapse")?;
    let lapse = |reviewer| Event::Lapse { reviewer, statement: statement.clone() };
    book.step_on(&mut third, lapse(Role::Provider), &rules, paper, "silence counts as consent (C4, ZW 21)")?;
    book.refused(&third, lapse(Role::Province), &rules, "request.no-deemed-consent")
}

fn recorded(book: &mut Book<'_>, clock: &ReviewClock, event: ReviewEvent) -> Result<ReviewClock> {
    let reviewer = event.is_of_one_reviewer().then(|| clock.seats().reviewer.clone());
    let signer = event.signer(clock.seats()).clone();
    let record = ReviewRecord { v: 1, application: clock.application(), reviewer, event, at: book.now };
    let signed = book.cast.sign(record, &[&signer])?;
    book.store(&signed)?;
    Ok(clock.record(&signed, book.now, &book.cast.ring, &book.calendar)?)
}

/// What a check found is a refusal here.
fn refusal<T>(checked: std::result::Result<T, Vec<Finding>>) -> Result<T> {
    checked.map_err(|found| found.first().map_or_else(|| Fault::new(Code::Refused, "refused"), Fault::from))
}

/// Three patients consent, one takes it back: its row is not in the next set (A15, L7).
fn consent(book: &mut Book<'_>) -> Result<()> {
    book.chapter("consent of the persons concerned", "数据主体同意");
    let provider = book.cast.one(Role::Provider)?;
    let (dataset, salt) = (DatasetId::new(DATASET)?, *digest("demo-salt", book.now.to_string().as_bytes()).as_bytes());
    let mut consents = ConsentBook::new(BTreeSet::from([provider.clone()]));
    let mut hashes = Vec::new();
    for subject in ["patient-1", "patient-2", "patient-3"] {
        let record = ConsentRecord {
            v: 1,
            dataset: dataset.clone(),
            subject: SubjectRef::new(&salt, &dataset, subject),
            scenario: Scenario::new(SCENARIO)?,
            purpose: Purpose::new(PURPOSE)?,
            items: ColumnSet::new(["age", "cost", "visits"])?,
            not_before: book.now,
            not_after: book.now.plus_years(1),
            evidence: ConsentEvidence::Signed { document: book.paper("consent form")? },
            attester: provider.clone(),
            at: book.now,
        };
        let signed = book.publish(record, &[Role::Provider])?;
        hashes.push(refusal(consents.add(&signed, &book.cast.ring))?);
    }
    let query = |at: Time| -> Result<InstantQuery> {
        let (scenario, purpose) = (Scenario::new(SCENARIO)?, Purpose::new(PURPOSE)?);
        Ok(InstantQuery { dataset: dataset.clone(), scenario, purpose, items: ColumnSet::new(["age", "cost"])?, at })
    };
    let before = refusal(consents.set_at(query(book.now)?))?.len();
    let first = *hashes.first().ok_or_else(|| Fault::new(Code::Bug, "no consent"))?;
    book.pass_days(2);
    let revocation =
        ConsentRevocation { v: 1, consent: first, by: provider, document: book.paper("the patient takes it back")?, at: book.now };
    let signed = book.publish(revocation, &[Role::Provider])?;
    refusal(consents.revoke(&signed, &book.cast.ring))?;
    let after = refusal(consents.set_at(query(book.now)?))?.len();
    book.note(
        &format!("{before} of 3 rows may enter a job; one consent is revoked; {after} in the next"),
        &format!("3 行中 {before} 行可进入任务；撤回一份同意后，下一次为 {after} 行"),
    );
    locked(book, &mut consents, &first)
}

/// The record outlives the consent.
fn locked(book: &mut Book<'_>, consents: &mut ConsentBook, consent: &Hash) -> Result<()> {
    let months = book.rules().log_retention.value.0;
    let found = consents.delete(consent, months, book.now).err().unwrap_or_default();
    let code = found.first().map(|finding| finding.code.clone()).unwrap_or_default();
    let what = found.first().map(|finding| finding.what.en.clone()).unwrap_or_default();
    let error = (code == "consent.retention-locked").then_some(Error::Refused { code: "consent.retention-locked", what });
    book.denied(error, "consent.retention-locked")
}

/// Three jobs are granted; a fourth is one too many (A19).
fn quota(book: &mut Book<'_>, opened: &Opened) -> Result<()> {
    book.chapter("jobs within the quota", "限额内的任务");
    let dataset = DatasetId::new(DATASET)?;
    let mut ledger = Ledger::new(opened.scope.quota.clone());
    let charge = |rows| BTreeMap::from([(dataset.clone(), Measures { uses: 1, rows, ..Measures::default() })]);
    for number in 1..=3_u8 {
        book.pass_days(30);
        if !opened.case.at.case().may_run(book.now) {
            return Err(Fault::new(Code::Bug, "the authorisation is not in force"));
        }
        let job = JobId(digest("demo-job", &[number]));
        ledger.reserve(job, &charge(20_000))?;
        ledger.commit(job, &charge(18_000))?;
        book.note(
            &format!("job {number}: 20000 rows set aside, 18000 used, {} used in all", ledger.used(&dataset).rows),
            &format!("任务 {number}：预留 20000 行，实用 18000 行，累计 {} 行", ledger.used(&dataset).rows),
        );
    }
    let error = ledger.reserve(JobId(digest("demo-job", &[4])), &charge(20_000)).err();
    book.denied(error, "quota.exhausted")
}
