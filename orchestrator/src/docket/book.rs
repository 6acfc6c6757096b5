//! What all filed documents together say, and how it is kept in memory.

use super::chapters;
use super::kind::{Kind, Moment};
use super::line::{self, Filed};
use crate::fault::{Code, Fault, Result};
use crate::node::Node;
use crate::procedure::law::{self, Law};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::docket::Head;
use yu_governance::id::PartyName;
use yu_governance::sign::Signed;

/// The state of every chapter.
#[derive(Default)]
pub struct Book {
    /// Lines so far.
    pub length: u64,
    /// The last one.
    pub head: Option<Signed<yu_governance::docket::Line>>,
    /// Documents by their hash: kind and place.
    pub documents: BTreeMap<Hash, (&'static str, u64)>,
    /// Since when a chapter decides.
    pub begun: BTreeMap<&'static str, Time>,
    /// Kinds of which something is filed.
    pub kinds: BTreeSet<&'static str>,
    /// The catalogue of data.
    pub catalogue: chapters::catalogue::Shelf,
    /// Grants, labs, agreements.
    pub grants: chapters::grants::Given,
    /// Selections, and supply to operators.
    pub selection: chapters::selection::Office,
    /// Norms of use, and what higher levels consented to.
    pub norms: chapters::norms::Norms,
    /// What others get to see.
    pub register: chapters::register::Public,
    /// Reviews under a clock, and the calendar.
    pub reviews: chapters::reviews::Reviews,
    /// Correction orders.
    pub corrections: chapters::corrections::Corrections,
    /// Refusals of agreed data.
    pub supply: chapters::supply::Refusals,
    /// Disputes on supply.
    pub disputes: chapters::disputes::Disputes,
    /// Quality tickets and reports.
    pub quality: chapters::quality::Quality,
    /// Demands of scenarios.
    pub demands: chapters::demands::Demands,
    /// Dossiers that are read.
    pub reading: chapters::reading::Rooms,
    /// Products.
    pub products: chapters::products::Products,
    /// Money.
    pub ledger: chapters::tariffs::Ledger,
    /// People, as far as this node may read of them.
    pub people: chapters::people::People,
    /// How authorisations ended, and what was sealed.
    pub endings: chapters::endings::Endings,
    /// What is switched off.
    pub switches: chapters::switches::Board,
    /// Contingency plans and drills.
    pub drills: chapters::drills::Practice,
    /// Watching, patrols, complaints.
    pub patrols: chapters::patrols::Watch,
    /// Yearly evaluation.
    pub evaluation: chapters::evaluation::Marks,
    /// Operation reports and disclosures.
    pub publications: chapters::publications::Published,
    /// Evidence of incidents.
    pub incidents: chapters::incidents::Evidence,
    /// Approvals of counties.
    pub counties: chapters::counties::Counties,
    /// Imports of own data.
    pub imports: chapters::imports::Intake,
    /// Algorithms of others.
    pub algorithms: chapters::algorithms::Admitted,
    /// Data for training.
    pub training: chapters::training::Trained,
}

impl Book {
    /// Whether a chapter decides: something of these kinds is filed.
    #[must_use]
    pub fn decides(&self, kinds: &[Kind]) -> bool {
        kinds.iter().any(|kind| self.kinds.contains(kind.name))
    }

    /// Where it ends.
    ///
    /// # Errors
    /// `internal`.
    pub fn head(&self) -> Result<Option<Head>> {
        Ok(self.head.as_ref().map(|line| line.payload.head()).transpose()?)
    }

    /// Whether this very document is filed.
    #[must_use]
    pub fn has(&self, document: &Hash) -> bool {
        self.documents.contains_key(document)
    }

