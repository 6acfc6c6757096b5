//! Every row of the rules that software can meet, the tests that are named after it, and `docs/requirements.md` made from both.
//!
//! A test belongs to a row if its name begins with the row's id: `a4_term_is_checked_to_the_second`, `d7_a5_...` to two rows. A row without a test, or
//! that is met in part only, says in `tests/data/requirements.txt` what is missing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const ROWS: &str = include_str!("../data/requirements.txt");
/// Set it to write the page anew.
const WRITE: &str = "YU_WRITE_DOCS";
/// Tests of a row that the page names; the rest is counted.
const SHOWN: usize = 3;

struct Row {
    id: &'static str,
    en: &'static str,
    zh: &'static str,
    missing: &'static str,
}

fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let mut parts = line.split('|').map(str::trim);
        let mut next = || parts.next().unwrap_or_default();
        Row { id: next(), en: next(), zh: next(), missing: next() }
    };
    ROWS.lines().map(row).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The ids that a name begins with: `a4_d7_term` is of `A4` and `D7`.
fn ids(name: &str) -> Vec<String> {
    let is_id = |word: &&str| {
        let mut letters = word.chars();
        letters.next().is_some_and(|first| "adkpohlsc".contains(first))
            && word[1..].parse::<u32>().is_ok_and(|number| (1..100).contains(&number))
    };
    name.split('_').take_while(is_id).map(str::to_uppercase).collect()
}

/// The tests of each row as `crate::file::name`.
fn tests() -> BTreeMap<String, Vec<String>> {
    let root = root();
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let crates = ["wire", "governance", "mpc", "fedlearn", "tee-attest", "desensitize", "orchestrator"];
    for (package, part) in crates.iter().flat_map(|package| ["src", "tests"].map(|part| (*package, part))) {
        let mut files = Vec::new();
        sources(&root.join(package).join(part), &mut files);
        files.sort();
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let module = file.strip_prefix(root.join(package)).unwrap().with_extension("");
            let module = module.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>().join("/");
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                is_test |= line == "#[test]";
                let Some(rest) = line.strip_prefix("fn ") else { continue };
                let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                for id in ids(&name).into_iter().filter(|_| is_test) {
                    all.entry(id).or_default().push(format!("{package}/{module}::{name}"));
                }
                is_test = false;
            }
        }
    }
    all
}

fn page() -> String {
    let (rows, tests) = (rows(), tests());
    let mut out = String::from(
        "# What the rules ask (规则要求对照)\n\n\
         Made by `cargo test -p yu-governance --test suite requirements` from the tests themselves; `YU_WRITE_DOCS=1` writes it anew.\n\
         A row is met (已满足) if tests named after it pass and nothing is missing; in part (部分) if something is; open (未满足) without a test.\n\n\
         | row | what (要求) | status | tests | missing |\n|---|---|---|---|---|\n",
    );
    let mut counts = [0; 3];
    for row in &rows {
        let own = tests.get(row.id).map_or(&[][..], Vec::as_slice);
        let status = match (own.is_empty(), row.missing.is_empty()) {
            (false, true) => 0,
            (false, false) => 1,
            (true, _) => 2,
        };
        counts[status] += 1;
        let word = ["met 已满足", "in part 部分", "open 未满足"][status];
        let named: Vec<String> = own.iter().take(SHOWN).map(|test| format!("`{test}`")).collect();
        let rest = own.len().saturating_sub(SHOWN);
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        writeln!(out, "| {} | {} ({}) | {word} | {}{rest} | {} |", row.id, row.en, row.zh, named.join(", "), row.missing).unwrap();
    }
    writeln!(out, "\n{} rows: {} met, {} in part, {} open.", rows.len(), counts[0], counts[1], counts[2]).unwrap();
    out
}

#[test]
fn every_row_has_a_test_or_says_what_is_missing() {
    let (rows, tests) = (rows(), tests());
    let mut seen = std::collections::BTreeSet::new();
    for row in &rows {
        assert!(seen.insert(row.id), "{} stands there twice", row.id);
        assert!(!row.en.is_empty() && !row.zh.is_empty(), "{}", row.id);
        assert!(tests.contains_key(row.id) || !row.missing.is_empty(), "{}: no test is named after it, and nothing says why", row.id);
    }
    let unknown: Vec<&String> = tests.keys().filter(|id| !seen.contains(id.as_str())).collect();
    assert!(unknown.is_empty(), "tests are named after rows that do not exist: {unknown:?} {:?}", unknown.first().map(|id| &tests[*id]));
}

#[test]
fn the_page_says_what_the_tests_are() {
    let (file, page) = (root().join("docs/requirements.md"), page());
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page, "docs/requirements.md is not up to date: run the test with {WRITE}=1");
}
