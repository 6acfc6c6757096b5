//! Tickets on quality (K5): operators and developers report, the authority judges, the provider fixes in time, the work is graded.
//!
//! ```text
//! reported --forward--> reported ... --accept(deadline)--> accepted --fix--> fixed --close--> closed(grade)
//!     \--reject(code)--> rejected            ^---return(new deadline)---/
//! ```
//!
//! A ticket holds no free text at all: names, codes, times, counts. [`QualityTicket::apply`] is the only way on; every step that is not
//! drawn above is refused by name.

use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use crate::catalogue::CatalogueEntry;
use crate::clock::Time;
use crate::finding::{Checked, refuse};
use crate::id::{DatasetId, PartyName, TicketId};

/// Why the authority does not take a report up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rejection {
    /// The authority counts otherwise.
    NotReproducible,
    /// The failures are within what was agreed.
    WithinTolerance,
    /// Another ticket is about the same.
    Duplicate,
    /// The rule was not agreed for this data set.
    RuleNotAgreed,
}

/// Graded work of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// Best.
    A,
    /// Good.
    B,
    /// Enough.
    C,
    /// Not enough.
    D,
}

impl Grade {
    const fn lower(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::C,
            Self::C | Self::D => Self::D,
        }
    }
}

/// Least thousandths of repair for each grade: profile data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradeBands {
    /// For A.
    pub a: u16,
    /// For B.
    pub b: u16,
    /// For C.
    pub c: u16,
}

impl GradeBands {
    /// The grade of a score; work after the deadline is one grade lower.
    #[must_use]
    pub const fn grade(&self, permille: u16, late: bool) -> Grade {
        let grade = if permille >= self.a {
            Grade::A
        } else if permille >= self.b {
            Grade::B
        } else if permille >= self.c {
            Grade::C
        } else {
            Grade::D
        };
        if late { grade.lower() } else { grade }
    }
}

/// Where a ticket stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", deny_unknown_fields)]
pub enum TicketState {
    /// On its way to the authority.
    Reported,
    /// Not taken up.
    Rejected {
        /// Why.
        why: Rejection,
    },
    /// The provider works on it.
    Accepted {
        /// Last second in time.
        deadline: Time,
    },
    /// The provider says that it is done.
    Fixed {
        /// Last second in time.
        deadline: Time,
        /// When it was done.
        done: Time,
        /// What is counted now.
        after: Evidence,
    },
    /// The authority has judged the work.
    Closed {
        /// Thousandths of the problem that are gone.
        repaired_permille: u16,
        /// Whether it came after the deadline.
        late: bool,
        /// The grade.
        grade: Grade,
    },
}

impl TicketState {
    /// The word used in documents.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Rejected { .. } => "rejected",
            Self::Accepted { .. } => "accepted",
            Self::Fixed { .. } => "fixed",
            Self::Closed { .. } => "closed",
        }
    }
}

/// A step.
#[derive(Debug, Clone)]
pub enum TicketStep<'a> {
    /// Whoever holds the report passes it one level up (逐级).
    Forward {
        /// To which organisation.
        to: &'a str,
    },
    /// The authority takes it up and sets the deadline.
    Accept {
        /// Last second in time.
        deadline: Time,
    },
    /// The authority does not take it up.
    Reject {
        /// Why.
        why: Rejection,
    },
    /// The provider has mended a newer version.
    Fix {
        /// The newer version's entry.
        entry: &'a CatalogueEntry,
        /// The same rule counted over it.
        after: Evidence,
        /// Smallest count that may be told.
        floor: u64,
    },
    /// The authority sends it back.
    Return {
        /// New last second in time.
        deadline: Time,
    },
    /// The authority judges the work.
    Close {
        /// The jurisdiction's bands.
        bands: GradeBands,
    },
}

/// One quality problem on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualityTicket {
    /// Format version, 1.
    v: u32,
    id: TicketId,
    dataset: DatasetId,
    authority: PartyName,
    evidence: Evidence,
    route: Vec<String>,
    opened: Time,
    changed: Time,
    returns: u32,
    state: TicketState,
}

