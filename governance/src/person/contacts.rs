//! Contacts of an organisation (H4): the principal, first responsible for security; the security officer; the department. Alarms go there.

use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::id::PersonId;
use crate::sign::SignedType;

/// The contacts that every organisation on the domain must name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contacts {
    /// Format version, 1.
    pub v: u32,
    /// Whose.
    pub organisation: String,
    /// The principal (主要负责人), first responsible.
    pub principal: Option<PersonId>,
    /// The security officer (数据安全负责人).
    pub security_officer: Option<PersonId>,
    /// The security department (管理部门).
    pub security_department: String,
    /// Line of duty on which alarms arrive.
    pub duty_line: String,
}

impl SignedType for Contacts {
    const TYPE: &'static str = "organisation-contacts-v1";
}

impl Contacts {
    /// What is missing, all at once; empty means complete.
    #[must_use]
    pub fn check(&self) -> Vec<Finding> {
        let own = |id: &Option<PersonId>| id.as_ref().is_some_and(|id| id.organisation() == self.organisation);
        let parts = [
            (own(&self.principal), "contacts.principal", "the principal, one of its own", "本单位主要负责人"),
            (own(&self.security_officer), "contacts.security-officer", "the security officer, one of its own", "本单位数据安全负责人"),
            (!self.security_department.trim().is_empty(), "contacts.department", "the security department", "数据安全管理部门"),
            (!self.duty_line.trim().is_empty(), "contacts.duty-line", "a line of duty for alarms", "值班联系方式"),
        ];
        let organisation = &self.organisation;
        parts
            .into_iter()
            .filter(|(holds, ..)| !holds)
            .map(|(_, code, en, zh)| {
                let what = (format!("`{organisation}` has not named {en}"), format!("“{organisation}”未明确{zh}"));
                Finding::new(code, organisation, what, ("name all contacts", "补全联系人"))
            })
            .collect()
    }

    /// Who gets an alarm: the principal and the security officer.
    pub fn alarmed(&self) -> impl Iterator<Item = &PersonId> {
        self.principal.iter().chain(&self.security_officer)
    }
}
