//! Jobs in which a provider de-identifies its rows by a policy that every party signs (REQUIREMENTS O4, O5, P3).

use super::rig::LONG;
use super::support::{PURPOSE, Plan, SCENARIO, Said, World, path, shared};
use serde_json::Value;
use std::collections::BTreeMap;
use yu_desensitize::column;
use yu_desensitize::read::{ReadOptions, read_table_from};

const POLICY: &str = r#"
[政策]
名称 = "就诊费用研究数据"
目的 = "就诊费用研究"

[[列]]
名称 = "resident_id"
类别 = "直接标识符"
处理 = [{ 算子 = "加密散列", 散列 = "sm3", 用途 = "visits-2026", 密钥 = "release" }]

[[列]]
名称 = "district"
类别 = "准标识符"

[[列]]
名称 = "age"
类别 = "准标识符"

[[列]]
名称 = "outpatient_cost"
类别 = "敏感属性"
处理 = [{ 算子 = "取整", 到 = 100 }]

[[泛化层次]]
列名 = "district"
方式 = "不分级"

[[泛化层次]]
列名 = "age"
方式 = "分段"
宽度 = 10

[匿名化]
模型 = [{ 模型 = "K-匿名", k = 5 }]
"#;

fn job(world: &World, policy: &str) -> String {
    std::fs::write(world.file("policy.toml"), policy).unwrap();
    "authorisation = \"a-1\"\ntechnique = \"central\"\nreviewer = \"yu://dev/authority/n1\"\nreceiver = \"yu://dev/bank/n1\"\n\
     [input]\nparty = \"yu://dev/health/n1\"\ndataset = \"dev/health/visits\"\n[[steps]]\nkind = \"desensitize\"\npolicy = \"policy.toml\"\n"
        .to_owned()
}

fn sign(world: &World, said: Said) -> String {
    let job = said.ok("submit")["job"].as_str().unwrap().to_owned();
    for org in ["health", "authority"] {
        world.wait(org, &job, &["proposed"], LONG);
        world.yu(org, &["job", "approve", &job]).ok("approve");
    }
    job
}

fn released(world: &World, job: &str) -> Value {
    world.wait("authority", job, &["held"], LONG);
    let shown = world.yu("authority", &["review", "show", job]).ok("show");
    assert!(shown["passed"].as_bool().unwrap(), "{shown}");
    world.yu("authority", &["review", "approve", job, "--reviewer", "Zhang", "--item", "purpose,sources,leak,other-risk"]).ok("review");
    for org in ["authority", "health", "bank"] {
        world.wait(org, job, &["done"], LONG);
    }
    world.yu("bank", &["job", "result", job]).ok("result")
}

/// Header and rows of a table.
fn rows(csv: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let table = read_table_from("table.csv", csv.to_owned().into(), &ReadOptions::default()).unwrap();
    let header: Vec<String> = table.column_names().into_iter().map(str::to_owned).collect();
    let columns: Vec<Vec<String>> = header.iter().map(|name| column::text(&table, name).unwrap()).collect();
    let count = columns[0].len();
    (header, (0..count).map(|row| columns.iter().map(|column| column[row].clone()).collect()).collect())
}

#[test]
fn o4_a_table_by_a_policy_reaches_its_receiver_and_no_raw_row_does() {
    let world = World::ready(&Plan::default());
    let fingerprint = world.yu("health", &["key", "new", "release"]).ok("key")["fingerprint"].clone();
    assert_eq!(world.yu("health", &["key", "list"]).ok("list")["keys"][0]["fingerprint"], fingerprint);
    assert_eq!(world.yu("health", &["key", "new", "release"]).fault(), Some("exists"));
    let toml = job(&world, POLICY);
    std::fs::write(world.file("job.toml"), &toml).unwrap();
    let explained = world.yu("bank", &["job", "explain", path(&world.file("job.toml"))]);
    assert!(explained.all.contains("k-匿名") && explained.all.contains("keys of the provider that are used: release"), "{}", explained.all);
    let id = sign(&world, world.submit(&toml));
    let result = released(&world, &id);
    let csv = result["result"]["csv"].as_str().unwrap();
    let (header, table) = rows(csv);
    assert_eq!(header, ["resident_id", "district", "age", "outpatient_cost"]);
    assert!(table.len() > 200, "{}", table.len());
    // classes hold five, pseudonyms are not ids, and no id stands anywhere
    let mut classes: BTreeMap<&[String], u32> = BTreeMap::new();
    table.iter().for_each(|row| *classes.entry(&row[1..3]).or_default() += 1);
    assert!(classes.values().all(|size| *size >= 5), "{classes:?}");
    assert!(table.iter().all(|row| row[0].len() == 32 && (row[3].is_empty() || row[3].parse::<f64>().unwrap() % 100.0 == 0.0)));
    let raw = std::fs::read_to_string(world.file("health.csv")).unwrap();
    let whole = result.to_string();
    assert!(raw.lines().skip(1).all(|line| !whole.contains(line.split(',').next().unwrap())));
    assert_eq!(result["result"]["report"]["sections"].as_array().unwrap().last().unwrap()["title"]["en"], "Could raw data be restored?");
    // the receipt holds for the document as delivered
    let folder = world.file("out");
    world.yu("bank", &["job", "result", &id, "--out", path(&folder)]).ok("out");
    world.yu("bank", &["result", "verify", path(&folder)]).ok("verify");
    assert_eq!(std::fs::read_to_string(folder.join("table.csv")).unwrap(), csv);
    // nothing is left where it was made, and the logs hold
    let left = std::fs::read_dir(world.dir("health")).unwrap().flatten().map(|entry| entry.file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with(".scratch")));
    for org in ["health", "authority", "bank"] {
        world.yu(org, &["audit", "verify", path(&world.dir(org))]).ok("audit");
    }
    // a destroyed key ends the pseudonyms
    world.yu("health", &["key", "destroy", "release"]).ok("destroy");
    assert_eq!(world.yu("health", &["key", "destroy", "release"]).fault(), Some("not-found"));
    let id = sign(&world, world.submit(&toml));
    let (_, fault) = world.wait("health", &id, &["failed"], LONG);
    assert_eq!(fault.as_deref(), Some("not-found"));
}

