//! Products: one is refused, one is listed; a change of its code is a new version (O2, O3).

use super::book::{Book, Case};
use super::opening::PURPOSE;
use crate::fault::Result;
use std::collections::BTreeSet;
use yu_governance::canonical::Hash;
use yu_governance::id::{Purpose, document_hash};
use yu_governance::text::Text;
use yu_governance::workflow::product::{self, Contents, Event};

fn contents(book: &Book<'_>, code: &str) -> Result<Contents> {
    Ok(Contents {
        v: 1,
        model: book.paper("the model")?,
        code: Hash::of_file(code.as_bytes()),
        sources: BTreeSet::from([book.paper("version of the data set")?]),
        purpose: Purpose::new(PURPOSE)?,
    })
}

pub(super) fn play(book: &mut Book<'_>) -> Result<()> {
    book.chapter("products", "数据产品");
    let rules = book.rules().product();
    let draft = |contents| Event::Draft { contents, replaces: None, sensitive: true };
    let bad = document_hash(&contents(book, "memorises rows")?)?;
    let mut refused = Case::<product::Case>::new("score-a");
    book.step(&mut refused, draft(bad), &rules, "a model that memorises rows")?;
    book.refused(&refused, Event::List { contents: bad }, &rules, "product.not-decided")?;
    let reason = Text::new("membership inference succeeds: rows can be told from the model (O5)", "成员推断成立：由模型可辨识数据行（O5）");
    book.step(&mut refused, Event::Refuse { reason }, &rules, "report of the release gate")?;

    let good = contents(book, "statistics 1.0")?;
    let hash = document_hash(&good)?;
    let mut listed = Case::<product::Case>::new("score-b");
    book.step(&mut listed, draft(hash), &rules, "statistics of groups")?;
    book.step(&mut listed, Event::Check { contents: hash }, &rules, "checked against the five items (O6)")?;
    book.pass_days(4);
    book.step(&mut listed, Event::Decide { contents: hash }, &rules, "decision with all signatures (O2)")?;
    if rules.filed_with.is_some() {
        book.refused(&listed, Event::List { contents: hash }, &rules, "product.not-filed")?;
        book.step(&mut listed, Event::File { contents: hash }, &rules, "filed before it leaves (O3)")?;
    }
    book.step(&mut listed, Event::List { contents: hash }, &rules, "listed (O8)")?;
    let changed = contents(book, "statistics 1.1")?;
    let error = listed.at.case().may_serve(&changed).err();
    book.denied(error, "product.other-version")?;
    listed.at.case().may_serve(&good)?;
    let chain = listed.replays(&rules, &book.cast)?;
    book.note(&format!("its {chain} steps replay from their signatures"), &format!("其 {chain} 个步骤可凭签名重放"));
    Ok(())
}
