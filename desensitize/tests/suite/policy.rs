//! Policies as files: what contradicts itself, what a change loosens, and releases that are verified before they have a name.

use std::path::Path;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_desensitize::policy::diff::{self, Direction};
use yu_desensitize::policy::run::{dry, recheck};
use yu_desensitize::policy::{Policy, explain};
use yu_desensitize::read::{ReadOptions, read_table};
use yu_desensitize::report::{Show, Verdict};
use yu_desensitize::transform::{KeyId, Keys, TransformKey};
use yu_desensitize::{Error, column};

const POLICY: &str = r#"
[政策]
名称 = "住院费用统计用数据"
目的 = "按地区分析住院费用"
使用方 = "区域医疗研究中心"

[[列]]
名称 = "身份证号"
类别 = "直接标识符"
处理 = [{ 算子 = "加密散列", 散列 = "sm3", 用途 = "住院-2026" }]

[[列]]
名称 = "手机"
类别 = "直接标识符"
处理 = [{ 算子 = "掩码", 保留前 = 3 }]

[[列]]
名称 = "姓名"
类别 = "不发布"

[[列]]
名称 = "出生日期"
类别 = "准标识符"

[[列]]
名称 = "区县"
类别 = "准标识符"

[[列]]
名称 = "费用"
类别 = "敏感属性"
处理 = [{ 算子 = "取整", 到 = 100 }]

[[泛化层次]]
列名 = "出生日期"
方式 = "日期"

[[泛化层次]]
列名 = "区县"
方式 = "代码位数"
保留位数 = [4, 2]

[匿名化]
方法 = "局部"
模型 = [{ 模型 = "K-匿名", k = 5 }, { 模型 = "不同取值多样性", 敏感列 = "费用", l = 2 }]
"#;

