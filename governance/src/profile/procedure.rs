//! A profile's values as the rules of the procedures ([`crate::workflow`], [`crate::grant`], [`crate::register`]).
//!
//! Here words of the rule texts become roles and stages of machines; nothing is added but what [`EXPERTS`] says.

use std::collections::{BTreeMap, BTreeSet};

use super::choice::{
    Actor, Approver, Clause, DeemedConsent, Document, Evidence, Gate, JointReview, Mode, Protection, RegisterItem, RegisterMoment, Stage,
    SubjectData,
};
use super::table::Rules;
use super::value::{Named, Renewal};
use crate::clock::Time;
use crate::consent::protect::{Need, SensitiveRules};
use crate::grant::agreement::{self, AgreementRules};
use crate::grant::lab::LabRules;
use crate::grant::tree::TreeRules;
use crate::register::feed::{Shown, When};
use crate::workflow::authorisation::{self, StageRule};
use crate::workflow::{Role, incident, person, product, request, suspension};

/// Opinions without an interest of the expert's own that an assessment takes: no text names a number, and with one alone nobody is contradicted.
pub const EXPERTS: u32 = 3;
/// A grant to a first-level operator, and what it grants (ZZ 7).
const TIERS: u32 = 2;
/// Seconds of an hour.
const HOUR: u64 = 3_600;

/// In which role an actor signs. The organs of supervision are one role: each watches, none operates.
const fn role(actor: Actor) -> Role {
    match actor {
        Actor::Authority => Role::Authority,
        Actor::ProvincialAuthority => Role::Province,
        Actor::Government => Role::Government,
        Actor::Cyberspace | Actor::Police | Actor::Security | Actor::Cryptography | Actor::Secrecy => Role::Regulator,
        Actor::Sector => Role::Sector,
        Actor::Platform => Role::Platform,
        Actor::FirstLevel | Actor::Licensee => Role::Licensee,
        Actor::Developer => Role::Developer,
    }
}

const fn decider(approver: Approver) -> Role {
    match approver {
        Approver::PlatformRules | Approver::Platform => Role::Platform,
        Approver::FirstLevel => Role::Licensee,
        Approver::Authority => Role::Authority,
    }
}

/// The stage of the machine, and who signs that it is done, or refuses there. The announcement and the laboratory come before the application; a decision
/// after a meeting is one stage with it, which both sign ([`Rules::deciders`]).
const fn stage(stage: Stage) -> Option<(authorisation::Stage, Role)> {
    use authorisation::Stage as S;
    match stage {
        Stage::Announcement | Stage::Laboratory => None,
        Stage::ImplementationPlan => Some((S::Scheme, Role::Government)),
        Stage::Selection => Some((S::Selection, Role::Authority)),
        Stage::PreliminaryReview => Some((S::Preliminary, Role::Authority)),
        Stage::ExpertReview => Some((S::Expert, Role::Authority)),
        Stage::Meeting => Some((S::Meeting, Role::Coordination)),
        Stage::Decision => Some((S::Meeting, Role::Government)),
        Stage::Publication => Some((S::Publication, Role::Authority)),
        Stage::Filing => Some((S::Filing, Role::Authority)),
        Stage::Agreement => Some((S::Agreement, Role::Authority)),
        Stage::Stamp => Some((S::Stamp, Role::Authority)),
    }
}

const fn evidence(evidence: Evidence) -> person::Evidence {
    match evidence {
        Evidence::Training => person::Evidence::Training,
        Evidence::RealName => person::Evidence::RealName,
        Evidence::Vetting => person::Evidence::Vetting,
        Evidence::NonDisclosure => person::Evidence::Nda,
    }
}

/// The clause of the agreement's form; what stands in the grant itself (scenario, causes of the end) has none.
const fn clause(clause: Clause) -> Option<agreement::Clause> {
    use agreement::Clause as C;
    match clause {
        Clause::RightsAndDuties => Some(C::RightsAndDuties),
        Clause::Scope | Clause::Scenario | Clause::Conditions => Some(C::Scope),
        Clause::Term => Some(C::Term),
        Clause::Revenue => Some(C::Revenue),
        Clause::Fees => Some(C::Fees),
        Clause::Security => Some(C::Security),
        Clause::AssetDisposal => Some(C::AssetDisposal),
        Clause::Exit | Clause::Termination => Some(C::Exit),
        Clause::Liability => Some(C::Liability),
        Clause::Forbidden => Some(C::Prohibitions),
        Clause::Credit => Some(C::Credit),
        Clause::Exchange => Some(C::ExchangeEntry),
    }
}

