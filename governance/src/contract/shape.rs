//! Whether a contract contradicts itself. What law and policy say about it is elsewhere ([`crate::policy`]).

use std::collections::BTreeSet;

use super::parties::Role;
use super::steps::StepTerms;
use super::terms::{ConsentTerms, DerivativeTerms, JointTerms, ProtocolTerms, PsiKind, RevealMatch, Side, SideTerms, Technique};
use super::training::{Aggregation, LEAST_TRAINERS, Learner, MOST_TRAINERS, TrainingTerms};
use super::{Contract, Input};
use crate::finding::Finding;
use crate::id::Environment;

/// Most numeric columns of both sides together. A result holds about `3 c^2` numbers where rows are joined on shares, and every party
/// computes the cost of that before it signs: at 256 columns 1.6 MB and tens of milliseconds, at 8192 gigabytes. A person could review neither,
/// but the first is a table and the second keeps no node busy.
pub const MAX_COLUMNS: usize = 256;
/// Most categories of a column that groups: each is a column of 0 and 1 over all rows, and a line of the result.
pub const MAX_GROUPS: usize = 64;

/// Most significant digits of a published number: 20 of the 53 bits of a double. A report needs no more; the others say nothing about a
/// population, but much about which rows it was made of.
pub const MAX_DIGITS: u32 = 6;

/// Bytes of a policy with the files that it names. All parties keep them with the contract.
pub const MAX_POLICY: usize = 1 << 20;

/// Collects findings about one contract.
struct Shape<'a> {
    contract: &'a Contract,
    found: Vec<Finding>,
}

impl Contract {
    /// Everything in which the contract contradicts itself; empty means well-formed.
    #[must_use]
    pub fn check_shape(&self) -> Vec<Finding> {
        let mut shape = Shape { contract: self, found: Vec::new() };
        shape.header();
        shape.parties();
        match &self.protocol {
            ProtocolTerms::Joint(joint) => {
                shape.joint_parties(joint);
                shape.sides(joint);
                shape.steps(joint);
                shape.enclave(joint);
                shape.split_model(joint);
            }
            ProtocolTerms::Derivative(terms) => shape.derivative(terms),
            ProtocolTerms::Training(terms) => shape.training(terms),
        }
        shape.outputs();
        shape.inputs();
        shape.results();
        shape.found
    }
}

