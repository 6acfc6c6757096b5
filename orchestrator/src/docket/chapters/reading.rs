//! The reading room (审核阅卷): passes for one review, readings with their marks, and a door that closes with the decision (A29).

use super::super::book::Book;
use super::super::kind::{Audience, Document, Kind, Moment, checked, refuse};
use super::reviews::File;
use super::{Chapter, none};
use crate::fault::Result;
use crate::procedure::law::Law;
use std::collections::BTreeMap;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::conduct::reading::{Pass, Reading, ReadingRoom};
use yu_governance::deadline::{Outcome, Status};
use yu_governance::id::PartyName;
use yu_governance::sign::Signed;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "reading",
    title: ("reading of dossiers", "审核阅卷"),
    kinds: &[Kind::of::<Pass>(), Kind::of::<Reading>()],
    tell,
    objections: none,
};

/// One room for each application; which office signed each reading, by its mark. Only who takes part in a review, authority and regulator see them.
#[derive(Default)]
pub struct Rooms(BTreeMap<Hash, ReadingRoom>, BTreeMap<Hash, PartyName>);

fn file<'a>(book: &'a Book, application: &Hash) -> Result<&'a File> {
    book.reviews.file(application).ok_or_else(|| refuse("reading.unknown", format!("no application {application} is filed")))
}

/// The room as it is at a moment: whoever has decided is out, and so is everybody once the review has its outcome.
fn room(book: &Book, application: &Hash, at: Time) -> Result<ReadingRoom> {
    let file = file(book, application)?;
    let new = || ReadingRoom::new(*application, file.application.applicant.clone());
    let mut room = book.reading.0.get(application).cloned().unwrap_or_else(new);
    for clock in file.state.clocks() {
        match clock.status(at) {
            Status::Decided(decision) => room.decided(&clock.seats().reviewer, decision.at),
            Status::Deemed { since } => room.decided(&clock.seats().reviewer, since),
            _ => {}
        }
    }
    if !matches!(file.outcome(at), Outcome::Pending { .. }) {
        room.close(at);
    }
    Ok(room)
}

impl Document for Pass {
    const KIND: &'static str = "review-pass";
    const TITLE: (&'static str, &'static str) = ("pass to the dossier of a review", "阅卷凭证");
    const EXAMPLE: &'static str = include_str!("reading/pass.toml");
    const AUDIENCE: Audience = Audience::Signers;

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.office.clone(), self.reviewer.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let pass = &signed.payload;
        let file = file(book, &pass.application)?;
        if !moment.law.roster.holds(pass.role, &pass.reviewer) {
            return Err(refuse("reading.role", format!("`{}` is not appointed as {}", pass.reviewer, pass.role)));
        }
        // the authority and the operator of the application keep dossiers
        let offices = [moment.law.authority.clone(), file.application.operator.clone()];
        let mut room = room(book, &pass.application, moment.at)?;
        checked(room.admit(signed, &offices, &moment.law.ring))?;
        book.reading.0.insert(pass.application, room);
        Ok(())
    }
}

impl Document for Reading {
    const KIND: &'static str = "dossier-reading";
    const TITLE: (&'static str, &'static str) = ("reading of a document of a dossier", "查阅案卷记录");
    const EXAMPLE: &'static str = include_str!("reading/reading.toml");
    const AUDIENCE: Audience = Audience::Signers;

    /// The office signs that it hands the copy over, the reviewer that it asked for it.
    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.office.clone(), self.reviewer.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let reading = &signed.payload;
        let file = file(book, &reading.application)?;
        let keeps = reading.office == moment.law.authority || reading.office == file.application.operator;
        if reading.v != 1 || !keeps || reading.at > moment.at {
            return Err(refuse("reading.office", format!("`{}` does not keep this dossier, or it is dated ahead", reading.office)));
        }
        let mut room = room(book, &reading.application, moment.at)?;
        // whoever may read a reading can read its pass as well: both are of the same two
        if room.office(&reading.reviewer).is_some_and(|office| *office != reading.office) {
            return Err(refuse("reading.office", format!("the pass of `{}` was not given by `{}`", reading.reviewer, reading.office)));
        }
        let read = checked(room.read(&reading.reviewer, reading.document, reading.purpose, moment.at))?;
        book.reading.1.insert(read.mark, reading.office.clone());
        book.reading.0.insert(reading.application, room);
        Ok(())
    }
}

/// The mark of a reading that is filed, for the office that hands the copy over: as long as the pass holds and nobody has decided.
///
/// # Errors
/// `reading.unfiled`, `reading.office`; `reading.closed`, `reading.term` and the rest of the rules once the door is closed.
pub(crate) fn mark_for(book: &Book, (application, document): (&Hash, &Hash), reader: &PartyName, office: &str, now: Time) -> Result<Hash> {
    let mut room = room(book, application, now)?;
    // the last line of the log may be of this very second
    let at = room.log().last().map_or(now, |last| now.max(last.at));
    let filed = room.log().iter().rev().find(|read| read.reviewer == *reader && read.document == *document).map(|read| read.mark);
    let mark = filed.ok_or_else(|| refuse("reading.unfiled", format!("`{reader}` has filed no reading of {document}")))?;
    if book.reading.1.get(&mark).is_none_or(|keeper| keeper.as_str() != office) {
        return Err(refuse("reading.office", format!("`{office}` did not sign to hand {document} over")));
    }
    checked(room.read(reader, *document, *application, at))?;
    Ok(mark)
}

