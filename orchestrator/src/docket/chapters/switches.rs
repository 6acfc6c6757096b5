//! Switches of single data sets and products (L3): the authority or the regulator closes one, and jobs with it stop at once; everything else goes on.

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, refuse};
use super::Chapter;
use crate::fault::Result;
use crate::procedure::law::Law;
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::finding::Finding;
use yu_governance::id::{DatasetId, PartyName, ProductId};
use yu_governance::sign::Signed;
use yu_governance::switch::{DatasetSwitch, ProductSwitch, Switch, Switches};

pub(super) const CHAPTER: Chapter = Chapter {
    name: "switches",
    title: ("switches of data sets and products", "数据集与产品暂停"),
    kinds: &[Kind::of::<DatasetSwitch>(), Kind::of::<ProductSwitch>()],
    tell,
    objections,
};

/// What is closed.
#[derive(Default)]
pub struct Board {
    /// Data sets.
    pub datasets: Switches<DatasetId, DatasetSwitch>,
    /// Products: whoever serves calls asks here.
    pub products: Switches<ProductId, ProductSwitch>,
}

/// Only authority and regulator have switches; what a provider does with its own supply is the catalogue's.
fn signer<S: Switch>(switch: &S, law: &Law) -> Result<Vec<PartyName>> {
    if *switch.by() == law.authority || *switch.by() == law.regulator {
        return Ok(vec![switch.by().clone()]);
    }
    Err(refuse("switch.signer", format!("`{}` is neither the authority nor the regulator", switch.by())))
}

impl Document for DatasetSwitch {
    const KIND: &'static str = "dataset-switch";
    const TITLE: (&'static str, &'static str) = ("switch of a data set", "数据集暂停或恢复");
    const EXAMPLE: &'static str = include_str!("switches/dataset.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        signer(self, law)
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        Ok(book.switches.datasets.turn(&signed.payload, &moment.law.authority, moment.at)?)
    }
}

impl Document for ProductSwitch {
    const KIND: &'static str = "product-switch";
    const TITLE: (&'static str, &'static str) = ("switch of a product", "产品暂停或恢复");
    const EXAMPLE: &'static str = include_str!("switches/product.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        signer(self, law)
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        Ok(book.switches.products.turn(&signed.payload, &moment.law.authority, moment.at)?)
    }
}

fn tell(book: &Book, _: &Law, now: Time) -> Vec<(String, String)> {
    fn line<S: Switch>(key: &S::Key, closed: &yu_governance::switch::Closed<S>, now: Time) -> (String, String) {
        let (turn, by) = (closed.document.turn(), closed.document.by());
        let reason = turn.reason().map_or(("", ""), |reason| (reason.en.as_str(), reason.zh.as_str()));
        let late = if turn.is_late(now) { (", the correction is LATE", "，整改逾期") } else { ("", "") };
        (
            format!("{key} is closed by {by} since {}: {}{}", closed.since, reason.0, late.0),
            format!("{key} 已由 {by} 暂停（自 {}）：{}{}", closed.since, reason.1, late.1),
        )
    }
    let datasets = book.switches.datasets.all().map(|(key, closed)| line(key, closed, now));
    let products = book.switches.products.all().map(|(key, closed)| line(key, closed, now));
    datasets.chain(products).collect()
}

