//! When a drill is due: by the plan's interval, never longer than the profile's (A3).

use crate::authorisation::ContingencyPlan;
use crate::clock::Time;
use crate::finding::{Checked, Finding, unless};
use crate::profile::{Effective, OverdueDrill};

use super::record::{Drills, Target};

/// What a profile says about drills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrillRules {
    /// Longest interval in days.
    pub interval_days: u32,
    /// What an overdue drill does.
    pub overdue: OverdueDrill,
}

impl DrillRules {
    /// The profile's.
    #[must_use]
    pub fn of(profile: &Effective) -> Self {
        let rules = profile.rules();
        Self { interval_days: rules.drill_interval.value.0, overdue: rules.overdue_drill.value }
    }
}

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Last second in which the next drill is in time.
    pub due: Time,
    /// Whole days behind it; absent while it is in time.
    pub days_overdue: Option<i64>,
}

/// Status of a target that is active since `since`. A plan that is changed neither postpones its next drill nor makes one due at once:
/// whoever wrote a new plan every few months would never have to practise, or would rather write none.
#[must_use]
pub fn status(drills: &Drills, target: &Target, plan: &ContingencyPlan, since: Time, rules: DrillRules, now: Time) -> Status {
    let last = drills.last(target).map_or(since, |held| held.ended.max(since));
    let days = plan.drill_interval_days.min(rules.interval_days);
    let due = last.plus_days(i64::from(days));
    let late = now.unix().saturating_sub(due.unix());
    Status { due, days_overdue: (late > 0).then_some(late / 86_400) }
}

impl Status {
    /// The alarm; it goes to the contacts of the plan's owner (H4).
    #[must_use]
    pub fn alarm(&self, plan: &ContingencyPlan) -> Option<Finding> {
        let days = self.days_overdue?;
        let what = (
            format!("the drill was due at {} and is {days} days overdue", self.due),
            format!("演练应于 {} 前完成，已逾期 {days} 天", self.due),
        );
        Some(Finding::new("drill.overdue", &plan.owner, what, ("hold a drill and record it", "开展演练并记录")))
    }

    /// Whether new jobs are admitted.
    ///
    /// # Errors
    /// The alarm, if it is overdue and the profile blocks then.
    pub fn admits(&self, plan: &ContingencyPlan, rules: DrillRules) -> Checked<()> {
        let blocks = rules.overdue == OverdueDrill::BlocksNewJobs;
        unless(self.alarm(plan).filter(|_| blocks).into_iter().collect(), ())
    }
}
