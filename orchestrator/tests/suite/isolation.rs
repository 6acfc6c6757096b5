//! Isolation: hostile programs of others (D5), one domain with one authority (D8), imports through quarantine (P4, D11).

use super::docket::{file, until_filed};
use super::procedures::{activate, adopt, refused, town};
use super::rig::{LONG, expect};
use super::support::{Plan, Process, World, free_port, path, yu};
use ndarray::Array2;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::time::Instant;
use yu_fedlearn::data::Dataset;
use yu_fedlearn::external::{External, Limits, Program, Protection};
use yu_fedlearn::model::{Model, Spec};
use yu_fedlearn::strategy::{ClientState, Step};

const PYTHON: &str = "/usr/bin/python3";

/// Ends with 41 if what it tries is refused, hands weights back if it is not.
fn hostile(attempt: &str) -> String {
    let attempt: String = attempt.lines().map(|line| format!("    {line}\n")).collect();
    format!("import os, sys\ntry:\n{attempt}except OSError:\n    sys.exit(41)\nimport shutil\nshutil.copy('weights.arrow', 'out.arrow')\n")
}

/// What becomes of a step by this program.
fn outcome(text: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let (file, scratch) = (folder.path().join("trainer"), folder.path().join("scratch"));
    std::fs::create_dir(&scratch).unwrap();
    std::fs::write(&file, text).unwrap();
    let limits = Limits { seconds: 20, processor_seconds: 20, memory_mib: 1024, file_mib: 16 };
    let program = Program { sha256: hex::encode(Sha256::digest(text)), interpreter: Some(PYTHON.into()), limits, danger_network: false };
    let model = Spec::Logistic { l2: 0.0 }.build(1).unwrap();
    let mut external = External::new(&program, &file, &scratch, &["a".to_owned()], "y").unwrap();
    let data =
        Dataset::new(Array2::from_shape_fn((4, 1), |(row, _)| f64::from(u8::try_from(row).unwrap())), vec![0.0, 1.0, 0.0, 1.0]).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let done = external.step(&model, &model.initial(1), None, &ClientState::default(), &data, &mut rng);
    assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0, "files of a step are left");
    done.map(drop).map_err(|fault| fault.to_string())
}

#[test]
fn d5_p5_hostile_programs_reach_nothing_and_fail_with_a_clear_fault() {
    let protection = Protection::of_this_machine();
    if !protection.cut_off || protection.landlock == 0 || !Path::new(PYTHON).is_file() {
        println!("skipped: {protection:?}, or no {PYTHON}");
        return;
    }
    let node = tempfile::tempdir().unwrap();
    let dir = node.path().join("health");
    yu(&dir, &["init", "--org", "health", "--role", "provider", "--listen", &free_port().to_string()]).ok("init");
    let key = dir.join("keys/signing.key");
    assert!(key.is_file());
    let outside = node.path().join("outside");
    outcome(&hostile("pass")).unwrap();
    let call = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nif libc.";
    let fails = ") < 0:\n    raise OSError(ctypes.get_errno(), 'no')";
    let mut attempts = vec![
        ("a socket", "import socket\nsocket.socket()".to_owned()),
        ("a socket of the file system", "import socket\nsocket.socket(socket.AF_UNIX).connect('/run/x')".to_owned()),
        ("passwords", "open('/etc/shadow').read()".to_owned()),
        ("the node's key", format!("open({key:?}).read()")),
        ("the node's folder", format!("os.listdir({dir:?})")),
        ("a link to the key", format!("os.link({key:?}, 'key')")),
        ("writing outside", format!("open({outside:?}, 'w').write('rows')")),
        ("shared memory", "open('/dev/shm/rows', 'w').write('rows')".to_owned()),
        ("its parent's memory", "open('/proc/%d/mem' % os.getppid(), 'rb').read(1)".to_owned()),
        ("its parent's environment", "open('/proc/%d/environ' % os.getppid(), 'rb').read()".to_owned()),
        ("tracing its parent", format!("{call}ptrace(16, os.getppid(), 0, 0{fails}")),
        ("reading its parent", format!("{call}process_vm_readv(os.getppid(), 0, 0, 0, 0, 0{fails}")),
        ("a signal to its parent", "os.kill(os.getppid(), 0)".to_owned()),
        ("leaving its group", "os.setsid()".to_owned()),
        ("mounting", format!("{call}mount(b'x', b'/mnt', b'tmpfs', 0, 0{fails}")),
        ("namespaces", format!("{call}unshare(0x10000000{fails}")),
        ("namespaces of a child", format!("{call}syscall(56 if os.uname().machine == 'x86_64' else 220, 0x10000011, 0, 0, 0, 0{fails}")),
        ("keys of the kernel", format!("{call}syscall(250 if os.uname().machine == 'x86_64' else 219, 0, 0, 0, 0{fails}")),
        ("programs in the kernel", format!("{call}syscall(321 if os.uname().machine == 'x86_64' else 280, 0, 0, 0{fails}")),
        ("events of the processor", format!("{call}syscall(298 if os.uname().machine == 'x86_64' else 241, 0, 0, -1, -1, 0{fails}")),
    ];
    if protection.processes {
        attempts.push((
            "processes without end",
            "for _ in range(600):\n    if os.fork() == 0:\n        import time\n        time.sleep(30)\n        os._exit(0)".to_owned(),
        ));
    }
    for (what, attempt) in &attempts {
        let fault = outcome(&hostile(attempt)).expect_err(what);
        assert!(fault.contains("exit status: 41"), "{what}: {fault}");
    }
    assert!(!outside.exists() && !Path::new("/dev/shm/rows").exists());
    // what it starts dies with it, and what takes too much ends
    let mark = node.path().join("late");
    let child = format!("if os.fork() == 0:\n    import time\n    time.sleep(1)\n    open({mark:?}, 'w')\n    os._exit(0)");
    outcome(&hostile(&child)).unwrap();
    let memory = outcome("x = bytearray(3 << 30)\n").unwrap_err();
    assert!(memory.contains("exit status"), "{memory}");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert!(!mark.exists());
}

