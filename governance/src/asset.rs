//! What happens to assets at the end of an agreement (L6; ZJ 一(三), TZ 三(八)): a plan that both sides signed, and its execution.
//!
//! The plan is part of the agreement and speaks of kinds; at the end the inventory names every thing, and each thing needs a
//! signed record that what the plan says was done. Rows of public data are destroyed or sealed, whatever a plan says; an open
//! incident or dispute turns destruction into sealing (L1).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, refuse, unless};
use crate::id::{AuthorisationId, PartyName, document_hash};
use crate::lineage::{Kind, NodeId, Trace};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::workflow::Word as _;
use crate::workflow::word::words;

words! {
    /// What an asset is.
    AssetKind {
        Rows = "rows", "公共数据及派生数据", "Rows of public data, and rows made of them.";
        Model = "model", "模型", "Models.";
        Result = "result", "结果", "Results that were released.";
        Product = "product", "数据产品", "Products.";
        Program = "program", "程序", "Programs and algorithms.";
        Document = "document", "文档", "Documents, reports, records of consent.";
    }
}

words! {
    /// What is done with it.
    Action {
        Destroy = "destroy", "销毁", "Destroyed, with a certificate.";
        Seal = "seal", "封存", "Sealed to the authority.";
        HandOver = "hand-over", "移交", "Handed over to the authority's side of the agreement.";
        Keep = "keep", "保留", "Kept by its holder.";
    }
}

/// The plan, signed by both sides of the agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisposalPlan {
    /// Format version, 1.
    pub v: u32,
    /// Which authorisation.
    pub authorisation: AuthorisationId,
    /// Hash of the agreement that it belongs to.
    pub agreement: Hash,
    /// The authority's side, then the licensee's; both sign.
    pub sides: [PartyName; 2],
    /// What is done with each kind: every kind has one action.
    pub actions: BTreeMap<AssetKind, Action>,
    /// Days from the end within which it is done. The texts say at once (及时).
    pub within_days: u32,
}

impl SignedType for DisposalPlan {
    const TYPE: &'static str = "disposal-plan-v1";
}

impl DisposalPlan {
    /// Checks the plan before it is agreed on.
    ///
    /// # Errors
    /// All at once: `disposal.signature`; `disposal.sides` for one organisation on both sides; `disposal.kind` naming kinds
    /// without an action; `disposal.rows` if rows would be kept or handed over; `disposal.other-agreement`.
    pub fn verify(signed: &Signed<Self>, agreement: &Hash, keys: &KeyRing) -> Checked<Hash> {
        let [one, two] = &signed.payload.sides;
        let plan = signed.verify(keys, &[one.as_str(), two.as_str()]).map_err(|error| broken("disposal.signature", two, &error))?;
        let mut found = Vec::new();
        let mut add = |code, what: (String, String)| {
            found.push(Finding::new(code, two, what, ("agree on a complete plan", "双方议定完整的处置方案")));
        };
        if plan.v != 1 || one.organisation() == two.organisation() || plan.within_days == 0 {
            add("disposal.sides", ("the plan needs two sides, and a term in days".into(), "方案须有双方及期限".into()));
        }
        if plan.agreement != *agreement {
            add("disposal.other-agreement", ("it belongs to another agreement".into(), "方案属于其他协议".into()));
        }
        let missing: Vec<&AssetKind> = AssetKind::all().iter().filter(|kind| !plan.actions.contains_key(*kind)).collect();
        if !missing.is_empty() {
            let what = (
                format!("nothing is said about: {}", missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
                format!("未明确：{}", missing.iter().map(|kind| kind.zh()).collect::<Vec<_>>().join("、")),
            );
            add("disposal.kind", what);
        }
        if matches!(plan.actions.get(&AssetKind::Rows), Some(Action::Keep | Action::HandOver)) {
            add("disposal.rows", ("rows of public data are destroyed or sealed".into(), "公共数据及派生数据须销毁或封存".into()));
        }
        unless(found, ())?;
        document_hash(plan).map_err(|error| broken("disposal.signature", two, &error))
    }
}

/// One thing in the inventory at the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// Hash of its content.
    pub content: Hash,
    /// What it is.
    pub kind: AssetKind,
    /// The node that holds it: each copy is one line.
    pub holder: PartyName,
}

/// What was done with one thing, signed by its holder, and by the receiver if it was handed over or sealed to one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disposal {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the plan.
    pub plan: Hash,
    /// The thing.
    pub asset: Asset,
    /// What was done.
    pub action: Action,
    /// Hash of the destruction certificate, the seal, the receipt, or the inventory entry.
    pub evidence: Hash,
    /// Who received it; only for sealing and handing over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<PartyName>,
    /// When.
    pub at: Time,
}

impl SignedType for Disposal {
    const TYPE: &'static str = "asset-disposal-v1";
}

/// Whether something is open that evidence must be kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Nothing.
    None,
    /// An incident or a dispute: what would be destroyed is sealed (L1).
    Open,
}

