//! The plan of an authorisation (A2) as a document of its own: an authorisation is told to its parties only, its drills concern the whole domain.

use serde::{Deserialize, Serialize};

use crate::authorisation::ContingencyPlan;
use crate::canonical::Hash;
use crate::clock::Time;
use crate::finding::{Checked, Finding, unless};
use crate::id::{AuthorisationId, PartyName};
use crate::sign::SignedType;

/// The plan, signed by the licensee, who practises it, and by the authority, who knows the authorisation's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorisationPlan {
    /// Format version, 1.
    pub v: u32,
    /// Of which authorisation.
    pub authorisation: AuthorisationId,
    /// Hash of its text: another text needs its plan anew.
    pub document: Hash,
    /// Who is authorised; signs.
    pub licensee: PartyName,
    /// Who authorised; signs.
    pub authority: PartyName,
    /// The plan; the profile says whose it is (section 10.1).
    pub plan: ContingencyPlan,
    /// First second at which it holds.
    pub from: Time,
}

impl SignedType for AuthorisationPlan {
    const TYPE: &'static str = "authorisation-plan-v1";
}

impl AuthorisationPlan {
    /// Checks the content.
    ///
    /// # Errors
    /// All at once: `plan.foreign` for a plan that belongs to neither side, or an authorisation of another authority; `plan.incomplete` naming the parts.
    pub fn check(&self) -> Checked<()> {
        let mut found = Vec::new();
        let mut add = |code, what: (String, String), remedy| found.push(Finding::new(code, &self.authorisation, what, remedy));
        let sides = [self.licensee.organisation(), self.authority.organisation()];
        let is_own = self.authorisation.organisation() == self.authority.organisation();
        if self.v != 1 || !is_own || !sides.contains(&self.plan.owner.as_str()) {
            let what = (
                "the authorisation is another authority's, or the plan is neither the licensee's nor the authority's".into(),
                "授权属于其他主管部门，或预案不属于任何一方".into(),
            );
            add("plan.foreign", what, ("name both sides as they are", "如实列明双方"));
        }
        let missing = self.plan.missing();
        if !missing.is_empty() {
            let what = (format!("the plan lacks: {}", missing.join(", ")), format!("预案缺少：{}", missing.join("、")));
            add("plan.incomplete", what, ("complete the plan", "补全预案"));
        }
        unless(found, ())
    }
}
