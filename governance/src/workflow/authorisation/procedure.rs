//! From the announcement to the last stage before activation.

use super::{Case, Event, Rules, Stage, State, no_arrow, refuse};
use crate::clock::Time;
use crate::error::Result;
use crate::workflow::dossier::{ReviewForm, count_opinions};
use crate::workflow::need_reason;

impl Case {
    /// Up to the first stage: announcement, application, the one notice.
    pub(super) fn apply(&self, here: State, event: &Event, at: Time, rules: &Rules) -> Result<Self> {
        let mut next = self.clone();
        match (here, event) {
            (State::New, Event::Announce { announcement, opens, closes }) => {
                if opens >= closes {
                    return Err(refuse("announcement.window", "the window closes before it opens"));
                }
                next.announcement = Some((*announcement, *opens, *closes));
                next.state = State::Announced;
            }
            (State::Announced, Event::Apply { announcement, documents, test_report, qualifications }) => {
                self.check_application(announcement, at)?;
                if rules.test_report && test_report.is_none() {
                    return Err(refuse("apply.test-report", "the application must cite the report of the test in the data lab"));
                }
                next.documents.clone_from(documents);
                next.qualified.clone_from(qualifications);
                next.state = State::Applied;
            }
            (State::Applied, Event::Notify { missing }) => {
                let gaps = self.gaps(rules);
                if self.noticed {
                    return Err(refuse("notice.second", "everything missing is named in one notice, and that was given"));
                }
                if gaps.is_empty() || *missing != gaps {
                    let all: Vec<&str> = gaps.iter().map(String::as_str).collect();
                    return Err(refuse("notice.not-all", format!("the notice must name exactly what is missing: {}", all.join(", "))));
                }
                next.noticed = true;
                next.state = State::Incomplete;
            }
            (State::Incomplete, Event::Supplement { documents }) => {
                next.documents.extend(documents.iter().cloned());
                next.state = State::Applied;
            }
            (State::Applied | State::Incomplete, Event::Withdraw) => next.state = State::Withdrawn,
            (State::Applied | State::Incomplete, Event::Refuse { .. } | Event::Qualify { .. } | Event::PlanIn { .. } | Event::PlanOut)
            | (State::Applied, _) => return self.stages(here, event, at, rules),
            _ => return Err(no_arrow(here, event)),
        }
        Ok(next)
    }

    /// One stage after the other.
    pub(super) fn stages(&self, here: State, event: &Event, at: Time, rules: &Rules) -> Result<Self> {
        let mut next = self.clone();
        match event {
            Event::Complete => {
                let gaps: Vec<String> = self.gaps(rules).into_iter().collect();
                if !gaps.is_empty() {
                    return Err(refuse("dossier.gaps", format!("missing: {}", gaps.join(", "))));
                }
            }
            Event::Review { form } => close_form(Stage::Preliminary, form.as_ref(), rules)?,
            Event::Assess { opinions, form } => {
                count_opinions(opinions, usize::try_from(rules.experts).unwrap_or(usize::MAX))?;
                close_form(Stage::Expert, form.as_ref(), rules)?;
            }
            Event::Agree { agreement, not_before, not_after, longer } => {
                if not_before >= not_after {
                    return Err(refuse("agreement.term", "the term ends before it begins"));
                }
                if *not_after > not_before.plus_years(rules.max_term_years) && longer.is_none() {
                    let what = format!("a term above {} years needs a recorded decision of the authority", rules.max_term_years);
                    return Err(refuse("agreement.term-too-long", what));
                }
                next.agreement = Some(*agreement);
                next.term = Some((*not_before, *not_after));
            }
            Event::Stamp { agreement } if self.agreement.is_some() && self.agreement != Some(*agreement) => {
                return Err(refuse("stamp.other-agreement", "the seal stands under another text than the one that was signed"));
            }
            Event::Refuse { .. } if self.agreement.is_some() => {
                return Err(refuse("refuse.agreed", "an agreement is signed: terminate it"));
            }
            Event::Refuse { reason } => {
                need_reason(reason)?;
                next.state = State::Refused;
                return Ok(next);
            }
            Event::Withdraw if self.agreement.is_some() => {
                return Err(refuse("withdraw.agreed", "an agreement is signed: ask for its termination"));
            }
            Event::Withdraw => return Ok(Self { state: State::Withdrawn, ..next }),
            Event::Terminate { .. } if self.agreement.is_some() => return Ok(Self { state: State::Terminated, ..next }),
            Event::Qualify { .. } | Event::PlanIn { .. } | Event::PlanOut => return self.keep(here, event, at),
            Event::Activate => return self.activate(here, at, rules),
            _ => {}
        }
        let stage = stage_of(event).ok_or_else(|| no_arrow(here, event))?;
        next.pass(stage, rules)?;
        Ok(next)
    }

