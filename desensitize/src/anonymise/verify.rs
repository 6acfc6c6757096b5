//! A second reading of a release, as a stranger would do it: from its cells alone.
//!
//! Shares nothing with the searches but the definitions of the models. Give it the table as it was read back from the file.

use std::collections::HashMap;

use serde::Serialize;

use super::hierarchy::{Hierarchies, Hierarchy, STAR};
use super::model::{Class, Distance, Model, Reference, measure};
use crate::column::{each_text, parse_number};
use crate::error::{Error, Result, Text};
use crate::table::Table;

/// What the second reading found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether every class satisfies every model and, if the original was given, every cell is true.
    pub holds: bool,
    /// Rows of the release.
    pub rows: u64,
    /// Rows whose quasi-identifiers are all `*`: they form no class.
    pub suppressed: u64,
    /// Number of classes.
    pub classes: u64,
    /// Rows of the smallest class; 0 if there is none.
    pub smallest: u64,
    /// Whether every quasi-identifier is the original value or one above it; `None` without an original of as many rows.
    pub is_true: Option<bool>,
    /// One entry per model.
    pub models: Vec<ModelVerdict>,
}

/// What was found for one model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelVerdict {
    /// The model.
    pub model: Model,
    /// Whether every class satisfies it.
    pub holds: bool,
    /// What the model measures in the worst class: rows, values, distance. `None` without classes.
    pub worst: Option<f64>,
    /// A row of that class, counted from 1.
    pub row: Option<u64>,
    /// Classes that do not satisfy it, and their rows.
    pub violations: (u64, u64),
}

/// What a release is held against.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Quasi-identifiers.
    pub qis: &'a [String],
    /// The models it claims to satisfy.
    pub models: &'a [Model],
    /// The hierarchies it was made with.
    pub hierarchies: &'a Hierarchies,
    /// The people, for k-map.
    pub population: Option<&'a Table>,
}

/// Reads a release from scratch and says whether the claim holds. `original` gives the distribution for t-closeness (else
/// that of the release counts) and lets every cell be compared.
///
/// # Errors
/// `MissingColumn`, `ColumnType`; `anonymise.no_hierarchy` where a model needs one. A release that violates a model is no
/// error but a verdict.
pub fn verify(original: Option<&Table>, release: &Table, claim: &Claim<'_>) -> Result<Verdict> {
    let cells = claim.qis.iter().map(|qi| texts(release, qi)).collect::<Result<Vec<_>>>()?;
    let rows = usize::try_from(release.num_rows()).unwrap_or(usize::MAX);
    let mut numbers: HashMap<Vec<&str>, usize> = HashMap::new();
    let mut members: Vec<Vec<usize>> = Vec::new();
    let mut suppressed = 0;
    for row in 0..rows {
        let key: Vec<&str> = cells.iter().filter_map(|column| column.get(row).map(String::as_str)).collect();
        if key.iter().all(|cell| *cell == STAR) {
            suppressed += 1;
            continue;
        }
        let number = *numbers.entry(key).or_insert_with(|| {
            members.push(Vec::new());
            members.len() - 1
        });
        if let Some(class) = members.get_mut(number) {
            class.push(row);
        }
    }
    let people = people(claim, &numbers, members.len())?;
    let models = claim
        .models
        .iter()
        .map(|model| judge(model, original, release, claim.hierarchies, &members, &people))
        .collect::<Result<Vec<_>>>()?;
    let is_true = match original {
        Some(original) if original.num_rows() == release.num_rows() => Some(is_true(original, claim, &cells)?),
        _ => None,
    };
    Ok(Verdict {
        holds: models.iter().all(|model| model.holds) && is_true != Some(false),
        rows: rows as u64,
        suppressed,
        classes: members.len() as u64,
        smallest: members.iter().map(|class| class.len() as u64).min().unwrap_or(0),
        is_true,
        models,
    })
}

fn texts(table: &Table, column: &str) -> Result<Vec<String>> {
    let mut cells = Vec::new();
    each_text(table, column, |cell, _| {
        cells.push(cell.trim().to_owned());
        Ok(())
    })?;
    Ok(cells)
}

fn judge(
    model: &Model,
    original: Option<&Table>,
    release: &Table,
    hierarchies: &Hierarchies,
    members: &[Vec<usize>],
    people: &[u64],
) -> Result<ModelVerdict> {
    let mut verdict = ModelVerdict { model: model.clone(), holds: true, worst: None, row: None, violations: (0, 0) };
    let (values, reference) = match model.column() {
        Some(column) => sensitive(model, original.unwrap_or(release), release, column, hierarchies)?,
        None => (Vec::new(), None),
    };
    // more is worse for a distance and a dominance, less for a count
    let sign = if matches!(model, Model::T { .. } | Model::RecursiveCl { .. }) { 1.0 } else { -1.0 };
    for (number, class) in members.iter().enumerate() {
        let mut counts: HashMap<u32, u32> = HashMap::new();
        for value in class.iter().filter_map(|row| values.get(*row)) {
            *counts.entry(*value).or_insert(0) += 1;
        }
        let counts: Vec<(u32, u32)> = counts.into_iter().collect();
        let class_people = people.get(number).copied().unwrap_or(0);
        let seen = Class { rows: class.len() as u64, people: class_people, counts: &counts };
        let (value, holds) = measure(model, seen, reference.as_ref());
        if verdict.worst.is_none_or(|worst| sign * value > sign * worst) {
            verdict.worst = Some(value);
            verdict.row = class.first().map(|row| *row as u64 + 1);
        }
        if !holds {
            verdict.holds = false;
            verdict.violations.0 += 1;
            verdict.violations.1 += class.len() as u64;
        }
    }
    Ok(verdict)
}

