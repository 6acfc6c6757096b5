//! What is decided, by whom, and under which terms.

use crate::calendar::Limit;
use crate::clock::Time;
use crate::profile::{DeemedConsent, Effective, StartEvent, choices};

choices! {
    /// What a reviewer decides on.
    equal Matter {
        Registration "registration of a developer" "数据商注册",
        Check "compliance check of an application for data" "公共数据使用申请合规核查",
        UseApproval "approval of an application for data" "公共数据使用申请审核",
        HigherLevelData "use of data of a higher level" "上级回流数据使用",
        SubjectConsent "consent of a subject" "数据主体授权同意",
        ProhibitedData "opening of data whose opening is forbidden" "禁止开放数据的开放",
        ProductEgress "product that leaves the domain" "产品出域",
        Import "import of data" "社会数据导入",
    }
    /// Who reviews an application for data (ZW 21): each has a clock of its own (C3).
    equal Reviewer {
        SourceDepartment "source department" "数源部门",
        CountyAuthority "county authority" "县（区）公共数据主管部门",
        Operator "operator" "运营机构",
    }
    /// Who hears of a result.
    equal Recipient {
        Applicant "applicant" "申请方",
        SourceDepartment "source department" "数源部门",
        Authority "authority" "公共数据主管部门",
        Operator "operator" "运营机构",
        Reviewer "reviewer" "审核方",
    }
    /// What an application touches that silence can never open (C4).
    equal Touch {
        Prohibited "data whose opening is forbidden" "禁止开放的数据",
        HigherLevel "data of a higher level" "上级回流数据",
    }
}

impl Matter {
    /// Whether silence can count as consent at all: for the approvals of ZW 21 and nothing else (C4). No profile changes that.
    #[must_use]
    pub const fn may_lapse_into_consent(self) -> bool {
        matches!(self, Self::UseApproval)
    }

    /// Who hears of a result of this matter (C2; ZW 18, 20, 21). Where ZW 21 says that the operator tells the applicant, both
    /// are named.
    #[must_use]
    pub const fn recipients(self, by: Reviewer) -> &'static [Recipient] {
        use Recipient::{Applicant, Authority, Operator, SourceDepartment};
        match (self, by) {
            (Self::Registration, _) => &[Applicant],
            (Self::Check, _) => &[SourceDepartment, Authority],
            (Self::UseApproval, Reviewer::SourceDepartment) => &[Authority, Operator, Applicant],
            (Self::UseApproval, Reviewer::CountyAuthority) => &[SourceDepartment, Authority, Operator, Applicant],
            (Self::UseApproval, Reviewer::Operator) => &[SourceDepartment, Authority, Applicant],
            _ => &[Authority, Applicant],
        }
    }
}

/// Under which terms a clock runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How long.
    pub limit: Limit,
    /// From which event on.
    pub start: StartEvent,
    /// How many formal extensions.
    pub extensions: u32,
    /// How long each of them is.
    pub extension: Limit,
    /// What a lapse means.
    pub silence: DeemedConsent,
}

impl Terms {
    /// The profile's terms for a matter that starts at `now`. Matters without a clock in the texts run without a limit and lapse into
    /// nothing; and silence is consent only under a text that is in force then, never under a draft (C4).
    #[must_use]
    pub fn of(matter: Matter, profile: &Effective, now: Time) -> Self {
        let rules = profile.rules();
        match matter {
            Matter::Registration => Self::fixed(rules.registration_limit.value, rules.registration_start.value),
            Matter::Check => Self::fixed(rules.check_limit.value, rules.check_start.value),
            Matter::UseApproval => Self {
                limit: rules.approval_limit.value,
                start: rules.approval_start.value,
                extensions: rules.approval_extensions.value.0,
                extension: rules.extension_limit.value,
                silence: if profile.is_in_force(now) { rules.deemed_consent.value } else { DeemedConsent::Off },
            },
            Matter::HigherLevelData | Matter::SubjectConsent | Matter::ProhibitedData | Matter::ProductEgress | Matter::Import => {
                Self::fixed(Limit::Unset, StartEvent::Delivery)
            }
        }
    }

    const fn fixed(limit: Limit, start: StartEvent) -> Self {
        Self { limit, start, extensions: 0, extension: Limit::Unset, silence: DeemedConsent::Off }
    }
}
