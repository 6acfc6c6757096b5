//! From the announcement to the first day on which jobs may run.

use super::book::{Book, Case};
use crate::fault::{Code, Fault, Result};
use crate::home::Home;
use crate::vault::Vault;
use std::collections::{BTreeMap, BTreeSet};
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::grant::agreement::Versions;
use yu_governance::grant::{Agreement, LabGrant, LabReport, Measures, Scope};
use yu_governance::id::{AuthorisationId, ColumnSet, DatasetId, Purpose, Scenario, document_hash};
use yu_governance::register::{Facts, FilingPackage, Receipt, Register};
use yu_governance::text::Text;
use yu_governance::workflow::authorisation::{self, Event, Stage, State};
use yu_governance::workflow::dossier::{Announcement, Opinion, ReviewForm, Score};
use yu_governance::workflow::{Machine as _, Role, Word as _};

pub(super) const ID: &str = "dev/data-bureau/credit-2025";
pub(super) const SCENARIO: &str = "inclusive-credit";
pub(super) const PURPOSE: &str = "joint-statistics";
pub(super) const DATASET: &str = "dev/hospital/visits";
/// Days on which applications are taken.
const WINDOW: i64 = 30;
/// Years of the term.
const TERM: i32 = 3;

/// An authorisation in force.
pub(super) struct Opened {
    pub(super) case: Case<authorisation::Case>,
    pub(super) rules: authorisation::Rules,
    pub(super) id: AuthorisationId,
    pub(super) scope: Scope,
    pub(super) register: Register,
    /// Where the data lie from activation to destruction.
    pub(super) vault: Vault,
}

/// Name of the data in the vault.
pub(super) const HELD: &str = "authorisation-credit-2025";
pub(super) const TEXT: &[u8] = b"age,cost,visits\n61,1200.5,3\n";

pub(super) fn scope(from: Time) -> Result<Scope> {
    let dataset = DatasetId::new(DATASET)?;
    let most = Measures { uses: 3, rows: 100_000, ..Measures::default() };
    Ok(Scope {
        datasets: BTreeMap::from([(dataset.clone(), ColumnSet::new(["age", "cost", "visits"])?)]),
        purposes: BTreeSet::from([Purpose::new(PURPOSE)?]),
        quota: BTreeMap::from([(dataset, most)]),
        not_before: from,
        not_after: from.plus_years(TERM),
    })
}

pub(super) fn play(book: &mut Book<'_>) -> Result<Opened> {
    book.chapter("from the announcement to the agreement", "从公告到协议");
    let rules = book.rules().authorisation();
    let mut case = Case::new("credit-2025");
    let id = AuthorisationId::new(ID)?;
    let announcement = announce(book, &mut case, &rules, &id)?;
    let report = if rules.test_report { Some(laboratory(book)?) } else { None };
    apply(book, &mut case, &rules, announcement, report)?;
    let scope = scope(book.now.plus_days(60))?;
    stages(book, &mut case, &rules, &id, &scope)?;
    activate(book, &mut case, &rules)?;
    let vault = supply(book)?;
    let authority = book.cast.one(Role::Authority)?;
    let mut opened = Opened { case, rules, id, scope, register: Register::new(authority), vault };
    show(book, &mut opened)?;
    Ok(opened)
}

/// Brings the public register up to date (A11).
pub(super) fn show(book: &mut Book<'_>, opened: &mut Opened) -> Result<()> {
    let facts = Facts { operator: "bank".into(), scenario: Scenario::new(SCENARIO)?, case: opened.case.at.case().clone() };
    let shown = book.rules().register();
    for item in opened.register.updates(&BTreeMap::from([(opened.id.clone(), facts)]), shown, book.now)? {
        let signed = book.publish(item, &[Role::Authority])?;
        opened.register.follow(&signed, &book.cast.ring)?;
    }
    let lines = opened.register.lines().len();
    let active = opened.register.lines().values().filter(|line| line.active).count();
    book.note(&format!("public register: {lines} line(s), {active} active"), &format!("公示名录：{lines} 项，其中生效 {active} 项"));
    Ok(())
}

/// With activation the data come into a vault of their own, encrypted under one key.
fn supply(book: &Book<'_>) -> Result<Vault> {
    let home = Home::new(book.folder().join("vault"));
    home.create()?;
    let vault = Vault::create(&home)?;
    vault.put(HELD, TEXT)?;
    book.note("the data are supplied and lie encrypted in a vault of the authorisation", "数据已供给，加密存放于该授权的专用保管库");
    Ok(vault)
}

