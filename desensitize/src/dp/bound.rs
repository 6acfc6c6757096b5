//! Contribution bounding (贡献上限): at most m rows, or c groups, of each person, chosen at random.
//!
//! Each row gets a tag, HMAC-SHA-256 under the caller's key of the person and of how many of the person's rows came before; of each
//! person's rows those with the least tags stay. What stays of one person is a function of the key and of that person's own rows:
//! a person more or less changes at most m rows, whatever the key and however often it is used. The key is secret, so that nobody
//! can arrange rows to be kept. A row without a person is dropped: nobody could be protected by it.

use std::collections::{BTreeMap, HashMap, HashSet};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::adjacency::{Neighbours, Subject};
use super::refuse::parameter;
use crate::column::each_text;
use crate::error::Result;
use crate::table::Table;

/// The key of the random choice; wiped on drop.
///
/// ```compile_fail
/// use yu_desensitize::dp::bound::BoundKey;
/// fn leak(key: &BoundKey) -> String { format!("{key:?}") }
/// ```
pub struct BoundKey(Zeroizing<[u8; 32]>);

impl BoundKey {
    /// A key of 32 uniform bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    fn mac(&self) -> Result<Hmac<Sha256>> {
        Hmac::new_from_slice(self.0.as_slice()).map_err(|_| parameter("no usable key", "密钥不可用", "give 32 bytes", "请给出 32 字节密钥"))
    }
}

type Tag = [u8; 32];

/// The tag of the `part` (a number, a name) of a person. The person's length comes first, so that no two pairs are the same bytes.
fn tag(mac: &Hmac<Sha256>, person: &str, part: &[u8]) -> Tag {
    let mut mac = mac.clone();
    mac.update(&(person.len() as u64).to_le_bytes());
    mac.update(person.as_bytes());
    mac.update(part);
    mac.finalize().into_bytes().into()
}

/// Something of which each person has a bounded part.
#[derive(Clone, Debug)]
pub struct Bounded<T> {
    value: T,
    neighbours: Neighbours<Subject>,
}

impl<T> Bounded<T> {
    /// The bounded thing.
    #[must_use]
    pub const fn get(&self) -> &T {
        &self.value
    }

    /// What one person may change in it: the key to mechanisms that protect people.
    #[must_use]
    pub const fn neighbours(&self) -> Neighbours<Subject> {
        self.neighbours
    }
}

fn positive(bound: u32) -> Result<usize> {
    usize::try_from(bound).ok().filter(|bound| *bound > 0).ok_or_else(|| {
        parameter("a bound of 0 leaves nothing", "上限为 0 则没有数据", "give a bound of at least 1", "请给出不小于 1 的上限")
    })
}

/// The table with at most `rows` rows of each person, who is named by `subject`.
///
/// # Errors
/// `MissingColumn`, `ColumnType`; `dp.parameter` for a bound of 0.
pub fn bound_rows(table: &Table, subject: &str, rows: u32, key: &BoundKey) -> Result<Bounded<Table>> {
    let most = positive(rows)?;
    let mac = key.mac()?;
    // of each person: how many rows came, and those with the least tags so far
    let mut kept: HashMap<String, (u64, Vec<(Tag, usize)>)> = HashMap::new();
    let mut index = 0usize;
    each_text(table, subject, |person, _| {
        if !person.is_empty() {
            if !kept.contains_key(person) {
                kept.insert(person.to_owned(), (0, Vec::new()));
            }
            if let Some((seen, tags)) = kept.get_mut(person) {
                insert(tags, (tag(&mac, person, &seen.to_le_bytes()), index), most);
                *seen += 1;
            }
        }
        index += 1;
        Ok(())
    })?;
    let mut keep = vec![false; index];
    for (_, row) in kept.into_values().flat_map(|(_, tags)| tags) {
        if let Some(keep) = keep.get_mut(row) {
            *keep = true;
        }
    }
    Ok(Bounded { value: table.filter(&keep)?, neighbours: Neighbours::bounded(rows, rows) })
}

fn insert<T: Ord>(tags: &mut Vec<T>, tag: T, most: usize) {
    let place = tags.partition_point(|other| *other < tag);
    tags.insert(place, tag);
    tags.truncate(most);
}

/// Number of people in each group, each person in at most `groups` groups and once in each.
///
/// # Errors
/// As [`bound_rows`].
pub fn bound_groups(table: &Table, subject: &str, group: &str, groups: u32, key: &BoundKey) -> Result<Bounded<Vec<(String, u64)>>> {
    let most = positive(groups)?;
    let names = crate::column::text(table, group)?;
    let mut people: HashMap<String, HashSet<&str>> = HashMap::new();
    let mut rows = names.iter();
    each_text(table, subject, |person, _| {
        let name = rows.next().map_or("", String::as_str);
        if !person.is_empty() && !name.is_empty() {
            people.entry(person.to_owned()).or_default().insert(name);
        }
        Ok(())
    })?;
    let mac = key.mac()?;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (person, theirs) in people {
        let mut tagged: Vec<(Tag, &str)> = theirs.into_iter().map(|name| (tag(&mac, &person, name.as_bytes()), name)).collect();
        tagged.sort_unstable();
        for (_, name) in tagged.into_iter().take(most) {
            *counts.entry(name).or_default() += 1;
        }
    }
    let value = counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
    Ok(Bounded { value, neighbours: Neighbours::bounded(groups, groups) })
}
