//! Files and policies that nobody meant, on the way that a release takes: a clear error, and nothing in the folder but what was there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_desensitize::error::Lang;
use yu_desensitize::policy::Policy;
use yu_desensitize::policy::run::Outcome;
use yu_desensitize::read::ReadOptions;
use yu_desensitize::transform::{KeyId, Keys, TransformKey};
use yu_desensitize::write::write_table;
use yu_desensitize::{Error, Table};

/// Batch by batch.
const STREAM: &str = r#"
[policy]
name = "n"
purpose = "p"
[[columns]]
name = "mobile"
class = "direct"
operators = [{ op = "mobile", purpose = "p" }]
[[columns]]
name = "cost"
class = "other"
operators = [{ op = "round", to = 100 }]
"#;

/// The whole table at once.
const WHOLE: &str = r#"
[policy]
name = "n"
purpose = "p"
[[columns]]
name = "mobile"
class = "direct"
operators = [{ op = "mobile", purpose = "p" }]
[[columns]]
name = "area"
class = "quasi"
[[columns]]
name = "cost"
class = "sensitive"
[[hierarchies]]
column = "area"
from = "flat"
[anonymity]
models = [{ model = "k", k = 2 }]
"#;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn keys() -> Keys {
    Keys::from(TransformKey::generate(KeyId::new("release").unwrap(), &mut rng()))
}

/// All that is in a folder, by name.
fn listing(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entry = |entry: fs::DirEntry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap_or_default());
    fs::read_dir(folder).unwrap().map(|found| entry(found.unwrap())).collect()
}

fn people(rows: usize) -> String {
    let row = |row: usize| format!("138{row:08},{},{}\n", ["海曙", "江北"][row % 2], 100 + row % 7 * 300);
    std::iter::once("mobile,area,cost\n".to_owned()).chain((0..rows).map(row)).collect()
}

fn try_run(input: &Path, output: &Path, policy: &str) -> Result<Outcome, Error> {
    Policy::parse("policy.toml", policy)?.run(input, &ReadOptions::default(), output, &keys(), &mut rng())
}

/// The error of a run over a file of this content, which leaves nothing.
fn refused_as(name: &str, content: &[u8], policy: &str, output: &str) -> Error {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join(name);
    fs::write(&input, content).unwrap();
    let before = listing(folder.path());
    let error = try_run(&input, &folder.path().join(output), policy).err().expect("refused");
    assert!(listing(folder.path()) == before, "only the input is there: {:?}", listing(folder.path()).keys());
    for lang in [Lang::En, Lang::Zh] {
        let message = error.message(lang);
        assert!(!message.is_empty() && !message.contains("1380000") && message.len() < 1500, "{message}");
    }
    error
}

fn refused(content: impl AsRef<[u8]>, policy: &str) -> Error {
    refused_as("input.csv", content.as_ref(), policy, "release.csv")
}

#[test]
fn what_is_meant_goes_through() {
    for policy in [STREAM, WHOLE] {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("input.csv");
        fs::write(&input, people(500)).unwrap();
        // left by a run that was killed, of the same number
        fs::write(folder.path().join(format!(".unverified-{}-0-release.csv", std::process::id())), "x").unwrap();
        assert!(try_run(&input, &folder.path().join("release.csv"), policy).unwrap().is_released);
        assert_eq!(listing(folder.path()).len(), 3);
    }
}

