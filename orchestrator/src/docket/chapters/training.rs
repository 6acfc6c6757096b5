//! On which data is trained (训练数据): derivatives that were sampled and desensitised, decisions that allow full data (P3).

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, all_of};
use super::Chapter;
use crate::fault::Result;
use crate::procedure::law::Law;
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::finding::Finding;
use yu_governance::id::PartyName;
use yu_governance::sign::Signed;
use yu_governance::training_data::{DerivativeRecord, TrainingData, TrainingDecision};

pub(super) const CHAPTER: Chapter = Chapter {
    name: "training",
    title: ("data for training", "训练数据"),
    kinds: &[Kind::of::<DerivativeRecord>(), Kind::of::<TrainingDecision>()],
    tell,
    objections,
};

/// Derivatives and decisions as the docket makes them.
#[derive(Default)]
pub struct Trained(pub TrainingData);

impl Document for DerivativeRecord {
    const KIND: &'static str = "derivative-record";
    const TITLE: (&'static str, &'static str) = ("record of a sampled and desensitised derivative", "抽样脱敏数据登记");
    const EXAMPLE: &'static str = include_str!("training/derivative.toml");

    // the authority reviewed what the job of the recipe released
    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.maker.clone(), law.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        book.training.0.derive(&signed.payload, moment.at).or_else(all_of)
    }
}

impl Document for TrainingDecision {
    const KIND: &'static str = "training-decision";
    const TITLE: (&'static str, &'static str) = ("decision to train on full data", "全量数据训练决定");
    const EXAMPLE: &'static str = include_str!("training/decision.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![law.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        book.training.0.decide(&signed.payload, moment.at).or_else(all_of)
    }
}

fn tell(book: &Book, _: &Law, now: Time) -> Vec<(String, String)> {
    let derived = book.training.0.derivatives().map(|d| {
        (
            format!("{} of {}: {} of 1000 rows, recipe {}", d.dataset, d.of, d.rate_permille, d.recipe),
            format!("{}，来源 {}：抽样 {}‰，脱敏方案 {}", d.dataset, d.of, d.rate_permille, d.recipe),
        )
    });
    let decided = book.training.0.decisions().iter().map(|d| {
        let state = if now < d.until { ("in force", "有效") } else { ("over", "已到期") };
        let (all, technique) = (d.datasets.len(), d.technique.as_str());
        (
            format!("{}: {technique} on {all} full data sets until {}, {}", d.authorisation, d.until, state.0),
            format!("{}：允许以 {technique} 使用 {all} 个全量数据集，至 {}，{}", d.authorisation, d.until, state.1),
        )
    });
    derived.chain(decided).collect()
}

fn objections(book: &Book, contract: &Contract, _: &Law, now: Time) -> Vec<Finding> {
    book.training.0.against(contract, now)
}

#[cfg(test)]
mod tests {
    use super::super::super::rig::{Court, party};
    use super::*;
    use yu_governance::contract::Technique;
    use yu_governance::text::Text;

    fn derivative() -> DerivativeRecord {
        toml::from_str(DerivativeRecord::EXAMPLE).unwrap()
    }

    fn decision() -> TrainingDecision {
        toml::from_str(TrainingDecision::EXAMPLE).unwrap()
    }

    fn code<T>(result: Result<T>) -> String {
        result.err().unwrap().detail.split(':').next().unwrap().to_owned()
    }

    #[test]
    fn p3_a_derivative_is_what_provider_and_authority_sign_and_a_sample() {
        let mut court = Court::new("zhejiang");
        for by in [&["health"][..], &["authority"], &["bank", "authority"]] {
            assert_eq!(court.file(derivative(), by).unwrap_err().code, crate::fault::Code::Signature, "{by:?}");
        }
        let both = ["health", "authority"];
        for rate_permille in [0, 1000, 5000] {
            assert_eq!(code(court.file(DerivativeRecord { rate_permille, ..derivative() }, &both)), "derivative.sample");
        }
        let raw = DerivativeRecord { version: derivative().of_version, ..derivative() };
        assert_eq!(code(court.file(raw, &both)), "derivative.source");
        let foreign = DerivativeRecord { maker: party("bank"), ..derivative() };
        assert_eq!(code(court.file(foreign, &["bank", "authority"])), "derivative.maker");
        court.file(derivative(), &both).unwrap();
        let again = DerivativeRecord { rate_permille: 7, ..derivative() };
        assert_eq!(code(court.file(again, &both)), "derivative.known");
        // a derivative of a derivative hides how much of the rows it holds
        let second =
            DerivativeRecord { of: derivative().dataset, of_version: derivative().version, version: derivative().recipe, ..derivative() };
        assert_eq!(code(court.file(second, &both)), "derivative.source");
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("100 of 1000"));
    }

    #[test]
    fn p3_full_data_needs_the_authoritys_decision_and_never_in_the_clear() {
        let mut court = Court::new("zhejiang");
        assert_eq!(court.file(decision(), &["bank"]).unwrap_err().code, crate::fault::Code::Signature);
        let cases = [
            (TrainingDecision { technique: Technique::Central, ..decision() }, "training.technique"),
            (TrainingDecision { datasets: Vec::new(), ..decision() }, "training.datasets"),
            (TrainingDecision { datasets: [decision().datasets, decision().datasets].concat(), ..decision() }, "training.datasets"),
            (TrainingDecision { reason: Text::new("", ""), ..decision() }, "training.reason"),
            (TrainingDecision { until: decision().at.plus_days(400), ..decision() }, "training.until"),
            (TrainingDecision { until: decision().at, ..decision() }, "training.until"),
        ];
        for (wrong, why) in cases {
            assert_eq!(code(court.file(wrong, &["authority"])), why);
        }
        court.file(decision(), &["authority"]).unwrap();
        court.pass_days(365);
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("over"));
    }
}
