//! A training in words: what people read before they sign, and the report on a released model. English and Chinese.

use super::{Modelled, Settings, Trained, gate_limits, settings, trainer};
use crate::fault::{Lang, pick};
use serde_json::Value;
use yu_fedlearn::{gate, train};
use yu_governance::contract::{Aggregation, Contract, TrainingTerms};

type Line = (String, String);

/// The training as a person reads it before signing.
pub(in crate::job) fn sentences(contract: &Contract) -> Vec<Line> {
    let Some(terms) = contract.training() else { return Vec::new() };
    let settings = match settings(terms) {
        Ok(settings) => settings,
        // the rules refuse such a contract; whoever reads it all the same is told why nothing is said
        Err(fault) => return vec![(format!("the settings cannot be read: {fault}"), format!("训练设置无法读取：{fault}"))],
    };
    let (features, target, count) = (terms.features.join(", "), &terms.target, contract.inputs.len());
    let (rounds, coordinator) = (settings.rounds(), &terms.coordinator);
    let mut say = vec![match &settings {
        Settings::Updates(_) => (
            format!("train: {target} from {features}, {rounds} rounds of {count} parties, coordinated by {coordinator}"),
            format!("训练：由 {features} 预测 {target}，{count} 方共 {rounds} 轮，由 {coordinator} 协调"),
        ),
        Settings::Trees(_) => (
            format!(
                "train: {target} from {features}, {rounds} boosted trees over the rows of {count} parties, coordinated by {coordinator}"
            ),
            format!("训练：由 {features} 预测 {target}，依据 {count} 方数据行建立 {rounds} 棵提升树，由 {coordinator} 协调"),
        ),
    }];
    say.push(seen(terms, &settings));
    say.extend(program(terms));
    say.push(match gate_limits(terms) {
        Ok(limits) => (
            format!(
                "release gate: each party attacks the model with its own rows first and does not vouch for one that gives away more than {} of them at a false-positive rate of {}, nor with an average advantage above {}",
                limits.membership_tpr, limits.membership_fpr, limits.membership_advantage
            ),
            format!(
                "出域检验：各方先以己方数据攻击模型；误报率 {} 下可识别的比例超过 {}、或平均优势超过 {} 的模型不予确认",
                limits.membership_fpr, limits.membership_tpr, limits.membership_advantage
            ),
        ),
        Err(fault) => (format!("the limits of the release gate cannot be read: {fault}"), format!("出域检验门限无法读取：{fault}")),
    });
    say.push(match &terms.privacy {
        Some(privacy) => (
            format!(
                "each row is hidden by noise: epsilon {} at delta {:e} for the whole training",
                privacy.epsilon.get(),
                privacy.delta.get()
            ),
            format!("以噪声保护每行：全程 ε={}，δ={:e}", privacy.epsilon.get(), privacy.delta.get()),
        ),
        None => (
            "NO differential privacy: what the model tells of single rows is not bounded".into(),
            "不采用差分隐私：模型对单行数据的透露没有上界".into(),
        ),
    });
    say
}

/// What the coordinator sees.
fn seen(terms: &TrainingTerms, settings: &Settings) -> Line {
    let coordinator = &terms.coordinator;
    match (settings, settings.aggregation()) {
        (Settings::Updates(train::Settings { aggregation: train::Aggregation::Secure { bits, .. }, .. }), _) => (
            format!("updates are summed in secret, {bits} bits a value: {coordinator} learns the sum only"),
            format!("更新经安全聚合，每值 {bits} 位：{coordinator} 仅得知总和"),
        ),
        (Settings::Updates(_), _) => (
            format!("{coordinator} SEES each party's update, from which rows may be reconstructed"),
            format!("{coordinator} 可见各方更新，可能据此还原数据行"),
        ),
        (Settings::Trees(_), Aggregation::Secure) => (
            format!("histograms are summed in secret: {coordinator} learns sums over all parties, in bins that may hold a single row"),
            format!("直方图经安全聚合：{coordinator} 仅得知各方总和，个别分箱可能仅含一行"),
        ),
        (Settings::Trees(_), Aggregation::Clear) => (
            format!("{coordinator} SEES each party's histograms, from which rows and labels may be reconstructed"),
            format!("{coordinator} 可见各方直方图，可能据此还原数据行与标签"),
        ),
    }
}

