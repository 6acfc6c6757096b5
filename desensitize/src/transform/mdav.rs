//! Microaggregation (微聚集): rows form groups of at least `k` similar ones, and each number becomes the mean of its group.
//!
//! Method: MDAV-generic (Domingo-Ferrer and Torra, "Ordinal, continuous and heterogeneous k-anonymity through
//! microaggregation", 2005, figure 1) with Euclidean distance over columns brought to mean 0 and deviation 1. O(n^2 / k) time.
//!
//! The columns aggregated together are k-anonymous with respect to each other: no combination of their values has fewer
//! than `k` rows. Columns outside the group are not protected by it, and a group whose sensitive values are equal
//! still tells them. Means of whole numbers are rounded to whole numbers.

use arrow::array::ArrayRef;

use super::cells::{At, Number, numbers_like};
use super::refuse;
use super::whole::{Whole, all_numbers, column, rows, with_columns};
use crate::error::{Error, Result, Text};
use crate::table::Table;

/// MDAV over the step's column and some more.
pub(super) struct Microaggregate {
    pub(super) k: u32,
    pub(super) with: Vec<String>,
}

impl Whole for Microaggregate {
    fn whole(&mut self, table: &Table, name: &str) -> Result<Table> {
        let names: Vec<&str> = std::iter::once(name).chain(self.with.iter().map(String::as_str)).collect();
        if (1..names.len()).any(|at| names[..at].contains(&names[at])) {
            return Err(refuse::parameter(
                "transform.columns",
                ("a column is named twice for microaggregation", "微聚集中有列被重复指定"),
                ("name every further column once, and not the column of the rule", "其他列各写一次，且不含规则所属的列"),
            ));
        }
        let columns = names.iter().map(|name| all_numbers(table, name)).collect::<Result<Vec<_>>>()?;
        let mut present = Vec::new();
        for row in 0..rows(table)? {
            let missing = columns.iter().filter(|column| column[row as usize].is_none()).count();
            if missing == 0 {
                present.push(row);
            } else if missing < columns.len() {
                return Err(half_missing(table, name, row));
            }
        }
        if (present.len() as u64) < u64::from(self.k) && !present.is_empty() {
            return Err(too_few(self.k));
        }
        let points = Points::standardised(&columns, &present);
        let groups = points.groups(self.k as usize);
        let mut results = Vec::with_capacity(names.len());
        for (name, values) in names.iter().zip(columns) {
            results.push((table.position(name)?, averaged(table, name, values, &present, &groups)?));
        }
        with_columns(table, &results)
    }
}

/// One column with the means of the groups, in its type.
fn averaged(table: &Table, name: &str, mut values: Vec<Option<Number>>, present: &[u32], groups: &[Vec<u32>]) -> Result<ArrayRef> {
    let is_whole = values.iter().flatten().all(|value| matches!(value, Number::Whole(_)));
    for group in groups {
        let rows = || group.iter().map(|point| present[*point as usize] as usize);
        let sum: f64 = rows().filter_map(|row| values[row]).map(Number::real).sum();
        let mean = sum / group.len() as f64;
        let mean = if is_whole { Number::Whole(mean.round() as i64) } else { Number::Real(mean) };
        for row in rows() {
            values[row] = Some(mean);
        }
    }
    let array = column(table, name)?;
    let Some(part) = table.parts().first() else {
        return Ok(array);
    };
    numbers_like(values, &array, &At { file: table.source(), column: name, part, subject: None })
}

/// Rows as points, coordinates side by side.
struct Points {
    coordinates: Vec<f64>,
    dimensions: usize,
}