impl Rules {
    /// Which stages an authorisation passes, in whose hands (A8-A10, A22-A26).
    #[must_use]
    pub fn authorisation(&self) -> authorisation::Rules {
        let mut order: Vec<StageRule> = Vec::new();
        let mut add = |(stage, by)| {
            if !order.iter().any(|rule| rule.stage == stage) {
                order.push(StageRule { stage, by });
            }
        };
        let is_before =
            |stage: &&Stage| matches!(stage, Stage::Announcement | Stage::ImplementationPlan | Stage::Selection | Stage::Laboratory);
        let stages = &self.stages.value.0;
        stages.iter().take_while(is_before).filter_map(|s| stage(*s)).for_each(&mut add);
        add((authorisation::Stage::Completeness, Role::Authority));
        stages.iter().filter_map(|s| stage(*s)).for_each(&mut add);
        let expert = stages.contains(&Stage::ExpertReview);
        let form_at = if expert { Some(authorisation::Stage::Expert) } else { Some(authorisation::Stage::Preliminary) };
        let mut qualifications = BTreeSet::from(["admission".to_owned(), "security-officer".to_owned()]);
        qualifications.insert(format!("no-incident-{}-years", self.incident_free.value.0));
        authorisation::Rules {
            form_at: form_at.filter(|at| order.iter().any(|rule| rule.stage == *at)),
            order,
            stamp: self.stamp.value == Gate::Required,
            max_term_years: i32::try_from(self.term.value.0).unwrap_or(i32::MAX),
            documents: self.dossier.value.0.iter().map(|document| document_name(*document)).collect(),
            qualifications,
            test_report: self.dossier.value.0.contains(&Document::TestReport),
            experts: EXPERTS,
            decide_by: self.deciders(),
            agreement_by: vec![Role::Authority, Role::Licensee],
            plan_by: self.plan_owners.value.0.iter().map(|actor| role(*actor)).collect::<BTreeSet<_>>().into_iter().collect(),
            suspend_by: self.suspenders(),
            terminate_by: self.terminators(),
        }
    }

    /// The body that deliberates and the government that decides: those of the two that the profile has.
    fn deciders(&self) -> Vec<Role> {
        let both = [(Stage::Meeting, Role::Coordination), (Stage::Decision, Role::Government)];
        both.into_iter().filter(|(stage, _)| self.stages.value.0.contains(stage)).map(|(_, role)| role).collect()
    }

    /// The coordination body that deliberated on the authorisation deliberates on its end as well (审议给予、终止或撤销: NB 5, TZ 二(二)); where none sits,
    /// the authority ends it alone.
    fn terminators(&self) -> Vec<Role> {
        let deliberates = self.stages.value.0.contains(&Stage::Meeting);
        std::iter::once(Role::Authority).chain(deliberates.then_some(Role::Coordination)).collect()
    }

