//! The end: the term stops everything, data are destroyed by destroying their key, logs stay locked.

use super::book::Book;
use super::opening::{HELD, Opened, TEXT, show};
use crate::fault::{Code, Fault, Result};
use yu_governance::calendar::Calendar;
use yu_governance::canonical::digest;
use yu_governance::clock::Time;
use yu_governance::destroy::{DestroyedItem, DestroyedKind, DestructionCertificate, Method};
use yu_governance::id::{JobId, document_hash};
use yu_governance::workflow::Role;
use yu_governance::workflow::authorisation::Event;

pub(super) fn play(book: &mut Book<'_>, opened: &mut Opened) -> Result<()> {
    book.chapter("the end of the term", "期满");
    let rules = opened.rules.clone();
    let end = opened.case.at.case().term().map(|(_, end)| end).ok_or_else(|| Fault::new(Code::Bug, "no term"))?;
    book.now = end.plus_seconds(-1);
    let before = opened.case.at.case().may_run(book.now);
    book.now = end;
    let after = opened.case.at.case().may_run(book.now);
    if !before || after {
        return Err(Fault::new(Code::Bug, "the term does not end on its second"));
    }
    book.note("a second before the end jobs run, at the end they are stopped (A4)", "期满前一秒任务仍可运行，期满即止（A4）");
    book.step(&mut opened.case, Event::Expire, &rules, "the end of the term")?;
    show(book, opened)?;
    book.refused(&opened.case, Event::Activate, &rules, "workflow.no-arrow")?;
    let matter = book.paper("a dispute about the last invoice")?;
    book.step(&mut opened.case, Event::OpenMatter { matter }, &rules, "a dispute is open")?;
    book.refused(&opened.case, Event::Destroy, &rules, "destroy.open-matter")?;
    book.step(&mut opened.case, Event::Seal, &rules, "sealed instead of destroyed (L1, L5)")?;
    book.pass_days(20);
    book.step(&mut opened.case, Event::CloseMatter { matter }, &rules, "the dispute is over")?;
    destroy(book, opened)?;
    let chain = opened.case.replays(&rules, &book.cast)?;
    book.note(
        &format!("the {chain} steps of the authorisation replay from their signatures"),
        &format!("授权的 {chain} 个步骤可凭签名重放"),
    );
    retention(book, end)
}

/// The data of the authorisation have lain in a vault of their own since activation; its key goes, and with it everything that it encrypted.
fn destroy(book: &mut Book<'_>, opened: &mut Opened) -> Result<()> {
    let vault = &opened.vault;
    let (key, readable) = (vault.key_id(HELD), vault.get(HELD).is_ok_and(|bytes| &bytes[..] == TEXT));
    vault.shred(HELD)?;
    let key = key.filter(|_| readable && vault.get(HELD).is_err()).ok_or_else(|| Fault::new(Code::Bug, "the key was not destroyed"))?;
    let node = book.cast.one(Role::Platform)?;
    let item = DestroyedItem {
        kind: DestroyedKind::Dataset,
        id: HELD.into(),
        algorithm: crate::suite::at_rest().into(),
        key,
        method: Method::CryptoShred,
    };
    let job = JobId(digest("yu-end-of-authorisation-v1", opened.id.as_str().as_bytes()));
    let certificate = DestructionCertificate { v: 1, job, node, items: vec![item], at: book.now };
    let signed = book.publish(certificate, &[Role::Platform])?;
    DestructionCertificate::verify(&signed, &book.cast.ring)?;
    let hash = document_hash(&signed.payload)?;
    let rules = opened.rules.clone();
    let why = format!("destruction certificate {hash}, verified offline (L1)");
    book.step_on(&mut opened.case, Event::Destroy, &rules, hash, &why)?;
    book.refused(&opened.case, Event::Reopen, &rules, "workflow.no-arrow")
}

/// L2: six months at least, counted from the end.
fn retention(book: &Book<'_>, end: Time) -> Result<()> {
    let months = book.rules().log_retention.value.0;
    let until = Calendar::months_after(end, months);
    book.note(
        &format!(
            "the rule: logs are kept, locked for every role, until {until}, {months} months from the end (L2); this play locks nothing, its files may be deleted"
        ),
        &format!("规则：日志须保存并对任何角色锁定至 {until}（自终止起 {months} 个月，L2）；本演示不作锁定，其文件可删除"),
    );
    Ok(())
}
