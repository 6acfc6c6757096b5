//! "Could raw data be restored?" (能否还原原始数据): attacks on what is about to leave, and a verdict that fails closed.
//!
//! The rules of public-data operation let no product leave from which the raw package can be restored by a reversible model
//! or algorithm (REQUIREMENTS O4, O5). [`gate`] tries to: it takes the part of an attacker who has the original's frequencies,
//! dictionaries of all mobile and identity numbers, earlier releases, and the model. Rules decide first, as
//! an unkeyed hash of a telephone number needs no test; then the attacks run within a budget. What was tried, what it cost and how often
//! it worked, with a confidence interval, stands in the [`Verdict`]. What cannot be evaluated is refused.
//!
//! | leaves | attack | open |
//! |---|---|---|
//! | columns | rules | `restore/columns.rs` |
//! | | identifiers in plain view | `restore/plain.rs` |
//! | | dictionary on digests (字典攻击) | `restore/dictionary.rs`, `restore/digest.rs`, `restore/guess.rs` |
//! | | frequency of tokens (频率分析) | `restore/frequency.rs` |
//! | rows | raw package, copied and nearly copied rows, held-out rows | `restore/rows.rs` |
//! | | linkage by quasi-identifiers (链接攻击), reading generalised cells | `restore/linkage.rs`, `restore/cover.rs` |
//! | | linkage by distance | `restore/distance.rs` |
//! | | join with other tables; differences (差分攻击) | `restore/join.rs`, `restore/difference.rs` |
//! | figures | differences, determined people, linear reconstruction (线性重构) | `restore/counts.rs`, `restore/linear.rs` |
//! | models | membership inference (成员推断) | `restore/membership.rs` |
//! | | canaries | `restore/canary.rs` |
//!
//! **How to read it.** A share is how many of the attacked rows or people an attack got right. Where all were attacked, the share
//! is compared with its limit; where a sample was, the upper end of its interval is, so that a test too small to tell refuses. Limits
//! are in [`Thresholds`], strict by default, and meant to be changed in a signed profile only.
//!
//! **What a pass does not prove.** It says that these attacks failed with this knowledge and budget. A guess that nobody listed, an
//! earlier release that was not handed in, a key that leaks, a model attack that is not known yet: none of these is covered. Only
//! differential privacy ([`crate::dp`]) bounds what any attacker learns. Columns are compared with those of the same name in the original,
//! and but for tokens in earlier releases: a copy under another name is not seen where nothing else gives it away. Declared provenance is believed where no attack
//! contradicts it: that a key exists and stays secret cannot be seen in a column.
//!
//! ```
//! # use std::sync::Arc;
//! # use arrow::array::{ArrayRef, StringArray};
//! use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//! use yu_desensitize::Table;
//! use yu_desensitize::restore::{Attack, Provenance, Release, Thresholds, gate};
//! let cells: ArrayRef = Arc::new(StringArray::from(vec!["e10adc3949ba59abbe56e057f20f883e"]));
//! let table = Table::from_columns("t", vec![("phone", cells)])?;
//! let release = Release::of(&table).with("phone", Provenance::Unkeyed { domain: Some(4.9e9) });
//! let mut limits = Thresholds::default();
//! limits.budget.tries = 10_000;
//! # let mut rng = ChaCha20Rng::seed_from_u64(1);
//! let verdict = gate(&release, &limits, &mut rng)?;
//! assert!(!verdict.passed);
//! assert!(verdict.refusals().any(|attempt| attempt.attack == Attack::Rule));
//! # Ok::<(), yu_desensitize::Error>(())
//! ```

mod budget;
mod canary;
mod cells;
pub(crate) mod chance;
mod classifier;
mod columns;
mod counts;
mod cover;
mod dictionary;
mod difference;
mod digest;
mod distance;
mod frequency;
mod guess;
mod interval;
mod join;
mod linear;
mod linkage;
mod membership;
mod model;
mod plain;
mod rows;
mod subject;
mod thresholds;
mod verdict;
mod words;