#[test]
fn broken_text() {
    for policy in [STREAM, WHOLE] {
        let (few, many) = (people(20), people(70_000));
        let with = |text: &str, row: &str| format!("{text}{row}").into_bytes();
        // behind the first batch, which is written by then
        for (content, code) in [
            (with(&few, "1\n"), "data.ragged_row"),
            (with(&many, "13800001111,海曙,1,2\n"), "data.ragged_row"),
            ([few.as_bytes(), b"13800001111,\xff,1\n"].concat(), "data.undecodable"),
            ([many.as_bytes(), b"13800001111,\xff,1\n"].concat(), "data.undecodable"),
            (with(&few, "13800001111,\"海曙,1\n1,2,3\n"), "data.unclosed_quote"),
            (with(&few, &format!("13800001111,\"{}", "海曙,1\n".repeat(3_000_000))), "data.row_too_long"),
            (with(&few, &format!("13800001111,{},1\n", "x".repeat(2 << 20))), "data.field_too_long"),
            (with(&few, "1380000111,海曙,1\n"), "transform.mobile"),
            (with(&many, "1380000111,海曙,1\n"), "transform.mobile"),
            (people(0).into_bytes(), "data.no_rows"),
            (Vec::new(), "data.empty_file"),
            (b"mobile,area,cost,mobile\n1,2,3,4\n".to_vec(), "data.header_duplicate"),
            (b"mobile,,cost\n1,2,3\n".to_vec(), "data.header_empty"),
            (b"13800001111,2,3\n1,2,3\n".to_vec(), "data.header_missing"),
            (b"mobiles,area,cost\n1,2,3\n".to_vec(), "data.missing_column"),
            (b"\x1f\x8b\x08 gzip".to_vec(), "data.unsupported_format"),
            ([vec![0; 5000], b"\n1\n".to_vec()].concat(), "data.missing_column"),
        ] {
            let error = refused(&content, policy);
            assert_eq!(error.code(), code, "{error}");
        }
        let late = refused(with(&many, "13800001111,海曙,1,2\n"), policy);
        assert!(late.to_string().contains("line 70002"), "{late}");
        let cell = refused(with(&many, "1380000111,海曙,1\n"), policy);
        assert!(cell.to_string().contains("row 70001"), "{cell}");
    }
    let number = refused(people(20) + "13800001111,海曙,壹\n", STREAM);
    assert_eq!(number.code(), "data.cell");
}

#[test]
fn a_header_of_a_million_columns() {
    let mut header: String = (0..1_000_000).map(|column| format!("c{column},")).collect();
    header += "mobile,area,cost\n";
    for policy in [STREAM, WHOLE] {
        let error = refused(&header, policy);
        assert_eq!(error.code(), "data.too_many_columns", "{error}");
    }
    // many columns that are few enough, of which the policy takes three
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("input.csv");
    let names: String = (0..20_000).map(|column| format!("c{column},")).collect();
    let rows: String = (0..9).map(|row| format!("{}1380000111{row},海曙,1\n", ",".repeat(20_000))).collect();
    fs::write(&input, names + "mobile,area,cost\n" + &rows).unwrap();
    let outcome = try_run(&input, &folder.path().join("release.csv"), STREAM).unwrap();
    assert!(outcome.is_released && fs::read_to_string(folder.path().join("release.csv")).unwrap().lines().count() == 10);
}

#[test]
fn damaged_containers() {
    let folder = tempfile::tempdir().unwrap();
    let column = |cells: Vec<String>| -> ArrayRef { Arc::new(StringArray::from(cells)) };
    let table = Table::from_columns(
        "t",
        vec![
            ("mobile", column((0..5000).map(|row| format!("138{row:08}")).collect())),
            ("area", column((0..5000).map(|row| ["海曙", "江北"][row % 2].to_owned()).collect())),
            ("cost", column((0..5000).map(|row| (row % 900).to_string()).collect())),
        ],
    )
    .unwrap();
    for ending in ["parquet", "arrow"] {
        let file = folder.path().join(format!("t.{ending}"));
        write_table(&table, &file).unwrap();
        let content = fs::read(&file).unwrap();
        for cut in [9, content.len() / 4, content.len() / 2, content.len() - 9, content.len() - 1] {
            for policy in [STREAM, WHOLE] {
                let error = refused_as(&format!("input.{ending}"), &content[..cut], policy, &format!("release.{ending}"));
                assert_eq!(error.code(), "data.malformed", "{ending} {cut}: {error}");
            }
        }
        // one that claims to be the other
        let error = refused_as("input.csv", &content[4..], STREAM, "release.csv");
        assert!(error.code().starts_with("data."), "{error}");
    }
}

#[test]
fn outputs_that_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("input.csv"), people(50)).unwrap();
    fs::create_dir(at("folder.csv")).unwrap();
    std::os::unix::fs::symlink(at("input.csv"), at("link.csv")).unwrap();
    fs::hard_link(at("input.csv"), at("twin.csv")).unwrap();
    let before = listing(folder.path());
    for policy in [STREAM, WHOLE] {
        for (output, code) in [
            ("input.csv", "policy.output"),
            ("link.csv", "policy.output"),
            ("twin.csv", "policy.output"),
            ("./folder.csv/../input.csv", "policy.output"),
            ("folder.csv", "policy.output"),
            ("nowhere/release.csv", "policy.output"),
            ("input.csv/release.csv", "policy.output"),
            ("release.doc", "write.format"),
            ("release", "write.format"),
            ("", "write.format"),
            // a folder that nobody may write into
            ("/proc/release.csv", "data.io"),
        ] {
            let error = try_run(&at("input.csv"), &at(output), policy).err().expect(output);
            assert_eq!(error.code(), code, "{output}: {error}");
            assert!(listing(folder.path()) == before, "{output}");
        }
        // nothing is read for such an output
        let error = try_run(&at("missing.csv"), &at("nowhere/release.csv"), policy).err().unwrap();
        assert_eq!(error.code(), "policy.output");
        assert_eq!(try_run(&at("missing.csv"), &at("release.csv"), policy).err().unwrap().code(), "data.io");
    }
    assert!(listing(folder.path()) == before);
}

