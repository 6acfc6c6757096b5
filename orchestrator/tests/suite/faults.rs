//! Faults of files and of one node: each has its stable code and says what, where and what to do.

use super::rig::{cannot_start, expect, limited, no_job};
use super::support::{Plan, World, path, yu};
use std::time::{Duration, Instant};

fn add(world: &World, name: &str, content: &[u8], extra: &[&str]) -> super::support::Said {
    let file = world.file(name);
    std::fs::write(&file, content).unwrap();
    let mut args = vec!["dataset", "add", path(&file), "--id", "t", "--not-personal", "--import-source", "test"];
    args.extend(extra);
    world.yu("health", &args)
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_its_line_and_nothing_is_stored() {
    let world = World::start(&Plan::default());
    let key: &[&str] = &["--key", "id"];
    let good = "id,age\na1,30\na2,31\n";
    expect(&add(&world, "wrong-key.csv", good.as_bytes(), &["--key", "idd"]), "column.missing", &["idd", "id", "wrong-key.csv"]);
    expect(
        &add(&world, "wrong-group.csv", good.as_bytes(), &["--key", "id", "--categorical", "district"]),
        "column.missing",
        &["district"],
    );
    expect(&add(&world, "twice.csv", b"id,age,age\na1,3,4\n", key), "column.duplicate", &["age", "twice.csv"]);
    expect(&add(&world, "empty.csv", b"", key), "file.empty", &["empty.csv"]);
    expect(&add(&world, "header-only.csv", b"id,age\n", key), "file.empty", &["header-only.csv"]);
    expect(&add(&world, "ragged.csv", b"id,age\na1,30\na2\n", key), "file.ragged-row", &["ragged.csv", "3"]);
    expect(
        &add(&world, "bytes.csv", b"id,age\na1,30\na\xff\xfe,31\n", &["--key", "id", "--encoding", "utf-8"]),
        "file.encoding",
        &["bytes.csv"],
    );
    expect(&add(&world, "words.csv", b"id,age\na1,30\na2,thirty\n", key), "cell.not-numeric", &["age", "3", "words.csv"]);
    let said = add(&world, "spreadsheet.csv", b"id,age\n3.2E+17,30\n3.3E+17,31\n", key);
    expect(&said, "key.format", &["id", "spreadsheet.csv"]);
    assert!(!said.all.contains("3.2E+17"), "a key stands in a message: {}", said.all);
    assert!(!add(&world, "words.csv", b"id,age\na1,30\na2,thirty\n", key).all.contains("thirty"));
    expect(&world.yu("health", &["dataset", "add", "/nowhere/x.csv", "--id", "t", "--key", "id"]), "file.missing", &["/nowhere/x.csv"]);
    expect(
        &add(&world, "receipts.csv", good.as_bytes(), &["--key", "id", "--consent", "/nowhere/consent.csv"]),
        "file.missing",
        &["/nowhere/consent.csv"],
    );
    assert_eq!(world.yu("health", &["dataset", "list"]).ok("list")["entries"], serde_json::json!([]));
    no_job(&world);
    // the same file in order is taken
    add(&world, "good.csv", good.as_bytes(), key).ok("add");
}

#[test]
fn a_port_that_is_in_use_is_named() {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = port.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    yu(dir.path(), &["init", "--org", "health", "--role", "provider", "--listen", &address]).ok("init");
    expect(&cannot_start(dir.path()), "node.port-in-use", &[&port.local_addr().unwrap().port().to_string()]);
    expect(&yu(dir.path(), &["peer", "list"]), "node.not-running", &[]);
    drop(port);
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    yu(dir.path(), &["init", "--org", "health", "--role", "provider"]).ok("init");
    let store = dir.path().join("store/yu.sqlite");
    let db = rusqlite::Connection::open(&store).unwrap();
    db.pragma_update(None, "user_version", 999).unwrap();
    drop(db);
    expect(&cannot_start(dir.path()), "version.mismatch", &["999", "store/yu.sqlite"]);
}

#[test]
fn a_wrong_field_of_the_configuration_is_named() {
    let dir = tempfile::tempdir().unwrap();
    yu(dir.path(), &["init", "--org", "health", "--role", "provider"]).ok("init");
    let file = dir.path().join("node.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("min_rows", "min_rowz")).unwrap();
    expect(&cannot_start(dir.path()), "input.bad", &["min_rowz", "node.toml"]);
}

#[test]
fn a_damaged_log_keeps_the_node_from_starting() {
    let mut world = World::start(&Plan::default());
    world.invite("authority", "health").ok("accept");
    world.yu("health", &["audit", "checkpoint"]).ok("checkpoint");
    world.kill("health");
    let file = world.dir("health").join("audit/entries.jsonl");
    let good = std::fs::read(&file).unwrap();
    let mut bad = good.clone();
    let at = bad.len() / 3;
    bad[at] ^= 1;
    std::fs::write(&file, &bad).unwrap();
    expect(&cannot_start(&world.dir("health")), "storage.damaged", &["audit"]);
    std::fs::write(&file, &good).unwrap();
    world.up("health");
}

/// The limit of the size of files stands in for a full disk: writes are refused in the same places.
#[test]
fn a_full_disk_loses_nothing_that_was_confirmed() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("health");
    yu(&home, &["init", "--org", "health", "--role", "provider", "--listen", &super::support::free_port().to_string()]).ok("init");
    let rows = |n: u32| (0..n).fold(String::from("id,age\n"), |text, i| text + &format!("person-{i:08},{}\n", i % 90));
    let (small, large) = (dir.path().join("small.csv"), dir.path().join("large.csv"));
    std::fs::write(&small, rows(200)).unwrap();
    std::fs::write(&large, rows(60_000)).unwrap();
    let add = |file: &std::path::Path, id: &str| {
        yu(&home, &["dataset", "add", path(file), "--id", id, "--key", "id", "--not-personal", "--import-source", "test"])
    };
    let answers = || {
        let end = Instant::now() + Duration::from_secs(30);
        while yu(&home, &["peer", "list"]).status != 0 {
            assert!(Instant::now() < end, "the node does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
    };

    let mut node = limited(&home, 1200).spawn().unwrap();
    answers();
    add(&small, "small").ok("add");
    expect(&add(&large, "large"), "disk.full", &["ds-dev.health.large"]);
    // the store and the log grow until they are refused as well; the node says so and lives
    let mut refused = None;
    for _ in 0..5000 {
        let said = yu(&home, &["peer", "invite"]);
        if said.status != 0 {
            refused = Some(said);
            break;
        }
    }
    expect(&refused.expect("the limit was never reached"), "disk.full", &[]);
    assert!(node.try_wait().unwrap().is_none(), "the node died of a full disk");
    yu(&home, &["dataset", "list"]).ok("reading works on a full disk");
    node.kill().unwrap();
    node.wait().unwrap();
    yu(&home, &["audit", "verify", path(&home)]).ok("the log verifies");

    let mut node = limited(&home, 1 << 30).spawn().unwrap();
    answers();
    let entries = yu(&home, &["dataset", "list"]).ok("list")["entries"].clone();
    assert_eq!(entries.as_array().unwrap().len(), 1, "{entries}");
    add(&large, "large").ok("add after space was freed");
    yu(&home, &["audit", "checkpoint"]).ok("checkpoint");
    yu(&home, &["audit", "verify", path(&home)]).ok("the log verifies");
    node.kill().unwrap();
    node.wait().unwrap();
}
