//! What each party learns beyond its own input: the leakage statement, as codes with sentences.
//!
//! [`required`] derives from the protocol what must be said; a contract that says less is refused by
//! `contract.leakage-understated`. A contract may say more.

use serde::{Deserialize, Serialize};

use super::Contract;
use super::parties::Role;
use super::steps::StepTerms;
use super::terms::{Adversary, PsiKind, Side};
use super::training::{Aggregation, Learner, TrainingTerms};
use crate::id::PartyName;
use crate::text::Text;

/// What can be learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeakCode {
    /// How many rows each side offers.
    RowCount,
    /// A power of two above the largest absolute value of each numeric column.
    ColumnMagnitude,
    /// How many rows match.
    MatchCount,
    /// Which of its own rows match.
    MatchedRows,
    /// What a result about its own columns says about which of its rows match.
    MatchFromResult,
    /// The mean of values around each quantile.
    OrderStatistics,
    /// How many matched rows are in each group or bin.
    GroupCounts,
    /// A trained model.
    Model,
    /// Mean and standard deviation of a regression's columns over all rows of their owner.
    FeatureScale,
    /// What happens if a computing party deviates, where nothing checks it.
    DeviationUnchecked,
    /// What happens if a computing party deviates, where it is found out.
    DeviationFound,
    /// Which environment sees the rows, and who has to be believed for it.
    EnclaveSealed,
    /// The environment is simulated: its operator can look at everything.
    EnclaveSimulated,
    /// Traffic: times, sizes, and whether and when the job stopped.
    Traffic,
    /// Rows about single persons, as a policy lets them out.
    DeidentifiedRows,
    /// The update of each party in each round.
    Updates,
    /// The sum of the parties' updates in each round.
    UpdateSums,
    /// The histograms of each party in each node of each tree.
    Histograms,
    /// The sums of the parties' histograms.
    HistogramSums,
    /// The model after each round.
    RoundModels,
    /// Bins, and the trees one by one.
    RoundTrees,
    /// What a program that Yu did not write may hide in a model.
    TrainerUnchecked,
    /// Mean and standard deviation of each feature, and the losses of each round, over the rows of all parties.
    PooledFigures,
    /// How much the model may tell of a row is bounded.
    ModelBounded,
    /// A share of a model, which stays split.
    ModelShare,
    /// Whether classes are large enough to be judged by.
    EnoughRows,
    /// How good a split model is on rows that it was not trained on.
    ModelQuality,
    /// The model's answer for each matched row: a probability, a class or a number.
    Scores,
    /// What each party's release gate found of the model.
    GateReports,
    /// The complete result, before it is released.
    HeldResult,
    /// The result, after its release.
    Result,
}

