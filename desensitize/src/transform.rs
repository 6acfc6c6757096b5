//! Transforms (变换): operators on columns that hide, replace, coarsen, blur or encrypt what a cell says.
//!
//! | to see | open |
//! |---|---|
//! | operators as data, for a policy | [`Operator`] |
//! | one operator on a table, and the way back | [`apply`], [`reveal`] |
//! | many operators on successive batches | [`Plan`] |
//! | keys, derived for each purpose | [`TransformKey`], [`Keys`] |
//! | samples for training that stay joinable | [`TrainingRecipe`] |
//! | masks of fixed width at the speed of memory | [`Mask`] |
//! | HMAC with SM3 or SHA-256, many messages at once | [`Hmac`] |
//! | FF1, format-preserving encryption | [`ff1`] |
//!
//! | operator | follows | reversible | stays visible |
//! |---|---|---|---|
//! | `keep` | mask (掩码) | no | the kept characters, the length |
//! | `replace`, `null`, `drop_rows` | suppression (抑制) | no | which cells or rows there were |
//! | `hmac` | RFC 2104 with GB/T 32905 or FIPS 180-4 | no | equality, hence frequencies |
//! | `token` | SIV (Rogaway, Shrimpton 2006) with SM4 or AES-256 | with the key, authenticated | equality, length |
//! | `ff1` | NIST SP 800-38G, 10^6 floor of Rev. 1 | with the key, **not** authenticated | equality, format |
//! | `resident_id`, `mobile` | GB 11643; FF1 with cycle walking | with the key, **not** authenticated | equality, the kept part |
//! | `date_shift` | same secret shift for a subject | with the key | intervals |
//! | `generalise`, `generalise_date`, `bin`, `round`, `limit` | generalisation (泛化) | no | the coarse value |
//! | `noise` | bounded, on a grid; **no differential privacy** | no | the value, roughly |
//! | `rank_swap`, `shuffle` | Moore 1996; Fisher-Yates | no | all values of the column |
//! | `microaggregate` | MDAV (Domingo-Ferrer, Torra 2005) | no | means of groups |
//! | `pram` | Gouweleeuw et al. 1998 | no | frequencies, roughly |
//! | `sample` | each row or subject with one probability | no | the drawn rows |
//!
//! **What a transform is not.** Each operator looks at one column. People are found again by combinations of columns: whether a
//! table is anonymous is decided by the anonymity and risk parts of this crate, after the transforms. Whoever holds the key
//! of a reversible operator holds the original (GB/T 35273, 去标识化 is not 匿名化); pseudonyms are personal data.
//!
//! **Nulls** stay null in every operator but `drop_rows`. **Types**: text stays text of the same Arrow type and numbers
//! stay numbers of the same type; `bin` makes text out of numbers; an operator that cannot work on a type refuses it. An empty text is a
//! value; what does not allow it (a date, a number, a domain of 10^6) refuses it.
//!
//! **Order**: subjects of `date_shift` and of keyed `sample` are read as they came in, everything else sees what earlier steps
//! made. Cells are not wiped: Arrow's buffers cannot be.

mod alphabet;
mod build;
mod cells;
mod date;
mod derive;
mod digest;
mod encoding;
mod explain;
pub mod ff1;
mod hierarchy;
mod identity;
mod key;
mod mask;
mod mdav;
mod number;
mod operator;
mod permute;
mod plan;
mod pram;
mod pseudonym;
mod refuse;
mod rows;
mod seed;
mod token;
mod whole;

pub use alphabet::Alphabet;
pub use date::DateLevel;
pub use derive::{TrainingData, TrainingRecipe, TrainingRecord};
pub use digest::{Hash, Hmac, hash};
pub use encoding::Encoding;
pub use ff1::Others;
pub use hierarchy::{Hierarchy, Unknown};
pub use identity::{BirthPart, RegionPart, SexPart};
pub use key::{KeyId, Keys, TransformKey};
pub use mask::Mask;
pub use operator::Operator;
pub use plan::{Plan, Step, StepRecord, apply, reveal};
pub use rows::When;
pub use seed::SeedCommitment;
pub use token::TokenCipher;