/// An earlier release stays as it is until a new one has passed.
#[test]
fn a_release_is_replaced_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("input.csv"), folder.path().join("release.csv"));
    fs::write(&output, "old\n").unwrap();
    fs::write(&input, people(50) + "1\n").unwrap();
    for policy in [STREAM, WHOLE] {
        assert!(try_run(&input, &output, policy).is_err());
        assert_eq!((fs::read(&output).unwrap(), listing(folder.path()).len()), (b"old\n".to_vec(), 2));
    }
    fs::write(&input, people(50)).unwrap();
    assert!(try_run(&input, &output, STREAM).unwrap().is_released);
    assert!(fs::read_to_string(&output).unwrap().starts_with("mobile,cost\n"));
}

#[test]
fn hierarchy_files() {
    for (content, code) in [
        ("海曙;宁波;*\n江北;;*\n", "anonymise.hierarchy"),
        ("海曙;宁波;*\n江北;*\n", "anonymise.hierarchy"),
        ("海曙;江北;*\n江北;海曙;*\n", "anonymise.hierarchy"),
        ("海曙;宁波;浙江;*\n江北;宁波;江苏;*\n", "anonymise.hierarchy"),
        ("海曙;*\n江北;全部\n", "anonymise.hierarchy"),
        ("海曙;*\n海曙;*\n江北;*\n", "anonymise.hierarchy"),
        ("", "anonymise.hierarchy"),
        ("海曙;宁波;*\n", "anonymise.value"),
    ] {
        let hierarchies = tempfile::tempdir().unwrap();
        let file = hierarchies.path().join("area.csv");
        fs::write(&file, content).unwrap();
        let policy = WHOLE.replace("from = \"flat\"", &format!("from = \"file\"\nfile = \"{}\"", file.display()));
        for method in ["local", "full_domain"] {
            let policy = policy.replace("[anonymity]\n", &format!("[anonymity]\nmethod = \"{method}\"\n"));
            let error = refused(people(40), &policy);
            assert_eq!(error.code(), code, "{content}: {error}");
        }
    }
    let missing = WHOLE.replace("from = \"flat\"", "from = \"file\"\nfile = \"/nonexistent/area.csv\"");
    assert_eq!(refused(people(40), &missing).code(), "data.io");
    let unfit = WHOLE.replace("from = \"flat\"", "from = \"dates\"");
    assert_eq!(refused(people(40), &unfit).code(), "anonymise.hierarchy_value");
}