    /// Enters one more line with its document, everything checked; `None` where this node may not read it.
    pub(super) fn follow(&mut self, filed: &Filed, law: &Law, (now, skew): (yu_governance::clock::Time, i64)) -> Result<()> {
        let told = filed.line.verify(&law.ring, &[law.authority.as_str()])?;
        told.follows(self.head.as_ref().map(|line| &line.payload), (now, skew))?;
        if self.has(&told.document) {
            return Err(Fault::new(Code::Exists, "the document is filed already").at(told.kind.clone()));
        }
        let name = match super::kind_of(&told.kind) {
            Some(kind) => {
                self.take(kind, filed.document.as_ref(), told, law)?;
                kind.name
            }
            None if told.kind == line::STEP => line::STEP,
            None => {
                return Err(Fault::new(
                    Code::Version,
                    format!("documents of kind `{}` are not known to this version", told.kind.escape_debug()),
                ));
            }
        };
        self.documents.insert(told.document, (name, told.sequence));
        self.kinds.insert(name);
        if let Some(chapter) = chapters::ALL.iter().find(|chapter| chapter.kinds.iter().any(|kind| kind.name == name)) {
            self.begun.entry(chapter.name).or_insert(told.at);
        }
        self.length = told.sequence.saturating_add(1);
        self.head = Some(filed.line.clone());
        Ok(())
    }

    fn take(&mut self, kind: &Kind, document: Option<&Value>, told: &yu_governance::docket::Line, law: &Law) -> Result<()> {
        let Some(document) = document else {
            return match kind.audience {
                super::kind::Audience::Domain => Err(Fault::new(Code::PeerProtocol, "the line came without its document").at(kind.name)),
                super::kind::Audience::Signers => Ok(()),
            };
        };
        if kind.hash(document)? != told.document {
            return Err(Fault::new(Code::Tampered, "the document is not the one of its line").at(kind.name));
        }
        let signers = kind.signers(document, self, law)?;
        let mut told_signers: Vec<PartyName> = told.signers.clone();
        told_signers.sort();
        if signers != told_signers {
            return Err(Fault::new(Code::PeerProtocol, "the line names other signers than the document needs").at(kind.name));
        }
        kind.verify(document, &signers, &law.ring)?;
        kind.enter(document, self, Moment { law, at: told.at })
    }
}

/// The book of a node, read from the store when it is first asked for and after anything went wrong.
#[derive(Default)]
pub struct Docket(Mutex<Option<Book>>);

impl Docket {
    /// Looks into the book.
    ///
    /// # Errors
    /// `storage.damaged` when what is stored does not hold any more; those of `look`.
    pub fn with<T>(&self, node: &Node, look: impl FnOnce(&Book) -> Result<T>) -> Result<T> {
        let mut held = self.lock();
        let book = Self::loaded(&mut held, node)?;
        look(book)
    }

    /// Changes the book. A change that fails may have come half the way: the book is read anew then.
    ///
    /// # Errors
    /// Those of `change`.
    pub(super) fn change<T>(&self, node: &Node, change: impl FnOnce(&mut Book) -> Result<T>) -> Result<T> {
        let mut held = self.lock();
        let changed = change(Self::loaded(&mut held, node)?);
        if changed.is_err() {
            *held = None;
        }
        changed
    }

    fn lock(&self) -> MutexGuard<'_, Option<Book>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn loaded<'a>(held: &'a mut Option<Book>, node: &Node) -> Result<&'a mut Book> {
        if held.is_none() {
            *held = Some(read(node)?);
        }
        held.as_mut().ok_or_else(|| Fault::new(Code::Bug, "the book was just read"))
    }
}

/// The book as the stored lines make it, every signature checked anew, each line by what was in force then.
fn read(node: &Node) -> Result<Book> {
    let mut then: BTreeMap<(Hash, u32), Arc<Law>> = BTreeMap::new();
    let mut book = Book::default();
    loop {
        let some = line::stored(node, book.length, line::PAGE)?;
        if some.is_empty() {
            return Ok(book);
        }
        for filed in some {
            let told = &filed.line.payload;
            let damaged = |what: String| Fault::new(Code::Damaged, what).at(format!("docket line {}", told.sequence));
            let key = (told.profile, told.appointments);
            let law = match then.get(&key) {
                Some(law) => Arc::clone(law),
                None => {
                    let law = law::at(node, &key.0, key.1)?;
                    let law = Arc::new(law.ok_or_else(|| damaged("the profile or the appointments of the line are missing".into()))?);
                    then.insert(key, Arc::clone(&law));
                    law
                }
            };
            book.follow(&filed, &law, (told.at, 0)).map_err(|f| damaged(f.to_string()))?;
        }
    }
}
