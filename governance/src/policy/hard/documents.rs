//! Rules about the authorisation and the term.

use super::{proven_approval, proven_authorisation};
use crate::authorisation::Withdrawn;
use crate::finding::Finding;
use crate::policy::case::Case;

/// How far clocks may differ before a contract counts as written in the future, in seconds.
const SKEW: i64 = 300;

/// A4: nothing runs after the end of its contract, or before it was written.
pub(super) fn expiry(input: &Case<'_>) -> Vec<Finding> {
    let c = input.contract;
    let mut found = Vec::new();
    if input.now >= c.expires {
        found.push(Finding::new(
            "contract.expired",
            "contract",
            (
                format!("the contract ended at {}, now it is {}", c.expires, input.now),
                format!("合约已于 {} 到期，当前为 {}", c.expires, input.now),
            ),
            ("submit the job again", "重新提交任务"),
        ));
    }
    if c.created > input.now.plus_seconds(SKEW) {
        found.push(Finding::new(
            "contract.from-the-future",
            "contract",
            (
                format!("the contract was written at {}, now it is {}", c.created, input.now),
                format!("合约写于 {}，当前为 {}", c.created, input.now),
            ),
            ("compare the clocks with `yu doctor`", "用 `yu doctor` 核对时钟"),
        ));
    }
    found
}

/// A1, A2, A4: one signed authorisation that is in force now and until the contract ends.
pub(super) fn authorisation(input: &Case<'_>) -> Vec<Finding> {
    let c = input.contract;
    let cited = &c.authorisation;
    let one = |code: &str, party: &str, en: String, zh: String, remedy: (&str, &str)| vec![Finding::new(code, party, (en, zh), remedy)];
    let Some(signed) = &input.dossier.authorisation else {
        return one(
            "authorisation.missing",
            cited.id.organisation(),
            format!("the authorisation `{}` is not among the documents", cited.id),
            format!("缺少授权文件 `{}`", cited.id),
            ("ask the authority to deliver it again", "请主管部门重新送达"),
        );
    };
    let payload = &signed.payload;
    let authority = payload.authority.as_str();
    if !input.authorities.contains(&payload.authority) {
        return one(
            "authorisation.authority-unknown",
            authority,
            format!("`{authority}` is not an authority that this node accepts"),
            format!("本节点不承认 `{authority}` 为主管部门"),
            ("have the accepted authority sign", "由受承认的主管部门签署"),
        );
    }
    let hash = match input.verify(signed, authority) {
        Ok((_, hash)) => hash,
        Err(error) => {
            return one(
                "authorisation.signature",
                authority,
                format!("the signature under `{}` does not hold: {error}", payload.id),
                format!("授权 `{}` 的签名无效：{error}", payload.id),
                ("obtain the signed original again", "重新获取签署原件"),
            );
        }
    };
    if payload.id != cited.id || hash != cited.hash {
        return one(
            "authorisation.other-text",
            authority,
            format!("the contract rests on another text of `{}` than the one at hand", cited.id),
            format!("合约所依据的授权 `{}` 与现有文本不同", cited.id),
            ("compile the job again with the authorisation in force", "按现行授权重新生成合约"),
        );
    }
    let mut found = payload.check(input.now, input.floors.max_term_years);
    if payload.not_after < c.expires {
        found.extend(one(
            "authorisation.ends-first",
            authority,
            format!("`{}` ends at {}, before the contract at {}", payload.id, payload.not_after, c.expires),
            format!("授权 `{}` 于 {} 到期，早于合约截止时间 {}", payload.id, payload.not_after, c.expires),
            ("let the contract end no later than its authorisation", "合约截止时间不得晚于授权"),
        ));
    }
    if !c.parties.iter().any(|p| p.name.organisation() == payload.licensee) {
        found.extend(one(
            "authorisation.licensee-absent",
            &payload.licensee,
            format!("the licensee `{}` of `{}` is no party of the contract", payload.licensee, payload.id),
            format!("授权 `{}` 的被授权单位“{}”未参与合约", payload.id, payload.licensee),
            ("run the job with the organisation that is authorised", "由被授权单位参与任务"),
        ));
    }
    found
}

/// A2, L1: what the authority has taken back does not run. A withdrawal whose signature does not hold denies too:
/// whether it is real cannot be known here.
pub(super) fn withdrawal(input: &Case<'_>) -> Vec<Finding> {
    let id = &input.contract.authorisation.id;
    let authority = proven_authorisation(input).map(|a| a.authority.clone());
    let relevant = input.dossier.withdrawals.iter().filter(|w| w.payload.authorisation == *id);
    relevant
        .filter_map(|signed| {
            let w = &signed.payload;
            let proven = authority.as_ref().is_some_and(|a| input.verify(signed, a.as_str()).is_ok());
            if !proven {
                return Some(Finding::new(
                    "withdrawal.signature",
                    id.organisation(),
                    (
                        format!("a withdrawal of `{id}` is not signed by its authority"),
                        format!("授权 `{id}` 的撤销文件未经其主管部门有效签署"),
                    ),
                    ("ask the authority whether it withdrew", "向主管部门核实是否撤销"),
                ));
            }
            let (code, en, zh) = match w.withdrawn {
                Withdrawn::Authorisation => ("authorisation.withdrawn", "the authorisation", "授权"),
                Withdrawn::ContingencyPlan => ("authorisation.plan-withdrawn", "the contingency plan of", "应急预案所属授权"),
            };
            // a withdrawal dated within the contract's life stops it as well: the contract must not outlive it
            (w.at < input.contract.expires).then(|| {
                Finding::new(
                    code,
                    id.organisation(),
                    (format!("{en} `{id}` is withdrawn from {}", w.at), format!("{zh} `{id}` 自 {} 起撤销", w.at)),
                    ("obtain a new authorisation with a plan in force", "取得附有有效应急预案的新授权"),
                )
            })
        })
        .collect()
}

/// A1, A18: one scenario and one purpose, the same in authorisation, requests, approvals and contract.
pub(super) fn purpose(input: &Case<'_>) -> Vec<Finding> {
    let c = input.contract;
    let mut found = Vec::new();
    let mut compare = |party: &str, document: String, scenario: &crate::id::Scenario, purpose: &crate::id::Purpose| {
        if *scenario != c.scenario {
            found.push(Finding::new(
                "scenario.mismatch",
                party,
                (
                    format!("the contract is for scenario `{}`, {document} for `{scenario}`", c.scenario),
                    format!("合约场景为“{}”，{document} 的场景为“{scenario}”", c.scenario),
                ),
                ("one scenario, one authorisation: apply for this scenario", "一场景一授权：请就该场景申请授权"),
            ));
        }
        if *purpose != c.purpose {
            found.push(Finding::new(
                "purpose.mismatch",
                party,
                (
                    format!("the contract is for purpose `{}`, {document} for `{purpose}`", c.purpose),
                    format!("合约用途为“{}”，{document} 的用途为“{purpose}”", c.purpose),
                ),
                ("use the data for the approved purpose, or apply for this one", "按批准的用途使用，或就该用途另行申请"),
            ));
        }
    };
    if let Some(a) = proven_authorisation(input) {
        compare(a.authority.as_str(), format!("`{}`", a.id), &a.scenario, &a.purpose);
    }
    for i in &c.inputs {
        if let Some(a) = proven_approval(input, i) {
            compare(a.approver.as_str(), format!("`{}`", a.request), &a.scenario, &a.purpose);
        }
    }
    found
}
