//! All chapters: what each is about, its kinds of documents, what it says to people and to jobs.

pub mod algorithms;
pub mod catalogue;
pub mod corrections;
pub mod counties;
pub mod demands;
pub mod disputes;
pub mod drills;
pub mod endings;
pub mod evaluation;
pub mod grants;
pub mod imports;
pub mod incidents;
pub mod norms;
pub mod patrols;
pub mod people;
pub mod products;
pub mod publications;
pub mod quality;
pub mod reading;
pub mod register;
pub mod reviews;
pub mod selection;
pub mod supply;
pub mod switches;
pub mod tariffs;
pub mod training;

use super::book::Book;
use super::kind::Kind;
use crate::procedure::law::Law;
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::finding::Finding;

/// One chapter of the docket.
pub struct Chapter {
    /// Its name.
    pub name: &'static str,
    /// What it is about, English and Chinese.
    pub title: (&'static str, &'static str),
    /// Its kinds of documents.
    pub kinds: &'static [Kind],
    /// What it says at an instant, English and Chinese.
    pub tell: fn(&Book, &Law, Time) -> Vec<(String, String)>,
    /// What it has against a contract at an instant. It is asked only once something of it is filed.
    pub objections: fn(&Book, &Contract, &Law, Time) -> Vec<Finding>,
}

/// All of them.
pub const ALL: &[Chapter] = &[
    catalogue::CHAPTER,
    grants::CHAPTER,
    selection::CHAPTER,
    norms::CHAPTER,
    register::CHAPTER,
    reviews::CHAPTER,
    corrections::CHAPTER,
    supply::CHAPTER,
    disputes::CHAPTER,
    quality::CHAPTER,
    demands::CHAPTER,
    reading::CHAPTER,
    products::CHAPTER,
    tariffs::CHAPTER,
    people::CHAPTER,
    endings::CHAPTER,
    switches::CHAPTER,
    drills::CHAPTER,
    patrols::CHAPTER,
    evaluation::CHAPTER,
    incidents::CHAPTER,
    publications::CHAPTER,
    imports::CHAPTER,
    algorithms::CHAPTER,
    training::CHAPTER,
    counties::CHAPTER,
];

/// For a chapter that has nothing to say about jobs.
#[must_use]
pub fn none(_: &Book, _: &Contract, _: &Law, _: Time) -> Vec<Finding> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::super::kinds;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_has_a_name_of_its_own_and_an_example_that_can_be_read() {
        let mut seen = BTreeSet::new();
        for kind in kinds() {
            assert!(seen.insert(kind.name), "{} twice", kind.name);
            assert!(kind.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", kind.name);
            let read = kind.read(kind.example).unwrap_or_else(|fault| panic!("{}: {fault}", kind.name));
            kind.hash(&read).unwrap();
            assert!(!kind.title.0.is_empty() && !kind.title.1.is_ascii(), "{}", kind.name);
        }
    }
}