#[test]
fn o5_what_could_be_restored_never_leaves_its_provider() {
    let world = World::ready(&Plan::default());
    world.yu("health", &["key", "new", "release"]).ok("key");
    // masked ids that are still single ones
    let mask =
        POLICY.replace("算子 = \"加密散列\", 散列 = \"sm3\", 用途 = \"visits-2026\", 密钥 = \"release\"", "算子 = \"掩码\", 保留后 = 6");
    let id = sign(&world, world.submit(&job(&world, &mask)));
    let (_, fault) = world.wait("health", &id, &["failed"], LONG);
    assert_eq!(fault.as_deref(), Some("release.refused"));
    let why = world.yu("health", &["job", "why", &id]);
    assert!(why.all.contains("restore.") && !why.all.contains("380"), "peers learn the rule, not the figures: {}", why.all);
    let watched = world.yu("health", &["job", "watch", &id]);
    assert!(watched.all.contains("released rows"), "{}", watched.all);
    world.wait("authority", &id, &["failed"], LONG);
    assert_ne!(world.yu("bank", &["job", "result", &id]).status, 0);
    // a proposer cannot loosen the gate for the provider
    let loose = POLICY.replace("k = 5", "k = 2") + "[门限]\nk = 2\n";
    let said = world.submit(&job(&world, &loose));
    assert_eq!(said.fault(), Some("contract.rule"), "{}", said.all);
    assert!(said.all.contains("derivative.gate"), "{}", said.all);
    let endless = POLICY.to_owned() + "[门限.预算]\n次数 = 100000000\n秒数 = 1e9\n";
    let said = world.submit(&job(&world, &endless));
    assert!(said.fault() == Some("contract.rule") && said.all.contains("derivative.budget"), "{}", said.all);
    // nor release a column that was not approved, nor one that is not there
    let more = POLICY.to_owned() + "[[列]]\n名称 = \"name\"\n类别 = \"其他\"\n";
    let said = world.submit(&job(&world, &more));
    assert!(matches!(said.fault(), Some("column.missing" | "column.beyond-approval")), "{}", said.all);
    // nor submit a policy that contradicts itself
    let said = world.submit(&job(&world, &POLICY.replace("[匿名化]\n模型 = [{ 模型 = \"K-匿名\", k = 5 }]\n", "")));
    assert!(said.all.contains("without a model"), "{}", said.all);
}

#[test]
fn adult_is_released_by_a_policy_with_its_hierarchies() {
    let Some(adult) = shared("data/adult_arx/adult.csv") else { return };
    let world = World::start(&Plan::default());
    world.introduce();
    world.yu("health", &["dataset", "add", path(&adult), "--id", "adult", "--not-personal", "--title", "adult"]).ok("add");
    let names = ["sex", "age", "race", "marital-status", "education", "native-country", "workclass", "occupation"];
    let columns = names.iter().chain(&["salary-class"]).map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    world.authorise(&format!(
        "id = \"a-1\"\nlicensee = \"bank\"\nscenario = \"{SCENARIO}\"\npurpose = \"{PURPOSE}\"\n\
         not_before = \"2026-01-01T00:00:00Z\"\nnot_after = \"2028-01-01T00:00:00Z\"\n\
         [[datasets]]\ndataset = \"dev/health/adult\"\ncolumns = [{columns}]\n\
         [contingency_plan]\nowner = \"bank\"\nscope = \"leak\"\ncontacts = [\"duty officer\"]\nsteps = [\"halt\"]\ndrill_interval_days = 180\n"
    ));
    let asked = columns.replace(['"', ' '], "");
    let health = world.name("health");
    let sent = world.yu(
        "bank",
        &["request", "send", "--authorisation", "a-1", "--provider", &health, "--dataset", "dev/health/adult", "--columns", &asked],
    );
    world.yu("health", &["request", "approve", sent.ok("request")["id"].as_str().unwrap()]).ok("approve");
    let mut policy = String::from("[policy]\nname = \"adult\"\npurpose = \"teaching\"\n");
    for name in names {
        let file = format!("adult_hierarchy_{name}.csv");
        std::fs::copy(adult.parent().unwrap().join(&file), world.file(&file)).unwrap();
        policy += &format!("[[columns]]\nname = \"{name}\"\nclass = \"quasi\"\n");
        policy += &format!("[[hierarchies]]\ncolumn = \"{name}\"\nfrom = \"file\"\nfile = \"{file}\"\n");
    }
    policy += "[[columns]]\nname = \"salary-class\"\nclass = \"sensitive\"\n[anonymity]\nmethod = \"local\"\n\
               models = [{ model = \"k\", k = 5 }, { model = \"distinct_l\", column = \"salary-class\", l = 2 }]\n";
    let toml = job(&world, &policy).replace("dev/health/visits", "dev/health/adult");
    let id = sign(&world, world.submit(&toml));
    let result = released(&world, &id);
    let (header, table) = rows(result["result"]["csv"].as_str().unwrap());
    assert_eq!((header.len(), table.len()), (9, 30_162));
}
