//! Tables over shares (秘密表): rows that are sorted, grouped and joined without anybody seeing them. Written once for every
//! [`Engine`](crate::engine::Engine).
//!
//! A column is a vector of shares, a table a few columns of one length. A flag is a column of words 0 and 1; rows that do not count
//! have the flag 0 and stay in place, so that sizes tell nothing.
//!
//! | to | use | leaks beside the sizes |
//! |---|---|---|
//! | move rows to places nobody knows | [`shuffle`] | nothing |
//! | apply and undo a secret permutation | [`scatter`], [`gather`] | nothing |
//! | bring flagged rows to the front | [`partition`] | nothing |
//! | sort by one or several keys, stable | [`sort()`], [`places`] | nothing |
//! | count, add, find extremes within groups | [`group_by`] | nothing: the number of groups stays secret |
//! | divide sums by counts | [`means`], [`Groups::means`] | nothing |
//! | match rows of two owners | [`join()`] | nothing: nobody learns who matched, nor how many |
//! | the first rows of an order | [`top()`] | nothing |
//! | order statistics | [`quantiles`], [`sums_around`] | nothing: the number of flagged rows stays secret |
//! | count by ranges or public categories | [`histogram()`], [`categories`] | nothing |
//! | add within public categories | [`by_category`] | nothing |
//! | count different keys | [`distinct`] | nothing |
//!
//! The modules say how, and prove what leaks. Sizes are: numbers of rows, of columns, of keys and their widths, of edges and categories. Everything else, results included, is shares
//! until somebody opens or seals it.
//!
//! **Cost** in `rep3` by dry run: bytes of all parties together a row, and rounds. The programs of the [catalogue](crate::programs) say what
//! is computed on what; tables are of one to three columns. A join has `n` rows on each side.
//!
//! | program | `n = 1000`: bytes | rounds | `n = 100 000`: bytes | rounds |
//! |---|---:|---:|---:|---:|
//! | shuffle | 97 | 3 | 97 | 3 |
//! | permute | 241 | 9 | 241 | 9 |
//! | partition | 193 | 5 | 193 | 5 |
//! | sort | 4000 | 69 | 2946 | 186 |
//! | sort-table | 8510 | 149 | 6292 | 381 |
//! | group-by | 6476 | 90 | 4819 | 206 |
//! | group-mean | 3953 | 117 | 3677 | 223 |
//! | join | 10498 | 86 | 7639 | 231 |
//! | top-k | 4048 | 69 | 507 | 186 |
//! | quantiles | 4101 | 70 | 3029 | 187 |
//! | histogram | 624 | 21 | 617 | 21 |
//! | categories | 146 | 21 | 142 | 21 |
//! | by-category | 323 | 20 | 319 | 20 |
//! | distinct | 4033 | 81 | 2977 | 199 |
//!
//! On [`rep3::Malicious`](crate::rep3::Malicious) whatever is opened is checked before. That adds 3 % to the bytes of a sort (4149 and 3032 a
//! row), three quarters to those of a shuffle (173 and 169), and rounds for each check: a sort takes 184 for `n = 1000` and 2180 for
//! `n = 100 000`, where a proof covers 2^23 conjunctions.
//!
//! ```
//! use yu_mpc::{clear::Clear, ring::Int, secret::Secret, table::{self, Key}};
//! use ndarray::{arr1, Ix1};
//! let engine = &mut Clear;
//! let city = Secret::<_, Int, Ix1>::constant(engine, arr1(&[7, 3, 7]).view())?;
//! let sales = Secret::<_, Int, Ix1>::constant(engine, arr1(&[10, 20, 30]).view())?;
//! let groups = table::group_by(engine, &table::Grouping::by(&[Key::of(&city)]).sums(&[sales.words()]))?;
//! let sums = Secret::<_, Int, Ix1>::from_words(groups.sums[0].clone(), Ix1(3))?;
//! assert_eq!(sums.open(engine)?, arr1(&[20, 40, 0])); // two groups and a row that is none
//! # Ok::<(), yu_mpc::Error>(())
//! ```

mod array;
mod count;
pub mod group;
pub mod histogram;
pub mod join;
mod key;
pub mod mean;
mod order;
pub mod permute;
pub mod quantile;
pub mod sort;
pub mod top;

pub use group::{Grouping, Groups, distinct, group_by};
pub use histogram::{ByCategory, by_category, categories, histogram};
pub use join::{Joined, Side, digest, digests, join};
pub use key::Key;
pub use mean::means;
pub use permute::{gather, partition, scatter, shuffle};
pub use quantile::{Fraction, quantiles, sums_around};
pub use sort::{Sorted, places, sort};
pub use top::top;