fn objections(book: &Book, contract: &Contract, _: &Law, _: Time) -> Vec<Finding> {
    let board = &book.switches;
    let why = |turn: &yu_governance::switch::Turn| turn.reason().cloned().unwrap_or_else(|| yu_governance::text::Text::new("", ""));
    let datasets = contract.inputs.iter().filter_map(|input| {
        let closed = board.datasets.closed(&input.dataset)?;
        let reason = why(&closed.document.turn);
        let what = (format!("`{}` is closed: {}", input.dataset, reason.en), format!("`{}` 已暂停：{}", input.dataset, reason.zh));
        Some(Finding::new("switch.dataset", &closed.document.by, what, ("wait until it is opened again", "待恢复后再运行")))
    });
    let products = board.products.all().filter_map(|(product, closed)| {
        let switch = &closed.document;
        let makes = switch.authorisation == contract.authorisation.id && contract.outputs.iter().any(|output| output.kind == switch.kind);
        let reason = why(&switch.turn);
        let what = (format!("product `{product}` is closed: {}", reason.en), format!("产品 `{product}` 已暂停：{}", reason.zh));
        makes.then(|| Finding::new("switch.product", &switch.by, what, ("wait until it is opened again", "待恢复后再运行")))
    });
    datasets.chain(products).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::rig::{Court, hash, party};
    use super::*;
    use yu_governance::switch::Turn;

    fn code(result: Result<yu_governance::canonical::Hash>) -> String {
        result.unwrap_err().detail.split(':').next().unwrap().to_owned()
    }

    #[test]
    fn l3_data_sets_and_products_are_switched_by_authority_and_regulator_alone() {
        let mut court = Court::new("zhejiang");
        let close: DatasetSwitch = toml::from_str(DatasetSwitch::EXAMPLE).unwrap();
        let open = |by: &str, at| DatasetSwitch { by: party(by), turn: Turn::Open { evidence: hash("report") }, at, ..close.clone() };
        for (by, names) in [("health", "health"), ("bank", "bank")] {
            let own = DatasetSwitch { by: party(names), ..close.clone() };
            assert_eq!(code(court.file(own, &[by])), "switch.signer");
        }
        // somebody else's name under it
        assert_eq!(court.file(close.clone(), &["authority"]).unwrap_err().code, crate::fault::Code::Signature);
        court.file(close.clone(), &["watch"]).unwrap();
        assert!(court.book.switches.datasets.closed(&close.dataset).is_some());
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("closed by yu://dev/watch/n1"));
        court.pass_days(60);
        assert!(tell(&court.book, &court.law, court.at)[0].1.contains("整改逾期"));
        // a replay of the closing, and opening by whoever did not close
        assert_eq!(court.file(close.clone(), &["watch"]).unwrap_err().code, crate::fault::Code::Exists);
        court.file(open("authority", court.at), &["authority"]).unwrap();
        assert_eq!(code(court.file(open("watch", court.at), &["watch"])), "switch.open");
        assert!(court.book.switches.datasets.closed(&close.dataset).is_none());
        let product: ProductSwitch = toml::from_str(ProductSwitch::EXAMPLE).unwrap();
        court.file(product.clone(), &["authority"]).unwrap();
        let back = ProductSwitch { by: party("watch"), turn: Turn::Open { evidence: hash("report") }, at: court.at, ..product.clone() };
        assert_eq!(code(court.file(back, &["watch"])), "switch.not-yours");
        assert!(court.book.switches.products.closed(&product.product).is_some());
    }

    #[test]
    fn l3_closed_switches_object_to_contracts_that_need_them_and_to_no_others() {
        let mut court = Court::new("zhejiang");
        let mut contract = super::super::endings::tests::contract();
        assert!(objections(&court.book, &contract, &court.law, court.at).is_empty());
        let close: DatasetSwitch = toml::from_str(DatasetSwitch::EXAMPLE).unwrap();
        let close = DatasetSwitch { dataset: contract.inputs[0].dataset.clone(), ..close };
        court.file(close, &["watch"]).unwrap();
        let product: ProductSwitch = toml::from_str(ProductSwitch::EXAMPLE).unwrap();
        let product = ProductSwitch { authorisation: contract.authorisation.id.clone(), kind: contract.outputs[0].kind.clone(), ..product };
        court.file(product, &["authority"]).unwrap();
        let codes = |contract: &Contract| -> Vec<String> {
            objections(&court.book, contract, &court.law, court.at).into_iter().map(|finding| finding.code).collect()
        };
        assert_eq!(codes(&contract), ["switch.dataset", "switch.product"]);
        contract.outputs[0].kind = "something-else".into();
        contract.inputs.remove(0);
        assert!(codes(&contract).is_empty());
    }
}
