//! Implementation plan and fair selection of the operator (A26; ZW 12, 13), linked to the root grant.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, refuse, unless};
use crate::grant::tree::{Grant, Kind};
use crate::id::{PartyName, document_hash};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::workflow::word::words;

words! {
    /// How the operator is selected (ZW 13 names these, and other fair ways).
    Manner {
        OpenTender = "open-tender", "公开招标", "Anybody who meets the conditions may bid.";
        InvitedTender = "invited-tender", "邀请招标", "Those invited may bid.";
        Negotiation = "negotiation", "谈判", "Negotiation with several.";
    }
}

/// The plan as the government adopted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adoption {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the implementation plan.
    pub plan: Hash,
    /// Hash of the minutes of the meeting that decided.
    pub minutes: Hash,
    /// The government; signs.
    pub government: PartyName,
    /// When.
    pub at: Time,
}

impl SignedType for Adoption {
    const TYPE: &'static str = "plan-adoption-v1";
}

/// One bid with its points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bid {
    /// Hash of the bid.
    pub bid: Hash,
    /// When it was handed in.
    pub at: Time,
    /// 0 to 100 of every judge.
    pub points: BTreeMap<PartyName, u32>,
}

/// The record of the selection, signed by the authority and by every judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the adoption that it rests on.
    pub adoption: Hash,
    /// How.
    pub manner: Manner,
    /// Who selects and signs.
    pub authority: PartyName,
    /// First second at which bids were taken, and the first at which they no longer were.
    pub window: (Time, Time),
    /// The bids, by organisation.
    pub bids: BTreeMap<String, Bid>,
    /// Who judges; each signs.
    pub judges: BTreeSet<PartyName>,
    /// Who was selected.
    pub selected: String,
    /// When.
    pub at: Time,
}

impl SignedType for Selection {
    const TYPE: &'static str = "operator-selection-v1";
}

const REMEDY: (&str, &str) = ("repeat the step by the rules of the selection", "依选定规则重新进行该步骤");

/// Numbers of a procurement. The five texts have none; those of the law on tenders apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fairness {
    /// Fewest bids.
    pub bids: usize,
    /// Fewest judges.
    pub judges: usize,
}

impl Fairness {
    /// Three bids and five judges, as tenders usually need (our default).
    pub const DEFAULT: Self = Self { bids: 3, judges: 5 };
}

impl Selection {
    /// Checks the selection, and that the root grant goes to who was selected; gives the hash that the grant's file keeps.
    ///
    /// # Errors
    /// All at once: those of [`Self::check`], then `selection.grant` if the grant is another's, no root, or older.
    pub fn verify(
        signed: &Signed<Self>,
        adoption: &Signed<Adoption>,
        grant: &Grant,
        governments: &[PartyName],
        rules: Fairness,
        keys: &KeyRing,
    ) -> Checked<Hash> {
        let hash = Self::check(signed, adoption, governments, rules, keys)?;
        signed.payload.awards(grant).map(|()| hash)
    }

    /// Whether the root grant goes to who was selected, after the selection.
    ///
    /// # Errors
    /// `selection.grant`.
    pub fn awards(&self, grant: &Grant) -> Checked<()> {
        let is_of_it = grant.kind == Kind::Root
            && grant.parent.is_none()
            && grant.grantor == self.authority
            && grant.grantee == self.selected
            && grant.scope.not_before >= self.at;
        let what = ("the root grant is not that of the one selected, or is older", "授权与选定结果不符或早于选定");
        if is_of_it { Ok(()) } else { refuse("selection.grant", &self.authority, what, REMEDY) }
    }

