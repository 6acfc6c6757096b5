//! An authorisation step by step under a profile with experts: what the machine asks for, with the roles and keys of a town.

use super::super::super::super::rig::{Court, hash, party, time};
use crate::procedure::kind::Procedure as _;
use std::collections::BTreeMap;
use yu_governance::clock::Time;
use yu_governance::text::Text;
use yu_governance::workflow::authorisation::{Case, Event, Stage, State};
use yu_governance::workflow::dossier::{Opinion, ReviewForm, Score};
use yu_governance::workflow::{Machine as _, Replayed, Role, Signer};

/// Where applications end.
const CLOSES: &str = "2026-07-01T00:00:00Z";

struct Desk {
    court: Court,
    here: Replayed<Case>,
}

impl Desk {
    fn new(profile: &str) -> Self {
        let mut court = Court::new(profile);
        ["expert-one", "expert-two"].into_iter().for_each(|org| court.appoint(Role::Expert, org));
        Self { court, here: Replayed::new("dev/authority/a-1") }
    }

    /// One more step, signed by these.
    fn step(&mut self, event: Event, by: &[(Role, &str)]) -> Result<(), String> {
        let rules = Case::rules(self.court.law.rules());
        let signers = by.iter().map(|(role, org)| Signer { role: *role, party: party(org) }).collect();
        let arrow = self.here.arrow(event, signers, hash("evidence"), self.court.at, &rules).map_err(|e| e.to_string())?;
        let mut orgs: Vec<&str> = by.iter().map(|(_, org)| *org).collect();
        orgs.dedup();
        let signed = self.court.signed(arrow, &orgs);
        let law = &self.court.law;
        self.here = self.here.follow(&signed, self.court.at, &rules, &law.roster, &law.ring).map_err(|e| e.to_string())?;
        Ok(())
    }

    fn announce(&mut self) {
        let opens = self.court.at;
        let event = Event::Announce { announcement: hash("announcement"), opens, closes: time(CLOSES) };
        self.step(event, &[(Role::Authority, "authority")]).unwrap();
    }

    fn apply(&mut self, until: Time) -> Result<(), String> {
        let rules = Case::rules(self.court.law.rules());
        let qualifications: BTreeMap<String, Time> = rules.qualifications.iter().map(|name| (name.clone(), until)).collect();
        let event = Event::Apply {
            announcement: hash("announcement"),
            documents: rules.documents,
            test_report: Some(hash("report of the laboratory")),
            qualifications,
        };
        self.step(event, &[(Role::Licensee, "bank")])
    }

    /// The next stage of the profile, by whoever signs it.
    fn pass(&mut self, stage: Stage) -> Result<(), String> {
        let rules = Case::rules(self.court.law.rules());
        let closed = |at: Stage| (rules.form_at == Some(at)).then(form);
        let authority = [(Role::Authority, "authority")];
        match stage {
            Stage::Completeness => self.step(Event::Complete, &authority),
            Stage::Preliminary => self.step(Event::Review { form: closed(stage) }, &authority),
            Stage::Expert => self.assess(&["expert", "expert-one", "expert-two"], &[]),
            Stage::Meeting => {
                let by: Vec<(Role, &str)> = rules
                    .decide_by
                    .iter()
                    .map(|role| (*role, if *role == Role::Coordination { "coordination" } else { "government" }))
                    .collect();
                self.step(Event::Decide, &by)
            }
            Stage::Publication => self.step(Event::Publish, &authority),
            Stage::Filing => self.step(Event::File { receipt: hash("receipt") }, &authority),
            Stage::Agreement => {
                let (not_before, not_after) = (self.court.at, self.court.at.plus_years(1));
                let event = Event::Agree { agreement: hash("agreement"), not_before, not_after, longer: None };
                self.step(event, &[(Role::Authority, "authority"), (Role::Licensee, "bank")])
            }
            Stage::Stamp => self.step(Event::Stamp { agreement: hash("agreement") }, &authority),
            other => panic!("{other} is not of this profile"),
        }
    }

    fn assess(&mut self, experts: &[&str], interested: &[&str]) -> Result<(), String> {
        let opinions: Vec<Opinion> = experts
            .iter()
            .map(|org| Opinion {
                expert: party(org),
                conflict_of_interest: interested.contains(org).then(|| Text::new("holds shares", "持有股份")),
                favours: true,
                text: hash(org),
            })
            .collect();
        let signers: Vec<(Role, &str)> =
            std::iter::once((Role::Authority, "authority")).chain(experts.iter().map(|org| (Role::Expert, *org))).collect();
        self.step(Event::Assess { opinions, form: Some(form()) }, &signers)
    }

