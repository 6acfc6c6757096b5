//! Finding a column by name, and the names that look alike when it is not there.

use crate::error::{Error, Result};

/// Position of `wanted` among `names`.
pub(crate) fn find_column<S: AsRef<str>>(names: &[S], wanted: &str, file: &str) -> Result<usize> {
    names.iter().position(|name| name.as_ref() == wanted).ok_or_else(|| Error::MissingColumn {
        file: file.to_owned(),
        column: wanted.to_owned(),
        near: near_names(names, wanted),
    })
}

/// At most three names within a third of the length of `wanted` (at least 2 edits), nearest first.
fn near_names<S: AsRef<str>>(names: &[S], wanted: &str) -> Vec<String> {
    let lower = wanted.trim().to_lowercase();
    let limit = (lower.chars().count() / 3).max(2);
    let mut near: Vec<(usize, &str)> = names
        .iter()
        .map(|name| (edit_distance(&lower, &name.as_ref().to_lowercase()), name.as_ref()))
        .filter(|(distance, name)| *distance <= limit && *distance < name.chars().count())
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    near.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}

/// Levenshtein distance in characters.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let change = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested() {
        let Err(Error::MissingColumn { near, .. }) = find_column(&["id", "age"], "Agee", "t") else { panic!("found") };
        assert_eq!(near, ["age"]);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert!(near_names(&["x0", "x1"], "resident_id").is_empty());
    }
}
