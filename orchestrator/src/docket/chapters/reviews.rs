//! Reviews under a clock (审核时限): applications, what happened to them, notices of results, silence that counts as consent exactly where it may, and
//! the working days they are counted in (C1-C4, C6).
//!
//! Filing an application is its submission. The reviewer's node proves delivery by itself, the clock service tells results by itself ([`act`]); a lapse
//! counts with two signatures, the clock service's and the regulator's, each after its own replay of what is filed. Whoever keeps the clock is
//! appointed as clock, else it is the authority's node, whose moments count.

pub mod act;
pub mod gate;
mod rules;
mod tell;
#[cfg(test)]
mod tests;

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, all_of, refuse};
use super::Chapter;
use crate::fault::Result;
use crate::procedure::law::Law;
use std::collections::BTreeMap;
use yu_governance::calendar::{Calendar, YearCalendar};
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::deadline::{
    Application, ConsentByLapse, DeemedConsent, Matter, Notice, Outcome, ReviewApplication, ReviewClock, ReviewRecord, Reviewer, Seats,
    Status, Terms, Timeliness,
};
use yu_governance::id::{PartyName, RequestId, document_hash};
use yu_governance::sign::Signed;
use yu_governance::workflow::Role;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "reviews",
    title: ("reviews under a clock", "审核时限"),
    kinds: &[
        Kind::of::<ReviewApplication>(),
        Kind::of::<ReviewRecord>(),
        Kind::of::<Notice>(),
        Kind::of::<DeemedConsent>(),
        Kind::of::<YearCalendar>(),
    ],
    tell: tell::tell,
    objections: gate::objections,
};

/// One application with its clocks.
pub struct File {
    /// As it was filed.
    pub application: ReviewApplication,
    /// Its clocks.
    pub state: Application,
    /// Lapses that count as consent, with both signatures.
    pub lapses: Vec<ConsentByLapse>,
    /// The last result that was told of each reviewer.
    pub noticed: BTreeMap<PartyName, Notice>,
}

impl File {
    /// What all reviewers together say.
    #[must_use]
    pub fn outcome(&self, now: Time) -> Outcome {
        self.state.outcome(now, &self.lapses)
    }

    /// The clock of a reviewer.
    #[must_use]
    pub fn clock(&self, reviewer: &PartyName) -> Option<&ReviewClock> {
        self.state.clocks().iter().find(|clock| clock.seats().reviewer == *reviewer)
    }

    fn has_lapsed(&self, reviewer: &PartyName) -> bool {
        self.lapses.iter().any(|lapse| lapse.reviewer() == reviewer)
    }
}

/// All applications, and the calendar that they are counted in.
pub struct Reviews {
    calendar: Calendar,
    files: BTreeMap<Hash, File>,
    order: Vec<Hash>,
}

impl Default for Reviews {
    fn default() -> Self {
        // the shipped years are part of the program and read by a test: without them nothing could be counted, which refuses
        Self { calendar: Calendar::shipped().unwrap_or_default(), files: BTreeMap::new(), order: Vec::new() }
    }
}

impl Reviews {
    /// The working days.
    #[must_use]
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// One application by the hash of its payload.
    #[must_use]
    pub fn file(&self, application: &Hash) -> Option<&File> {
        self.files.get(application)
    }

    /// All of them as they were filed.
    pub fn files(&self) -> impl Iterator<Item = (&Hash, &File)> {
        self.order.iter().filter_map(|hash| Some((hash, self.files.get(hash)?)))
    }

    /// The last application over a data request in a matter.
    #[must_use]
    pub fn of_request(&self, request: &RequestId, matter: Matter) -> Option<&File> {
        self.files()
            .filter(|(_, f)| f.application.matter == matter && f.application.request().is_some_and(|(id, _)| id == request))
            .last()
            .map(|(_, f)| f)
    }