fn announce(book: &mut Book<'_>, case: &mut Case<authorisation::Case>, rules: &authorisation::Rules, id: &AuthorisationId) -> Result<Hash> {
    let announcement = Announcement {
        v: 1,
        id: id.clone(),
        authority: book.cast.one(Role::Authority)?,
        fields: vec![Text::new("finance for small firms", "普惠金融")],
        conditions: Text::new("admission conditions of the measures", "符合办法规定的准入条件"),
        review_rules: Text::new("four sections, three experts", "四项评分，三名专家"),
        opens: book.now,
        closes: book.now.plus_days(WINDOW),
    };
    let event = announcement.event()?;
    let signed = book.publish(announcement, &[Role::Authority])?;
    book.step(case, event, rules, "announcement with conditions and window")?;
    Ok(document_hash(&signed.payload)?)
}

/// A stay in the data lab: development only, free, half a year at most, with a report (A7).
fn laboratory(book: &mut Book<'_>) -> Result<Hash> {
    let (authority, months) = (book.cast.one(Role::Authority)?, book.rules().lab());
    let mut lab = LabGrant {
        v: 1,
        id: AuthorisationId::new("dev/data-bureau/lab-2025")?,
        authority: authority.clone(),
        applicant: "bank".into(),
        datasets: BTreeSet::from([DatasetId::new("dev/hospital/visits-simulated")?]),
        development: Text::new("joint statistics on simulated rows", "在模拟数据上进行联合统计"),
        market: Text::new("credit lines for small firms", "小微企业授信"),
        price: 0,
        not_before: book.now,
        not_after: yu_governance::calendar::Calendar::months_after(book.now, months.months).plus_days(1),
    };
    let long = book.cast.sign(lab.clone(), &[&authority])?;
    let refusal = LabGrant::verify(&long, std::slice::from_ref(&authority), &book.cast.ring, months).err();
    book.denied(refusal, "lab.term")?;
    lab.not_after = book.now.plus_days(20);
    let signed = book.publish(lab, &[Role::Authority])?;
    let lab = LabGrant::verify(&signed, std::slice::from_ref(&authority), &book.cast.ring, months)?.clone();
    book.pass_days(20);
    let report = LabReport {
        v: 1,
        lab: lab.id.clone(),
        grant: document_hash(&lab)?,
        authority,
        platform: book.cast.one(Role::Platform)?,
        jobs: 4,
        used: lab.datasets.clone(),
        security_events: 0,
        assessment: Text::new("answers are stable, no security event", "结果稳定，无安全事件"),
        at: book.now,
    };
    let signed = book.publish(report, &[Role::Platform, Role::Authority])?;
    let hash = LabReport::verify(&signed, &lab, &book.cast.ring)?;
    book.note("20 days in the data lab, price 0, report issued by the authority (A7)", "数据实验室 20 天，免费，主管部门出具报告（A7）");
    Ok(hash)
}

fn apply(
    book: &mut Book<'_>,
    case: &mut Case<authorisation::Case>,
    rules: &authorisation::Rules,
    announcement: Hash,
    report: Option<Hash>,
) -> Result<()> {
    let until = book.now.plus_years(TERM + 1);
    let qualifications: BTreeMap<String, Time> = rules.qualifications.iter().map(|name| (name.clone(), until)).collect();
    let held: BTreeSet<String> = rules.documents.iter().skip(rules.documents.len().min(3)).cloned().collect();
    let apply =
        |announcement, documents| Event::Apply { announcement, documents, test_report: report, qualifications: qualifications.clone() };
    let other = book.paper("the announcement of another year")?;
    book.refused(case, apply(other, held.clone()), rules, "apply.other-announcement")?;
    book.step(case, apply(announcement, held), rules, "application of the bank")?;
    let gaps = case.at.case().gaps(rules);
    if !gaps.is_empty() {
        book.refused(case, Event::Complete, rules, "dossier.gaps")?;
        let told = gaps.len();
        book.step(case, Event::Notify { missing: gaps.clone() }, rules, &format!("one notice with all {told} gaps (A8)"))?;
        book.pass_days(5);
        book.step(case, Event::Supplement { documents: gaps }, rules, "the missing documents")?;
    }
    Ok(())
}