impl QualityTicket {
    /// Opens a ticket, named after the organisation that reports.
    ///
    /// # Errors
    /// `ticket.reporter-is-provider`, `ticket.judge-is-provider`; what [`Evidence::check`] objects to.
    pub fn open(id: TicketId, entry: &CatalogueEntry, authority: PartyName, evidence: Evidence, floor: u64, now: Time) -> Checked<Self> {
        let provider = entry.dataset.organisation();
        if id.organisation() == provider {
            return refuse(
                "ticket.reporter-is-provider",
                provider,
                (format!("`{provider}` reports on its own data"), format!("`{provider}` 就自有数据提出问题")),
                ("mend the data and publish a new version", "直接治理并发布新版本"),
            );
        }
        if authority.organisation() == provider {
            return refuse(
                "ticket.judge-is-provider",
                &authority,
                (format!("`{provider}` would judge its own work"), format!("`{provider}` 不得评判自身工作")),
                ("name the authority as judge", "由主管部门评判"),
            );
        }
        let found = evidence.check(entry, floor);
        if !found.is_empty() {
            return Err(found);
        }
        let route = vec![id.organisation().to_owned()];
        let dataset = entry.dataset.clone();
        Ok(Self { v: 1, id, dataset, authority, evidence, route, opened: now, changed: now, returns: 0, state: TicketState::Reported })
    }