impl Points {
    fn standardised(columns: &[Vec<Option<Number>>], present: &[u32]) -> Self {
        let (dimensions, count) = (columns.len(), present.len());
        let mut coordinates = vec![0.0; dimensions * count];
        for (dimension, column) in columns.iter().enumerate() {
            let values: Vec<f64> = present.iter().filter_map(|row| column[*row as usize]).map(Number::real).collect();
            let mean = values.iter().sum::<f64>() / count.max(1) as f64;
            let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count.max(1) as f64).sqrt();
            let scale = if deviation > 0.0 { 1.0 / deviation } else { 0.0 };
            for (point, value) in values.iter().enumerate() {
                coordinates[point * dimensions + dimension] = (value - mean) * scale;
            }
        }
        Self { coordinates, dimensions }
    }

    fn point(&self, number: u32) -> &[f64] {
        let start = number as usize * self.dimensions;
        &self.coordinates[start..start + self.dimensions]
    }

    /// Groups of `k` to `2k - 1` points. INVARIANT: no point, or at least `k`.
    fn groups(&self, k: usize) -> Vec<Vec<u32>> {
        let mut left: Vec<u32> = (0..(self.coordinates.len() / self.dimensions.max(1)) as u32).collect();
        let mut groups = Vec::with_capacity(left.len() / k.max(1) + 1);
        while left.len() >= 3 * k {
            let centre = self.centre(&left);
            let far = self.farthest(&left, &centre);
            // the second group starts from the point farthest from the first one's, chosen before that group is taken out
            let other = self.farthest(&left, self.point(far));
            groups.push(self.take_near(&mut left, far, k));
            // equal points: the other one may have gone with the first group
            let other = if left.contains(&other) { other } else { self.farthest(&left, self.point(far)) };
            groups.push(self.take_near(&mut left, other, k));
        }
        if left.len() >= 2 * k {
            let centre = self.centre(&left);
            let far = self.farthest(&left, &centre);
            groups.push(self.take_near(&mut left, far, k));
        }
        if !left.is_empty() {
            groups.push(left);
        }
        groups
    }

    fn centre(&self, left: &[u32]) -> Vec<f64> {
        let mut sums = vec![0.0; self.dimensions];
        for number in left {
            for (sum, value) in sums.iter_mut().zip(self.point(*number)) {
                *sum += value;
            }
        }
        sums.iter().map(|sum| sum / left.len() as f64).collect()
    }

    fn farthest(&self, left: &[u32], from: &[f64]) -> u32 {
        let mut best = (f64::NEG_INFINITY, left.first().copied().unwrap_or(0));
        for number in left {
            let distance = distance(self.point(*number), from);
            if distance > best.0 {
                best = (distance, *number);
            }
        }
        best.1
    }

    /// Takes a point and its `k - 1` nearest out of `left`.
    fn take_near(&self, left: &mut Vec<u32>, seed: u32, k: usize) -> Vec<u32> {
        let from = self.point(seed);
        let mut near: Vec<(f64, u32)> = left.iter().map(|number| (distance(self.point(*number), from), *number)).collect();
        if k < near.len() {
            near.select_nth_unstable_by(k - 1, |x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
        }
        let rest = near.split_off(k.min(near.len()));
        left.clear();
        left.extend(rest.into_iter().map(|(_, number)| number));
        near.into_iter().map(|(_, number)| number).collect()
    }
}

fn distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum()
}

fn half_missing(table: &Table, name: &str, row: u32) -> Error {
    refuse::cell(
        "transform.half_missing",
        refuse::at(table.source(), name, table.place(u64::from(row))),
        ("a row has some of the aggregated columns and lacks others, so it fits into no group", "该行的聚集列部分缺失，无法归入任何一组"),
        ("fill in or drop such rows first", "先补全或删除此类行"),
    )
}

fn too_few(k: u32) -> Error {
    Error::refused(
        "transform.too_few_rows",
        Text::new(format!("there are fewer than k = {k} rows to aggregate"), format!("可聚集的行数少于 k = {k}")),
        Text::new("", ""),
        Text::new("use more rows or suppress the column", "增加数据行，或整列抑制"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_large_enough_and_disjoint() {
        for (count, k) in [(0u32, 3), (3, 3), (5, 3), (6, 3), (8, 3), (9, 3), (100, 3), (101, 7), (20, 20)] {
            for spread in [1u32, 4, 1000] {
                let column: Vec<Option<Number>> = (0..count).map(|i| Some(Number::Whole(i64::from(i * 37 % spread)))).collect();
                let present: Vec<u32> = (0..count).collect();
                let groups = Points::standardised(&[column], &present).groups(k);
                assert!(groups.iter().all(|group| group.len() >= k && group.len() < 2 * k), "{count} {k} {spread}");
                let mut all: Vec<u32> = groups.concat();
                all.sort_unstable();
                assert_eq!(all, present);
            }
        }
    }

    #[test]
    fn clear_clusters_are_found() {
        let values = [1.0, 100.0, 1.1, 50.0, 99.0, 0.9, 51.0, 101.0, 49.0];
        let column: Vec<Option<Number>> = values.iter().map(|value| Some(Number::Real(*value))).collect();
        let mut groups = Points::standardised(&[column], &(0..9).collect::<Vec<_>>()).groups(3);
        groups.iter_mut().for_each(|group| group.sort_unstable());
        groups.sort();
        assert_eq!(groups, [vec![0, 2, 5], vec![1, 4, 7], vec![3, 6, 8]]);
    }
}
