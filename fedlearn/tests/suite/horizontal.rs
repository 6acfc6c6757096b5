//! Boosted trees over parties with different rows: the same trees as in one place, whoever adds up and however rows are dealt.

mod agreement;
mod bytes;
mod crashes;
mod liars;
mod settings;
pub(crate) mod world;
