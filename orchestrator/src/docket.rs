//! The docket (台账) on a node: signed documents of the domain in the authority's order, folded into one book by the rules of `governance`.
//!
//! ```text
//! drafter                     others who sign            the authority's node            every node
//!   TOML, own signature  ──>   a person adds its own
//!   all signatures here  ─────────────────────────────>  the document holds by the
//!                                                        rules and by what is filed,
//!                                                        gets a line and a time  ──────>  checks the same, logs,
//!                                                                                         acts on it
//! ```
//! | to see | open |
//! |---|---|
//! | what a kind of document is | [`kind`] |
//! | all chapters with their kinds | [`chapters`] |
//! | what all documents together say | [`book`] |
//! | lines on disk, documents that arrive, two histories | [`mod@line`] |
//! | documents that wait for signatures | [`draft`] |
//! | what a node has missed; whether others were told the same | [`sync`] |
//! | what follows for jobs | [`gate`] |
//! | what people are shown | [`show`] |
//!
//! A chapter decides from its first document on: a domain that files no drills is not asked for any. Without a profile in force nothing is filed.

pub mod book;
pub mod chapters;
pub mod draft;
pub mod gate;
mod hidden;
pub mod kind;
pub mod line;
#[cfg(test)]
pub(crate) mod rig;
pub mod show;
pub mod sync;

/// A kind by its name.
#[must_use]
pub fn kind_of(name: &str) -> Option<&'static kind::Kind> {
    kinds().find(|kind| kind.name == name)
}

/// All kinds, chapter by chapter.
pub fn kinds() -> impl Iterator<Item = &'static kind::Kind> {
    chapters::ALL.iter().flat_map(|chapter| chapter.kinds)
}

/// A kind by its name.
///
/// # Errors
/// `input.bad` with the names of all.
pub fn named(name: &str) -> crate::fault::Result<&'static kind::Kind> {
    kind_of(name).ok_or_else(|| {
        let all: Vec<&str> = kinds().map(|kind| kind.name).collect();
        crate::fault::Fault::new(crate::fault::Code::Input, format!("`{}`: one of {}", name.escape_debug(), all.join(", ")))
            .at("kind of document")
    })
}