impl Shape<'_> {
    fn demand(&mut self, holds: bool, code: &str, party: &dyn std::fmt::Display, en: String, zh: String, remedy: (&str, &str)) {
        if !holds {
            self.found.push(Finding::new(code, party, (en, zh), remedy));
        }
    }

    fn header(&mut self) {
        let c = self.contract;
        let whole = &"contract";
        self.demand(
            c.v == 1,
            "contract.version-unknown",
            whole,
            format!("the contract has format {}, this node knows 1", c.v),
            format!("合约格式为 {}，本节点只识别 1", c.v),
            ("use the same release of yu on all sides", "各方使用同一版本的 yu"),
        );
        let technique = match &c.protocol {
            ProtocolTerms::Joint(JointTerms { enclave: Some(_), .. }) => Technique::Enclave,
            ProtocolTerms::Joint(joint) if joint.steps.iter().any(|step| step.split_model().is_some()) => Technique::Federated,
            ProtocolTerms::Joint(_) => Technique::Mpc,
            ProtocolTerms::Derivative(_) => Technique::Central,
            ProtocolTerms::Training(_) => Technique::Federated,
        };
        self.demand(
            c.technique == technique,
            "contract.technique-unknown",
            whole,
            format!(
                "contract format 1 describes joint jobs by `mpc` or `enclave`, derivatives by `central`, trainings and split models by `federated`, not by `{}`",
                c.technique.as_str()
            ),
            format!("合约格式 1 的联合任务采用 mpc 或 enclave、去标识化任务采用 central、训练与分持模型任务采用 federated，不支持 {}", c.technique.as_str()),
            ("choose the technique that the job has", "请按任务类型选择 technique"),
        );
        self.demand(
            c.crypto == super::CryptoTerms::of(crate::suite::suite()),
            "contract.crypto-unknown",
            whole,
            format!("algorithm suite `{}` is not known to this node", c.crypto.suite),
            format!("本节点不支持算法套件“{}”", c.crypto.suite),
            ("draft the contract on a node of this domain, which is of one suite", "请在本域节点上起草合约：一个域只用一种套件"),
        );
        let nonce_ok = crate::canonical::parse_hex::<32>(&c.nonce).is_some();
        self.demand(
            nonce_ok && c.created < c.expires && !c.title.is_blank(),
            "contract.header",
            whole,
            "the contract needs a title in both languages, an end after its creation, and a nonce of 32 bytes in hex".into(),
            "合约须有中英文标题、晚于创建时间的截止时间，以及 32 字节十六进制随机数".into(),
            ("compile the job again with `yu job submit`", "用 `yu job submit` 重新生成合约"),
        );
        let l = &c.limits;
        let cost = &c.cost;
        self.demand(
            [l.min_rows, l.min_cell, l.max_ratio, l.runs_per_day].iter().all(|&n| n > 0)
                && cost.min_bytes <= cost.max_bytes
                && cost.min_rounds <= cost.max_rounds,
            "contract.numbers",
            whole,
            "limits must be at least 1, and no minimum of the cost may exceed its maximum".into(),
            "各项限制须不小于 1，成本下限不得大于上限".into(),
            ("correct [limits] in job.toml", "修改 job.toml 的 [limits]"),
        );
    }

    fn parties(&mut self) {
        let c = self.contract;
        let mut names = BTreeSet::new();
        for party in &c.parties {
            let sorted = party.roles.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
            self.demand(
                names.insert(&party.name) && sorted && !party.roles.is_empty() && !party.controller.trim().is_empty(),
                "contract.party-malformed",
                &party.name,
                format!("`{}` must stand in the contract once, with a controller and with sorted roles", party.name),
                format!("`{}` 在合约中须只出现一次，并写明控制人和有序的角色", party.name),
                ("correct the parties in job.toml", "修改 job.toml 中的参与方"),
            );
        }
    }

    fn joint_parties(&mut self, joint: &JointTerms) {
        let c = self.contract;
        let s = &joint.statistics;
        let engine: BTreeSet<_> = [&s.left.party, &s.right.party, &s.helper].into();
        let computing: BTreeSet<_> = c.with_role(Role::Computing).map(|p| &p.name).collect();
        self.demand(
            engine.len() == 3 && engine == computing,
            "contract.computing-parties",
            &"contract",
            "left, right and helper must be three different parties, and exactly these compute".into(),
            "左方、右方和辅助方须为三个不同的参与方，且计算方恰为此三方".into(),
            ("give role \"computing\" to these three", "仅将此三方设为计算方"),
        );
        let of_input: BTreeSet<_> = c.with_role(Role::Input).map(|p| &p.name).collect();
        let with_input: BTreeSet<_> = c.inputs.iter().map(|i| &i.party).collect();
        let sides: BTreeSet<_> = [&s.left.party, &s.right.party].into();
        self.demand(
            of_input == with_input && with_input == sides && c.inputs.len() == 2,
            "contract.input-parties",
            &"contract",
            "left and right must bring one data set each, and nobody else any".into(),
            "左方与右方须各提供一个数据集，其他方不得提供".into(),
            ("correct [left] and [right] in job.toml", "修改 job.toml 的 [left] 与 [right]"),
        );
    }

    fn side_input(&self, side: &SideTerms) -> Option<&Input> {
        self.contract.inputs.iter().find(|i| i.party == side.party)
    }

    /// One party works over one data set of its own.
    fn derivative(&mut self, terms: &DerivativeTerms) {
        let c = self.contract;
        let with = |role: Role| c.with_role(role).map(|p| &p.name).collect::<Vec<_>>();
        let owner: Vec<_> = c.inputs.iter().map(|i| &i.party).collect();
        self.demand(
            owner.len() == 1 && with(Role::Input) == owner && with(Role::Computing) == owner,
            "contract.derivative-parties",
            &"contract",
            "one party brings one data set, and exactly this party computes".into(),
            "须由一方提供一个数据集，且恰由该方计算".into(),
            ("correct [input] in job.toml", "修改 job.toml 的 [input]"),
        );
        let distinct: BTreeSet<_> = terms.columns.iter().collect();
        let keys: BTreeSet<_> = terms.keys.iter().collect();
        let known = c.inputs.first().is_some_and(|i| terms.columns.iter().all(|name| i.columns.contains(name)));
        let size = terms.policy.len() + terms.files.values().map(String::len).sum::<usize>();
        self.demand(
            known && !distinct.is_empty() && distinct.len() == terms.columns.len() && keys.into_iter().eq(&terms.keys),
            "contract.derivative-columns",
            &"contract",
            "the columns of the release must be input columns, each once, and the keys sorted, each once".into(),
            "发布列须为输入列且各列一次，密钥须排序且不重复".into(),
            ("compile the job again with `yu job submit`", "用 `yu job submit` 重新生成合约"),
        );
        self.demand(
            !terms.policy.trim().is_empty() && size <= MAX_POLICY,
            "contract.derivative-policy",
            &"contract",
            format!("policy and files must be there and have at most {MAX_POLICY} bytes, not {size}"),
            format!("须附规则及其文件，合计至多 {MAX_POLICY} 字节，现为 {size}"),
            ("use smaller files of hierarchies", "使用更小的泛化层次文件"),
        );
        self.demand(
            c.reveal_match == RevealMatch::None,
            "contract.derivative-match",
            &"contract",
            "nothing is matched, so nobody can learn a match".into(),
            "本任务不作匹配，不存在匹配结果的告知".into(),
            ("compile the job again with `yu job submit`", "用 `yu job submit` 重新生成合约"),
        );
    }

    /// Parties with the same columns train; one without rows adds up.
    fn training(&mut self, terms: &TrainingTerms) {
        let c = self.contract;
        let owners: BTreeSet<_> = c.inputs.iter().map(|i| &i.party).collect();
        let with = |role: Role| c.with_role(role).map(|p| &p.name).collect::<BTreeSet<_>>();
        let computing: BTreeSet<_> = owners.iter().copied().chain([&terms.coordinator]).collect();
        let trees = terms.learner == Learner::Trees;
        let least = if trees || terms.aggregation == Aggregation::Secure { LEAST_TRAINERS } else { 2 };
        self.demand(
            owners.len() == c.inputs.len()
                && with(Role::Input) == owners
                && with(Role::Computing) == computing
                && !owners.contains(&terms.coordinator),
            "contract.training-parties",
            &"contract",
            "each party with rows brings one data set, and exactly these and the coordinator, which brings none, compute".into(),
            "各数据方各提供一个数据集，计算方恰为各数据方与不提供数据的协调方".into(),
            ("correct [[inputs]] and `coordinator` in job.toml", "修改 job.toml 的 [[inputs]] 与 `coordinator`"),
        );
        self.demand(
            (least..=MOST_TRAINERS).contains(&owners.len()),
            "contract.training-too-few",
            &"contract",
            format!("{} parties bring rows, {least} to {MOST_TRAINERS} may: with fewer than {LEAST_TRAINERS} a sum of updates tells one of them the other's", owners.len()),
            format!("共 {} 个数据方，应为 {least} 至 {MOST_TRAINERS} 个：少于 {LEAST_TRAINERS} 方时，由更新之和可推知他方更新", owners.len()),
            ("let more parties take part", "增加参与方"),
        );
        let columns: BTreeSet<_> = terms.features.iter().chain([&terms.target]).collect();
        let known = c.inputs.iter().all(|i| columns.iter().all(|name| i.columns.contains(name)));
        self.demand(
            known && !terms.features.is_empty() && columns.len() == terms.features.len() + 1 && columns.len() <= MAX_COLUMNS,
            "contract.training-columns",
            &"contract",
            format!("features and target must be columns of every party, each once, at most {MAX_COLUMNS}"),
            format!("特征列与目标列须为各方共有的列，各列一次，至多 {MAX_COLUMNS} 列"),
            ("correct `features` and `target` in job.toml", "修改 job.toml 的 `features` 与 `target`"),
        );
        let bounded = terms.privacy.as_ref().is_none_or(|p| p.epsilon.get() > 0.0 && (0.0..1.0).contains(&p.delta.get()));
        self.demand(
            bounded && [&terms.settings, &terms.gate].iter().all(|text| !text.trim().is_empty() && text.len() <= MAX_POLICY),
            "contract.training-settings",
            &"contract",
            "the settings of the training and of its release gate must be there, and a privacy budget positive".into(),
            "须附训练设置与出域检验门限，隐私预算须为正".into(),
            ("correct [step.train] and [gate] in job.toml", "修改 job.toml 的 [step.train] 与 [gate]"),
        );
        let named = |text: &str| !text.trim().is_empty() && text.len() <= MAX_POLICY;
        let trainer = terms.trainer.as_ref();
        self.demand(
            trainer.is_none_or(|trainer| !trees && terms.privacy.is_none() && named(&trainer.settings))
                && !(trees && terms.privacy.is_some()),
            "contract.training-trainer",
            &"contract",
            "a program trains weights only, and neither it nor trees keep a privacy budget of rows: what a row does to them is not bounded"
                .into(),
            "外部程序仅可训练权重模型；外部程序与树模型均不能采用逐行隐私预算，因单行数据的影响没有上界".into(),
            ("leave out `privacy`, or train weights by Yu's own step", "去掉 `privacy`，或改用 Yu 自带的训练步骤"),
        );
        self.demand(
            c.reveal_match == RevealMatch::None,
            "contract.training-match",
            &"contract",
            "nothing is matched, so nobody can learn a match".into(),
            "本任务不作匹配，不存在匹配结果的告知".into(),
            ("compile the job again with `yu job submit`", "用 `yu job submit` 重新生成合约"),
        );
    }

    fn sides(&mut self, joint: &JointTerms) {
        let s = &joint.statistics;
        let columns = s.left.columns.len() + s.right.columns.len();
        let groups = joint.steps.iter().flat_map(StepTerms::categories).map(|g| g.categories.len()).max().unwrap_or(0);
        self.demand(
            columns <= MAX_COLUMNS && groups <= MAX_GROUPS,
            "contract.size",
            &"contract",
            format!("{columns} columns and {groups} groups, at most {MAX_COLUMNS} of both sides and {MAX_GROUPS}"),
            format!("共 {columns} 列、{groups} 组，双方合计至多 {MAX_COLUMNS} 列、{MAX_GROUPS} 组"),
            ("ask for fewer columns, in several jobs", "减少列数，或分为多个任务"),
        );
        for side in [&s.left, &s.right] {
            let distinct: BTreeSet<_> = side.columns.iter().collect();
            let input = self.side_input(side);
            let known = input.is_some_and(|i| side.columns.iter().all(|name| i.columns.contains(name)));
            let keys = input.is_some_and(|i| side.columns.iter().any(|name| i.key.columns.contains(name)));
            self.demand(
                known && !keys && distinct.len() == side.columns.len(),
                "contract.statistics-columns",
                &side.party,
                format!("the statistics of `{}` must name input columns, each once, and no key column", side.party),
                format!("`{}` 的统计列须为其输入列，各列一次，且不含主键列", side.party),
                ("correct [left] and [right] in job.toml", "修改 job.toml 的 [left] 与 [right]"),
            );
        }
        let is_join = joint.psi.kind == PsiKind::SharedJoin80;
        for side in [&s.left, &s.right] {
            let wanted = if is_join { side.columns.len() } else { 0 };
            self.demand(
                side.exponents.len() == wanted && side.exponents.iter().all(|e| (-1000..=1000).contains(e)),
                "contract.exponents",
                &side.party,
                format!(
                    "`{}` must state a magnitude for each statistics column if rows are joined on shares, and none otherwise",
                    side.party
                ),
                format!("仅当在份额上连接时，`{}` 须为每个统计列给出量级", side.party),
                ("compile the job again with `yu job submit`", "用 `yu job submit` 重新生成合约"),
            );
        }
    }

    fn steps(&mut self, joint: &JointTerms) {
        let s = &joint.statistics;
        let of = |side: Side| match side {
            Side::Left => &s.left,
            Side::Right => &s.right,
        };
        let steps = &joint.steps;
        let read: BTreeSet<(Side, &String)> = steps.iter().flat_map(StepTerms::numbers).map(|r| (r.side, &r.column)).collect();
        let brought: BTreeSet<(Side, &String)> =
            [Side::Left, Side::Right].into_iter().flat_map(|side| of(side).columns.iter().map(move |c| (side, c))).collect();
        self.demand(
            !steps.is_empty() && read == brought,
            "contract.steps",
            &"contract",
            "there must be steps, and they must read exactly the numeric columns that the sides bring".into(),
            "合约须有计算步骤，且各步骤读取的数值列须恰为双方提供的列".into(),
            ("correct [[steps]] in job.toml", "修改 job.toml 的 [[steps]]"),
        );
        let aligned = joint.psi.kind != PsiKind::SharedJoin80;
        let names = |side: Side| of(side).columns.iter().map(move |c| (side, c));
        let all: Vec<_> = names(Side::Left).chain(names(Side::Right)).collect();
        let whole = matches!(steps.as_slice(), [StepTerms::Stats { columns, .. }]
            if columns.iter().map(|r| (r.side, &r.column)).eq(all.iter().copied()));
        self.demand(
            !aligned || whole || matches!(steps.as_slice(), [step] if step.split_model().is_some()),
            "contract.steps-aligned",
            &"contract",
            "where rows are aligned by ECDH-PSI or inside an enclave the only step is `stats` over all columns, or one about a split model"
                .into(),
            "采用 ECDH 求交或可信执行环境时，唯一的步骤须为对全部列的 stats，或一个分持模型步骤".into(),
            ("choose reveal_match = \"none\" for other steps", "其他步骤请选择 reveal_match = \"none\""),
        );
        for grouping in steps.iter().flat_map(StepTerms::categories) {
            let side = of(grouping.side);
            let labels: BTreeSet<_> = grouping.categories.iter().collect();
            let input = self.side_input(side);
            let known = input.is_some_and(|i| i.columns.contains(&grouping.column) && !i.key.columns.contains(&grouping.column));
            self.demand(
                known && !labels.is_empty() && labels.len() == grouping.categories.len(),
                "contract.grouping",
                &side.party,
                format!("grouping column `{}` must be an input column of `{}` with distinct categories", grouping.column, side.party),
                format!("分组列“{}”须为 `{}` 的输入列，且类别不重复", grouping.column, side.party),
                ("take column and categories from the catalogue", "列与类别应与目录一致"),
            );
        }
    }

    /// Rows are joined inside an environment exactly where the contract says what must be proved about it.
    fn enclave(&mut self, joint: &JointTerms) {
        let inside = joint.psi.kind == PsiKind::EnclaveJoin;
        let told = joint.enclave.as_ref().is_some_and(|e| !e.policy.trim().is_empty() && e.policy.len() <= MAX_POLICY);
        // a simulator is certified by nobody, and is for development only
        let dev = self.contract.environment == Environment::Dev;
        let backed = joint.enclave.as_ref().is_none_or(|e| e.simulated != e.bundle.is_some() && (dev || !e.simulated));
        self.demand(
            inside == joint.enclave.is_some() && (told || !inside) && backed,
            "contract.enclave",
            &"contract",
            "a join inside an enclave needs a policy of attestation, and hardware a bundle of collateral; a simulated one is for development; other jobs have neither".into(),
            "在可信执行环境内连接须附远程证明策略，硬件环境还须指明背书材料；其他任务不得含此项".into(),
            ("compile the job again with `yu job submit`", "用 `yu job submit` 重新生成合约"),
        );
    }

    /// A model that stays split is the only question of its job, over rows that both owners know to match.
    fn split_model(&mut self, joint: &JointTerms) {
        let Some(step) = joint.steps.iter().find(|step| step.split_model().is_some()) else { return };
        let Some(terms) = step.split_model() else { return };
        let c = self.contract;
        let features: BTreeSet<_> = terms.features.iter().collect();
        let both = [Side::Left, Side::Right].into_iter().all(|side| features.iter().any(|column| column.side == side));
        let ordered = terms.features.windows(2).all(|pair| matches!(pair, [a, b] if (a.side == Side::Left) || b.side == Side::Right));
        let judged = !matches!(step, StepTerms::Predict(_));
        let earlier = !matches!(step, StepTerms::Train(_));
        self.demand(
            joint.psi.kind == PsiKind::EcdhRistretto255
                && joint.steps.len() == 1
                && both
                && ordered
                && features.len() == terms.features.len()
                && terms.target.as_ref().is_none_or(|target| !features.contains(target))
                && judged == terms.target.is_some()
                && earlier == terms.model.is_some()
                && !terms.settings.trim().is_empty()
                && terms.settings.len() <= MAX_POLICY,
            "contract.split-model",
            &"contract",
            "a split model is the only step, over rows aligned by ECDH-PSI: features of both sides, left ones first, each once; a target that is none of them, unless it predicts; its training's job, unless it trains".into(),
            "分持模型须为唯一步骤，并采用 ECDH 求交：特征来自双方、左方在先、不重复；除预测外须有不属于特征的目标列；除训练外须指明训练任务".into(),
            ("correct [step] in job.toml", "修改 job.toml 的 [step]"),
        );
        let sides = [&joint.statistics.left.party, &joint.statistics.right.party];
        self.demand(
            judged || c.receivers.iter().all(|receiver| sides.contains(&&receiver.party)),
            "contract.split-model-receiver",
            &"contract",
            "answers for single rows go to an input party: nobody else knows which rows they are about".into(),
            "逐行概率须交付数据方：其他方无从得知其对应的行".into(),
            ("name an input party as `receiver`", "将 `receiver` 设为数据方之一"),
        );
    }

    fn outputs(&mut self) {
        let c = self.contract;
        let distinct: BTreeSet<_> = c.outputs.iter().map(|o| &o.name).collect();
        self.demand(
            !c.outputs.is_empty() && distinct.len() == c.outputs.len() && c.outputs.iter().all(|o| (1..=MAX_DIGITS).contains(&o.digits)),
            "contract.outputs",
            &"contract",
            format!("the contract must name at least one output, each once, with 1 to {MAX_DIGITS} significant digits"),
            format!("合约须列出至少一项输出，不得重复，有效数字为 1 至 {MAX_DIGITS} 位"),
            ("correct [[steps]] and `digits` in job.toml", "修改 job.toml 的 [[steps]] 与 `digits`"),
        );
    }

    fn inputs(&mut self) {
        let c = self.contract;
        for input in &c.inputs {
            let keys: BTreeSet<_> = input.key.columns.iter().collect();
            // nothing is matched where one party works alone
            let keys_ok = keys.is_empty() == c.joint().is_none()
                && keys.len() == input.key.columns.len()
                && keys.iter().all(|k| input.columns.contains(k));
            let subject_ok = match &input.consent {
                ConsentTerms::NotNeeded => true,
                ConsentTerms::Filter { subject_column, .. } => input.columns.contains(subject_column),
            };
            self.demand(
                keys_ok && subject_ok,
                "contract.key-columns",
                &input.party,
                format!("key and subject columns of `{}` must be among its input columns", input.dataset),
                format!("`{}` 的主键列与主体列须在输入列之中", input.dataset),
                ("name the columns in [left] and [right]", "在 [left] 与 [right] 中列出这些列"),
            );
        }
        if let [first, rest @ ..] = c.inputs.as_slice() {
            let equal =
                rest.iter().all(|i| i.key.normalisation == first.key.normalisation && i.key.columns.len() == first.key.columns.len());
            self.demand(
                equal,
                "contract.key-normalisation",
                &"contract",
                "both sides must form their keys from the same number of columns by the same steps".into(),
                "双方主键的列数与规范化步骤须相同".into(),
                ("use one key declaration for both sides", "双方使用同一主键声明"),
            );
        }
    }

    fn results(&mut self) {
        let c = self.contract;
        let reviewers: Vec<_> = c.with_role(Role::Reviewer).map(|p| &p.name).collect();
        self.demand(
            reviewers == [&c.reviewer.party],
            "contract.reviewer",
            &c.reviewer.party,
            "exactly the named reviewer must have the role of reviewer".into(),
            "审核方须恰为合约所列的审核方".into(),
            ("give role \"reviewer\" to one party", "仅设一个审核方"),
        );
        let seals: BTreeSet<_> = c.receivers.iter().map(|r| r.seal).chain([c.reviewer.seal]).collect();
        let names: BTreeSet<_> = c.receivers.iter().map(|r| &r.party).collect();
        self.demand(
            !c.receivers.is_empty() && names.len() == c.receivers.len() && seals.len() > c.receivers.len(),
            "contract.receivers",
            &"contract",
            "the contract must name at least one receiver, each once and with a key of its own".into(),
            "合约须列出至少一个结果接收方，各列一次且各有自己的封存密钥".into(),
            ("correct `receiver` in job.toml", "修改 job.toml 的 `receiver`"),
        );
    }
}