impl LeakCode {
    /// The sentence in both languages.
    #[must_use]
    pub fn text(self) -> Text {
        match self {
            Self::RowCount => Text::new("learns how many rows each side offers to alignment", "得知各方参与求交的行数"),
            Self::ColumnMagnitude => Text::new(
                "learns for each numeric column a power of two above its largest absolute value",
                "得知各数值列最大绝对值的量级（2 的幂）",
            ),
            Self::MatchCount => Text::new("learns how many rows match", "得知匹配的行数"),
            Self::MatchedRows => Text::new(
                "learns which of its own rows match, so for each of its subjects whether the other side holds a row of them",
                "得知己方哪些行匹配，即己方每一主体是否也在对方数据中",
            ),
            Self::MatchFromResult => Text::new(
                "knows its own columns and may compute from the released numbers about them which of its rows match, if those are few",
                "掌握己方列，若匹配行较少，可能由发布的统计数推算己方哪些行匹配",
            ),
            Self::OrderStatistics => Text::new(
                "learns for each quantile the mean of the values around it, of at least the minimum cell of matched rows",
                "得知各分位数附近若干匹配行（不少于最小单元格）取值的均值",
            ),
            Self::GroupCounts => Text::new(
                "learns how many matched rows are in each group or range that the contract names",
                "得知合约所列各分组或区间内的匹配行数",
            ),
            Self::Model => Text::new(
                "learns the weights of a model, which tell of the matched rows what a model tells: nobody measured whether it shows who was among them",
                "得知模型权重；模型所能反映的匹配行信息随之可知，是否会泄露成员身份未作评估",
            ),
            Self::FeatureScale => Text::new(
                "learns mean and standard deviation of each column of a regression over all rows that its owner brings, matched or not",
                "得知回归各列在其所有者全部参与行（不论是否匹配）上的均值和标准差",
            ),
            Self::DeviationUnchecked => Text::new(
                "is assumed to follow the protocol: if it deviates, the result may be wrong unnoticed and the other lines may not hold",
                "须遵守协议：若偏离协议，结果可能有误而不被发现，其他各项也可能不成立",
            ),
            Self::DeviationFound => Text::new(
                "may deviate: it is found out before anything is opened or sealed, the run ends without a result, and it learns nothing more",
                "可能偏离协议：在任何内容打开或封存之前即被发现，运行终止且无结果，其不会因此多得信息",
            ),
            Self::EnclaveSealed => Text::new(
                "runs the attested environment that sees all rows: it learns none of them as long as the maker's hardware, its keys and the reviewed code hold what they promise; it sees when and how much the environment computes",
                "运行经远程证明、可见全部数据行的环境：只要硬件厂商及其密钥、经审核的代码如所承诺，其自身不获知任何一行；可见环境何时计算及计算量",
            ),
            Self::EnclaveSimulated => Text::new(
                "SIMULATED environment: no hardware protects the rows, whoever operates this node can read all of them",
                "模拟环境：无硬件保护，该节点的运营者可读取全部数据行",
            ),
            Self::Traffic => Text::new(
                "sees times and sizes of the messages sent to it, and whether and when the job stopped",
                "可见发给自己的消息的时间与大小，以及任务是否及何时中止",
            ),
            Self::DeidentifiedRows => Text::new(
                "learns rows about single persons, de-identified as the policy says, and what the report says of risk and utility",
                "得知按规则去标识化的逐行数据，以及风险与可用性评估报告",
            ),
            Self::Updates => Text::new(
                "SEES each party's update of each round, its sums of features and its figures on held-out rows: from updates rows may be reconstructed",
                "可见各方每轮的更新、特征之和与留出数据上的指标；由更新可能还原数据行",
            ),
            Self::UpdateSums => Text::new(
                "learns in each round the sum of the updates of at least three parties, and no single one, as long as it follows the protocol",
                "每轮仅得知至少三方更新之和；只要遵守协议，不得知任何一方的更新",
            ),
            Self::RoundModels => Text::new(
                "learns the model after each round, which tells of all parties' rows what a model tells",
                "得知每轮之后的模型，模型所能反映的各方数据信息随之可知",
            ),
            Self::PooledFigures => Text::new(
                "learns mean and standard deviation of each feature, and loss and accuracy of each round, over the rows of all parties in that round together, and who they were",
                "得知各特征在该轮各方全部数据行上的均值与标准差、每轮的损失与准确率，以及参与方",
            ),
            Self::ModelBounded => Text::new(
                "what all rounds together tell of a single row is bounded by the differential privacy that the contract states",
                "全部轮次对任何一行所透露的信息以合约所列差分隐私为界",
            ),
            Self::ModelShare => Text::new(
                "keeps a share of the model until it is destroyed: by itself it tells nothing, two of the three together have the model",
                "保存模型的一个份额直至销毁：单个份额不透露任何信息，三方中任两方合起来即得模型",
            ),
            Self::EnoughRows => Text::new(
                "learns whether each class has the least number of rows to judge a model by",
                "得知用于评估的各类行数是否达到下限",
            ),
            Self::ModelQuality => Text::new(
                "learns how well the model ranks and estimates rows that it was not trained on, as figures over all of them to three places",
                "得知模型在未参与训练的数据上的排序与估计效果（整体指标，保留三位小数）",
            ),
            Self::Scores => Text::new(
                "learns the model's answer (a probability, a class or a number) for EACH matched row and which row of its own that is: of many of them it may rebuild the model, and with its own columns compute what the other side's features of a row add up to",
                "得知模型对每一匹配行的结果（概率、类别或数值）及其对应己方哪一行：累积大量结果可能复原模型，并结合己方列推算对方各特征的合计贡献",
            ),
            Self::GateReports => Text::new(
                "learns what each party's release gate found: how many of its rows, in tens and coarse shares, attacks tell from others",
                "得知各方出域检验的结论：攻击能够识别其多少数据行（以十行及粗略比例计）",
            ),
            Self::Histograms => Text::new(
                "learns EACH party's number of rows and sum of labels, how its values spread over ever smaller cells, its rows in each leaf and its sums of gradients in every bin of every node: rows and labels may be reconstructed from them",
                "得知各方的行数、标签之和、其取值在逐级细分区间内的计数、各叶节点行数，以及每一节点每一分箱内的梯度和：可能据此还原数据行与标签",
            ),
            Self::HistogramSums => Text::new(
                "learns how the values of all parties together spread over ever smaller cells, and their sums of gradients in every bin of every node: where a bin holds a single row, also its label, for numbers the value; where a party leaves between two trees, about its own sums by the difference",
                "得知全体数据在逐级细分区间内的计数，以及各节点各分箱内全体梯度之和：某分箱仅含一行时，亦可得知该行的标签（数值型为其取值）；某方在两棵树之间退出时，由差值可大致推知其自身之和",
            ),
            Self::RoundTrees => Text::new(
                "learns the mean of the target over all rows, where bins end, each tree as it is made and who took part in it, and how many rows of all parties are in each leaf",
                "得知全体数据的目标均值、分箱边界、每棵树及其参与方，以及每一叶节点内的总行数",
            ),
            Self::TrainerUnchecked => Text::new(
                "a program that is not Yu's makes the model from the rows and can read what its node's user can: it may hide rows in the model, which the release gate tests for and cannot exclude",
                "由外部程序依据数据行训练模型，程序可读取节点用户可读的一切：程序可能将数据行隐藏于模型之中，出域检验会加以检测，但不能排除",
            ),
            Self::HeldResult => Text::new("reconstructs the held result in order to review it", "为审核而还原待审结果"),
            Self::Result => Text::new("receives the result after approval", "审核通过后获得结果"),
        }
    }
}

