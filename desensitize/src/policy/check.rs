//! Contradictions in a policy.

use std::collections::HashSet;

use super::{Class, Policy};
use crate::error::{Error, Result, Text};
use crate::transform::Operator;

/// Operators of a column: each reads the whole column once more.
const MOST_OPERATORS: usize = 16;

impl Policy {
    /// Looks for what contradicts itself or protects nothing. `name` is used in errors.
    ///
    /// # Errors
    /// `policy.contradiction`, naming the rule.
    pub fn check(&self, name: &str) -> Result<()> {
        let refuse = |what: Text, remedy: Text| {
            let place = Text::new(format!("file `{name}`"), format!("文件 `{name}`"));
            Err(Error::refused("policy.contradiction", what, place, remedy))
        };
        let one = |rule: &str, en: &str, zh: &str| Text::new(format!("column `{rule}`: {en}"), format!("列 `{rule}`：{zh}"));
        if self.columns.iter().all(|rule| rule.class == Class::Drop) {
            return refuse(Text::new("no column is released", "没有发布任何列"), Text::new("name a column", "请至少指定一列"));
        }
        let mut seen = HashSet::new();
        if let Some(twice) = self.columns.iter().find(|rule| !seen.insert(rule.name.as_str())) {
            return refuse(one(&twice.name, "two rules", "有两条规则"), Text::new("keep one rule", "请只保留一条规则"));
        }
        if let Some(bare) = self.columns.iter().find(|rule| rule.class == Class::Direct && rule.operators.is_empty()) {
            return refuse(
                one(&bare.name, "a direct identifier would leave as it is", "直接标识符未经处理就会被发布"),
                Text::new("give it an operator, or `class = \"drop\"`", "请指定处理方式，或设为“不发布”"),
            );
        }
        let moves_only = |operator: &Operator| {
            matches!(operator, Operator::Shuffle {} | Operator::RankSwap { .. } | Operator::Sample { .. } | Operator::DropRows { .. })
        };
        if let Some(whole) = self.columns.iter().find(|rule| rule.class == Class::Direct && rule.operators.iter().all(moves_only)) {
            return refuse(
                one(&whole.name, "its identifiers would leave, if in other rows", "其标识符仍会出现在发布数据中，只是换了行"),
                Text::new("give it an operator that changes the values", "请指定改变取值的处理方式"),
            );
        }
        if let Some(odd) = self.columns.iter().find(|rule| rule.class == Class::Drop && !rule.operators.is_empty()) {
            return refuse(
                one(&odd.name, "it is not released, so nothing can be done with it", "该列不发布，不能再指定处理方式"),
                Text::new("remove the operators or change the class", "请去掉处理方式，或更改类别"),
            );
        }
        if let Some(sample) = self.sample
            && !(sample.rate > 0.0 && sample.rate <= 1.0)
        {
            return refuse(
                Text::new("the rate of the sample is not above 0 and at most 1", "抽样比例应大于 0 且不超过 1"),
                Text::new("correct `rate`", "请更正比例"),
            );
        }
        if self.policy.public && self.columns.iter().any(|rule| matches!(rule.class, Class::Direct | Class::Quasi | Class::Sensitive)) {
            return refuse(
                Text::new("public data with columns that are about persons", "声明为公开数据，却含有涉及个人的列"),
                Text::new("remove `public`, or give the columns `class = \"other\"`", "请去掉“公开数据”，或将这些列设为“其他”"),
            );
        }
        self.gate.check()?;
        if let Some(long) = self.columns.iter().find(|rule| rule.operators.len() > MOST_OPERATORS) {
            return refuse(
                one(&long.name, "more than 16 operators", "处理步骤超过 16 个"),
                Text::new("keep what is needed", "请只保留必要的步骤"),
            );
        }
        if let Some((rule, refusal)) =
            self.columns.iter().find_map(|rule| Some((rule, rule.operators.iter().find_map(|operator| operator.check().err())?)))
        {
            let advice = refusal.advice();
            return refuse(one(&rule.name, &advice.what.en, &advice.what.zh), advice.remedy);
        }
        self.check_anonymity(&refuse)?;
        self.check_hierarchies(&refuse)
    }