    /// The last application of somebody to be registered.
    #[must_use]
    pub fn registration(&self, developer: &PartyName) -> Option<&File> {
        self.files()
            .filter(|(_, f)| f.application.matter == Matter::Registration && f.application.applicant == *developer)
            .last()
            .map(|(_, f)| f)
    }

    /// Whether anybody has filed in a matter.
    #[must_use]
    pub fn has(&self, matter: Matter) -> bool {
        self.files.values().any(|f| f.application.matter == matter)
    }

    /// Timeliness of the source departments (C6).
    ///
    /// # Errors
    /// When a year of the calendar is missing.
    pub fn timeliness(&self, now: Time) -> Result<Timeliness> {
        let clocks = self.files.values().flat_map(|f| f.state.clocks()).filter(|clock| clock.seats().role == Reviewer::SourceDepartment);
        Ok(Timeliness::of(clocks.map(|clock| (clock.seats().reviewer.organisation(), clock)), now, &self.calendar)?)
    }

    fn known(&self, application: &Hash) -> Result<&File> {
        self.file(application).ok_or_else(|| refuse("review.unknown", format!("no application {application} is filed")))
    }

    fn clock(&self, application: &Hash, reviewer: &PartyName) -> Result<&ReviewClock> {
        let none = || refuse("review.other", format!("`{reviewer}` is no reviewer of {application}"));
        self.known(application)?.clock(reviewer).ok_or_else(none)
    }
}

/// Whether the rules in force know silence as consent (C4).
fn silence_counts(law: &Law, at: Time) -> bool {
    Terms::of(Matter::UseApproval, &law.profile, at).silence == yu_governance::profile::DeemedConsent::On
}

/// Who keeps the clock.
#[must_use]
pub fn clock_service(law: &Law) -> PartyName {
    law.holders(Role::Clock).into_iter().next().unwrap_or_else(|| law.authority.clone())
}

impl Document for ReviewApplication {
    const KIND: &'static str = "review-application";
    const TITLE: (&'static str, &'static str) = ("application for a registration, a check or an approval", "注册、核查或使用审核申请");
    const EXAMPLE: &'static str = include_str!("reviews/application.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.applicant.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let application = &signed.payload;
        all_of(application.check())?;
        rules::allowed(application, book, moment)?;
        let hash = document_hash(application)?;
        let touches = rules::touches(application, book);
        let clock = |seat: &yu_governance::deadline::Seat| {
            let seats = Seats {
                applicant: application.applicant.clone(),
                operator: application.operator.clone(),
                reviewer: seat.party.clone(),
                role: seat.role,
                clock_service: clock_service(moment.law),
                regulator: moment.law.regulator.clone(),
            };
            let terms = Terms::of(application.matter, &moment.law.profile, moment.at);
            ReviewClock::new(hash, application.matter, seats, terms, touches.clone())
        };
        let clocks = application.reviewers.iter().map(clock).collect::<yu_governance::Result<Vec<_>>>()?;
        let state = Application::new(clocks)?.submitted(moment.at, &book.reviews.calendar)?;
        let file = File { application: application.clone(), state, lapses: Vec::new(), noticed: BTreeMap::new() };
        book.reviews.files.insert(hash, file);
        book.reviews.order.push(hash);
        Ok(())
    }
}

impl Document for ReviewRecord {
    const KIND: &'static str = "review-record";
    const TITLE: (&'static str, &'static str) =
        ("acceptance, delivery, decision, extension or outage of a review", "审核的受理、送达、决定、延期或中断记录");
    const EXAMPLE: &'static str = include_str!("reviews/record.toml");