/// One line of the statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leakage {
    /// Who learns.
    pub party: PartyName,
    /// What.
    pub code: LeakCode,
    /// The sentence.
    pub what: Text,
}

impl Leakage {
    /// A line with the standard sentence.
    #[must_use]
    pub fn new(party: PartyName, code: LeakCode) -> Self {
        Self { party, code, what: code.text() }
    }
}

/// Everything that this contract's protocols reveal, in the order of the parties.
///
/// The contract itself tells every party the rows offered. PSI on Diffie-Hellman: each side learns which of its rows
/// match, whatever `reveal_match` says (the hard rule `match.protocol` refuses a contract that promises otherwise), and the helper
/// needs the number of matched rows for the shapes. A join on shares tells nobody either; the contract names the magnitude of
/// each column. Rounding in the fixed-point protocol leaks only through opened values, and
/// nothing is opened to a computing party.
#[must_use]
pub fn required(contract: &Contract) -> Vec<Leakage> {
    if let Some(terms) = contract.training() {
        return of_training(contract, terms);
    }
    let Some(joint) = contract.joint() else { return of_derivative(contract) };
    let statistics = &joint.statistics;
    let mut lines = Vec::new();
    for party in &contract.parties {
        let mut add = |code| lines.push(Leakage::new(party.name.clone(), code));
        add(LeakCode::RowCount);
        let side = [(Side::Left, &statistics.left), (Side::Right, &statistics.right)]
            .into_iter()
            .find(|(_, s)| s.party == party.name)
            .map(|(side, _)| side);
        match joint.psi.kind {
            PsiKind::SharedJoin80 => add(LeakCode::ColumnMagnitude),
            PsiKind::EcdhRistretto255 if side.is_some() || party.name == statistics.helper => add(LeakCode::MatchCount),
            PsiKind::EcdhRistretto255 | PsiKind::EnclaveJoin => {}
        }
        if let Some(enclave) = joint.enclave.as_ref().filter(|_| party.name == statistics.helper) {
            add(if enclave.simulated { LeakCode::EnclaveSimulated } else { LeakCode::EnclaveSealed });
        }
        let reveals = joint.psi.kind.reveals();
        if side.is_some_and(|side| reveals.includes(side) || contract.reveal_match.includes(side)) {
            add(LeakCode::MatchedRows);
        }
        if party.is(Role::Computing) {
            add(LeakCode::Traffic);
        }
        if party.is(Role::Computing) && joint.enclave.is_none() {
            add(match contract.security.adversary {
                Adversary::SemiHonest => LeakCode::DeviationUnchecked,
                Adversary::Malicious => LeakCode::DeviationFound,
            });
        }
        if party.is(Role::Computing) && joint.steps.iter().any(|step| matches!(step, StepTerms::Train(_))) {
            add(LeakCode::ModelShare);
        }
        if party.is(Role::Computing) && joint.steps.iter().any(|step| matches!(step, StepTerms::Train(_) | StepTerms::Evaluate(_))) {
            add(LeakCode::EnoughRows);
        }
        if joint.psi.kind != PsiKind::EcdhRistretto255 {
            // the result begins with the number of matched rows
            if party.is(Role::Reviewer) || party.is(Role::Result) {
                add(LeakCode::MatchCount);
            }
            if side.is_some() && party.is(Role::Result) {
                add(LeakCode::MatchFromResult);
            }
        }
        if party.is(Role::Reviewer) || party.is(Role::Result) {
            let any = |what: fn(&StepTerms) -> bool| joint.steps.iter().any(what);
            let said = [
                (LeakCode::OrderStatistics, any(|step| matches!(step, StepTerms::Quantiles { .. }))),
                (LeakCode::GroupCounts, any(StepTerms::counts_groups)),
                (LeakCode::Model, any(StepTerms::is_model)),
                (LeakCode::FeatureScale, any(StepTerms::is_model)),
                (LeakCode::ModelQuality, any(|step| matches!(step, StepTerms::Train(_) | StepTerms::Evaluate(_)))),
                (LeakCode::Scores, any(|step| matches!(step, StepTerms::Predict(_)))),
            ];
            said.into_iter().filter(|(_, applies)| *applies).for_each(|(code, _)| add(code));
        }
        if party.is(Role::Reviewer) {
            add(LeakCode::HeldResult);
        }
        if party.is(Role::Result) {
            add(LeakCode::Result);
        }
    }
    lines
}