fn tell(book: &Book, _: &Law, _: Time) -> Vec<(String, String)> {
    let all = book.reading.0.values().flat_map(ReadingRoom::log);
    let one = |read: &yu_governance::conduct::reading::Read| {
        let short = |hash: &Hash| hash.to_hex().chars().take(16).collect::<String>();
        let (document, mark) = (short(&read.document), short(&read.mark));
        (
            format!("{} read {document} {}, the copy carries {mark}", read.reviewer, read.at),
            format!("{} 于 {} 查阅 {document}，副本标记 {mark}", read.reviewer, read.at),
        )
    };
    all.map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::rig::{Court, hash, party};
    use super::super::reviews::CHAPTER as REVIEWS;
    use super::*;
    use yu_governance::catalogue::record::CatalogueRecord;
    use yu_governance::deadline::{Matter, ReviewApplication, ReviewEvent, ReviewRecord, Verdict};
    use yu_governance::workflow::Role;

    fn code(result: Result<Hash>) -> String {
        result.unwrap_err().detail.split([':', ' ']).next().unwrap().to_owned()
    }

    /// A check by the platform is open, under a profile whose checks have no limit.
    fn court() -> (Court, Hash) {
        let mut court = Court::new("zhejiang");
        court.file(toml::from_str::<CatalogueRecord>(CatalogueRecord::EXAMPLE).unwrap(), &["health"]).unwrap();
        let mut check: ReviewApplication = toml::from_str(ReviewApplication::EXAMPLE).unwrap();
        (check.matter, check.check, check.at) = (Matter::Check, None, court.at);
        check.reviewers.retain(|seat| seat.party == party("platform"));
        let application = court.file(check, &["bank"]).unwrap();
        assert!(court.book.decides(REVIEWS.kinds));
        (court, application)
    }

    fn pass(court: &Court, application: Hash) -> Pass {
        let example: Pass = toml::from_str(Pass::EXAMPLE).unwrap();
        Pass { application, from: court.at, until: court.at.plus_days(20), documents: [hash("form")].into(), ..example }
    }

    fn reading(court: &Court, application: Hash, purpose: Hash, document: &str) -> Reading {
        Reading {
            v: 1,
            application,
            purpose,
            reviewer: party("platform"),
            office: party("authority"),
            document: hash(document),
            at: court.at,
        }
    }

    #[test]
    fn a29_a_dossier_is_read_under_a_pass_for_this_review_and_not_after_the_decision() {
        let (mut court, application) = court();
        let both = &["authority", "platform"];
        assert_eq!(code(court.file(reading(&court, application, application, "form"), both)), "reading.no-pass");
        assert!(court.file(pass(&court, application), &["authority"]).is_err(), "who reads undertakes it by its signature");
        let applicant = Pass { reviewer: party("bank"), role: Role::Licensee, ..pass(&court, application) };
        assert_eq!(code(court.file(applicant, &["authority", "bank"])), "reading.interest");
        let posing = Pass { role: Role::Expert, ..pass(&court, application) };
        assert_eq!(code(court.file(posing, both)), "reading.role");
        let office = Pass { office: party("sector"), ..pass(&court, application) };
        assert_eq!(code(court.file(office, &["sector", "platform"])), "reading.office");
        court.file(pass(&court, application), both).unwrap();
        let elsewhere = Reading { office: party("platform"), ..reading(&court, application, application, "form") };
        assert_eq!(code(court.file(elsewhere, &["platform"])), "reading.office", "who gave the pass hands over");
        assert_eq!(code(court.file(reading(&court, application, hash("else"), "form"), both)), "reading.purpose");
        assert_eq!(code(court.file(reading(&court, application, application, "books"), both)), "reading.document");
        court.file(reading(&court, application, application, "form"), both).unwrap();
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("carries"));
        court.pass_days(1);
        let decided = ReviewEvent::Decided { verdict: Verdict::Granted, reasons: Vec::new() };
        let record = ReviewRecord { v: 1, application, reviewer: Some(party("platform")), event: decided, at: court.at };
        court.file(record, &["platform"]).unwrap();
        assert_eq!(code(court.file(reading(&court, application, application, "form"), both)), "reading.closed");
        assert_eq!(code(court.file(pass(&court, application), both)), "reading.closed");
    }

    #[test]
    fn a29_a_pass_ends_with_its_term() {
        let (mut court, application) = court();
        let both = &["authority", "platform"];
        court.file(pass(&court, application), both).unwrap();
        court.pass_days(20);
        assert_eq!(code(court.file(reading(&court, application, application, "form"), both)), "reading.term");
    }
}
