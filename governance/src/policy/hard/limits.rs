//! Rules about numbers: security claims, floors, row counts, runs.

use crate::contract::{Adversary, Input, ProtocolTerms, PsiKind, Role, Zone};
use crate::finding::Finding;
use crate::policy::case::Case;

/// The contract claims no more security than its protocols give: one of three, 40 statistical bits; against parties that deviate only
/// where nothing is aligned by PSI, which has no such protection.
pub(super) fn security(input: &Case<'_>) -> Vec<Finding> {
    let s = &input.contract.security;
    // who computes alone over its own rows shares nothing with others that could be corrupted
    let (corruptions, malicious) = match &input.contract.protocol {
        ProtocolTerms::Joint(joint) => {
            // hardware answers for its operator; a simulator does not
            let hardware = joint.enclave.as_ref().is_some_and(|enclave| !enclave.simulated);
            (1, joint.psi.kind == PsiKind::SharedJoin80 || hardware)
        }
        ProtocolTerms::Derivative(_) => (0, false),
        ProtocolTerms::Training(_) => (1, false),
    };
    let honest = (s.adversary == Adversary::SemiHonest || malicious)
        && s.corruptions == corruptions
        && s.statistical_bits <= 40
        && s.computational_bits <= 128
        && !s.assumptions.is_blank();
    if honest {
        return Vec::new();
    }
    vec![Finding::new(
        "security.overstated",
        "contract",
        (
            "replicated secret sharing is secure against one party, 128 and 40 bits, with ECDH-PSI or a simulated environment if that party is semi-honest; a provider that computes alone has no corrupted partner, a training holds against one semi-honest party; the contract says otherwise",
            "复制秘密共享的安全性为：至多一个恶意方（采用 ECDH 求交或模拟环境时为半诚实方），计算 128 位、统计 40 位；提供方单独计算时无被攻陷的合作方；联合训练可抵御至多一个半诚实方；合约所述不符",
        ),
        ("state the model that the protocols have", "按协议的实际安全模型填写"),
    )]
}

/// Most that a training may spend of privacy where a party outside the domain gets the model of each round.
const OUTSIDE_EPSILON: f64 = 8.0;

/// Models of every round go to all that train. A party outside of the domain gets them only where a budget bounds what they tell of a row; that it
/// computes at all takes a decision of the authority (`zones`).
pub(super) fn training_outside(input: &Case<'_>) -> Vec<Finding> {
    let Some(terms) = input.contract.training() else { return Vec::new() };
    let bounded = terms.privacy.as_ref().is_some_and(|privacy| privacy.epsilon.get() <= OUTSIDE_EPSILON);
    let outside = input.contract.with_role(Role::Computing).filter(|party| party.zone == Zone::Outside && !bounded);
    outside
        .map(|party| {
            Finding::new(
                "training.outside",
                &party.name,
                (
                    format!("`{}` is outside the domain and would get the model of each round without a privacy budget of at most epsilon {OUTSIDE_EPSILON}", party.name),
                    format!("`{}` 在域外，将获得每轮模型，而合约未列 ε 不大于 {OUTSIDE_EPSILON} 的隐私预算", party.name),
                ),
                ("set `privacy` in [step.train], or train inside the domain", "在 [step.train] 中设置 `privacy`，或在域内训练"),
            )
        })
        .collect()
}

/// The contract's limits are at least as strict as the profile's.
pub(super) fn floors(input: &Case<'_>) -> Vec<Finding> {
    let l = &input.contract.limits;
    let f = &input.floors;
    let rules = [
        ("limits.min-rows", l.min_rows >= f.min_rows, "min_rows", l.min_rows, "at least", "不小于", f.min_rows),
        ("limits.min-cell", l.min_cell >= f.min_cell, "min_cell", l.min_cell, "at least", "不小于", f.min_cell),
        ("limits.max-ratio", l.max_ratio <= f.max_ratio, "max_ratio", l.max_ratio, "at most", "不大于", f.max_ratio),
        ("limits.runs-per-day", l.runs_per_day <= f.runs_per_day, "runs_per_day", l.runs_per_day, "at most", "不大于", f.runs_per_day),
    ];
    rules
        .into_iter()
        .filter(|(_, holds, ..)| !holds)
        .map(|(code, _, name, is, en, zh, bound)| {
            Finding::new(
                code,
                "contract",
                (format!("{name} is {is}, the profile demands {en} {bound}"), format!("{name} 为 {is}，规则集要求{zh} {bound}")),
                ("tighten [limits] in job.toml", "收紧 job.toml 的 [limits]"),
            )
        })
        .collect()
}

/// Too small a set, or a tiny set against a huge one, probes membership. `Finding`s name sizes, which the contract
/// tells everybody anyway.
pub(super) fn rows(input: &Case<'_>) -> Vec<Finding> {
    let c = input.contract;
    let l = &c.limits;
    let mut found: Vec<Finding> = c
        .inputs
        .iter()
        .filter(|i| i.rows < l.min_rows)
        .map(|i| {
            Finding::new(
                "rows.too-few",
                &i.party,
                (
                    format!("`{}` offers {} rows, at least {} are demanded", i.dataset, i.rows, l.min_rows),
                    format!("`{}` 参与 {} 行，要求不少于 {} 行", i.dataset, i.rows, l.min_rows),
                ),
                (
                    "use a larger data set; check how many rows the consent filter and the key rules drop",
                    "使用更大的数据集；检查授权同意过滤与主键规则去除的行数",
                ),
            )
        })
        .collect();
    let smallest = c.inputs.iter().min_by_key(|i| i.rows);
    let largest = c.inputs.iter().max_by_key(|i| i.rows);
    if let (Some(Input { rows: few, party, .. }), Some(Input { rows: many, .. })) = (smallest, largest)
        && *many > few.saturating_mul(l.max_ratio)
    {
        found.push(Finding::new(
            "rows.ratio",
            party,
            (
                format!("{many} rows against {few} exceed the ratio of {}", l.max_ratio),
                format!("双方行数为 {many} 与 {few}，超过比例上限 {}", l.max_ratio),
            ),
            ("use sets of comparable size", "使用规模相近的数据集"),
        ));
    }
    found
}

/// Runs over the same pair of inputs in one day are counted: differences between runs isolate rows.
pub(super) fn runs(input: &Case<'_>) -> Vec<Finding> {
    let allowed = input.contract.limits.runs_per_day.min(input.floors.runs_per_day);
    if input.runs_today < allowed {
        return Vec::new();
    }
    let computing = input.contract.party(input.me).is_some_and(|p| p.is(Role::Computing) || p.is(Role::Input));
    // a reviewer or receiver sees other jobs than the computing parties do: its count is no evidence
    if !computing {
        return Vec::new();
    }
    vec![Finding::new(
        "runs.exhausted",
        input.me,
        (
            format!("these inputs ran {} times today, {allowed} runs a day are allowed", input.runs_today),
            format!("该组输入今日已运行 {} 次，每日上限为 {allowed} 次", input.runs_today),
        ),
        ("wait until tomorrow (UTC)", "请于次日（UTC）再试"),
    )]
}
