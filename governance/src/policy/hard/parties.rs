//! Rules about who takes part.

use std::collections::BTreeMap;

use super::proven_authorisation;
use crate::contract::{Role, Zone};
use crate::finding::Finding;
use crate::policy::case::Case;

/// A party decides about jobs of its own only.
pub(super) fn membership(input: &Case<'_>) -> Vec<Finding> {
    if input.contract.party(input.me).is_some() {
        return Vec::new();
    }
    vec![Finding::new(
        "parties.not-ours",
        input.me,
        (format!("`{}` is no party of this contract", input.me), format!("`{}` 不是本合约的参与方", input.me)),
        ("name this node among the parties", "在参与方中列出本节点"),
    )]
}

/// D7: parties, data sets and authorisation all belong to the environment this node runs in.
pub(super) fn environment(input: &Case<'_>) -> Vec<Finding> {
    let here = input.environment;
    let c = input.contract;
    let mut found = Vec::new();
    let mut demand = |same: bool, party: &str, thing: &str| {
        if !same {
            found.push(Finding::new(
                "environment.mixed",
                party,
                (format!("`{thing}` does not belong to environment `{here}`"), format!("`{thing}` 不属于 {here} 环境")),
                (
                    "keep development and production apart: use a node, data and an authorisation of one environment",
                    "开发与生产环境须隔离：节点、数据与授权应属同一环境",
                ),
            ));
        }
    };
    demand(c.environment == here, "contract", c.environment.as_str());
    demand(input.me.environment() == here, input.me.as_str(), input.me.as_str());
    for p in &c.parties {
        demand(p.name.environment() == here, p.name.as_str(), p.name.as_str());
    }
    for i in &c.inputs {
        demand(i.dataset.environment() == here, i.party.as_str(), i.dataset.as_str());
    }
    demand(c.authorisation.id.environment() == here, c.authorisation.id.organisation(), c.authorisation.id.as_str());
    found
}

/// No two computing parties are controlled by the same: together they would hold all shares.
pub(super) fn controllers(input: &Case<'_>) -> Vec<Finding> {
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for party in input.contract.with_role(Role::Computing) {
        // spelling must not hide it
        let controller = party.controller.trim().to_lowercase();
        if let Some(other) = first.get(&controller) {
            found.push(Finding::new(
                "parties.controller-shared",
                &party.name,
                (
                    format!("`{}` and `{other}` compute and are both controlled by `{}`", party.name, party.controller),
                    format!("计算方 `{}` 与 `{other}` 同受“{}”控制", party.name, party.controller),
                ),
                ("let an independent organisation compute instead", "由独立的单位担任计算方"),
            ));
        } else {
            first.insert(controller, party.name.as_str());
        }
    }
    found
}

/// D9: a party outside the domain may compute only by a decision of the authority, valid as long as the contract.
pub(super) fn zones(input: &Case<'_>) -> Vec<Finding> {
    let c = input.contract;
    let authority = proven_authorisation(input).map(|a| &a.authority);
    let decided = |name: &crate::id::PartyName| {
        input.dossier.outside.iter().any(|signed| {
            let d = &signed.payload;
            authority.is_some_and(|a| input.verify(signed, a.as_str()).is_ok())
                && d.v == 1
                && d.party == *name
                && d.authorisation == c.authorisation.id
                && input.now < d.not_after
                && c.expires <= d.not_after
        })
    };
    c.with_role(Role::Computing)
        .filter(|p| p.zone == Zone::Outside && !decided(&p.name))
        .map(|p| {
            Finding::new(
                "parties.zone",
                &p.name,
                (
                    format!("`{}` computes outside the domain without a valid decision of the authority", p.name),
                    format!("`{}` 在授权运营域外参与计算，且没有主管部门的有效决定", p.name),
                ),
                ("obtain a signed decision, or compute inside the domain", "取得主管部门签署的决定，或改在域内计算"),
            )
        })
        .collect()
}

/// The reviewer and the authorities neither compute nor bring data, and the reviewer is independent of those whose
/// result it reviews.
pub(super) fn reviewer(input: &Case<'_>) -> Vec<Finding> {
    let c = input.contract;
    let mut found = Vec::new();
    for p in &c.parties {
        let judge = p.name == c.reviewer.party || p.is(Role::Reviewer) || input.authorities.contains(&p.name);
        if judge && (p.is(Role::Computing) || p.is(Role::Input)) {
            found.push(Finding::new(
                "parties.reviewer-computes",
                &p.name,
                (
                    format!("`{}` reviews or authorises and must neither compute nor bring data", p.name),
                    format!("`{}` 负责审核或授权，不得参与计算或提供数据", p.name),
                ),
                ("let another party compute", "由其他参与方计算"),
            ));
        }
    }
    let controller = |name| c.party(name).map(|p| p.controller.trim().to_lowercase());
    let of_reviewer = controller(&c.reviewer.party);
    for p in c.parties.iter().filter(|p| p.is(Role::Computing) || p.is(Role::Result)) {
        if p.name != c.reviewer.party && controller(&p.name) == of_reviewer {
            found.push(Finding::new(
                "parties.reviewer-dependent",
                &c.reviewer.party,
                (
                    format!("the reviewer and `{}` are both controlled by `{}`", p.name, p.controller),
                    format!("审核方与 `{}` 同受“{}”控制", p.name, p.controller),
                ),
                ("name an independent reviewer", "指定独立的审核方"),
            ));
        }
    }
    found
}

/// A18: results go to parties of the contract, and only to the licensee or to those who brought data (O11).
pub(super) fn receivers(input: &Case<'_>) -> Vec<Finding> {
    let c = input.contract;
    let licensee = proven_authorisation(input).map(|a| a.licensee.as_str());
    let mut found = Vec::new();
    for r in &c.receivers {
        let party = c.party(&r.party);
        if !party.is_some_and(|p| p.is(Role::Result)) {
            found.push(Finding::new(
                "receivers.not-party",
                &r.party,
                (
                    format!("receiver `{}` is no party with the role of result", r.party),
                    format!("结果接收方 `{}` 不是合约中的结果方", r.party),
                ),
                ("name it as `receiver` in job.toml", "在 job.toml 中将其列为 receiver"),
            ));
        }
        let entitled = Some(r.party.organisation()) == licensee || party.is_some_and(|p| p.is(Role::Input));
        if !entitled {
            found.push(Finding::new(
                "receivers.not-entitled",
                &r.party,
                (
                    format!("receiver `{}` is neither the licensee nor a provider of input", r.party),
                    format!("结果接收方 `{}` 既非被授权单位也非数据提供方", r.party),
                ),
                ("let the licensee receive the result", "由被授权单位接收结果"),
            ));
        }
    }
    for p in c.with_role(Role::Result).filter(|p| !c.receivers.iter().any(|r| r.party == p.name)) {
        found.push(Finding::new(
            "receivers.key-missing",
            &p.name,
            (
                format!("`{}` is to receive the result but has no sealing key in the contract", p.name),
                format!("`{}` 为结果方，但合约中没有其封存密钥", p.name),
            ),
            ("add it to `receiver`", "将其加入 `receiver`"),
        ));
    }
    found
}