fn policy(text: &str) -> Result<Policy, Error> {
    Policy::parse("policy.toml", text)
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn keys() -> Keys {
    Keys::from(TransformKey::generate(KeyId::new("release").unwrap(), &mut rng()))
}

/// People of a simulated town, as a file.
fn town(folder: &Path) -> std::path::PathBuf {
    let mut text = String::from("身份证号,手机,姓名,出生日期,区县,费用,备注\n");
    for row in 0..600u32 {
        let (region, year, month, day) = (330_203 + row % 7 * 2, 1950 + row * 7 % 50, 1 + row % 12, 1 + row % 28);
        let body = format!("{region}{year}{month:02}{day:02}{:03}", 1 + row % 900);
        let check = yu_desensitize::key::resident_id::check_digit(body.as_bytes().try_into().unwrap());
        let cost = 100 + row * 37 % 9000;
        text += &format!("{body}{},138{row:08},王芳,{year}-{month:02}-{day:02},{region},{cost},无\n", char::from(check));
    }
    let path = folder.join("town.csv");
    std::fs::write(&path, text).unwrap();
    path
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_release_is_verified_before_it_has_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (town(folder.path()), folder.path().join("release.csv"));
    let policy = policy(POLICY).unwrap();
    let outcome = policy.run(&input, &ReadOptions::default(), &output, &keys(), &mut rng()).unwrap();
    assert!(outcome.is_released, "{:?}", outcome.report);
    assert_eq!(files(folder.path()), 2, "nothing else is left");
    let release = read_table(&output, &ReadOptions::default()).unwrap();
    assert_eq!(release.column_names(), ["身份证号", "手机", "出生日期", "区县", "费用"]);
    assert!(column::text(&release, "身份证号").unwrap().iter().all(|cell| cell.len() == 32), "128 bits in hex");
    assert!(column::numeric(&release, "费用").unwrap().iter().all(|cost| cost % 100.0 == 0.0));
    assert_ne!(recheck(&policy, &release).unwrap().verdict(), Verdict::Refused);
    // rows come in another order every time
    let again = folder.path().join("again.csv");
    assert!(policy.run(&input, &ReadOptions::default(), &again, &keys(), &mut ChaCha20Rng::seed_from_u64(8)).unwrap().is_released);
    let [first, second] = [&output, &again].map(|file| std::fs::read_to_string(file).unwrap());
    let sorted = |text: &str| {
        let mut ids: Vec<String> = text.lines().map(|line| line.split(',').next().unwrap_or_default().to_owned()).collect();
        ids.sort();
        ids
    };
    assert!(first != second && sorted(&first) == sorted(&second));
    std::fs::remove_file(again).unwrap();
    let page = outcome.report.html(Show::Both);
    assert!(page.contains("姓名, 备注") && page.contains("<svg") && page.contains("k-匿名") && !page.contains("王芳"));
    assert!(outcome.report.json().unwrap().contains("\"verdict\": \"passed\""));
}

#[test]
fn what_speaks_against_a_release_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (town(folder.path()), folder.path().join("release.csv"));
    let run = |text: &str, keys: &Keys| policy(text).unwrap().run(&input, &ReadOptions::default(), &output, keys, &mut rng());
    // declared as nothing special, but full of telephone numbers
    let careless = POLICY.replacen("类别 = \"直接标识符\"\n处理 = [{ 算子 = \"掩码\", 保留前 = 3 }]", "类别 = \"其他\"", 1);
    let outcome = run(&careless, &keys()).unwrap();
    assert!(!outcome.is_released);
    let left =
        outcome.report.sections.iter().flat_map(|section| &section.findings).find(|found| found.verdict == Verdict::Refused).unwrap();
    assert!(left.code == "detect.left" && left.text.en.contains("mobile number"), "{left:?}");
    // one identity number in a remark of one person, as its cell says
    let one = std::fs::read_to_string(&input).unwrap().replacen(",无\n", ",电话里说证件是11010519491231002X\n", 1);
    std::fs::write(&input, one).unwrap();
    let noted = POLICY.to_owned() + "[[列]]\n名称 = \"备注\"\n类别 = \"其他\"\n";
    let outcome = run(&noted, &keys()).unwrap();
    let found = outcome.report.sections.iter().flat_map(|section| &section.findings).find(|found| found.code == "detect.verified");
    assert!(!outcome.is_released && found.is_some_and(|found| found.text.en.contains("`备注`: 1 cells")), "{:?}", outcome.report);
    // no key; a column that is not there; k that cannot be reached
    assert_eq!(run(POLICY, &Keys::none()).err().unwrap().code(), "transform.key_missing");
    assert_eq!(run(&POLICY.replace("\"费用\"", "\"费 用\""), &keys()).err().unwrap().code(), "data.missing_column");
    let _ = run(&POLICY.replace("k = 5", "k = 5000"), &keys()).err().unwrap();
    assert_eq!(files(folder.path()), 1, "only the input is there");
    let named = policy(POLICY).unwrap().run(&input, &ReadOptions::default(), &folder.path().join("release.doc"), &keys(), &mut rng());
    assert_eq!(named.err().unwrap().code(), "write.format");
}

#[test]
fn without_models_files_go_through_batch_by_batch() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (town(folder.path()), folder.path().join("release.parquet"));
    let text = "[policy]\nname = \"n\"\npurpose = \"p\"\n[sample]\nrate = 0.5\n[[columns]]\nname = \"手机\"\nclass = \"direct\"\n\
                operators = [{ op = \"keep\", first = 3 }]\n[[columns]]\nname = \"费用\"\nclass = \"other\"\n";
    let outcome = policy(text).unwrap().run(&input, &ReadOptions::default(), &output, &Keys::none(), &mut rng()).unwrap();
    assert!(outcome.is_released);
    let release = read_table(&output, &ReadOptions::default()).unwrap();
    assert_eq!(release.column_names(), ["手机", "费用"]);
    assert!((200..400).contains(&release.num_rows()), "{}", release.num_rows());
    assert!(column::text(&release, "手机").unwrap().iter().all(|cell| cell == "138********"));
}

