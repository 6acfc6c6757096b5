//! Who signs which arrow: roles, who holds them, and what an arrow needs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::word::words;
use crate::error::{Error, Result};
use crate::id::PartyName;

words! {
    /// In which capacity somebody signs. Which role does what is a profile's matter; the machines take it as an argument.
    Role {
        Authority = "authority", "公共数据主管部门", "The authority for public data.";
        Government = "government", "本级政府", "The government of the level that authorises.";
        Coordination = "coordination", "协调机制", "The coordination body that deliberates.";
        Province = "province", "省级主管部门", "The level above, which receives filings and consents to its own data (A17).";
        County = "county", "县级主管部门", "The authority of a county.";
        Sector = "sector", "行业主管部门", "The department of the sector.";
        Expert = "expert", "专家", "Gives opinions, decides nothing (A25).";
        Licensee = "licensee", "授权运营单位", "The organisation that applies and is authorised; the first tier.";
        Developer = "developer", "二级开发主体", "Builds products under a licensee; the second tier.";
        Provider = "provider", "数据提供单位", "Owns a data set.";
        Checker = "checker", "合规核查员", "Checks by rule; does not approve.";
        Reviewer = "reviewer", "产品审核员", "Decides on products.";
        Platform = "platform", "平台运营方", "Runs the domain's nodes.";
        Clock = "clock", "时钟服务", "States that a term ran out.";
        Regulator = "regulator", "监管方", "Watches on its own node and countersigns.";
    }
}

/// One who signs an arrow, and as what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// In which capacity.
    pub role: Role,
    /// The key's name in the ring: a node, or a person's name in the same form.
    pub party: PartyName,
}

/// One signature that an arrow must carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Any of these roles.
    pub any: Vec<Role>,
    /// This very party, if only it will do.
    pub who: Option<PartyName>,
}

impl Need {
    /// A signature in this role.
    #[must_use]
    pub fn role(role: Role) -> Self {
        Self { any: vec![role], who: None }
    }

    /// A signature in any of these roles.
    #[must_use]
    pub fn any(roles: &[Role]) -> Self {
        Self { any: roles.to_vec(), who: None }
    }

    /// The signature of this party in this role.
    #[must_use]
    pub fn of(role: Role, who: PartyName) -> Self {
        Self { any: vec![role], who: Some(who) }
    }

    fn fits(&self, signer: &Signer) -> bool {
        self.any.contains(&signer.role) && self.who.as_ref().is_none_or(|who| *who == signer.party)
    }

    fn words(&self) -> String {
        let roles: Vec<String> = self.any.iter().map(ToString::to_string).collect();
        let who = self.who.as_ref().map(|who| format!(" `{who}`")).unwrap_or_default();
        format!("{}{who}", roles.join(" or "))
    }
}

/// One signature for each of the roles; a role that is named twice needs two different signers.
#[must_use]
pub fn each(roles: &[Role]) -> Vec<Need> {
    roles.iter().copied().map(Need::role).collect()
}

/// Who holds which role for one object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster(BTreeMap<Role, BTreeSet<PartyName>>);

impl Roster {
    /// Nobody holds a role.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Gives a role to a party.
    #[must_use]
    pub fn with(mut self, role: Role, party: PartyName) -> Self {
        self.0.entry(role).or_default().insert(party);
        self
    }

    /// Whether the party holds the role.
    #[must_use]
    pub fn holds(&self, role: Role, party: &PartyName) -> bool {
        self.0.get(&role).is_some_and(|parties| parties.contains(party))
    }

    /// Checks that the signers hold their roles, are different, and are exactly those that are needed.
    ///
    /// # Errors
    /// `Refused`: `workflow.signer` for one who does not hold the role, `workflow.signer-twice`, `workflow.role` for a
    /// signature that is missing or superfluous.
    pub fn check(&self, needs: &[Need], signers: &[Signer]) -> Result<()> {
        let refuse = |code, what| Err(Error::Refused { code, what });
        let mut seen = BTreeSet::new();
        for signer in signers {
            if !self.holds(signer.role, &signer.party) {
                return refuse("workflow.signer", format!("`{}` does not hold the role `{}`", signer.party, signer.role));
            }
            if !seen.insert(&signer.party) {
                return refuse("workflow.signer-twice", format!("`{}` signs twice; another one must sign", signer.party));
            }
        }
        let mut left: Vec<&Signer> = signers.iter().collect();
        for need in needs {
            match left.iter().position(|signer| need.fits(signer)) {
                Some(place) => drop(left.remove(place)),
                None => return refuse("workflow.role", format!("the signature of {} is missing", need.words())),
            }
        }
        match left.first() {
            Some(extra) => refuse("workflow.role", format!("`{}` as `{}` has no part in this step", extra.party, extra.role)),
            None => Ok(()),
        }
    }
}