/// Values of the release as numbers, and their distribution in `whole`. A value that only the release has gets share 0.
fn sensitive(
    model: &Model,
    whole: &Table,
    release: &Table,
    column: &str,
    hierarchies: &Hierarchies,
) -> Result<(Vec<u32>, Option<Reference>)> {
    let (cells, all) = (texts(release, column)?, texts(whole, column)?);
    let hierarchy = hierarchies.get(column);
    let rows = hierarchy.map(Hierarchy::rows).unwrap_or_default();
    let mut names: Vec<&str> = cells.iter().chain(&all).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let mut order: Vec<u32> = (0u32..).take(names.len()).collect();
    let mut levels = Vec::new();
    if let Some(hierarchy) = hierarchy {
        let place: HashMap<&str, usize> = rows.iter().enumerate().filter_map(|(at, row)| Some((row.first()?.as_str(), at))).collect();
        // leaves that do not occur count in the ordered distance, as places between
        names.extend(rows.iter().filter_map(|row| row.first().map(String::as_str)));
        names.sort_unstable();
        names.dedup();
        if let Some(unknown) = names.iter().position(|name| !place.contains_key(name)) {
            return Err(unknown_value(column, unknown));
        }
        // numbered in tree order, in which every value of a level has its leaves side by side
        let path = |name: &&str| place.get(name).and_then(|at| rows.get(*at)).map(|row| row.iter().rev().collect::<Vec<_>>());
        names.sort_by_key(path);
        order = (0u32..).take(names.len()).collect();
        order.sort_by_key(|number| names.get(*number as usize).and_then(|name| place.get(name)));
        for level in 0..hierarchy.height() {
            let mut codes: Vec<u32> = Vec::new();
            let mut last: Option<&String> = None;
            for name in &names {
                let value = place.get(name).and_then(|at| rows.get(*at)).and_then(|row| row.get(level));
                let code = codes.last().map_or(0, |code| if value == last { *code } else { code + 1 });
                codes.push(code);
                last = value;
            }
            levels.push(codes);
        }
    } else if matches!(model, Model::T { distance: Distance::Hierarchical, .. }) {
        hierarchies.of(column)?;
    } else if let Some(numbers) = names.iter().map(|name| parse_number(name).ok()).collect::<Option<Vec<f64>>>() {
        order.sort_by(|a, b| numbers[*a as usize].total_cmp(&numbers[*b as usize]));
    }
    let number: HashMap<&str, u32> = names.iter().copied().zip(0..).collect();
    let mut shares = vec![0.0; names.len()];
    for share in all.iter().filter_map(|cell| number.get(cell.as_str())) {
        shares[*share as usize] += 1.0 / all.len() as f64;
    }
    let values = cells.iter().filter_map(|cell| number.get(cell.as_str()).copied()).collect();
    Ok((values, Some(Reference { shares, order, levels })))
}

fn unknown_value(column: &str, position: usize) -> Error {
    Error::refused(
        "anonymise.value",
        Text::new("a sensitive value is no leaf of its hierarchy", "有敏感取值不在泛化层级中"),
        Text::new(
            format!("column `{column}`, value {} in alphabetical order", position + 1),
            format!("列“{column}”，按字母顺序第 {} 个取值", position + 1),
        ),
        Text::new("add the value to the hierarchy", "请在泛化层级中补充该取值"),
    )
}

/// How many people of the population each class may be.
fn people(claim: &Claim<'_>, numbers: &HashMap<Vec<&str>, usize>, classes: usize) -> Result<Vec<u64>> {
    let mut people = vec![0; classes];
    let Some(population) = claim.population else { return Ok(people) };
    let cells = claim.qis.iter().map(|qi| texts(population, qi)).collect::<Result<Vec<_>>>()?;
    let trees = claim.qis.iter().map(|qi| claim.hierarchies.of(qi)).collect::<Result<Vec<_>>>()?;
    let mut known: Vec<HashMap<String, usize>> = Vec::new();
    for tree in &trees {
        // upper levels last: a name that stands on several is taken as the widest
        let level = |level: usize| tree.rows().into_iter().filter_map(move |row| row.get(level).map(|name| (name.clone(), level)));
        known.push((0..tree.height()).flat_map(level).collect());
    }
    let mut shapes: HashMap<Vec<usize>, Vec<(&Vec<&str>, usize)>> = HashMap::new();
    for (key, number) in numbers {
        let shape: Option<Vec<usize>> = key.iter().zip(&known).map(|(cell, known)| known.get(*cell).copied()).collect();
        if let Some(shape) = shape {
            shapes.entry(shape).or_default().push((key, *number));
        }
    }
    for (shape, keys) in shapes {
        let mut counts: HashMap<Vec<&str>, u64> = HashMap::new();
        for person in 0..usize::try_from(population.num_rows()).unwrap_or(0) {
            let cell = |at: usize| trees[at].generalise(cells[at].get(person)?, shape[at]);
            if let Some(key) = (0..trees.len()).map(cell).collect::<Option<Vec<&str>>>() {
                *counts.entry(key).or_insert(0) += 1;
            }
        }
        for (key, number) in keys {
            people[number] = counts.get(key).copied().unwrap_or(0);
        }
    }
    Ok(people)
}

/// Whether each cell is `*`, the original value, or one above it.
fn is_true(original: &Table, claim: &Claim<'_>, cells: &[Vec<String>]) -> Result<bool> {
    for (qi, released) in claim.qis.iter().zip(cells) {
        let hierarchy = claim.hierarchies.get(qi);
        for (was, is) in texts(original, qi)?.iter().zip(released) {
            let above = |hierarchy: &Hierarchy| (0..hierarchy.height()).any(|level| hierarchy.generalise(was, level) == Some(is));
            if is != STAR && was != is && !hierarchy.is_some_and(above) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