    /// The ticket after a step of `by`, a node whose signature the caller has checked.
    ///
    /// # Errors
    /// One refusal by name: `ticket.wrong-state`, `ticket.not-holder`, `ticket.not-judge`, `ticket.not-fixer`, `ticket.not-arrived`,
    /// `ticket.circle`, `ticket.deadline`, `ticket.time`, `ticket.same-version`, `ticket.other-dataset`, `ticket.other-rule`; what
    /// [`Evidence::check`] objects to.
    pub fn apply(&self, step: &TicketStep<'_>, by: &PartyName, now: Time) -> Checked<Self> {
        if now < self.changed {
            return self.no("ticket.time", by, "would go back in time", "时间早于上一步", ("check the clocks", "核对时钟"));
        }
        let mut next = self.clone();
        next.changed = now;
        match (step, &self.state) {
            (TicketStep::Forward { to }, TicketState::Reported) => next.route.push(self.forwarded(to, by)?),
            (TicketStep::Accept { deadline }, TicketState::Reported) => {
                self.judged(by)?;
                self.arrived(by)?;
                next.state = TicketState::Accepted { deadline: self.deadline(*deadline, by, now)? };
            }
            (TicketStep::Reject { why }, TicketState::Reported) => {
                self.judged(by)?;
                self.arrived(by)?;
                next.state = TicketState::Rejected { why: *why };
            }
            (TicketStep::Fix { entry, after, floor }, TicketState::Accepted { deadline }) => {
                self.fixed(entry, after, *floor, by)?;
                next.state = TicketState::Fixed { deadline: *deadline, done: now, after: *after };
            }
            (TicketStep::Return { deadline }, TicketState::Fixed { .. }) => {
                self.judged(by)?;
                next.returns = next.returns.saturating_add(1);
                next.state = TicketState::Accepted { deadline: self.deadline(*deadline, by, now)? };
            }
            (TicketStep::Close { bands }, TicketState::Fixed { deadline, done, after }) => {
                self.judged(by)?;
                let (repaired_permille, late) = (self.evidence.repaired_permille(after), done > deadline);
                next.state = TicketState::Closed { repaired_permille, late, grade: bands.grade(repaired_permille, late) };
            }
            (_, state) => {
                let state = state.as_str();
                return self.no(
                    "ticket.wrong-state",
                    by,
                    &format!("is {state}, where this step does not exist"),
                    &format!("处于 {state} 状态，无此步骤"),
                    ("follow the order of the steps", "按步骤顺序办理"),
                );
            }
        }
        Ok(next)
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> &TicketId {
        &self.id
    }

    /// The data set.
    #[must_use]
    pub const fn dataset(&self) -> &DatasetId {
        &self.dataset
    }

    /// What was reported.
    #[must_use]
    pub const fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> &TicketState {
        &self.state
    }

    /// When it was opened.
    #[must_use]
    pub const fn opened(&self) -> Time {
        self.opened
    }

    /// How often the authority sent it back.
    #[must_use]
    pub const fn returns(&self) -> u32 {
        self.returns
    }

    /// The organisations that the report went through, the reporter first; feedback goes the same way back (逐级倒查反馈).
    #[must_use]
    pub fn route(&self) -> &[String] {
        &self.route
    }

    /// Whether the provider is over its deadline at `now`.
    #[must_use]
    pub fn is_overdue(&self, now: Time) -> bool {
        matches!(self.state, TicketState::Accepted { deadline } if now > deadline)
    }

    fn no<T>(&self, code: &str, by: &PartyName, en: &str, zh: &str, remedy: (&str, &str)) -> Checked<T> {
        refuse(code, by, (format!("ticket `{}` {en}", self.id), format!("工单 `{}` {zh}", self.id)), remedy)
    }

    fn judged(&self, by: &PartyName) -> Checked<()> {
        if *by == self.authority {
            return Ok(());
        }
        self.no(
            "ticket.not-judge",
            by,
            "is judged by the authority only",
            "只能由主管部门评判",
            ("let the authority decide", "由主管部门决定"),
        )
    }

    fn arrived(&self, by: &PartyName) -> Checked<()> {
        if self.route.last().is_some_and(|org| org == self.authority.organisation()) {
            return Ok(());
        }
        let remedy = ("forward it level by level", "逐级上报");
        self.no("ticket.not-arrived", by, "has not reached the authority", "尚未报送至主管部门", remedy)
    }

    fn forwarded(&self, to: &str, by: &PartyName) -> Checked<String> {
        if self.route.last().is_none_or(|org| org != by.organisation())
            || self.route.last().is_some_and(|o| o == self.authority.organisation())
        {
            let remedy = ("let the organisation that has it pass it on", "由当前持有单位上报");
            return self.no("ticket.not-holder", by, "is not with this organisation, or has arrived", "不在该单位，或已送达", remedy);
        }
        if self.route.iter().any(|org| org == to) {
            let remedy = ("pass it on to the next level", "上报至上一级");
            return self.no("ticket.circle", by, "would come back to where it was", "将回到已经过的单位", remedy);
        }
        Ok(to.to_owned())
    }

    fn deadline(&self, deadline: Time, by: &PartyName, now: Time) -> Checked<Time> {
        if deadline > now {
            return Ok(deadline);
        }
        self.no("ticket.deadline", by, "would be due already", "期限已过", ("set a later deadline", "设置更晚的期限"))
    }

    fn fixed(&self, entry: &CatalogueEntry, after: &Evidence, floor: u64, by: &PartyName) -> Checked<()> {
        if by.organisation() != self.dataset.organisation() {
            return self.no(
                "ticket.not-fixer",
                by,
                "is fixed by the provider only",
                "只能由数据提供单位治理",
                ("let the provider fix it", "由提供单位治理"),
            );
        }
        if entry.dataset != self.dataset {
            return self.no(
                "ticket.other-dataset",
                by,
                "is about another data set",
                "针对其他数据集",
                ("mend the data set of the ticket", "治理工单所指数据集"),
            );
        }
        if entry.version == self.evidence.version() {
            let remedy = ("publish the mended version first", "先发布治理后的版本");
            return self.no("ticket.same-version", by, "was reported on this very version", "所指即为该版本", remedy);
        }
        if after.rule() != self.evidence.rule() || after.column() != self.evidence.column() {
            let remedy = ("count the rule of the ticket on its column", "对工单所指的列按同一规则统计");
            return self.no("ticket.other-rule", by, "is about another rule or column", "针对其他规则或列", remedy);
        }
        let found = after.check(entry, floor);
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}