    fn check_anonymity(&self, refuse: &dyn Fn(Text, Text) -> Result<()>) -> Result<()> {
        let quasi = self.of_class(Class::Quasi);
        let Some(anonymity) = &self.anonymity else {
            if quasi.is_empty() {
                return Ok(());
            }
            return refuse(
                Text::new("quasi-identifiers are released without a model", "发布了准标识符，但没有指定隐私模型"),
                Text::new(
                    "add [anonymity], for example `models = [{ model = \"k\", k = 5 }]`",
                    "请增加 [匿名化]，例如 `模型 = [{ 模型 = \"K-匿名\", k = 5 }]`",
                ),
            );
        };
        if quasi.is_empty() {
            return refuse(
                Text::new("[anonymity] without a quasi-identifier", "有 [匿名化]，但没有准标识符"),
                Text::new("give a column `class = \"quasi\"`, or remove [anonymity]", "请将相应列设为准标识符，或去掉 [匿名化]"),
            );
        }
        if anonymity.models.is_empty() {
            return refuse(
                Text::new("[anonymity] names no model", "[匿名化] 没有指定隐私模型"),
                Text::new("name a model", "请指定隐私模型"),
            );
        }
        if let Some((en, zh)) = anonymity.models.iter().find_map(crate::anonymise::Model::fault) {
            return refuse(
                Text::new(format!("a model asks too little: {en}"), format!("模型参数无效：{zh}")),
                Text::new("correct the model", "请更正模型参数"),
            );
        }
        if anonymity.models.iter().any(|model| matches!(model, crate::anonymise::Model::KMap { .. })) {
            return refuse(
                Text::new("k-map needs a population table, which a policy file cannot give", "k-map 需要总体数据表，规则文件无法提供"),
                Text::new("ask for k-anonymity, which implies it, or use the library", "请改用更严格的 K-匿名，或通过程序库使用 k-map"),
            );
        }
        for column in anonymity.models.iter().filter_map(crate::anonymise::Model::column) {
            if self.rule(column).map(|rule| rule.class) != Some(Class::Sensitive) {
                return refuse(
                    Text::new(
                        format!("a model names `{column}`, which is no sensitive column of the policy"),
                        format!("模型中的 `{column}` 不是本规则的敏感属性"),
                    ),
                    Text::new("give the column `class = \"sensitive\"`", "请将该列设为敏感属性"),
                );
            }
        }
        if !(0.0..=1.0).contains(&anonymity.suppression) {
            return refuse(
                Text::new("the suppression limit is not between 0 and 1", "抑制上限不在 0 与 1 之间"),
                Text::new("correct `suppression`", "请更正抑制上限"),
            );
        }
        Ok(())
    }

    fn check_hierarchies(&self, refuse: &dyn Fn(Text, Text) -> Result<()>) -> Result<()> {
        let names = self.names();
        let mut seen = HashSet::new();
        for rule in &self.hierarchies {
            let column = rule.column();
            let of = |en: &str, zh: &str| Text::new(format!("hierarchy of `{column}`: {en}"), format!("`{column}` 的泛化层次：{zh}"));
            if !names.contains(column) {
                return refuse(of("no rule names this column", "没有该列的规则"), Text::new("correct the name", "请更正列名"));
            }
            if !seen.insert(column) {
                return refuse(of("given twice", "重复指定"), Text::new("keep one", "请只保留一个"));
            }
        }
        match self.of_class(Class::Quasi).into_iter().find(|column| !self.hierarchies.iter().any(|rule| rule.column() == *column)) {
            Some(column) => refuse(
                Text::new(format!("quasi-identifier `{column}` has no hierarchy"), format!("准标识符 `{column}` 没有泛化层次")),
                Text::new("add [[hierarchies]] for it", "请为其增加 [[泛化层次]]"),
            ),
            None => Ok(()),
        }
    }
}