    fn pass(&mut self, stage: Stage, rules: &Rules) -> Result<()> {
        let Some(place) = rules.order.iter().position(|rule| rule.stage == stage) else {
            return Err(refuse("stage.not-in-profile", format!("the profile has no stage `{stage}`")));
        };
        if place > self.passed {
            let due = self.awaited(rules).map_or_else(String::new, |due| format!(": `{due}` comes first"));
            return Err(refuse("stage.skipped", format!("`{stage}` is not due{due}")));
        }
        if place < self.passed {
            return Err(refuse("stage.done", format!("`{stage}` has passed already")));
        }
        self.passed = self.passed.saturating_add(1);
        self.published |= stage == Stage::Publication;
        self.state = stage.done(rules.stamp);
        Ok(())
    }

    /// Access is opened: everything that was promised must be there now (A2, A4, A23).
    pub(super) fn activate(&self, here: State, at: Time, rules: &Rules) -> Result<Self> {
        if let Some(due) = self.awaited(rules) {
            return Err(refuse("stage.skipped", format!("`{here}` cannot become active: `{due}` comes first")));
        }
        self.ready(at, rules)?;
        Ok(Self { state: State::Active, until: None, ..self.clone() })
    }

    /// What every opening of access needs.
    pub(super) fn ready(&self, at: Time, rules: &Rules) -> Result<()> {
        if self.plan.is_none() {
            return Err(refuse("authorisation.plan-missing", "no operation without a contingency plan in force"));
        }
        let proved = |name: &String| self.qualified.get(name).is_some_and(|until| at < *until);
        if let Some(name) = rules.qualifications.iter().find(|name| !proved(name)) {
            return Err(refuse("qualification.expired", format!("`{name}` is not proved, or no longer; prove it anew")));
        }
        match self.term {
            Some((from, to)) if from <= at && at < to => Ok(()),
            _ => Err(refuse("authorisation.outside-term", "the term has not begun, or has ended")),
        }
    }

    fn check_application(&self, cited: &crate::canonical::Hash, at: Time) -> Result<()> {
        match self.announcement {
            Some((known, ..)) if known != *cited => Err(refuse("apply.other-announcement", "the application cites another announcement")),
            Some((_, opens, closes)) if opens <= at && at < closes => Ok(()),
            Some((_, opens, closes)) => Err(refuse("apply.outside-window", format!("applications are taken from {opens} until {closes}"))),
            None => Err(refuse("apply.no-announcement", "there is no announcement to cite")),
        }
    }
}

fn close_form(stage: Stage, form: Option<&ReviewForm>, rules: &Rules) -> Result<()> {
    match (rules.form_at == Some(stage), form) {
        (true, None) => Err(refuse("review.form-missing", format!("the review form is closed at `{stage}`"))),
        (_, Some(form)) => form.close(),
        (false, None) => Ok(()),
    }
}

const fn stage_of(event: &Event) -> Option<Stage> {
    Some(match event {
        Event::Complete => Stage::Completeness,
        Event::Review { .. } => Stage::Preliminary,
        Event::Assess { .. } => Stage::Expert,
        Event::Decide => Stage::Meeting,
        Event::Publish => Stage::Publication,
        Event::File { .. } => Stage::Filing,
        Event::Agree { .. } => Stage::Agreement,
        Event::Stamp { .. } => Stage::Stamp,
        Event::Adopt => Stage::Scheme,
        Event::Select => Stage::Selection,
        _ => return None,
    })
}
