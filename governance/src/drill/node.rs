//! A node has a contingency plan of its own before it is active (D14, ZW 29), and contacts to whom alarms go (H4).

use serde::{Deserialize, Serialize};

use crate::authorisation::ContingencyPlan;
use crate::canonical::Hash;
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, unless};
use crate::id::{PartyName, document_hash};
use crate::person::contacts::Contacts;
use crate::sign::{KeyRing, Signed, SignedType};

/// A node's plan, signed by the node and by the authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodePlan {
    /// Format version, 1.
    pub v: u32,
    /// The node; signs.
    pub node: PartyName,
    /// Who accepted the plan and signs.
    pub authority: PartyName,
    /// The plan; its owner is the node's organisation.
    pub plan: ContingencyPlan,
    /// Hash of the organisation's contacts.
    pub contacts: Hash,
    /// First second at which it holds.
    pub from: Time,
}

impl SignedType for NodePlan {
    const TYPE: &'static str = "node-plan-v1";
}

impl NodePlan {
    /// Checks a plan as [`ActiveNode::activate`] does, contacts aside; gives its hash.
    ///
    /// # Errors
    /// All at once: `node.plan-signature`, `node.plan-foreign`, `node.plan-incomplete`, `node.plan-early`, `node.authority`.
    pub fn check(signed: &Signed<Self>, authorities: &[PartyName], now: Time, keys: &KeyRing) -> Checked<Hash> {
        let (hash, found) = signed.payload.found(signed, &signed.payload.node, authorities, now, keys)?;
        unless(found, hash)
    }

    /// Hash, and what is wrong beside the signatures.
    fn found(
        &self,
        signed: &Signed<Self>,
        node: &PartyName,
        authorities: &[PartyName],
        now: Time,
        keys: &KeyRing,
    ) -> Checked<(Hash, Vec<Finding>)> {
        let authority = &self.authority;
        let stated =
            signed.verify(keys, &[node.as_str(), authority.as_str()]).map_err(|error| broken("node.plan-signature", node, &error))?;
        let hash = document_hash(stated).map_err(|error| broken("node.plan-signature", node, &error))?;
        let mut found = Vec::new();
        let mut add = |code, what: (String, String), remedy| found.push(Finding::new(code, node, what, remedy));
        if !authorities.contains(authority) || authority.organisation() == node.organisation() {
            let what = (format!("`{authority}` is no authority over it"), format!("`{authority}` 不是其主管部门"));
            add("node.authority", what, ("have the authority accept the plan", "由主管部门接受预案"));
        }
        if stated.v != 1 || stated.node != *node || stated.plan.owner != node.organisation() {
            let what = ("the plan is another node's or another organisation's".into(), "预案属于其他节点或单位".into());
            add("node.plan-foreign", what, ("each node has its own plan", "每个节点须有自己的预案"));
        }
        let missing = stated.plan.missing();
        if !missing.is_empty() {
            let what = (format!("the plan lacks: {}", missing.join(", ")), format!("预案缺少：{}", missing.join("、")));
            add("node.plan-incomplete", what, ("complete the plan", "补全预案"));
        }
        if now < stated.from {
            let what = (format!("the plan holds from {} on", stated.from), format!("预案自 {} 起施行", stated.from));
            add("node.plan-early", what, ("wait, or bring the date forward", "等待或提前施行日期"));
        }
        Ok((hash, found))
    }
}

/// The node is not active (D14).
#[must_use]
pub fn no_plan(node: &PartyName) -> Finding {
    let what = (format!("`{node}` has no contingency plan of its own"), format!("`{node}` 没有本节点的应急预案"));
    Finding::new("node.no-plan", node, what, ("write the plan and have it accepted", "制定预案并经主管部门接受"))
}

/// Proof that a node may be active. There is no other way to one than [`ActiveNode::activate`].
///
/// ```compile_fail
/// # use yu_governance::{clock::Time, drill::ActiveNode, id::PartyName};
/// let node = ActiveNode { node: PartyName::new("yu://prod/bank/node1").unwrap(), since: Time::from_unix(0) };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct ActiveNode {
    node: PartyName,
    plan: Hash,
    since: Time,
}

impl ActiveNode {
    /// Activates a node.
    ///
    /// # Errors
    /// All at once: `node.no-plan`, `node.plan-signature`, `node.plan-foreign` for the plan of another node or organisation,
    /// `node.plan-incomplete` naming the parts, `node.plan-early`, `node.authority`, those of [`Contacts::check`], and
    /// `node.contacts` for contacts that the plan does not name.
    pub fn activate(
        node: &PartyName,
        plan: Option<&Signed<NodePlan>>,
        contacts: &Contacts,
        authorities: &[PartyName],
        now: Time,
        keys: &KeyRing,
    ) -> Checked<Self> {
        let mut found = contacts.check();
        let Some(signed) = plan else {
            found.push(no_plan(node));
            return Err(found);
        };
        let (hash, more) = signed.payload.found(signed, node, authorities, now, keys)?;
        found.extend(more);
        let stated = &signed.payload;
        let mut add = |code, what: (String, String), remedy| found.push(Finding::new(code, node, what, remedy));
        let known = document_hash(contacts).map_err(|error| broken("node.contacts", node, &error))?;
        if contacts.organisation != node.organisation() || stated.contacts != known {
            let what = ("the plan names other contacts than the organisation".into(), "预案所列联系人与单位登记不符".into());
            add("node.contacts", what, ("let both say the same", "二者保持一致"));
        }
        unless(found, Self { node: node.clone(), plan: hash, since: now })
    }

    /// Which node.
    #[must_use]
    pub const fn node(&self) -> &PartyName {
        &self.node
    }

    /// Hash of the plan that it rests on: when this plan is withdrawn, it is void.
    #[must_use]
    pub const fn plan(&self) -> &Hash {
        &self.plan
    }

    /// Since when.
    #[must_use]
    pub const fn since(&self) -> Time {
        self.since
    }
}
