//! What makes a hierarchy unusable, with the line.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result, Text};

/// Bytes of a name above the values: it stands in every cell that becomes it, and the file may come from somebody else.
const MOST_TEXT: usize = 1024;

/// Number of levels, if all rows have it and no cell is empty.
pub(super) fn shape<S: AsRef<str>>(name: &str, rows: &[Vec<S>], lines: &[u64]) -> Result<usize> {
    let height = rows.first().map_or(0, Vec::len);
    if height == 0 {
        return Err(refusal(name, None, Text::new("the hierarchy has no rows", "泛化层级没有任何行")));
    }
    if height > usize::from(u8::MAX) {
        return Err(refusal(name, None, Text::new("the hierarchy has more than 255 levels", "泛化层级超过 255 级")));
    }
    if u32::try_from(rows.len()).is_err() {
        return Err(refusal(name, None, Text::new("the hierarchy has more than 2^32 leaves", "泛化层级的叶子超过 2^32 个")));
    }
    let mut leaves = HashSet::with_capacity(rows.len());
    for (row, line) in rows.iter().zip(lines) {
        if row.len() != height {
            let en = format!("the row has {} levels, the first row {height}", row.len());
            let zh = format!("该行有 {} 级，首行有 {height} 级", row.len());
            return Err(refusal(name, Some((*line, 0)), Text::new(en, zh)));
        }
        for (level, cell) in row.iter().enumerate() {
            if cell.as_ref().trim().is_empty() {
                return Err(refusal(name, Some((*line, level)), Text::new("a value is missing", "缺少取值")));
            }
            if level > 0 && cell.as_ref().len() > MOST_TEXT {
                return Err(refusal(name, Some((*line, level)), Text::new("the name has more than 1024 bytes", "名称超过 1024 字节")));
            }
        }
        if !leaves.insert(row.first().map_or("", |cell| cell.as_ref().trim())) {
            return Err(refusal(name, Some((*line, 0)), Text::new("the value of level 0 occurred before", "第 0 级的取值重复出现")));
        }
    }
    Ok(height)
}

/// Whether each value has one parent and the top is one value; `ids` per level the value of each row.
pub(super) fn tree(name: &str, ids: &[Vec<u32>], lines: &[u64]) -> Result<()> {
    for (level, pair) in ids.windows(2).enumerate() {
        let [below, above] = pair else { continue };
        let mut parents: HashMap<u32, u32> = HashMap::new();
        for ((value, parent), line) in below.iter().zip(above).zip(lines) {
            if *parents.entry(*value).or_insert(*parent) != *parent {
                let en = format!("a value of level {level} has two different values above it");
                let zh = format!("第 {level} 级的同一取值对应两个不同的上级取值");
                return Err(refusal(name, Some((*line, level + 1)), Text::new(en, zh)));
            }
        }
    }
    let Some(top) = ids.last() else { return Ok(()) };
    match top.iter().zip(lines).find(|(value, _)| top.first() != Some(value)) {
        None => Ok(()),
        Some((_, line)) => {
            let what = Text::new("the last level has more than one value", "最高一级有多个取值");
            Err(refusal(name, Some((*line, ids.len() - 1)), what))
        }
    }
}

/// Whether a name that stands on several levels means more on an upper one and nothing else: who reads it in a release cannot see
/// its level. Circles (`a` under `b` and `b` under `a`) are found here too. `labels` per level the name of each value.
pub(super) fn names(name: &str, ids: &[Vec<u32>], labels: &[Vec<String>], lines: &[u64]) -> Result<()> {
    let mut upper: HashMap<&str, Vec<(usize, u32)>> = HashMap::new();
    for (level, labels) in labels.iter().enumerate().skip(1) {
        for (label, id) in labels.iter().zip(0..) {
            upper.entry(label).or_default().push((level, id));
        }
    }
    for (level, (of_rows, labels)) in ids.iter().zip(labels).enumerate() {
        // values are numbered as they first appear: the row of the first of each is enough, as it has one path upward
        let mut known = 0;
        for (row, id) in of_rows.iter().enumerate() {
            if *id != known {
                continue;
            }
            known += 1;
            let places = labels.get(*id as usize).and_then(|label| upper.get(label.as_str())).map_or(&[][..], Vec::as_slice);
            let is_odd = |(above, other): &&(usize, u32)| *above > level && ids.get(*above).and_then(|ids| ids.get(row)) != Some(other);
            if let Some((above, _)) = places.iter().find(is_odd) {
                let en = format!("a value of level {level} has the name of one of level {above} that does not lie above it");
                let zh = format!("第 {level} 级的取值与第 {above} 级的某取值同名，但后者不是其上级");
                return Err(refusal(name, lines.get(row).map(|line| (*line, level)), Text::new(en, zh)));
            }
        }
    }
    Ok(())
}

fn refusal(name: &str, place: Option<(u64, usize)>, what: Text) -> Error {
    let place = match place {
        Some((line, level)) => {
            Text::new(format!("hierarchy `{name}`, line {line}, level {level}"), format!("泛化层级“{name}”，第 {line} 行，第 {level} 级"))
        }
        None => Text::new(format!("hierarchy `{name}`"), format!("泛化层级“{name}”")),
    };
    let remedy = Text::new(
        "give every leaf one row with a value on each level, the same values above the same value, and one value (`*`) on top",
        "请为每个叶子写一行，每级都有取值，相同取值的上级相同，最高一级只有一个取值（“*”）",
    );
    Error::refused("anonymise.hierarchy", what, place, remedy)
}