    fn until(&mut self, last: Stage) {
        let rules = Case::rules(self.court.law.rules());
        while let Some(stage) = self.here.case().awaited(&rules).filter(|stage| *stage != last) {
            self.pass(stage).unwrap();
        }
    }
}

fn form() -> ReviewForm {
    let score = || Some(Score { points: 90, remark: Text::new("fine", "合格") });
    ReviewForm { applicant: score(), market: score(), security: score(), plan: score() }
}

#[test]
fn a25_opinions_are_signed_free_of_interest_and_counted() {
    let mut desk = Desk::new("ningbo");
    desk.announce();
    desk.apply(time("2030-01-01T00:00:00Z")).unwrap();
    desk.until(Stage::Expert);
    let refused = |desk: &mut Desk, experts: &[&str], interested: &[&str]| {
        desk.assess(experts, interested).unwrap_err().split(':').next().unwrap().to_owned()
    };
    let all = ["expert", "expert-one", "expert-two"];
    assert_eq!(refused(&mut desk, &all[..2], &[]), "opinion.too-few");
    assert_eq!(refused(&mut desk, &all, &["expert-one"]), "opinion.conflict");
    assert_eq!(refused(&mut desk, &["expert", "expert", "expert-two"], &[]), "opinion.twice");
    // whoever is not appointed as an expert has no opinion that counts
    assert!(refused(&mut desk, &["expert", "expert-one", "platform"], &[]).starts_with("workflow."));
    // nor does an opinion that its expert has not signed
    let opinions = all.map(|org| Opinion { expert: party(org), conflict_of_interest: None, favours: true, text: hash(org) }).to_vec();
    let unsigned = Event::Assess { opinions, form: Some(form()) };
    let by = [(Role::Authority, "authority"), (Role::Expert, "expert"), (Role::Expert, "expert-one")];
    assert!(desk.step(unsigned, &by).unwrap_err().starts_with("workflow.role"));
    // the stage is not left out
    assert!(desk.pass(Stage::Meeting).unwrap_err().starts_with("stage.skipped"));
    desk.assess(&all, &[]).unwrap();
    assert_eq!(desk.here.case().state_at(desk.court.at), State::Assessed);
}

#[test]
fn a23_a22_applications_come_in_the_window_and_expired_proof_opens_nothing() {
    let mut desk = Desk::new("ningbo");
    assert!(desk.apply(time("2030-01-01T00:00:00Z")).unwrap_err().starts_with("workflow.no-arrow"), "without an announcement");
    desk.announce();
    let at = desk.court.at;
    desk.court.at = time(CLOSES);
    assert!(desk.apply(time("2030-01-01T00:00:00Z")).unwrap_err().starts_with("apply.outside-window"));
    desk.court.at = at;
    // the proofs end while the application is judged
    desk.apply(at.plus_days(10)).unwrap();
    desk.court.pass_days(10);
    let rules = Case::rules(desk.court.law.rules());
    while let Some(stage) = desk.here.case().awaited(&rules) {
        desk.pass(stage).unwrap();
    }
    let authority = [(Role::Authority, "authority")];
    assert!(desk.step(Event::Activate, &authority).unwrap_err().starts_with("authorisation.plan-missing"));
    desk.step(Event::PlanIn { plan: hash("plan") }, &authority).unwrap();
    assert!(desk.step(Event::Activate, &authority).unwrap_err().starts_with("qualification.expired"));
    let names: Vec<String> = rules.qualifications.iter().cloned().collect();
    let both = [(Role::Licensee, "bank"), (Role::Authority, "authority")];
    let qualify = |name: &str, until| Event::Qualify { name: name.into(), until };
    let later = desk.court.at.plus_years(1);
    // the authority has seen the proof, and it is one
    assert!(desk.step(qualify(&names[0], later), &both[..1]).unwrap_err().starts_with("workflow.role"));
    let now = desk.court.at;
    assert!(desk.step(qualify(&names[0], now), &both).unwrap_err().starts_with("qualification.expired"));
    for (place, name) in names.iter().enumerate() {
        assert!(desk.step(Event::Activate, &authority).unwrap_err().starts_with("qualification.expired"), "{place} of {names:?}");
        desk.step(qualify(name, later), &both).unwrap();
    }
    desk.step(Event::Activate, &authority).unwrap();
    assert!(desk.here.case().may_run(desk.court.at));
}