#[test]
fn contradictions_are_named() {
    let bad = |from: &str, to: &str, code: &str, words: &str| {
        assert!(POLICY.contains(from), "{from}");
        let error = policy(&POLICY.replacen(from, to, 1)).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    };
    bad("处理 = [{ 算子 = \"掩码\", 保留前 = 3 }]", "", "policy.contradiction", "leave as it is");
    bad("算子 = \"掩码\", 保留前 = 3", "算子 = \"洗牌\"", "policy.contradiction", "in other rows");
    bad("类别 = \"不发布\"", "类别 = \"不发布\"\n处理 = [{ 算子 = \"洗牌\" }]", "policy.contradiction", "not released");
    bad("名称 = \"手机\"", "名称 = \"身份证号\"", "policy.contradiction", "two rules");
    bad("敏感列 = \"费用\"", "敏感列 = \"手机\"", "policy.contradiction", "no sensitive column");
    bad("[[泛化层次]]\n列名 = \"区县\"", "[[泛化层次]]\n列名 = \"出生日期\"", "policy.contradiction", "twice");
    bad("[匿名化]", "[匿名化]\n抑制上限 = 1.5", "policy.contradiction", "suppression");
    bad("保留前 = 3", "保留前 = \"三\"", "policy.syntax", "cannot be read");
    bad("[政策]", "[政策", "policy.syntax", "line");
    bad("目的 = \"按地区分析住院费用\"", "目的 = \"一\"\npurpose = \"二\"", "policy.syntax", "both languages");
    bad("[匿名化]\n方法 = \"局部\"\n模型 =", "[政策二]\nx =", "policy.syntax", "政策二");
    let none = "[policy]\nname = \"n\"\npurpose = \"p\"\n[[columns]]\nname = \"a\"\nclass = \"quasi\"\n";
    assert!(policy(none).unwrap_err().to_string().contains("without a model"));
}

#[test]
fn changes_that_loosen_come_first() {
    let old = policy(POLICY).unwrap();
    assert!(diff::changes(&old, &old).is_empty());
    let new = POLICY
        .replace("k = 5", "k = 3")
        .replace("l = 2", "l = 3")
        .replace("类别 = \"不发布\"", "类别 = \"其他\"")
        .replace("到 = 100", "到 = 10");
    let changes = diff::changes(&old, &policy(&new).unwrap());
    let directions: Vec<Direction> = changes.iter().map(|change| change.direction).collect();
    assert_eq!(directions, [Direction::Loosens, Direction::Loosens, Direction::Changes, Direction::Tightens], "{changes:?}");
    assert!(changes.iter().any(|change| change.text.zh.contains("新增发布列“姓名”")), "{changes:?}");
    let back: Vec<Direction> = diff::changes(&policy(&new).unwrap(), &old).iter().map(|change| change.direction).collect();
    assert_eq!(back, [Direction::Loosens, Direction::Changes, Direction::Tightens, Direction::Tightens]);
}

#[test]
fn a_rehearsal_touches_no_data() {
    let policy = policy(POLICY).unwrap();
    let rehearsal = dry::rehearse(&policy, 4, 1).unwrap();
    assert_eq!((rehearsal.before.rows.len(), rehearsal.after.rows.len()), (4, 4));
    assert_eq!(rehearsal.before.rows[0].len(), 5);
    assert!(rehearsal.after.rows.iter().all(|row| row[1].ends_with("********")), "{:?}", rehearsal.after.rows);
    let said = explain::numbered(&policy);
    assert!(said.iter().any(|text| text.zh.contains("HMAC") || text.zh.contains("SM3")), "{said:?}");
    assert!(said[0].en.starts_with("1. "));
}

#[test]
fn adult_by_a_policy_file() {
    let Some(adult) = crate::shared::data("adult_arx/adult.csv") else { return };
    let shared = adult.parent().unwrap();
    let mut text = String::from("[policy]\nname = \"adult\"\npurpose = \"teaching\"\n");
    for name in ["sex", "age", "race", "marital-status", "education", "native-country", "workclass", "occupation"] {
        let file = shared.join(format!("adult_hierarchy_{name}.csv"));
        text += &format!(
            "[[columns]]\nname = \"{name}\"\nclass = \"quasi\"\n[[hierarchies]]\ncolumn = \"{name}\"\nfrom = \"file\"\nfile = \"{}\"\n",
            file.display()
        );
    }
    text += "[[columns]]\nname = \"salary-class\"\nclass = \"sensitive\"\n[anonymity]\nsuppression = 0.02\nmethod = \"full_domain\"\n\
             models = [{ model = \"k\", k = 5 }, { model = \"distinct_l\", column = \"salary-class\", l = 2 }]\n";
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("release.arrow");
    let outcome =
        policy(&text).unwrap().run(&shared.join("adult.csv"), &ReadOptions::default(), &output, &Keys::none(), &mut rng()).unwrap();
    assert!(outcome.is_released, "{:?}", outcome.report);
    // the optimum that ARX finds: 601 rows suppressed, levels 0,4,0,1,3,1,1,1
    let json = outcome.report.json().unwrap();
    assert!(json.contains("\"601\"") && json.contains("0, 4, 0, 1, 3, 1, 1, 1"), "{json}");
}

