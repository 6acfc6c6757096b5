//! Imports of own data (外部数据导入): requests of their holders, decisions of the authority (P4, D11).

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, all_of, refuse};
use super::Chapter;
use crate::fault::Result;
use crate::node::payload_hash;
use crate::procedure::law::Law;
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::finding::Finding;
use yu_governance::id::PartyName;
use yu_governance::import::{ImportDecision, ImportRequest, ImportState, Imports};
use yu_governance::sign::Signed;
use yu_governance::workflow::Role;

pub(super) const CHAPTER: Chapter =
    Chapter { name: "imports", title: ("imports of own data", "外部数据导入"), kinds: KINDS, tell, objections };

/// The chapter's kinds.
pub(crate) const KINDS: &[Kind] = &[Kind::of::<ImportRequest>(), Kind::of::<ImportDecision>()];

/// Requests and decisions as the docket makes them.
#[derive(Default)]
pub struct Intake(pub Imports);

impl Document for ImportRequest {
    const KIND: &'static str = "import-request";
    const TITLE: (&'static str, &'static str) = ("request to import own data", "外部数据导入申请");
    const EXAMPLE: &'static str = include_str!("imports/request.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.holder.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let request = &signed.payload;
        let may = [Role::Licensee, Role::Developer].into_iter().any(|role| moment.law.holders(role).contains(&request.holder));
        if !may {
            return Err(refuse("import.party", format!("`{}` is appointed neither as licensee nor as developer", request.holder)));
        }
        let hash = payload_hash(request)?;
        book.imports.0.ask(hash, request, moment.at).or_else(all_of)
    }
}

impl Document for ImportDecision {
    const KIND: &'static str = "import-decision";
    const TITLE: (&'static str, &'static str) = ("decision on an import", "外部数据导入决定");
    const EXAMPLE: &'static str = include_str!("imports/decision.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![law.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        book.imports.0.decide(&signed.payload, moment.at).or_else(all_of)
    }
}

fn words(state: &ImportState) -> (String, String) {
    match state {
        ImportState::Unknown => ("not asked for".into(), "未申请".into()),
        ImportState::Waits => ("waits for the authority".into(), "待主管部门决定".into()),
        ImportState::Approved(until) => (format!("approved until {until}"), format!("已批准，至 {until}")),
        ImportState::Refused => ("refused".into(), "已拒绝".into()),
        ImportState::Over => ("its time is over".into(), "已逾期".into()),
    }
}

fn tell(book: &Book, _: &Law, now: Time) -> Vec<(String, String)> {
    let told = book.imports.0.all().map(|(_, request, _)| {
        let (en, zh) = words(&book.imports.0.state(&request.dataset, &request.version, now));
        (format!("{} of {}: {en}", request.dataset, request.holder), format!("{}（{}）：{zh}", request.dataset, request.holder))
    });
    told.collect()
}