/// One party works over its own rows; only what it makes leaves it.
fn of_derivative(contract: &Contract) -> Vec<Leakage> {
    let lines = contract.parties.iter().flat_map(|party| {
        let (reviews, receives) = (party.is(Role::Reviewer), party.is(Role::Result));
        let said = [
            (LeakCode::RowCount, true),
            (LeakCode::DeidentifiedRows, reviews || receives),
            (LeakCode::HeldResult, reviews),
            (LeakCode::Result, receives),
        ];
        said.into_iter().filter(|(_, applies)| *applies).map(|(code, _)| Leakage::new(party.name.clone(), code))
    });
    lines.collect()
}

/// Every round's model goes to all that compute; single updates or histograms to nobody, or to the coordinator.
fn of_training(contract: &Contract, terms: &TrainingTerms) -> Vec<Leakage> {
    let lines = contract.parties.iter().flat_map(|party| {
        let (computes, reviews, receives) = (party.is(Role::Computing), party.is(Role::Reviewer), party.is(Role::Result));
        let coordinates = party.name == terms.coordinator;
        let secure = terms.aggregation == Aggregation::Secure;
        let trees = terms.learner == Learner::Trees;
        let said = [
            (LeakCode::RowCount, true),
            // of two parties each knows its own, so the mean tells it the other's
            (LeakCode::Updates, !trees && !secure && (coordinates || (computes && contract.inputs.len() == 2))),
            (LeakCode::UpdateSums, !trees && coordinates && secure),
            (LeakCode::Histograms, trees && coordinates && !secure),
            (LeakCode::HistogramSums, trees && coordinates && secure),
            (LeakCode::RoundModels, !trees && computes),
            (LeakCode::RoundTrees, trees && (computes || reviews || receives)),
            (LeakCode::PooledFigures, !trees && (computes || reviews || receives)),
            (LeakCode::TrainerUnchecked, terms.trainer.is_some() && (computes || reviews || receives)),
            (LeakCode::ModelBounded, terms.privacy.is_some()),
            (LeakCode::Traffic, computes),
            (LeakCode::DeviationUnchecked, computes),
            (LeakCode::Model, reviews || receives),
            (LeakCode::GateReports, reviews || receives),
            (LeakCode::HeldResult, reviews),
            (LeakCode::Result, receives),
        ];
        said.into_iter().filter(|(_, applies)| *applies).map(|(code, _)| Leakage::new(party.name.clone(), code))
    });
    lines.collect()
}