/// Every stage of the profile in its order (A9).
fn stages(
    book: &mut Book<'_>,
    case: &mut Case<authorisation::Case>,
    rules: &authorisation::Rules,
    id: &AuthorisationId,
    scope: &Scope,
) -> Result<()> {
    let mut agreement = None;
    let mut is_skipped = false;
    while let Some(stage) = case.at.case().awaited(rules) {
        if !is_skipped && stage != Stage::Agreement {
            is_skipped = true;
            let early = book.paper("an agreement before its time")?;
            let event = Event::Agree { agreement: early, not_before: scope.not_before, not_after: scope.not_after, longer: None };
            book.refused(case, event, rules, "stage.skipped")?;
        }
        book.pass_days(3);
        let form = (rules.form_at == Some(stage)).then(form);
        let (event, why) = match stage {
            Stage::Completeness => (Event::Complete, "all documents are there".to_owned()),
            Stage::Preliminary => (Event::Review { form }, "preliminary review".into()),
            Stage::Expert => (Event::Assess { opinions: opinions(book)?, form }, "three opinions without an interest (A25)".into()),
            Stage::Meeting => (Event::Decide, "minutes of the meeting".into()),
            Stage::Publication => (Event::Publish, "published list".into()),
            Stage::Filing => (Event::File { receipt: filing(book, id)? }, "filed with the province (A12)".into()),
            Stage::Scheme => (Event::Adopt, "implementation plan adopted (A26)".into()),
            Stage::Selection => (Event::Select, "record of a fair selection (A26)".into()),
            Stage::Agreement => {
                let hash = agree(book, id, scope)?;
                agreement = Some(hash);
                let event = Event::Agree { agreement: hash, not_before: scope.not_before, not_after: scope.not_after, longer: None };
                (event, format!("agreement for {TERM} years (A4, A13)"))
            }
            Stage::Stamp => {
                let agreement = agreement.ok_or_else(|| Fault::new(Code::Bug, "a seal before the agreement"))?;
                (Event::Stamp { agreement }, "contract seal (A24)".into())
            }
        };
        book.step(case, event, rules, &why)?;
    }
    Ok(())
}

fn form() -> ReviewForm {
    let score = |points| Some(Score { points, remark: Text::new("as the form asks", "按评审表填写") });
    ReviewForm { applicant: score(92), market: score(85), security: score(90), plan: score(88) }
}

fn opinions(book: &Book<'_>) -> Result<Vec<Opinion>> {
    let experts = book.cast.all(Role::Expert);
    let opinion = |expert| Ok(Opinion { expert, conflict_of_interest: None, favours: true, text: book.paper("written opinion")? });
    experts.into_iter().map(opinion).collect()
}

fn filing(book: &mut Book<'_>, id: &AuthorisationId) -> Result<Hash> {
    let names = ["report", "scenario", "draft-agreement", "expert-opinion", "minutes"];
    let documents = names.iter().map(|name| Ok(((*name).to_owned(), book.paper(name)?))).collect::<Result<_>>()?;
    let authority = book.cast.one(Role::Authority)?;
    let package = FilingPackage { v: 1, authorisation: id.clone(), authority, through: None, documents, at: book.now };
    let signed = book.publish(package, &[Role::Authority])?;
    let receiver = book.cast.one(Role::Province)?;
    let receipt =
        Receipt { v: 1, package: document_hash(&signed.payload)?, receiver: receiver.clone(), number: "2025-017".into(), at: book.now };
    let receipt = book.publish(receipt, &[Role::Province])?;
    Ok(Receipt::verify(&receipt, &signed.payload, &receiver, &book.cast.ring)?)
}

fn agree(book: &mut Book<'_>, id: &AuthorisationId, scope: &Scope) -> Result<Hash> {
    let rules = book.rules().agreement();
    let sides = [book.cast.one(Role::Authority)?, book.cast.one(Role::Licensee)?];
    let agreement = Agreement {
        v: 1,
        grant: id.clone(),
        version: 1,
        supersedes: None,
        sides,
        clauses: rules.required.iter().map(|clause| (*clause, Text::new(clause.as_str(), clause.zh()))).collect(),
        annex: scope.clone(),
        tariffs: BTreeMap::from([("joint-statistics".to_owned(), "12000".to_owned())]),
        at: book.now,
    };
    let signed = book.publish(agreement, &[Role::Authority, Role::Licensee])?;
    let mut versions = Versions::new();
    Ok(versions.add(&signed, id, scope, &rules, &book.cast.ring)?)
}

fn activate(book: &mut Book<'_>, case: &mut Case<authorisation::Case>, rules: &authorisation::Rules) -> Result<()> {
    while book.now < case.at.case().term().map_or(book.now, |(from, _)| from) {
        book.pass_days(1);
    }
    book.refused(case, Event::Activate, rules, "authorisation.plan-missing")?;
    let plan = book.paper("contingency plan: scope, contacts, steps, drills")?;
    book.step(case, Event::PlanIn { plan }, rules, "contingency plan (A2)")?;
    book.step(case, Event::Activate, rules, "access is opened (H3)")?;
    if case.at.case().state_at(book.now) == State::Active { Ok(()) } else { Err(Fault::new(Code::Bug, "it is not active")) }
}
