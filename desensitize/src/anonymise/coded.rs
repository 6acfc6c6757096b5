//! A table as codes: what both searches work on.

use std::collections::HashMap;

use super::Spec;
use super::hierarchy::Hierarchy;
use super::model::{Distance, Model, Reference};
use crate::column::{each_text, parse_number};
use crate::error::{Error, Result, Text};
use crate::table::Table;

/// Leaf codes of a column in as few bytes as its hierarchy needs.
pub(super) enum Codes {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

impl Codes {
    fn new(codes: Vec<u32>, leaves: usize) -> Self {
        match leaves {
            0..=0x100 => Self::U8(codes.into_iter().map(|code| code as u8).collect()),
            0x101..=0x1_0000 => Self::U16(codes.into_iter().map(|code| code as u16).collect()),
            _ => Self::U32(codes),
        }
    }

    /// Calls `f` with every code, in row order.
    pub(super) fn each(&self, mut f: impl FnMut(usize, u32)) {
        match self {
            Self::U8(codes) => codes.iter().enumerate().for_each(|(row, code)| f(row, u32::from(*code))),
            Self::U16(codes) => codes.iter().enumerate().for_each(|(row, code)| f(row, u32::from(*code))),
            Self::U32(codes) => codes.iter().enumerate().for_each(|(row, code)| f(row, *code)),
        }
    }
}

/// A quasi-identifier.
pub(super) struct Qi<'a> {
    pub(super) name: &'a str,
    pub(super) hierarchy: &'a Hierarchy,
    pub(super) codes: Codes,
    /// Codes of the population table.
    pub(super) people: Codes,
}

/// A sensitive column.
pub(super) struct Sensitive {
    name: String,
    pub(super) codes: Vec<u32>,
    pub(super) reference: Reference,
}

/// A table and what is demanded of its release, read and checked: the input of both searches.
pub struct Problem<'a> {
    pub(super) table: &'a Table,
    pub(super) spec: &'a Spec,
    pub(super) rows: usize,
    pub(super) people: usize,
    pub(super) qis: Vec<Qi<'a>>,
    pub(super) sensitive: Vec<Sensitive>,
    /// Each model with the number of its sensitive column.
    pub(super) models: Vec<(Model, Option<usize>)>,
}

impl<'a> Problem<'a> {
    /// Reads the columns that `spec` names.
    ///
    /// # Errors
    /// `anonymise.spec` for a specification that makes no sense, `anonymise.no_hierarchy`, `anonymise.value` with the place
    /// of a cell that is no leaf of its hierarchy (an empty one too), `MissingColumn`, `ColumnType`.
    pub fn new(table: &'a Table, spec: &'a Spec) -> Result<Self> {
        spec.check()?;
        let rows = usize::try_from(table.num_rows()).ok().filter(|rows| u32::try_from(*rows).is_ok()).ok_or_else(|| {
            let what = Text::new("more than 2^32 - 1 rows", "行数超过 2^32 - 1");
            Error::refused("anonymise.rows", what, Text::new("", ""), Text::new("release the table in parts", "请分批发布该表"))
        })?;
        let population = spec.population.as_ref();
        let qis = spec
            .qis
            .iter()
            .map(|name| {
                let hierarchy = spec.hierarchies.of(name)?;
                let codes = encode(table, name, hierarchy)?;
                let people = population.map_or_else(|| Ok(Codes::U8(Vec::new())), |population| encode(population, name, hierarchy))?;
                Ok(Qi { name: name.as_str(), hierarchy, codes, people })
            })
            .collect::<Result<Vec<_>>>()?;
        let mut sensitive: Vec<Sensitive> = Vec::new();
        let mut models = Vec::new();
        for model in &spec.models {
            let mut number = None;
            if let Some(column) = model.column() {
                number = sensitive.iter().position(|known| known.name == column);
                if number.is_none() {
                    number = Some(sensitive.len());
                    sensitive.push(Sensitive::new(table, column, spec.hierarchies.get(column))?);
                }
                if let Model::T { distance: Distance::Hierarchical, .. } = model {
                    spec.hierarchies.of(column)?;
                }
            }
            models.push((model.clone(), number));
        }
        let people = population.map_or(0, |population| usize::try_from(population.num_rows()).unwrap_or(usize::MAX));
        Ok(Self { table, spec, rows, people, qis, sensitive, models })
    }
}