use rand_chacha::rand_core::CryptoRng;

pub use budget::{Budget, Clock, Cost, system_clock};
pub use classifier::{LogisticRegression, NearestNeighbour};
pub use counts::{Counts, Figure, Precision};
pub use guess::Guesses;
pub use interval::clopper_pearson;
pub use model::{AttackableModel, Canaries, Example, Examples, ModelUnderTest, Trainer};
pub use subject::{Other, Provenance, Release};
pub use thresholds::Thresholds;
pub use verdict::{Attack, Attempt, Share, Verdict};

use crate::error::{Result, Text};

/// Runs everything that applies to a release and gives the verdict.
///
/// `rng` draws samples where a census is too expensive, shadow models and canaries.
///
/// # Errors
/// `restore.thresholds`, `restore.input`; those of columns that cannot be read; those of the model. An error is no pass.
pub fn gate<R: CryptoRng>(release: &Release<'_>, limits: &Thresholds, rng: &mut R) -> Result<Verdict> {
    limits.check()?;
    check(release)?;
    let mut attempts = Vec::new();
    if let Some(table) = release.table {
        attempts.extend(columns::attack(release, table, limits)?);
        attempts.extend(rows::attack(release, table, limits, rng)?);
        attempts.extend(linkage::attack(release, table, limits)?);
        attempts.extend(distance::attack(release, table, limits, rng)?);
        for other in &release.others {
            attempts.extend(join::attack(release, table, other, limits)?);
            attempts.extend(difference::attack(release, table, other, limits)?);
        }
    }
    if let Some(counts) = &release.counts {
        attempts.extend(counts::attack(release, counts, limits, rng)?);
    }
    if let Some(model) = &release.model {
        attempts.extend(membership::attack(release, model, limits, rng)?);
        attempts.extend(canary::attack(release, model, limits, rng)?);
    }
    let is_public = |table: &crate::Table| table.column_names().iter().all(|name| release.provenance_of(name) == Provenance::Public);
    if attempts.is_empty() && release.table.is_some_and(is_public) {
        let reason = Text::new("every column is public as it is", "各列均为原样公开的数据");
        attempts.push(verdict::exempt(reason));
    }
    if attempts.is_empty() {
        let reason = Text::new(
            "nothing in this release could be attacked, so that nothing is known about it",
            "本次发布没有可供检验的内容，无法评估",
        );
        let remedy = Text::new("hand in the table, the figures or the model that leaves", "请提交拟发布的数据表、统计量或模型");
        attempts.push(verdict::refused(Attack::Nothing, None, Cost::default(), reason, remedy));
    }
    Ok(Verdict::of(attempts))
}

/// Mistakes that would make an attack weaker than it looks: columns that do not exist, rows that do not match.
fn check(release: &Release<'_>) -> Result<()> {
    if let Some(table) = release.table {
        for column in release.provenance.keys().chain(&release.quasi_identifiers) {
            table.position(column)?;
        }
        // shares of nobody are zero: against an empty original everything would pass
        if table.num_rows() > 0 && release.original.is_some_and(|original| original.num_rows() == 0) {
            return Err(words::bad_input(Text::new("the original has no rows", "原始数据没有记录")));
        }
        if let Some(row_of) = release.row_of {
            let originals = release.original.map_or(0, crate::Table::num_rows);
            if row_of.len() as u64 != table.num_rows() || row_of.iter().any(|row| *row >= originals) {
                return Err(words::bad_input(Text::new(
                    "the origins of the released rows do not match the release and the original",
                    "发布行的来源与发布数据或原始数据不符",
                )));
            }
        }
        for other in &release.others {
            for column in &other.join_on {
                table.position(column)?;
                other.table.position(column)?;
            }
        }
    }
    Ok(())
}