/// Checks that the plan was carried out on the whole inventory.
///
/// # Errors
/// All at once, each naming the thing and its holder: `disposal.undone`, `disposal.signature`, `disposal.action` for another
/// action than the plan's, `disposal.receiver`, `disposal.late`, `disposal.early` before the end, `disposal.evidence` for
/// evidence that is used for two things, `disposal.unlisted` for a record on a thing that is not in the inventory,
/// `disposal.conflict` for two records on one thing.
pub fn settle(
    plan: &DisposalPlan,
    inventory: &BTreeSet<Asset>,
    records: &[Signed<Disposal>],
    ended: Time,
    hold: Hold,
    keys: &KeyRing,
) -> Checked<()> {
    let hash = document_hash(plan).map_err(|error| broken("disposal.signature", &plan.sides[1], &error))?;
    let mut found = Vec::new();
    let mut done: BTreeSet<&Asset> = BTreeSet::new();
    let mut evidence = BTreeSet::new();
    for signed in records {
        let Disposal { asset, receiver, .. } = &signed.payload;
        let signers: Vec<&str> = std::iter::once(&asset.holder).chain(receiver).map(PartyName::as_str).collect();
        let record = match signed.verify(keys, &signers) {
            Ok(record) => record,
            Err(error) => {
                found.extend(broken("disposal.signature", &asset.holder, &error));
                continue;
            }
        };
        let planned = plan.actions.get(&asset.kind).copied().unwrap_or(Action::Destroy);
        let wanted = if hold == Hold::Open && planned == Action::Destroy { Action::Seal } else { planned };
        let to_authority = match wanted {
            Action::Seal | Action::HandOver => receiver.as_ref() == plan.sides.first(),
            Action::Destroy | Action::Keep => receiver.is_none(),
        };
        let rules = [
            (
                record.v == 1 && record.plan == hash && record.action == wanted,
                "disposal.action",
                "was not treated as the plan says",
                "未按方案处置",
            ),
            (to_authority, "disposal.receiver", "went to somebody else than the authority", "接收方不是主管部门一方"),
            (record.at >= ended, "disposal.early", "was treated before the end", "在期满前处置"),
            (record.at <= ended.plus_days(i64::from(plan.within_days)), "disposal.late", "was treated too late", "逾期处置"),
            (evidence.insert(record.evidence), "disposal.evidence", "shows evidence of another thing", "证据与其他资产重复"),
            (inventory.contains(asset), "disposal.unlisted", "is not in the inventory", "不在资产清单内"),
            (done.insert(asset), "disposal.conflict", "has two records", "有两份记录"),
        ];
        found.extend(rules.into_iter().filter(|(holds, ..)| !holds).map(|(_, code, en, zh)| about(code, asset, en, zh)));
    }
    let undone = inventory.iter().filter(|asset| !done.contains(asset));
    found.extend(undone.map(|asset| about("disposal.undone", asset, "has no record of what was done with it", "没有处置记录")));
    unless(found, ())
}

/// What the lineage of an authorisation's jobs reaches and the inventory leaves out: nothing is kept by not being listed.
#[must_use]
pub fn hidden(trace: &Trace, inventory: &BTreeSet<Asset>) -> Vec<Finding> {
    let listed: BTreeSet<(AssetKind, Hash)> = inventory.iter().map(|asset| (asset.kind, asset.content)).collect();
    let missing = trace.steps.iter().filter_map(|step| {
        let kind = match step.node.id.kind {
            Kind::Dataset | Kind::Derivative => AssetKind::Rows,
            Kind::Model => AssetKind::Model,
            Kind::Result => AssetKind::Result,
            Kind::Product => AssetKind::Product,
            Kind::Algorithm => AssetKind::Program,
            Kind::Job | Kind::Call => return None,
        };
        let who = step.node.by.first().map_or_else(String::new, ToString::to_string);
        (!listed.contains(&(kind, step.node.id.hash))).then_some((kind, step.node.id, who))
    });
    let finding = |(kind, id, who): (AssetKind, NodeId, String)| {
        let what = (format!("{id} is in the lineage and not in the inventory as {kind}"), format!("谱系中有{}，资产清单未列", id.zh()));
        Finding::new("disposal.hidden", who, what, ("complete the inventory", "补全资产清单"))
    };
    missing.map(finding).collect()
}

fn about(code: &str, asset: &Asset, en: &str, zh: &str) -> Finding {
    let Asset { content, kind, holder } = asset;
    let what = (format!("{kind} {content} {en}"), format!("{} {content} {zh}", kind.zh()));
    Finding::new(code, holder, what, ("carry out the plan and record it", "按方案处置并记录"))
}

/// The action of a plan for a kind, for those who carry it out.
///
/// # Errors
/// `disposal.kind` if the plan says nothing about it.
pub fn action(plan: &DisposalPlan, kind: AssetKind, hold: Hold) -> Checked<Action> {
    match plan.actions.get(&kind) {
        Some(Action::Destroy) if hold == Hold::Open => Ok(Action::Seal),
        Some(action) => Ok(*action),
        None => {
            let what = (format!("nothing is said about {kind}"), format!("未明确{}", kind.zh()));
            refuse("disposal.kind", &plan.sides[1], what, ("agree on a complete plan", "双方议定完整的处置方案"))
        }
    }
}