impl Sensitive {
    /// An empty cell is a value like any other.
    fn new(table: &Table, column: &str, hierarchy: Option<&Hierarchy>) -> Result<Self> {
        if let Some(hierarchy) = hierarchy {
            let mut codes = Vec::new();
            encode(table, column, hierarchy)?.each(|_, code| codes.push(code));
            let levels = hierarchy.levels().iter().map(|level| level.of_leaf.clone()).collect();
            return Ok(Self::with(column, codes, hierarchy.leaves(), hierarchy.given().to_vec(), levels));
        }
        let mut known: HashMap<String, u32> = HashMap::new();
        let mut codes = Vec::new();
        each_text(table, column, |cell, _| {
            let cell = cell.trim();
            let code = match known.get(cell) {
                Some(code) => *code,
                None => {
                    let code = known.len() as u32;
                    known.insert(cell.to_owned(), code);
                    code
                }
            };
            codes.push(code);
            Ok(())
        })?;
        let size = known.len();
        Ok(Self::with(column, codes, size, order_of(known), Vec::new()))
    }

    fn with(column: &str, codes: Vec<u32>, size: usize, order: Vec<u32>, levels: Vec<Vec<u32>>) -> Self {
        let mut shares = vec![0.0; size];
        for code in &codes {
            shares[*code as usize] += 1.0;
        }
        for share in &mut shares {
            *share /= codes.len() as f64;
        }
        Self { name: column.to_owned(), codes, reference: Reference { shares, order, levels } }
    }
}

/// The codes of values in order: numeric if all are numbers, else alphabetical.
fn order_of(known: HashMap<String, u32>) -> Vec<u32> {
    let mut values: Vec<(String, u32)> = known.into_iter().collect();
    values.sort();
    let numbers: Option<Vec<f64>> = values.iter().map(|(value, _)| parse_number(value).ok()).collect();
    if let Some(numbers) = numbers {
        let mut order: Vec<(f64, u32)> = numbers.into_iter().zip(values.iter().map(|(_, code)| *code)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        return order.into_iter().map(|(_, code)| code).collect();
    }
    values.into_iter().map(|(_, code)| code).collect()
}

fn encode(table: &Table, column: &str, hierarchy: &Hierarchy) -> Result<Codes> {
    let mut codes = Vec::with_capacity(usize::try_from(table.num_rows()).unwrap_or(0));
    each_text(table, column, |cell, place| {
        let code = hierarchy.code(cell.trim()).ok_or_else(|| {
            let place = place();
            let line_en = place.line.map_or_else(String::new, |line| format!(", line {line}"));
            let line_zh = place.line.map_or_else(String::new, |line| format!("，第 {line} 行（文件行号）"));
            let (file, row) = (table.source(), place.row);
            Error::refused(
                "anonymise.value",
                Text::new("a cell is empty or no leaf of its hierarchy", "单元格为空，或其取值不在泛化层级中"),
                Text::new(
                    format!("file `{file}`, column `{column}`, data row {row}{line_en}"),
                    format!("文件“{file}”，列“{column}”，第 {row} 条数据{line_zh}"),
                ),
                Text::new(
                    "add the value to the hierarchy, or replace an empty cell by a category such as `unknown` that is in it",
                    "请在泛化层级中补充该取值，或用层级中已有的类别（例如“未知”）代替空单元格",
                ),
            )
        })?;
        codes.push(code);
        Ok(())
    })?;
    Ok(Codes::new(codes, hierarchy.leaves()))
}