    fn suspenders(&self) -> Vec<Role> {
        self.may_suspend.value.0.iter().map(|actor| role(*actor)).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Who approves a request for data (C2, C3), and whose silence counts (C4).
    #[must_use]
    pub fn request(&self) -> request::Rules {
        let is_deemed = self.deemed_consent.value == DeemedConsent::On;
        // ZW 21 names source department, county authority and operator; the other texts the provider (TZ 四(二), A20)
        let reviewers =
            if is_deemed { BTreeSet::from([Role::Provider, Role::County, Role::Platform]) } else { BTreeSet::from([Role::Provider]) };
        let deemed = if is_deemed { reviewers.clone() } else { BTreeSet::new() };
        request::Rules { checked_by: is_deemed.then_some(Role::Checker), reviewers, higher_level: Role::Province, deemed }
    }

    /// Who decides on products, and whether they are filed (O2, O3).
    #[must_use]
    pub fn product(&self) -> product::Rules {
        let first = decider(self.product_approver.value);
        // there is one authority: who signs beside it is a reviewer, or nobody could decide where two signatures are asked for
        let beside = if first == Role::Authority { Role::Reviewer } else { first };
        let mut decided_by = vec![first];
        decided_by.resize(self.release_signatures.value.0.max(1) as usize, beside);
        let together = self.product_joint_review.value != JointReview::No;
        // the authority together with the sector (ZZ 21); once, if it decides already
        let joint = [Role::Authority, Role::Sector].into_iter().filter(|role| together && !decided_by.contains(role)).collect();
        product::Rules {
            checked_by: Role::Checker,
            decided_by,
            sensitive_by: joint,
            filed_with: (self.product_filing.value == Gate::Required).then_some(Role::Authority),
            listed_by: Role::Platform,
            delisted_by: vec![Role::Authority, Role::Platform, Role::Licensee],
        }
    }

    /// Along whom an incident is reported, and how soon (S3).
    #[must_use]
    pub fn incident(&self) -> incident::Rules {
        let chain: Vec<Role> = self.incident_chain.value.0.iter().map(|actor| role(*actor)).collect();
        let within_seconds = u64::from(self.incident_notice.value.0).saturating_mul(HOUR);
        let notices = chain
            .windows(2)
            .filter_map(|pair| if let [by, to] = pair { Some(incident::NoticeRule { by: *by, to: *to, within_seconds }) } else { None });
        let (notices, handled_by) = (notices.collect(), chain.first().copied().unwrap_or(Role::Licensee));
        incident::Rules { notices, handled_by, closed_by: Role::Authority }
    }

    /// What a person shows before access, and who says so (H1, H3).
    #[must_use]
    pub fn person(&self) -> person::Rules {
        let trainer = self.training_by.value.0.iter().next().map_or(Role::Authority, |actor| role(*actor));
        person::Rules {
            required: self.person_evidence.value.0.iter().map(|e| evidence(*e)).collect(),
            opened_by: Role::Authority,
            proved_by: BTreeMap::from([(person::Evidence::Training, trainer)]),
        }
    }

    /// Who closes a tenant's access for the time being, and opens it again (C5, L3).
    #[must_use]
    pub fn suspension(&self) -> suspension::Rules {
        suspension::Rules { opened_by: Role::Authority, suspended_by: self.suspenders(), closed_by: vec![Role::Authority] }
    }

    /// What an agreement must say (A13).
    #[must_use]
    pub fn agreement(&self) -> AgreementRules {
        AgreementRules { required: self.agreement_clauses.value.0.iter().filter_map(|c| clause(*c)).collect() }
    }

    /// How long a stay in the laboratory lasts (A7).
    #[must_use]
    pub const fn lab(&self) -> LabRules {
        LabRules { months: self.lab_term.value.0 }
    }

    /// Which grants there are (A1, A4, A14).
    #[must_use]
    pub fn tree(&self) -> TreeRules {
        let roots = self.modes.value.0.iter().any(|mode| *mode != Mode::PerScenario);
        let max_term_years = i32::try_from(self.term.value.0).unwrap_or(i32::MAX);
        TreeRules { roots, max_depth: if roots { TIERS } else { 1 }, max_term_years }
    }

    /// Names of the documents that are filed with the province (A12; TZ 三(七), NB 15): opinions and minutes where there are experts and a meeting.
    #[must_use]
    pub fn filing(&self) -> BTreeSet<String> {
        let stages = &self.stages.value.0;
        let expert = stages.contains(&Stage::ExpertReview).then_some("opinion");
        let minutes = (stages.contains(&Stage::Meeting) || stages.contains(&Stage::Decision)).then_some("minutes");
        ["report", "scenario", "agreement"].into_iter().chain(expert).chain(minutes).map(str::to_owned).collect()
    }

    /// What sensitive columns, and data that point at somebody, need before they are used (A16).
    #[must_use]
    pub const fn sensitive(&self) -> SensitiveRules {
        let class = match self.sensitive_columns.value {
            Protection::DesensitisedOrConsent => Need::Either,
            Protection::Consent => Need::Consent,
            Protection::DesensitisedAndConsent => Need::Both,
        };
        let pointed = match self.subject_data.value {
            SubjectData::AsSensitive => Need::Nothing,
            SubjectData::Consent => Need::Consent,
        };
        SensitiveRules {
            personal: class,
            sensitive_personal: class,
            trade_secret: class,
            points_at_persons: pointed,
            points_at_legal_persons: pointed,
        }
    }

    /// First second at which the term after one that ends at `end` may be applied for, where the profile has a window (A4).
    #[must_use]
    pub fn renewal_opens(&self, end: Time) -> Option<Time> {
        match self.renewal.value {
            Renewal::AnyTime => None,
            // back by whole years, forth by months: the calendar has no months back
            Renewal::WithinMonths(months) => {
                let years = months.div_ceil(12);
                let back = i32::try_from(years).unwrap_or(i32::MAX).saturating_neg();
                Some(end.plus_years(back).plus_months(years.saturating_mul(12).saturating_sub(months)))
            }
        }
    }

    /// What the public register shows, and from when on (A11).
    #[must_use]
    pub fn register(&self) -> Shown {
        let items = &self.register_items.value.0;
        let early = self.register_moments.value.0.contains(&RegisterMoment::Proposed);
        Shown {
            when: if early { When::Proposed } else { When::Active },
            scenario: items.contains(&RegisterItem::Scenario),
            term: items.contains(&RegisterItem::Term),
        }
    }
}

/// A document's name as the machine and its notices use it.
fn document_name(document: Document) -> String {
    document.name().en
}