    /// Checks the selection itself.
    ///
    /// # Errors
    /// All at once: `selection.signature`; `selection.plan` without the government's adoption before the window opened;
    /// `selection.bids` or `selection.judges` for too few; `selection.interest` for a judge of a bidder, or a bid of the authority;
    /// `selection.points` naming bids that not every judge scored from 0 to 100; `selection.late` for a bid outside the window;
    /// `selection.winner` if another has more points, or as many.
    pub fn check(
        signed: &Signed<Self>,
        adoption: &Signed<Adoption>,
        governments: &[PartyName],
        rules: Fairness,
        keys: &KeyRing,
    ) -> Checked<Hash> {
        let (authority, government) = (&signed.payload.authority, &adoption.payload.government);
        let signers: Vec<&str> = std::iter::once(authority).chain(&signed.payload.judges).map(PartyName::as_str).collect();
        let selection = signed.verify(keys, &signers).map_err(|error| broken("selection.signature", authority, &error))?;
        let adopted = adoption.verify(keys, &[government.as_str()]).map_err(|error| broken("selection.signature", government, &error))?;
        let cited = document_hash(adopted).map_err(|error| broken("selection.plan", authority, &error))?;
        let (opens, closes) = selection.window;
        let organisations: BTreeSet<&str> = selection.judges.iter().map(PartyName::organisation).collect();
        let interest = |bidder: &String| organisations.contains(bidder.as_str()) || authority.organisation() == bidder;
        let unscored = |bid: &Bid| !bid.points.keys().eq(selection.judges.iter()) || bid.points.values().any(|points| *points > 100);
        let sum = |bid: &Bid| bid.points.values().map(|points| u64::from(*points)).sum::<u64>();
        let best = selection.bids.get(&selection.selected).map(sum);
        let others = selection.bids.iter().filter(|(bidder, _)| **bidder != selection.selected).map(|(_, bid)| sum(bid)).max();
        let names = |bad: &dyn Fn(&String, &Bid) -> bool| {
            let names = selection.bids.iter().filter(|(bidder, bid)| bad(bidder, bid)).map(|(bidder, _)| format!("`{bidder}`"));
            names.collect::<Vec<_>>().join(", ")
        };
        let interested = names(&|bidder, _| interest(bidder));
        let badly = names(&|_, bid| unscored(bid));
        let late = names(&|_, bid| bid.at < opens || bid.at >= closes);
        let is_adopted = selection.v == 1
            && adopted.v == 1
            && selection.adoption == cited
            && governments.contains(government)
            && adopted.at <= opens
            && opens < closes
            && selection.at >= closes;
        let rules = [
            (
                is_adopted,
                "selection.plan",
                "no plan was adopted before bids were taken, or the dates contradict each other".to_owned(),
                "实施方案未先经审定，或日期矛盾".to_owned(),
            ),
            (
                selection.bids.len() >= rules.bids,
                "selection.bids",
                format!("{} bids, {} are needed", selection.bids.len(), rules.bids),
                format!("仅 {} 份投标，至少 {} 份", selection.bids.len(), rules.bids),
            ),
            (
                selection.judges.len() >= rules.judges && organisations.len() == selection.judges.len(),
                "selection.judges",
                format!("{} judges of {} organisations, {} are needed", selection.judges.len(), organisations.len(), rules.judges),
                format!("评委 {} 人、来自 {} 个单位，至少 {} 人且单位各异", selection.judges.len(), organisations.len(), rules.judges),
            ),
            (
                interested.is_empty(),
                "selection.interest",
                format!("judges or authority belong to {interested}"),
                format!("评委或主管部门与 {interested} 有隶属关系"),
            ),
            (
                badly.is_empty(),
                "selection.points",
                format!("not every judge scored {badly} from 0 to 100"),
                format!("{badly} 未由全体评委按 0 至 100 评分"),
            ),
            (late.is_empty(), "selection.late", format!("handed in outside the window: {late}"), format!("{late} 不在投标期内")),
            (
                best.is_some() && others.is_none_or(|others| best > Some(others)),
                "selection.winner",
                "another bid has as many points or more".to_owned(),
                "另有得分相同或更高者".to_owned(),
            ),
        ];
        let found = rules.into_iter().filter(|(holds, ..)| !holds).map(|(_, code, en, zh)| Finding::new(code, authority, (en, zh), REMEDY));
        unless(found.collect(), ())?;
        document_hash(selection).map_err(|error| broken("selection.signature", authority, &error))
    }
}