/// Whose program trains.
fn program(terms: &TrainingTerms) -> Option<Line> {
    let trainer = terms.trainer.as_ref()?;
    let hash = &trainer.program;
    Some(match trainer::program(trainer) {
        Ok(program) => {
            let by = program.interpreter.as_ref().map_or_else(String::new, |path| path.display().to_string());
            let limits = &program.limits;
            (
                format!(
                    "PROGRAM of others: {hash} ({}) makes the updates in the node of each party with rows, without network or sockets, in {} s and {} MiB a round; it sees the rows and can read whatever this node's user can",
                    if by.is_empty() { "run itself" } else { &by },
                    limits.seconds,
                    limits.memory_mib
                ),
                format!(
                    "外部程序：{hash}（{}）在各数据方节点内计算更新，断网且不可使用套接字，每轮至多 {} 秒、{} MiB；程序可见数据行，并可读取节点用户可读的一切",
                    if by.is_empty() { "直接运行" } else { &by },
                    limits.seconds,
                    limits.memory_mib
                ),
            )
        }
        Err(fault) => (format!("the program cannot be read: {fault}"), format!("外部程序设置无法读取：{fault}")),
    })
}

/// A released model as a short report.
pub(in crate::job) fn lines(result: &Value, lang: Lang) -> Vec<String> {
    let Ok(Modelled { trained, gate }) = serde_json::from_value::<Modelled>(result.clone()) else { return Vec::new() };
    let mut out = about(&trained, lang);
    for (party, report) in &gate {
        let (en, zh) = match report.verdict {
            gate::Verdict::Passed => ("passed", "通过"),
            gate::Verdict::CannotTell => ("CANNOT TELL: people decide", "无法判断，由人决定"),
            gate::Verdict::Refused => ("refused", "不通过"),
        };
        out.push(pick(lang, &format!("  release gate of {party}: {en}"), &format!("  {party} 的出域检验：{zh}")));
        let texts = report.lines(yu_desensitize::Lang::En).into_iter().zip(report.lines(yu_desensitize::Lang::Zh));
        out.extend(texts.map(|(en, zh)| format!("    {}", pick(lang, &en, &zh))));
    }
    out
}

fn about(trained: &Trained, lang: Lang) -> Vec<String> {
    let (features, target) = (trained.features().join(", "), trained.target());
    match trained {
        Trained::Updates(trained) => {
            let weights = trained.weights.flat().len();
            let mut out = vec![pick(
                lang,
                &format!("a model of {target} from {features}: {weights} weights"),
                &format!("由 {features} 预测 {target} 的模型：{weights} 个权重"),
            )];
            if let (Some(first), Some(last)) = (trained.history.first(), trained.history.last()) {
                let (rows, rounds) = (last.rows, last.round);
                out.push(pick(
                    lang,
                    &format!("  loss {:.4} at the start, {:.4} after {rounds} rounds, on {rows} held-out rows", first.loss, last.loss),
                    &format!("  在 {rows} 行留出数据上的损失：初始 {:.4}，{rounds} 轮后 {:.4}", first.loss, last.loss),
                ));
                if last.accuracy > 0.0 {
                    out.push(pick(lang, &format!("  accuracy {:.4}", last.accuracy), &format!("  准确率 {:.4}", last.accuracy)));
                }
            }
            out.push(match &trained.privacy {
                Some(p) => pick(
                    lang,
                    &format!("  differential privacy of each row: epsilon {}, delta {:e}", p.epsilon.get(), p.delta.get()),
                    &format!("  每行差分隐私：ε={}，δ={:e}", p.epsilon.get(), p.delta.get()),
                ),
                None => pick(lang, "  no differential privacy", "  未采用差分隐私"),
            });
            out
        }
        Trained::Trees(trained) => {
            let (trees, depth, rows) = (trained.forest.trees.len(), trained.settings.boosting.depth, trained.rows);
            let mut out = vec![pick(
                lang,
                &format!("a model of {target} from {features}: {trees} boosted trees of depth {depth}, from {rows} rows"),
                &format!("由 {features} 预测 {target} 的模型：{trees} 棵深度为 {depth} 的提升树，依据 {rows} 行"),
            )];
            if let Some(fewest) = trained.leaf_rows.iter().filter(|rows| **rows > 0).min() {
                out.push(pick(lang, &format!("  fewest rows in a leaf: {fewest}"), &format!("  叶节点最少行数：{fewest}")));
            }
            out.push(pick(lang, "  no differential privacy", "  未采用差分隐私"));
            out
        }
    }
}