#[test]
fn d5_p1_the_doctor_names_each_layer_and_the_node_leaves_no_dumps() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("health");
    yu(&dir, &["init", "--org", "health", "--role", "provider", "--listen", &free_port().to_string()]).ok("init");
    let node = Process::up(&dir);
    let told = yu(&dir, &["doctor"]).ok("doctor");
    let hops = told["hops"].as_array().unwrap();
    for name in ["sandbox", "files", "processes", "dumps", "memory"] {
        let hop = hops.iter().find(|hop| hop["hop"] == name).unwrap_or_else(|| panic!("{name}: {told}"));
        assert!(hop["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{hop}");
    }
    if cfg!(target_os = "linux") {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", node.0.id())).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
        let dumps = hops.iter().find(|hop| hop["hop"] == "dumps").unwrap();
        assert!(!dumps["detail"].as_str().unwrap().contains("MISSING"), "{dumps}");
    }
}

#[test]
fn d8_a_domain_has_one_authority_and_counties_join_it_as_organs() {
    let mut world = World::start(&Plan::default());
    let authority = world.name("authority");
    world.invite("authority", "health").ok("accept");
    // the county's node calls itself an authority: the city's does not admit it, neither does anybody of the domain
    let listen = free_port().to_string();
    let args = ["init", "--org", "county", "--role", "authority", "--listen", &listen, "--authority", "yu://dev/county/n1"];
    yu(&world.dir("county"), &args).ok("init");
    world.up("county");
    for inviter in ["authority", "health"] {
        expect(&world.invite(inviter, "county"), "peer.standing", &["domain.second-authority"]);
        expect(&world.invite("county", inviter), "peer.standing", &["domain.second-authority"]);
    }
    let known = world.yu("authority", &["peer", "list"]).ok("list")["peers"].to_string();
    assert!(known.contains("health") && !known.contains("county"), "{known}");
    // as an organ of the city's domain it takes part, and puts nothing into force itself
    world.join("district", "organ", "yu://dev/watch/n1");
    world.invite("authority", "district").ok("accept");
    let toml = std::fs::read_to_string(world.dir("district").join("node.toml")).unwrap();
    assert!(toml.contains(&authority), "{toml}");
    expect(&world.yu("district", &["profile", "adopt", "zhejiang"]), "state.wrong", &[]);
}

