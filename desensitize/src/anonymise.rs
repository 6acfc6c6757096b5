//! Anonymity of whole tables (去标识化): generalise until nobody stands out, then have it checked by somebody else.
//!
//! A *quasi-identifier* (准标识符) is a column that outsiders may know: age, sex, place. Rows that agree in all of them form
//! a *class*. The models say what each class must satisfy, so that knowing the quasi-identifiers of a person leads to no
//! row (k-anonymity) and to no sensitive value (l-diversity, t-closeness) of that person.
//!
//! | to see | open |
//! |---|---|
//! | what a value may become: files and builders | [`Hierarchy`] |
//! | the models and their definitions | [`Model`] |
//! | one level per column, least loss: optimal | [`full_domain`], [`Problem`], [`optimum`] |
//! | each class its own levels: far less loss | [`local`] |
//! | a second reading of what was written | [`verify`] |
//!
//! Sources: k-anonymity, Sweeney 2002; l-diversity, Machanavajjhala et al. 2007; t-closeness, Li et al. 2007; full-domain
//! search, Kohlmayer et al. 2012 (Flash) with the loss of Prasser et al. 2016; local recoding, the family of LeFevre et al.
//! 2006 (Mondrian). GB/T 37964-2019 names k-anonymity with l and t as models of de-identification.
//!
//! **Guarantee.** Every class of the release satisfies every model; rows that cannot are suppressed (`*` in every
//! quasi-identifier, the other columns kept) up to the limit. Missing cells in a quasi-identifier are refused; an empty
//! sensitive cell is a value like any other.
//!
//! **Not protected.** Columns that are neither quasi-identifiers nor sensitive are released as they are: remove direct
//! identifiers first. Models say nothing about an attacker who knows sensitive values, about several releases of one
//! table, or about someone who knows that a person is *absent*; differential privacy does. Local recoding is a
//! deterministic minimisation and can leak through its choices (minimality attack, Wong et al. 2007), which is why its
//! ties are broken by a recorded random seed.

mod classes;
mod coded;
mod hierarchy;
mod key;
mod lattice;
mod local;
mod model;
mod release;
mod search;
mod spec;
mod verify;

pub use coded::Problem;
pub use hierarchy::{Hierarchies, Hierarchy, Interval, STAR};
pub use local::{Grouping, local, recode};
pub use model::{Distance, Model};
pub use search::{Optimum, optimum};
pub use spec::{Release, Spec, full_domain};
pub use verify::{Claim, ModelVerdict, Verdict, verify};