#[test]
fn policies_that_contradict_themselves_or_the_data() {
    let column = |rule: &str| format!("{STREAM}[[columns]]\n{rule}\n");
    let anonymity = |models: &str| WHOLE.replace("{ model = \"k\", k = 2 }", models);
    for (policy, code) in [
        (column("name = \"cost\"\nclass = \"other\""), "policy.contradiction"),
        (column("name = \"area\"\nclass = \"quasi\""), "policy.contradiction"),
        (column("name = \"area\"\nclass = \"direct\""), "policy.contradiction"),
        (column("name = \"area\"\nclass = \"drop\"\noperators = [{ op = \"null\" }]"), "policy.contradiction"),
        (
            column("name = \"area\"\nclass = \"other\"\noperators = [{ op = \"hmac\", hash = \"sm3\", purpose = \" \" }]"),
            "policy.contradiction",
        ),
        (column("name = \"area\"\nclass = \"other\"\noperators = [{ op = \"bin\", edges = [2, 1] }]"), "policy.contradiction"),
        (column("name = \"area\"\nclass = \"other\"\noperators = [{ op = \"keep\", length = 0 }]"), "policy.contradiction"),
        (column("name = \"area\"\nclass = \"other\"\nclass = \"drop\""), "policy.syntax"),
        // what a policy of somebody else may cost is bounded
        (
            column(&format!("name = \"area\"\nclass = \"other\"\noperators = [{{ op = \"replace\", with = \"{}\" }}]", "x".repeat(1025))),
            "policy.contradiction",
        ),
        (
            column(&format!(
                "name = \"area\"\nclass = \"other\"\noperators = [{{ op = \"pram\", keep = 0.9, categories = [{}] }}]",
                (0..100_000).map(|n| format!("\"{n}\",")).collect::<String>()
            )),
            "policy.contradiction",
        ),
        (column(&format!("name = \"area\"\nclass = \"other\"\noperators = [{}]", "{ op = \"null\" },".repeat(17))), "policy.contradiction"),
        (STREAM.replace("to = 100", "to = -1"), "policy.contradiction"),
        (STREAM.replace("to = 100", "to = nan"), "policy.contradiction"),
        (format!("{STREAM}[sample]\nrate = 0.0\n"), "policy.contradiction"),
        (format!("{STREAM}[anonymity]\nmodels = [{{ model = \"k\", k = 2 }}]\n"), "policy.contradiction"),
        (anonymity(""), "policy.contradiction"),
        (anonymity("{ model = \"k\", k = 0 }"), "policy.contradiction"),
        (anonymity("{ model = \"k_map\", k = 2 }"), "policy.contradiction"),
        (anonymity("{ model = \"t\", column = \"cost\", t = 2.0 }"), "policy.contradiction"),
        (anonymity("{ model = \"t\", column = \"cost\", t = nan }"), "policy.contradiction"),
        (anonymity("{ model = \"distinct_l\", column = \"area\", l = 2 }"), "policy.contradiction"),
        (anonymity("{ model = \"k\", k = -2 }"), "policy.syntax"),
        (WHOLE.replace("[[hierarchies]]", "[[hierarchies]]\ncolumn = \"area\"\nfrom = \"flat\"\n[[hierarchies]]"), "policy.contradiction"),
        // only the data show these
        (anonymity("{ model = \"k\", k = 4000000000 }"), "anonymise.no_solution"),
        (anonymity("{ model = \"t\", column = \"cost\", t = 0.1, distance = \"hierarchical\" }"), "anonymise.no_hierarchy"),
        (column("name = \"nothing\"\nclass = \"other\""), "data.missing_column"),
        (column("name = \"area\"\nclass = \"other\"\noperators = [{ op = \"round\", to = 1 }]"), "data.cell"),
        (
            column(
                "name = \"area\"\nclass = \"other\"\noperators = [{ op = \"date_shift\", subject = \"nobody\", days = 3, purpose = \"p\" }]",
            ),
            "data.missing_column",
        ),
        (
            column(
                "name = \"area\"\nclass = \"other\"\noperators = [{ op = \"date_shift\", subject = \"mobile\", days = 3, purpose = \"p\" }]",
            ),
            "transform.date",
        ),
        (STREAM.replace("{ op = \"round\", to = 100 }", "{ op = \"microaggregate\", k = 2, with = [\"cost\"] }"), "transform.columns"),
        (STREAM.replace("{ op = \"round\", to = 100 }", "{ op = \"microaggregate\", k = 2, with = [\"nothing\"] }"), "data.missing_column"),
        (STREAM.replace("{ op = \"round\", to = 100 }", "{ op = \"drop_rows\", when = { rarer_than = 1000 } }"), "data.no_rows"),
        (STREAM.replace("{ op = \"round\", to = 100 }", "{ op = \"mobile\", key = \"other\", purpose = \"p\" }"), "transform.key_missing"),
    ] {
        let error = refused(people(40), &policy);
        assert_eq!(error.code(), code, "{policy}\n{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 96, ..ProptestConfig::default() })]

    /// Whatever comes in: the input stays, and there is a release or nothing.
    #[test]
    fn there_is_a_release_or_nothing(rows in prop::collection::vec("(1[3-9][0-9]{9}|[0-9]{0,3}),(海曙|江北|\"?),[0-9]{0,4}(,|)\n", 0..40), spoil in prop::option::of((any::<prop::sample::Index>(), any::<u8>())), is_whole: bool, ending in 0usize..3) {
        let mut content = format!("mobile,area,cost\n{}", rows.concat()).into_bytes();
        if let Some((place, byte)) = spoil {
            let place = place.index(content.len());
            content[place] = byte;
        }
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("input.csv");
        let output = folder.path().join(["release.csv", "release.parquet", "release.arrow"][ending]);
        fs::write(&input, &content).unwrap();
        let released = try_run(&input, &output, if is_whole { WHOLE } else { STREAM }).is_ok_and(|outcome| outcome.is_released);
        let found = listing(folder.path());
        prop_assert_eq!(&found["input.csv"], &content);
        prop_assert_eq!((found.len(), output.exists()), (1 + usize::from(released), released));
    }
}
