//! Backup and restore with whole nodes: a node that is lost goes on from its backup, nothing that was destroyed comes back, and no second history begins.

use super::support::{Plan, World, path, yu};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn keys(world: &World) -> Vec<String> {
    let list = world.yu("health", &["key", "list"]).ok("key list");
    list["keys"].as_array().unwrap().iter().map(|key| key["key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn d3_a_lost_node_comes_back_without_what_was_destroyed_and_without_a_second_history() {
    let mut world = World::start(&Plan::default());
    world.introduce();
    world.residents(300);
    world.add_datasets();
    let root = world.root.path().to_owned();
    let file = |name: &str| -> PathBuf { root.join(name) };
    let (secret, public, escrow, backup) = (file("restore.key"), file("restore.key.pub"), file("escrow"), file("backup"));
    let phrase = file("phrase");
    std::fs::write(&phrase, "a long enough passphrase\n").unwrap();
    world.yu("health", &["backup", "key", path(&secret), "--passphrase-file", path(&phrase)]).ok("backup key");
    let make = ["backup", "make", path(&backup), "--to", path(&public)];
    assert_eq!(world.yu("health", &make).fault(), Some("state.wrong"), "without an escrow nothing could be restored");
    std::fs::create_dir(&escrow).unwrap();
    world.yu("health", &["backup", "escrow", path(&escrow)]).ok("escrow");
    for name in ["early", "stays", "gone"] {
        world.yu("health", &["key", "new", name]).ok("key new");
    }
    let older = file("older-escrow");
    copy(&escrow, &older);
    world.yu("health", &["key", "destroy", "early"]).ok("destroy");
    world.yu("health", &make).ok("backup make");
    assert_eq!(world.yu("health", &make).fault(), Some("exists"));
    // no key of a payload is in the backup, and no name of one outside the encrypted part
    let blobs = std::fs::read_dir(backup.join("blobs")).unwrap().count();
    assert!(blobs >= 4, "{blobs}");
    let head = std::fs::read_to_string(backup.join("backup.json")).unwrap();
    assert!(!head.contains("visits") && !head.contains("stays"), "{head}");

    world.yu("health", &["key", "destroy", "gone"]).ok("destroy");
    world.yu("health", &["audit", "checkpoint"]).ok("checkpoint");
    let open = ["--key", path(&secret), "--passphrase-file", path(&phrase), "--escrow", path(&escrow)];
    let with = |verb: &str, more: &[&str]| -> Vec<String> {
        let first = ["backup", verb, path(&backup)];
        first.iter().chain(&open).chain(more).map(|arg| (*arg).to_owned()).collect()
    };
    let call = |dir: &Path, args: &[String]| yu(dir, &args.iter().map(String::as_str).collect::<Vec<_>>());
    let verified = call(&world.dir("health"), &with("verify", &[])).ok("verify");
    assert_eq!(verified["alive"].as_u64().unwrap() + 1, blobs as u64, "one key was destroyed since");
    let (scratch, record) = (file("scratch"), file("drill.json"));
    let drill = call(&world.dir("health"), &with("drill", &["--scratch", path(&scratch), "--out", path(&record)])).ok("drill");
    assert_eq!(drill["drill"]["gone"], "1");
    assert!(!scratch.exists() && record.exists());

    // the machine is lost; what the peers and a copy of the log know is not
    world.kill("health");
    let (lost, home) = (file("lost"), world.dir("health"));
    std::fs::rename(&home, &lost).unwrap();
    let mut stale = with("restore", &[]);
    let at = stale.iter().position(|arg| arg == path(&escrow)).unwrap();
    stale[at] = path(&older).to_owned();
    assert_eq!(call(&home, &stale).fault(), Some("state.wrong"), "an escrow that is older than the backup");
    assert!(!home.join("node.toml").exists());
    let restored = call(&home, &with("restore", &[])).ok("restore");
    assert_eq!(restored["gone"], serde_json::json!(["transform-key-gone"]));
    // peers countersigned more than the backup has: going on would be a second history
    let refused = yu(&home, &["up"]);
    assert!(refused.status != 0 && refused.all.contains("log.later") && refused.all.contains("missing"), "{}", refused.all);
    let before = std::fs::read(home.join("audit/entries.jsonl")).unwrap();
    assert!(std::fs::read(lost.join("audit/entries.jsonl")).unwrap().starts_with(&before), "nothing was appended meanwhile");
    std::fs::rename(&home, file("short")).unwrap();
    // a log of somebody else does not go on from it
    let foreign = call(&home, &with("restore", &["--log", path(&world.dir("bank"))]));
    assert_eq!(foreign.fault(), Some("contract.altered"));
    call(&home, &with("restore", &["--log", path(&lost)])).ok("restore");
    world.up("health");
    assert_eq!(keys(&world), ["stays"]);
    assert_eq!(world.yu("health", &["dataset", "list"]).ok("list")["entries"].as_array().map(Vec::len), Some(1));
    let log = world.yu("health", &["audit", "show"]).all;
    assert!(log.contains("backup.restored"), "{log}");
    world.yu("health", &["audit", "checkpoint"]).ok("checkpoint");
    let dirs: Vec<PathBuf> = ["health", "bank", "authority"].iter().map(|org| world.dir(org)).collect();
    let args: Vec<&str> = ["audit", "verify"].into_iter().chain(dirs.iter().map(|dir| path(dir))).collect();
    let said: Value = yu(&home, &args).ok("audit verify");
    assert_ne!(said, Value::Null);
    // the escrow goes on: what is destroyed now is destroyed there first, and not at all while it is away
    let away = file("away");
    std::fs::rename(&escrow, &away).unwrap();
    assert_eq!(world.yu("health", &["key", "destroy", "stays"]).fault(), Some("storage.failed"));
    assert_eq!(keys(&world), ["stays"]);
    std::fs::rename(&away, &escrow).unwrap();
    world.yu("health", &["key", "destroy", "stays"]).ok("destroy");
    assert!(!escrow.join("transform-key-stays.key").exists());
}