#[test]
fn the_gate_stops_what_could_be_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (town(folder.path()), folder.path().join("release.csv"));
    let run = |text: &str| policy(text).unwrap().run(&input, &ReadOptions::default(), &output, &keys(), &mut rng()).unwrap();
    let codes = |outcome: &yu_desensitize::policy::run::Outcome, verdict: Verdict| -> Vec<String> {
        let findings = outcome.report.sections.iter().flat_map(|section| &section.findings);
        findings.filter(|found| found.verdict == verdict).map(|found| found.code.clone()).collect()
    };
    // a mask that leaves each telephone number alone with its row
    let mask = POLICY.replace("保留前 = 3", "保留前 = 3, 保留后 = 4");
    let outcome = run(&mask);
    assert!(!outcome.is_released && codes(&outcome, Verdict::Refused).contains(&"restore.linkage".to_owned()), "{:?}", outcome.report);
    // pairs are a model that holds, and not enough for the gate
    let outcome = run(&POLICY.replace("k = 5", "k = 2"));
    assert_eq!((outcome.is_released, codes(&outcome, Verdict::Refused)), (false, vec!["restore.linkage".to_owned()]));
    let outcome = run(&(POLICY.replace("k = 5", "k = 2") + "[门限]\nk = 2\n"));
    assert!(outcome.is_released, "{:?}", outcome.report);
    // pseudonyms beside raw values are the raw data without names
    let rows = "[policy]\nname = \"n\"\npurpose = \"p\"\n[[columns]]\nname = \"身份证号\"\nclass = \"direct\"\n\
                operators = [{ op = \"hmac\", hash = \"sm3\", purpose = \"p\" }]\n[[columns]]\nname = \"费用\"\nclass = \"other\"\n";
    std::fs::remove_file(&output).unwrap();
    let outcome = run(rows);
    assert!(!outcome.is_released && !codes(&outcome, Verdict::Refused).is_empty());
    assert_eq!(files(folder.path()), 1);
    let outcome = run(&rows.replace("purpose = \"p\"\n[[", "purpose = \"p\"\nstays = true\n[["));
    assert!(outcome.is_released && !codes(&outcome, Verdict::Noted).is_empty(), "for training inside the domain (P3)");
    // data that anybody may have
    let public = "[policy]\nname = \"n\"\npurpose = \"p\"\n公开数据 = true\n[[columns]]\nname = \"区县\"\nclass = \"other\"\n\
                  [[columns]]\nname = \"费用\"\nclass = \"other\"\n";
    assert!(run(public).is_released);
    assert!(!run(&public.replace("公开数据 = true\n", "")).is_released);
}

#[test]
fn limits_of_the_gate_are_part_of_the_policy() {
    let (old, new) = (policy(POLICY).unwrap(), policy(&(POLICY.to_owned() + "[门限]\nk = 3\n频次还原率 = 0.0\n")).unwrap());
    assert_eq!((new.gate.k, new.gate.frequency), (3, 0.0));
    let said = explain::sentences(&new);
    assert!(said.iter().any(|text| text.en.contains("LOOSER") && text.zh.contains("宽松")), "{said:?}");
    let change = diff::changes(&old, &new).into_iter().find(|change| change.text.zh.contains("门限")).unwrap();
    assert_eq!(change.direction, Direction::Changes);
    assert_eq!(policy(&(POLICY.to_owned() + "[门限]\n置信度 = 1.5\n")).unwrap_err().code(), "restore.thresholds");
    let public = POLICY.replace("[政策]\n", "[政策]\n公开数据 = true\n");
    assert_eq!(policy(&public).unwrap_err().code(), "policy.contradiction");
}
