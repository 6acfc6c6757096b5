//! `yu demo --story authorisation --profile NAME`: an authorisation from its announcement to its destruction, under one jurisdiction's rules.
//!
//! The clock is simulated: years pass in seconds. Everything else is real: every step is a document signed by those whom the profile names,
//! each step follows from the one before or is refused by name, silence, terms and corrections are counted on the calendar, data lie
//! encrypted in a vault from activation on, whose key is destroyed at the end, and the log is verified from its files. A text that is
//! still a draft is played as if in force, and the play says so.
//!
//! | to see | open |
//! |---|---|
//! | who plays | `authority/cast.rs` |
//! | clock, papers, log | `authority/book.rs` |
//! | from the announcement to the first job | `authority/opening.rs` |
//! | people, requests, silence, consent, quotas | `authority/working.rs` |
//! | products | `authority/products.rs` |
//! | incident, correction, suspension | `authority/trouble.rs` |
//! | expiry, destruction, what is kept | `authority/ending.rs` |
//! | what the five profiles say differently | `authority/differences.rs` |

mod book;
mod cast;
mod differences;
mod ending;
mod opening;
mod products;
mod trouble;
mod working;

use crate::cli::{DemoArgs, Output};
use crate::fault::Result;
use crate::profiles;
use book::Book;
use serde_json::json;
use std::path::Path;
use yu_governance::calendar::Date;
use yu_governance::clock::Time;
use yu_governance::profile::Status;
use yu_governance::workflow::Role;

/// First day of the play, a Monday on which the shipped calendars are known for the reviews that follow.
const BEGIN: &str = "2025-03-03T01:00:00Z";

pub(super) fn run(args: &DemoArgs, out: &Output) -> Result<()> {
    let scratch = super::nodes::Scratch::new(args.keep.as_deref())?;
    if args.profile != "all" {
        return play(&args.profile, scratch.path(), out);
    }
    for name in profiles::names()? {
        play(&name, &scratch.path().join(&name), out)?;
    }
    differences::tell(out)
}

/// The whole play under one profile.
fn play(name: &str, folder: &Path, out: &Output) -> Result<()> {
    let stated = profiles::named(name)?;
    let now: Time = BEGIN.parse()?;
    // a draft binds nobody: what it would mean can only be played, and is named so
    let is_draft = stated.profile().status == Status::Draft;
    let profile = if is_draft { stated.played_as_if_in_force(Date::of(now)) } else { stated };
    let mut book = Book::new(out, &folder.join("authorisation"), profile, now)?;
    rules(&mut book, is_draft)?;
    let mut opened = opening::play(&mut book)?;
    working::play(&mut book, &mut opened)?;
    products::play(&mut book)?;
    trouble::play(&mut book, &mut opened)?;
    ending::play(&mut book, &mut opened)?;
    let size = book.close()?;
    book.note(
        &format!("the log of {size} entries verifies from its files; {} refusals by name on the way", book.refusals.len()),
        &format!("日志共 {size} 条，离线核验通过；过程中按名拒绝 {} 次", book.refusals.len()),
    );
    out.document(&json!({ "story": "authorisation", "profile": name, "played_as_if_in_force": is_draft, "refusals": book.refusals, "entries": size }));
    Ok(())
}

/// The profile is signed by two, and is told.
fn rules(book: &mut Book<'_>, is_draft: bool) -> Result<()> {
    let title = book.profile.profile().title.clone();
    book.chapter(&format!("the rules: {}", title.en), &format!("规则：{}", title.zh));
    let profile = book.profile.profile().clone();
    let signed = book.publish(profile, &[Role::Authority, Role::Regulator])?;
    let (authority, regulator) = (book.cast.one(Role::Authority)?, book.cast.one(Role::Regulator)?);
    yu_governance::profile::accept(&signed, &book.cast.ring, &authority, &regulator, None)?;
    if is_draft {
        book.note(
            "the text is a draft for comments and in force nowhere: played as if in force, with the signatures of the authority and the regulator (D16)",
            "该文本为征求意见稿，尚未施行：以下按“假定已施行”演示，由主管部门与监管方双方签署（D16）",
        );
    } else {
        book.note("in force with the signatures of the authority and the regulator (D16)", "经主管部门与监管方双方签署生效（D16）");
    }
    let told = [
        "stages",
        "dossier",
        "plan_owners",
        "product_approver",
        "product_filing",
        "deemed_consent",
        "subject_data",
        "incident_chain",
        "fails_to_termination",
    ];
    let entries: Vec<_> = book
        .rules()
        .entries()
        .iter()
        .filter(|entry| told.contains(&entry.field.key))
        .map(|e| (e.field, e.words.clone(), e.basis.words()))
        .collect();
    for (field, words, basis) in entries {
        book.note(&format!("{}: {} [{}]", field.en, words.en, basis.en), &format!("{}：{}［{}］", field.zh, words.zh, basis.zh));
    }
    Ok(())
}