/// A file comes in through quarantine: no job names it before, jobs use it after, what was refused is destroyed with a certificate.
#[test]
fn p3_p4_d11_imports_wait_in_quarantine_and_training_waits_for_a_decision() {
    let world = town();
    let (csv, consent) = (world.file("bank.csv"), world.file("bank-consent.csv"));
    let import = |id: &str, file: &Path, more: &[&str]| {
        let mut args = vec!["dataset", "import", path(file), "--id", id, "--key", "resident_id", "--consent", path(&consent)];
        args.extend(["--source", "own customer records", "--licence", "customer contract"]);
        args.extend(more);
        world.yu("bank", &args)
    };
    expect(&import("accounts", &csv, &[]), "not-found", &["no profile"]);
    adopt(&world);
    activate(&world);
    // formulas and identifiers that nobody declared are named, without a value, and nothing is kept
    let bad = world.file("bad.csv");
    let text = std::fs::read_to_string(&csv).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let rows: Vec<String> = lines.enumerate().map(|(n, line)| format!("{line},1380013{:04},=1+{n}", n % 10_000)).collect();
    std::fs::write(&bad, format!("{header},note,sum\n{}\n", rows.join("\n"))).unwrap();
    let said = import("accounts", &bad, &[]);
    expect(&said, "contract.rule", &["import.formulas", "import.identifiers", "note"]);
    assert!(!said.all.contains("1380013"), "{}", said.all);
    assert_eq!(world.yu("bank", &["dataset", "quarantine"]).ok("quarantine")["quarantine"].as_array().map(Vec::len), Some(0));
    // two files wait; one is approved, the other refused
    let asked = import("accounts2", &csv, &[]).ok("import");
    let refuse = import("accounts3", &csv, &[]).ok("import");
    expect(&import("accounts2", &csv, &[]), "exists", &["quarantine"]);
    until_filed(&world, "authority", "import-request", 2);
    until_filed(&world, "health", "import-request", 2);
    expect(&world.yu("bank", &["dataset", "admit", "accounts2"]), "state.wrong", &["waits"]);
    let listed = world.yu("bank", &["dataset", "list"]).ok("list").to_string();
    assert!(!listed.contains("accounts2"), "{listed}");
    // the other way in is closed, and what came in that way before is not used any more
    let around = world.yu(
        "bank",
        &["dataset", "add", path(&csv), "--id", "accounts4", "--key", "resident_id", "--import-source", "own", "--consent", path(&consent)],
    );
    expect(&around, "contract.rule", &["import.quarantine"]);
    refused(&world, &["import.unapproved"]);
    let decide = |request: &str, verdict: &str| {
        let toml = format!("v = 1\nrequest = \"sha-256:{request}\"\nat = \"2026-06-02T01:00:00Z\"\n[decision]\n{verdict}\n");
        file(&world, "authority", "import-decision", &toml).ok("decision");
    };
    decide(asked["request"].as_str().unwrap(), "verdict = \"approved\"\nuntil = \"2035-01-01T00:00:00Z\"");
    decide(refuse["request"].as_str().unwrap(), "verdict = \"refused\"\nreason = { en = \"not lawful\", zh = \"来源不合法\" }");
    until_filed(&world, "bank", "import-decision", 2);
    let end = Instant::now() + LONG;
    while world.yu("bank", &["dataset", "quarantine"]).all.contains("accounts3") {
        assert!(Instant::now() < end, "what was refused is still there");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert!(world.yu("bank", &["audit", "show"]).all.contains("import.destroyed"));
    let entry = world.yu("bank", &["dataset", "admit", "accounts2"]).ok("admit")["entry"].clone();
    assert_eq!((entry["origin"]["origin"].as_str(), entry["origin"]["licence"].as_str()), (Some("imported"), Some("customer contract")));
    expect(&world.yu("bank", &["dataset", "admit", "accounts2"]), "not-found", &["accounts2"]);
    let keys = std::fs::read_dir(world.dir("bank").join("keys/data")).unwrap();
    let left = keys.filter(|key| key.as_ref().unwrap().file_name().to_string_lossy().starts_with("quarantine-")).count();
    assert_eq!(left, 0, "keys of quarantine are left");
    // the same file under the old name is another import: approved as well, jobs go on
    let request = import("accounts", &csv, &[]).ok("import");
    until_filed(&world, "bank", "import-request", 3);
    decide(request["request"].as_str().unwrap(), "verdict = \"approved\"\nuntil = \"2035-01-01T00:00:00Z\"");
    ["health", "bank", "platform"].iter().for_each(|org| until_filed(&world, org, "import-decision", 3));
    let job = world.submit_and_sign(&world.job());
    world.complete(&job);
    training(&world);
}

/// A regression over full rows needs the authority's decision: for this technique, on these data.
fn training(world: &World) {
    let regression = "authorisation = \"a-1\"\nhelper = \"yu://dev/platform/n1\"\nreviewer = \"yu://dev/authority/n1\"\nreceiver = \"yu://dev/bank/n1\"\n\
         [left]\nparty = \"yu://dev/health/n1\"\ndataset = \"dev/health/visits\"\nkey = [\"resident_id\"]\nnormalise = [\"trim\", \"resident_id\"]\n\
         [right]\nparty = \"yu://dev/bank/n1\"\ndataset = \"dev/bank/accounts\"\nkey = [\"resident_id\"]\nnormalise = [\"trim\", \"resident_id\"]\n\
         [[steps]]\nkind = \"linear_regression\"\ntarget = \"right.balance\"\nfeatures = [\"left.age\", \"left.visits\"]\nridge = 0.01\n";
    let now = yu_orchestrator::keys::now();
    let decide = |technique: &str, datasets: &str| {
        let toml = format!(
            "v = 1\nauthorisation = \"dev/authority/a-1\"\ntechnique = \"{technique}\"\ndatasets = [{datasets}]\nreason = {{ en = \"rare\", zh = \"罕见\" }}\nat = \"{now}\"\nuntil = \"{}\"\n",
            now.plus_days(30)
        );
        file(world, "authority", "training-decision", &toml)
    };
    let both = "\"dev/health/visits\", \"dev/bank/accounts\"";
    expect(&decide("central", both), "contract.rule", &["training.technique"]);
    decide("federated", both).ok("decision");
    until_filed(world, "bank", "training-decision", 1);
    expect(&world.submit(regression), "contract.rule", &["training.raw-data", "dev/health/visits", "dev/bank/accounts"]);
    decide("mpc", both).ok("decision");
    until_filed(world, "bank", "training-decision", 2);
    world.submit(regression).ok("submit");
    // statistics are no training
    world.submit(&world.job()).ok("submit");
}