    fn signers(&self, book: &Book, _: &Law) -> Result<Vec<PartyName>> {
        let file = book.reviews.known(&self.application)?;
        let clock = match &self.reviewer {
            Some(reviewer) => Some(book.reviews.clock(&self.application, reviewer)?),
            None => file.state.clocks().first(),
        };
        let seats = clock.ok_or_else(|| refuse("review.other", "the application has no reviewer"))?.seats();
        Ok(vec![self.event.signer(seats).clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let Reviews { calendar, files, .. } = &mut book.reviews;
        let Some(file) = files.get_mut(&signed.payload.application) else {
            return Err(refuse("review.unknown", "no such application is filed"));
        };
        file.state = file.state.record(signed, moment.at, &moment.law.ring, calendar)?;
        Ok(())
    }
}

impl Document for Notice {
    const KIND: &'static str = "review-notice";
    const TITLE: (&'static str, &'static str) = ("notice of the result of a review", "审核结果告知");
    const EXAMPLE: &'static str = include_str!("reviews/notice.toml");

    fn signers(&self, book: &Book, law: &Law) -> Result<Vec<PartyName>> {
        book.reviews.clock(&self.application, &self.reviewer)?;
        Ok(vec![clock_service(law)])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let notice = &signed.payload;
        if due(book.reviews.known(&notice.application)?, &notice.reviewer, moment.at).as_ref() != Some(notice) {
            return Err(refuse("review.notice-differs", format!("no such result of `{}` is to be told", notice.reviewer)));
        }
        if let Some(file) = book.reviews.files.get_mut(&notice.application) {
            file.noticed.insert(notice.reviewer.clone(), notice.clone());
        }
        Ok(())
    }
}

/// The notice of a reviewer's result that is to be told and was not. A lapse is told as consent only once it counts.
fn due(file: &File, reviewer: &PartyName, now: Time) -> Option<Notice> {
    let clock = file.clock(reviewer)?;
    if matches!(clock.status(now), Status::Deemed { .. }) && !file.has_lapsed(reviewer) {
        return None;
    }
    Notice::of(clock, now).filter(|notice| file.noticed.get(reviewer) != Some(notice))
}

impl Document for DeemedConsent {
    const KIND: &'static str = "deemed-consent";
    const TITLE: (&'static str, &'static str) = ("lapse of a review that counts as consent", "审核逾期视为同意");
    const EXAMPLE: &'static str = include_str!("reviews/deemed.toml");

    /// Whoever signs has replayed what is filed: a statement that it does not bear out has no signers.
    fn signers(&self, book: &Book, law: &Law) -> Result<Vec<PartyName>> {
        let clock = book.reviews.clock(&self.application, &self.reviewer)?;
        if clock.deemed_consent(self.since, self.profile)? != *self {
            return Err(refuse("review.deemed-differs", format!("the silence of `{}` is not what is filed here", self.reviewer)));
        }
        Ok(vec![clock.seats().clock_service.clone(), law.regulator.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let stated = &signed.payload;
        let file = book.reviews.known(&stated.application)?;
        if file.has_lapsed(&stated.reviewer) {
            return Err(refuse("review.repeated", format!("the lapse of `{}` is filed", stated.reviewer)));
        }
        // and so does what is in force now: a profile that came since may know no such consent
        if !silence_counts(moment.law, moment.at) {
            return Err(refuse("review.not-deemed", "silence is no consent by what is in force"));
        }
        // what the data set is now counts: a version that was filed since may have raised its level or closed it
        if let Some(touch) = rules::touches(&file.application, book).first() {
            let what = yu_governance::profile::Named::name(*touch);
            return Err(refuse("review.not-deemed", format!("silence never opens {}", what.en)));
        }
        let clock = book.reviews.clock(&stated.application, &stated.reviewer)?;
        let lapse = clock.accept_deemed(signed, moment.at, moment.law.hash, &moment.law.ring)?;
        if let Some(file) = book.reviews.files.get_mut(&stated.application) {
            file.lapses.push(lapse);
        }
        Ok(())
    }
}

impl Document for YearCalendar {
    const KIND: &'static str = "year-calendar";
    const TITLE: (&'static str, &'static str) = ("working days of a year", "年度工作日历");
    const EXAMPLE: &'static str = include_str!("reviews/calendar.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![law.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        Ok(book.reviews.calendar.import(signed, &moment.law.ring, &moment.law.authority)?)
    }
}
