//! `docs/level3.md` from its table: what Yu does for each control of level 3 (GB/T 22239-2019) that software can meet, and
//! that every test and file that the table names is there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const TABLE: &str = include_str!("../data/level3.txt");
/// Set it to write the page anew.
const WRITE: &str = "YU_WRITE_DOCS";

struct Control {
    clause: &'static str,
    en: &'static str,
    zh: &'static str,
    status: &'static str,
    does_en: &'static str,
    does_zh: &'static str,
    evidence: Vec<&'static str>,
}

fn controls() -> Vec<Control> {
    let control = |line: &'static str| {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [clause, en, zh, status, does_en, does_zh, evidence] = parts[..] else { panic!("seven fields: {line}") };
        Control { clause, en, zh, status, does_en, does_zh, evidence: evidence.split(';').map(str::trim).collect() }
    };
    TABLE.lines().map(control).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn page() -> String {
    let mut out = String::from(
        "# Controls of level 3 (等保三级控制项对照)\n\n\
         Made by `cargo test -p yu-governance --test suite level3` from `governance/tests/data/level3.txt`; `YU_WRITE_DOCS=1` writes it anew.\n\
         Clauses are those of GB/T 22239-2019, level 3, as far as software can meet them; rooms, staff and procedures of the operator are not here.\n\n\
         A domain of the national suite has `crypto = \"gm\"` in every `node.toml` (`yu init --crypto gm`). What it covers (国密覆盖范围):\n\n\
         | what (对象) | algorithms (算法) |\n|---|---|\n\
         | documents, log entries, checkpoints, countersignatures, receipts, cards, session bindings | SM2 signatures, GB/T 32918.2, user id 1234567812345678 |\n\
         | hashes of documents, logs, Merkle trees, versions of data sets | SM3, GB/T 32905 |\n\
         | payloads and wrapped keys at rest | SM4-GCM, GB/T 32907 |\n\
         | results sealed to reviewer and receiver | Diffie-Hellman on SM2's curve, SM3 key derivation, SM4-GCM |\n\
         | every control connection and session between nodes | inner layer: SM2, SM3, SM4-GCM (`wire/src/inner.rs`) inside TLS 1.3 |\n\n\
         What stays as it is in both suites, and why (不随套件变化的部分):\n\n\
         | what (对象) | algorithms (算法) | why (原因) |\n|---|---|---|\n\
         | outer layer between nodes, certificates and their fingerprints, proofs of tickets | TLS 1.3, ECDSA P-256, SHA-256 | networks know it; the inner layer protects by itself (外层；内层独立保护) |\n\
         | set intersection, shares, masks, random streams inside protocols | Ristretto255, AES in counter mode, SHA-256 | parts of published protocols with their proofs (协议内部) |\n\
         | evidence of trusted environments, modules and programs named by hash, keys released into them | as their makers define; SHA-256; HPKE | the hardware decides (由硬件厂商确定) |\n\
         | pseudonyms in de-identified tables | as the policy of the data set names them | choice of its owner; SM3 and SM4 are offered (由数据方策略选择，可选 SM3、SM4) |\n\n\
         SM4 is computed with a table in memory: see `wire/src/sm4gcm.rs` for what that means on shared machines. The crates are not\n\
         certified as commercial cryptography products (未取得商用密码产品认证): an operator that needs a certified module must put one in front.\n\n\
         | clause (条款) | control (控制项) | status | what Yu does (实现) | evidence (依据) |\n|---|---|---|---|---|\n",
    );
    for control in controls() {
        let Control { clause, en, zh, does_en, does_zh, .. } = &control;
        let word = if control.status == "met" { "met 已满足" } else { "in part 部分" };
        let evidence: Vec<String> = control.evidence.iter().map(|evidence| format!("`{evidence}`")).collect();
        writeln!(out, "| {clause} | {en} ({zh}) | {word} | {does_en} ({does_zh}) | {} |", evidence.join(", ")).unwrap();
    }
    out
}

#[test]
fn d12_every_control_names_tests_and_files_that_are_there() {
    let mut seen = std::collections::BTreeSet::new();
    for control in controls() {
        assert!(seen.insert(control.clause), "{} stands there twice", control.clause);
        assert!(["met", "part"].contains(&control.status), "{}", control.clause);
        assert!(!control.evidence.is_empty(), "{}", control.clause);
        for evidence in &control.evidence {
            let Some((module, test)) = evidence.split_once("::") else {
                assert!(root().join(evidence).exists(), "{}: {evidence}", control.clause);
                continue;
            };
            let source = std::fs::read_to_string(root().join(format!("{module}.rs"))).unwrap_or_default();
            assert!(source.contains(&format!("#[test]\nfn {test}(")) || source.contains(&format!("#[test]\n    fn {test}(")), "{evidence}");
        }
    }
}

#[test]
fn d12_the_page_of_controls_says_what_the_table_does() {
    let (file, page) = (root().join("docs/level3.md"), page());
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page, "docs/level3.md is not up to date: run the test with {WRITE}=1");
}