/// What no provider supplies has come in from outside: only as it was approved, and as long.
fn objections(book: &Book, contract: &Contract, law: &Law, now: Time) -> Vec<Finding> {
    let providers = law.holders(Role::Provider);
    let is_own = |input: &&yu_governance::contract::Input| !providers.iter().any(|who| who.organisation() == input.dataset.organisation());
    let of = |input: &yu_governance::contract::Input| {
        let state = book.imports.0.state(&input.dataset, &input.version, now);
        if matches!(state, ImportState::Approved(_)) {
            return None;
        }
        let (en, zh) = words(&state);
        Some(Finding::new(
            "import.unapproved",
            &input.dataset,
            (
                format!("`{}` in this version is no approved import: {en}", input.dataset),
                format!("`{}` 该版本未获准导入：{zh}", input.dataset),
            ),
            ("bring it in by `yu dataset import`", "请用 yu dataset import 导入"),
        ))
    };
    contract.inputs.iter().filter(is_own).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::rig::{Court, hash, party};
    use super::*;
    use yu_governance::import::ImportVerdict;
    use yu_governance::text::Text;

    fn request() -> ImportRequest {
        toml::from_str(ImportRequest::EXAMPLE).unwrap()
    }

    fn code<T>(result: Result<T>) -> String {
        result.err().unwrap().detail.split(':').next().unwrap().to_owned()
    }

    fn decision(request: yu_governance::canonical::Hash, decision: ImportVerdict, at: Time) -> ImportDecision {
        ImportDecision { v: 1, request, decision, at }
    }

    #[test]
    fn p4_d11_nothing_comes_in_without_the_authoritys_decision() {
        let mut court = Court::new("zhejiang");
        let state = |court: &Court| court.book.imports.0.state(&request().dataset, &request().version, court.at);
        // nobody asks for another, nobody but the authority decides
        assert_eq!(court.file(request(), &["health"]).unwrap_err().code, crate::fault::Code::Signature);
        let asked = court.file(request(), &["bank"]).unwrap();
        assert_eq!(state(&court), ImportState::Waits);
        let yes = ImportVerdict::Approved { until: court.at.plus_days(10) };
        let approve = decision(asked, yes.clone(), court.at);
        assert_eq!(court.file(approve.clone(), &["bank"]).unwrap_err().code, crate::fault::Code::Signature);
        assert_eq!(code(court.file(decision(hash("another"), yes, court.at), &["authority"])), "import.unknown");
        court.file(approve, &["authority"]).unwrap();
        assert!(matches!(state(&court), ImportState::Approved(_)));
        // another version of the same is another import; a second decision changes nothing
        assert_eq!(court.book.imports.0.state(&request().dataset, &hash("other file"), court.at), ImportState::Unknown);
        let no = ImportVerdict::Refused { reason: Text::new("no", "否") };
        assert_eq!(code(court.file(decision(asked, no, court.at), &["authority"])), "import.decided");
        court.pass_days(11);
        assert_eq!(state(&court), ImportState::Over, "an approval ends");
    }

    #[test]
    fn p4_what_is_wrong_with_a_file_or_a_request_is_named_at_once() {
        let mut court = Court::new("zhejiang");
        let mut bad = request();
        (bad.source, bad.report.macros, bad.report.formulas) = (String::new(), true, 3);
        bad.report.columns[1].identifiers = Some("mobile".into());
        let fault = court.file(bad, &["bank"]).unwrap_err();
        for code in ["import.provenance", "import.macros", "import.formulas", "import.identifiers"] {
            assert!(fault.detail.contains(code), "{code}: {fault}");
        }
        assert!(!fault.detail.contains("import.holder"), "{fault}");
        // under another's name, by somebody with no such role, too long
        let foreign = ImportRequest { holder: party("studio"), ..request() };
        assert_eq!(code(court.file(foreign, &["studio"])), "import.holder");
        let health = ImportRequest { holder: party("health"), dataset: "dev/health/x".parse().unwrap(), ..request() };
        assert_eq!(code(court.file(health, &["health"])), "import.party");
        let late = ImportRequest { until: request().at.plus_days(91), ..request() };
        assert_eq!(code(court.file(late, &["bank"])), "import.dates");
        let undeclared = |personal| {
            let mut request = request();
            request.report.personal = personal;
            request
        };
        assert_eq!(code(court.file(undeclared(false), &["bank"])), "import.identifiers");
        // a refusal has a reason, and what waits too long is over
        let asked = court.file(undeclared(true), &["bank"]).unwrap();
        assert_eq!(code(court.file(ImportRequest { at: court.at, ..request() }, &["bank"])), "import.known");
        let no = |en: &str| decision(asked, ImportVerdict::Refused { reason: Text::new(en, en) }, request().at);
        assert_eq!(code(court.file(no(""), &["authority"])), "import.reason");
        court.pass_days(70);
        assert_eq!(code(court.file(no("late"), &["authority"])), "import.over");
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("over"));
    }
}
