//! Three administrators (三员分立), D12: system, security and audit. One person never holds two of them, in one organisation or in two,
//! under one number or several: people are compared by their real-name reference.

use std::collections::{BTreeMap, BTreeSet};

use super::record::{PersonRecord, Post, RealNameRef};
use crate::finding::Finding;
use crate::id::PersonId;

/// One finding for each person that would hold two of the three; empty means that the separation holds.
pub fn check_separation<'a>(records: impl IntoIterator<Item = &'a PersonRecord>) -> Vec<Finding> {
    let mut held: BTreeMap<RealNameRef, (BTreeSet<Post>, BTreeSet<&PersonId>)> = BTreeMap::new();
    for record in records {
        let administers: BTreeSet<Post> = record.posts.iter().copied().filter(|p| Post::ADMINISTRATORS.contains(p)).collect();
        if !administers.is_empty() {
            let (posts, ids) = held.entry(record.real_name).or_default();
            posts.extend(administers);
            ids.insert(&record.id);
        }
    }
    let twice = held.into_values().filter(|(posts, _)| posts.len() > 1);
    twice
        .map(|(posts, ids)| {
            let join = |list: Vec<&str>, with: &str| list.join(with);
            let names: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
            let posts: Vec<&str> = posts.into_iter().map(Post::as_str).collect();
            Finding::new(
                "person.separation",
                names.first().copied().unwrap_or_default(),
                (
                    format!("one person, enrolled as {}, would be {}", join(names.clone(), " and "), join(posts.clone(), " and ")),
                    format!("同一人（{}）将兼任 {}", join(names.clone(), "、"), join(posts.clone(), "、")),
                ),
                ("give the three posts to three people", "系统、安全、审计管理员须由三人分任"),
            )
        })
        .collect()
}
