//! Marked values are planted in the inputs; none of them, and no unsalted hash of any, is found in what crosses the
//! wire before it is encrypted, in any log, in anything printed, or in anything stored. And nobody but reviewer and
//! receiver has what it takes to see the result. Over QUIC and over TCP; and after jobs that failed in the middle.
//!
//! Not marked: names of columns and categories, which the catalogue publishes; the hash of a whole file, which is its version.

use super::needles::{Needles, fixed, is_telling};
use super::planted::{Planted, plant};
use super::support::{ORGS, PURPOSE, Plan, SCENARIO, World, path};
use super::taps::Taps;
use rusqlite::Connection;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use yu_mpc::rep3::SealedShare;
use yu_orchestrator::home::Home;
use yu_orchestrator::vault::Vault;
use yu_wire::seal::SealKey;

/// Planted where it is public: the search has to find it.
const CONTROL: &str = "a public title 5f0c9a17b3";

fn store(world: &World, org: &str) -> Connection {
    Connection::open(world.dir(org).join("store/yu.sqlite")).unwrap()
}

/// Every regular file below a folder.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap() {
            t if t.is_dir() => found.extend(files(&entry.path())),
            t if t.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}

/// What one organisation stores, logs, sends and receives.
fn holdings(world: &World, org: &str) -> Vec<PathBuf> {
    [files(&world.dir(org)), files(&world.file("taps").join(org))].concat()
}

/// Where needles are, over everything that anybody stores, logs, sends or receives.
fn search(world: &World, needles: &Needles) -> Vec<String> {
    ORGS.iter().flat_map(|(org, _)| search_in(&holdings(world, org), needles)).collect()
}

fn search_in(files: &[PathBuf], needles: &Needles) -> Vec<String> {
    let found = |file: &PathBuf| {
        let names = needles.found_in(&std::fs::read(file).unwrap());
        (!names.is_empty()).then(|| format!("{}: {names:?}", file.display()))
    };
    files.iter().filter_map(found).collect()
}

fn search_said(world: &World, needles: &Needles, except: &[&str]) -> Vec<String> {
    let said = world.said.lock().unwrap();
    let public = said.iter().filter(|(args, _)| !except.iter().any(|verb| args.starts_with(verb)));
    public
        .filter_map(|(args, all)| Some((args, needles.found_in(all.as_bytes()).pop_first()?)))
        .map(|(args, name)| format!("yu {args}: {name}"))
        .collect()
}

/// What people see, in sentences.
fn tell(world: &World, org: &str, args: &[&str]) {
    let out = Command::new(env!("CARGO_BIN_EXE_yu")).arg("--dir").arg(world.dir(org)).args(args).output().unwrap();
    let all = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    world.said.lock().unwrap().push((args.join(" "), all));
}

/// Files that are refused, with marked values where they are wrong.
fn refused_files(world: &World, planted: &Planted) {
    let (one, two) = (&planted.left[0], &planted.left[1]);
    let (id, number, note) = (&one.id, &one.numbers[0], &one.note);
    let good = format!("{id},{number},{note}\n");
    for (name, text) in [
        ("not-a-number", format!("resident_id,age,note\n{good}{},{note},{note}\n", two.id)),
        ("ragged", format!("resident_id,age,note\n{good}{},{number},{note},{number}\n", two.id)),
        ("unfinished-quote", format!("resident_id,age,note\n{good}{},{number},\"{note}\n", two.id)),
        ("scientific", format!("resident_id,age,note\n{good}{}.{}e17,{number},{note}\n", &two.id[..1], &two.id[1..17])),
        ("header-missing", good.repeat(3)),
    ] {
        let file = world.file(&format!("{name}.csv"));
        std::fs::write(&file, text).unwrap();
        let said = world.yu("health", &["dataset", "add", path(&file), "--id", name, "--key", "resident_id"]);
        assert_ne!(said.status, 0, "{name}: {}", said.all);
        tell(world, "health", &["dataset", "add", path(&file), "--id", name, "--key", "resident_id"]);
    }
    // receipts with a marked value in each field that is read
    let head = "resident_id,scenario,purpose,items,not_before,not_after,revoked_at,evidence\n";
    for (n, line) in
        [format!("{id},{SCENARIO},{PURPOSE},age,{note},{note},,{note}\n"), format!("{id},{note},{number}\n")].into_iter().enumerate()
    {
        let (file, health) = (world.file(&format!("receipts-{n}.csv")), world.file("health.csv"));
        std::fs::write(&file, format!("{head}{line}")).unwrap();
        let said = world
            .yu("health", &["dataset", "add", path(&health), "--id", "bad-receipts", "--key", "resident_id", "--consent", path(&file)]);
        assert_ne!(said.status, 0, "{}", said.all);
    }
    // read as it is, refused when somebody wants to compute on it: the same id twice
    let (file, consent) = (world.file("twice.csv"), world.file("consent.csv"));
    std::fs::write(
        &file,
        format!("resident_id,district,age,visits,outpatient_cost\n{}", format!("{id},东,{number},{number},{number}\n").repeat(150)),
    )
    .unwrap();
    world.yu(
        "health",
        &["dataset", "add", path(&file), "--id", "twice", "--key", "resident_id", "--categorical", "district", "--consent", path(&consent)],
    );
}

/// What people may ask of a node about a job.
fn ask_everything(world: &World, job: &str) {
    for (org, _) in ORGS {
        world.yu(org, &["audit", "checkpoint"]).ok("checkpoint");
        for args in [
            &["job", "why", job][..],
            &["job", "watch", job],
            &["job", "list"],
            &["audit", "show"],
            &["dataset", "list"],
            &["peer", "list"],
            &["request", "list"],
        ] {
            world.yu(org, args);
            tell(world, org, args);
        }
    }
}

#[test]
fn p1_p2_nothing_marked_leaves_its_owner_and_nobody_else_can_see_the_result_over_quic() {
    a_whole_job("quic", World::job_joined);
}

#[test]
fn p1_p2_nothing_marked_leaves_its_owner_and_nobody_else_can_see_the_result_over_tcp() {
    a_whole_job("tcp", World::job);
}

/// Too few rows matched after the alignment; and a party is killed in the middle of the alignment.
#[test]
fn p1_p2_nothing_marked_leaves_its_owner_by_jobs_that_fail_in_the_middle() {
    let toml = vec![("auto_sign = false", "auto_sign = true")];
    let mut world = World::start(&Plan { tap: true, node_toml: toml, ..Plan::default() });
    world.introduce();
    let planted = plant(&world, 4000);
    world.add_datasets();
    world.authorise(&world.authorisation());
    world.request_and_approve();
    let limit = std::time::Duration::from_secs(120);
    let everywhere = |world: &World, job: &str| ORGS.map(|(org, _)| world.wait(org, job, &["failed"], limit).1.unwrap());
    let submit = |world: &World, toml: &str| world.submit(toml).ok("submit")["job"].as_str().unwrap().to_owned();

    let matched_too_few = submit(&world, &format!("{}[limits]\nmin_rows = 3500\n", world.job()));
    assert_eq!(everywhere(&world, &matched_too_few), ["rows.too-few-matched"; 4]);

    let killed = submit(&world, &world.job());
    let live = "SELECT COUNT(*) FROM run_key WHERE job=?1 AND what='psi-exponent' AND wiped=0";
    let end = std::time::Instant::now() + limit;
    while store(&world, "bank").query_row(live, [&killed], |r| r.get::<_, i64>(0)).unwrap() == 0 {
        assert!(std::time::Instant::now() < end, "the alignment did not begin: {:?}", world.state("bank", &killed));
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // long enough for points to be on their way, and not for all of them
    std::thread::sleep(std::time::Duration::from_millis(100));
    world.kill("bank");
    world.up("bank");
    let codes = everywhere(&world, &killed);
    assert!(codes.iter().all(|c| c.starts_with("peer.") || c == "node.restarted"), "{codes:?}");

    for job in [&matched_too_few, &killed] {
        ask_everything(&world, job);
    }
    for (org, _) in ORGS {
        world.kill(org);
    }
    for job in [&matched_too_few, &killed] {
        inputs_are_nowhere(&world, &planted, job);
    }
    for (org, _) in ORGS {
        let taps = Taps::read(&world.file("taps").join(org));
        // points of two alignments crossed between the input parties; no share and no result went anywhere
        let points = 2000 * 32;
        assert_eq!(taps.data_bytes(true) > points, ["health", "bank"].contains(&org), "{org}");
        for ask in ["share", "release", "outcome"] {
            assert_eq!((taps.asks(true, ask).len(), taps.asks(false, ask).len()), (0, 0), "{org}: {ask}");
        }
    }
    for job in [&matched_too_few, &killed] {
        nothing_is_left(&world, job, &[]);
    }
}

fn a_whole_job(carrier: &'static str, toml: fn(&World) -> String) {
    let mut world = World::start(&Plan { tap: true, carrier, ..Plan::default() });
    world.introduce();
    let planted = plant(&world, 0);
    refused_files(&world, &planted);
    world.add_datasets();
    let file = world.file("bank.csv");
    world
        .yu(
            "bank",
            &[
                "dataset",
                "add",
                path(&file),
                "--id",
                "titled",
                "--key",
                "resident_id",
                "--title",
                CONTROL,
                "--not-personal",
                "--import-source",
                "own",
            ],
        )
        .ok("add");
    world.authorise(&world.authorisation());
    world.request_and_approve();
    let toml = toml(&world);
    let file = world.file("job.toml");
    std::fs::write(&file, &toml).unwrap();
    for verb in ["check", "explain", "estimate"] {
        world.yu("bank", &["job", verb, path(&file)]).ok(verb);
        tell(&world, "bank", &["job", verb, path(&file)]);
    }
    let job = world.submit_and_sign(&toml);
    world.wait("authority", &job, &["held"], std::time::Duration::from_secs(120));
    world.yu("authority", &["review", "show", &job]).ok("show");
    let shares = shares_at_the_reviewer(&world, &job);
    let released = world.complete(&job);
    ask_everything(&world, &job);
    for peer in ["yu://dev/health/n1", "yu://dev/bank/n1"] {
        world.yu("platform", &["dataset", "list", "--peer", peer]).ok("list");
    }
    for (org, _) in ORGS {
        world.kill(org); // what a write-ahead log holds is left as it is
    }
    inputs_are_nowhere(&world, &planted, &job);
    result_is_nowhere(&world, &job, &released);
    no_party_holds_the_third_component(&world, &job, &shares);
    // from here on the stores are opened, and their write-ahead logs end
    the_taps_hold_everything(&world, &job);
    nothing_is_left(&world, &job, &["bank"]);
}

/// Otherwise the searches would pass because they look at nothing.
fn the_taps_hold_everything(world: &World, job: &str) {
    for (org, _) in ORGS {
        let taps = Taps::read(&world.file("taps").join(org));
        let (sent, received) = (taps.requests(true).len(), taps.requests(false).len());
        assert!(sent > 0 && received > 0, "{org}: {sent} requests sent, {received} received");
        let measured: Option<String> = store(world, org).query_row("SELECT measured FROM job WHERE id = ?1", [job], |r| r.get(0)).unwrap();
        let measured: Value = measured.map_or(Value::Null, |m| serde_json::from_str(&m).unwrap());
        let metered = |key: &str| measured[key].as_u64();
        for (is_sent, key) in [(true, "bytes_sent"), (false, "bytes_received")] {
            assert_eq!(taps.data_bytes(is_sent), metered(key).unwrap_or(0), "{org}: {key}");
        }
        assert_eq!(metered("bytes_sent").is_some(), org != "authority");
    }
    let mut control = Needles::default();
    control.add("control", CONTROL.as_bytes());
    for (org, place) in [("bank", "taps/bank"), ("platform", "taps/platform"), ("bank", "bank/store")] {
        let found = search_in(&files(&world.file(place)), &control);
        assert!(!found.is_empty(), "{org}: a published title is not found in {place}");
    }
    assert!(!search_said(world, &control, &[]).is_empty());
}

fn inputs_are_nowhere(world: &World, planted: &Planted, job: &str) {
    let needles = planted.needles(job);
    println!("{} needles", needles.len());
    // the needles are those of the files
    let sources = ["health.csv", "bank.csv", "consent.csv"].map(|f| world.file(f));
    for source in &sources {
        assert!(needles.found_in(&std::fs::read(source).unwrap()).len() > 240 * 3, "{}", source.display());
    }
    assert_eq!(search(world, &needles), Vec::<String>::new());
    assert_eq!(search_said(world, &needles, &[]), Vec::<String>::new());
}

/// All numbers of a document that are long enough to be told from others.
fn numbers(value: &Value, into: &mut Vec<f64>) {
    match value {
        Value::Array(all) => all.iter().for_each(|v| numbers(v, into)),
        Value::Object(all) => all.values().for_each(|v| numbers(v, into)),
        Value::Number(n) if n.to_string().len() >= 8 => into.push(n.as_f64().unwrap()),
        _ => {}
    }
}

/// In the clear the result is on nobody's disk and wire; sealed, it went to the receiver and to nobody else.
fn result_is_nowhere(world: &World, job: &str, released: &Value) {
    let mut published = Vec::new();
    numbers(&released["result"], &mut published);
    // of six digits each, correlations of the two sides twice; what is shorter could be anything
    assert!(published.len() > 10, "{}", published.len());
    let mut needles = Needles::default();
    for (n, value) in published.iter().enumerate() {
        needles.add_number(&format!("published number {n}"), &value.to_string());
    }
    needles.add_text("document", released["document"].as_str().unwrap());
    needles.add_embedded(
        "salt",
        serde_json::from_str::<Value>(released["document"].as_str().unwrap()).unwrap()["salt"].as_str().unwrap().as_bytes(),
    );
    assert_eq!(search(world, &needles), Vec::<String>::new());
    assert_eq!(search_said(world, &needles, &["review show", "job result"]), Vec::<String>::new());
    assert!(!search_said(world, &needles, &[]).is_empty(), "those two do show it");
    for (org, _) in ORGS {
        let taps = Taps::read(&world.file("taps").join(org));
        let packages = |is_sent| taps.asks(is_sent, "release").iter().filter(|a| a["job"] == job).count();
        assert_eq!(packages(true) > 0, org == "authority", "{org} sent a package");
        assert_eq!(packages(false) > 0, org == "bank", "{org} received a package");
        let shares = |is_sent| taps.asks(is_sent, "share").len();
        assert_eq!(shares(false) > 0, org == "authority", "{org} received shares");
        assert_eq!(shares(true) > 0, org != "authority", "{org} sent its share");
    }
}

const PARTIES: [&str; 3] = ["health", "bank", "platform"];

/// The three shares as the reviewer opens them: for each party both of its components. Nobody else's key opens any.
fn shares_at_the_reviewer(world: &World, job: &str) -> Vec<[Vec<u64>; 2]> {
    let key = |org: &str| {
        let bytes: [u8; 32] = std::fs::read(world.dir(org).join("keys/seal.key")).unwrap().try_into().unwrap();
        SealKey::from_bytes(&bytes).unwrap()
    };
    let taps = Taps::read(&world.file("taps/authority"));
    let mut opened = vec![None; 3];
    for ask in taps.asks(false, "share") {
        let share: SealedShare = serde_json::from_value(ask["share"]["share"].clone()).unwrap();
        let bound = [&b"yu-mpc/output/v1"[..], &[share.party], &share.len.to_le_bytes(), job.as_bytes()].concat();
        for org in PARTIES {
            assert!(key(org).open(b"yu-output-share-v1", &bound, &share.sealed).is_err(), "{org} opens a share");
        }
        let plain = key("authority").open(b"yu-output-share-v1", &bound, &share.sealed).unwrap();
        let words: Vec<u64> = plain.chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().unwrap())).collect();
        let (own, next) = words.split_at(words.len() / 2);
        opened[usize::from(share.party)] = Some([own.to_vec(), next.to_vec()]);
    }
    opened.into_iter().map(Option::unwrap).collect()
}

/// Party `i` holds `x_i` and `x_{i+1}` by construction; here: no word of `x_{i+2}`, nor of the sum, is in anything that it
/// stored, sent or received.
fn no_party_holds_the_third_component(world: &World, job: &str, shares: &[[Vec<u64>; 2]]) {
    let count = shares[0][0].len();
    for (i, org) in PARTIES.into_iter().enumerate() {
        assert_eq!(shares[i][1], shares[(i + 1) % 3][0], "both copies agree");
        let (missing, sum): (Vec<u64>, Vec<u64>) =
            (0..count).map(|w| (shares[(i + 2) % 3][0][w], shares.iter().fold(0_u64, |sum, s| sum.wrapping_add(s[0][w])))).unzip();
        let mut needles = Needles::default();
        let mut looked = 0;
        for (w, word) in missing.iter().enumerate() {
            // zero in what a party gave as its own input; small in the count of matched rows, which all three agree on
            if is_telling(*word) {
                needles.add(format!("missing component of word {w}"), &word.to_le_bytes());
                looked += 1;
            }
        }
        // the diagonal of a correlation matrix is one, and known to be
        sum.iter()
            .enumerate()
            .filter(|(_, s)| is_telling(**s) && **s != fixed(1.0, 30))
            .for_each(|(w, s)| needles.add(format!("opened word {w}"), &s.to_le_bytes()));
        assert!(looked * 4 > count, "{org}: {looked} of {count}");
        assert_eq!(search_in(&holdings(world, org), &needles), Vec::<String>::new(), "{org} in job {job}");
    }
    // the search does find components where they are: the left party sends one of its means' to the right one
    let mut control = Needles::default();
    shares[1][0].iter().filter(|w| **w != 0).for_each(|w| control.add("x_1", &w.to_le_bytes()));
    for org in ["health", "bank"] {
        assert!(!search_in(&files(&world.file("taps").join(org)), &control).is_empty(), "{org}");
    }
}

/// Working copies and their keys are destroyed, sealed shares dropped, the result is in its receivers' vaults only.
fn nothing_is_left(world: &World, job: &str, receivers: &[&str]) {
    for (org, _) in ORGS {
        let home = Home::new(world.dir(org));
        let of_job: Vec<String> = Vault::open(&home).unwrap().ids().into_iter().filter(|id| id.contains(job)).collect();
        let expected: &[String] = if receivers.contains(&org) { &[format!("result-{job}")] } else { &[] };
        assert_eq!(of_job, expected, "{org}");
        let blobs: Vec<PathBuf> = files(&home.path("store/blobs")).into_iter().filter(|f| f.to_str().unwrap().contains(job)).collect();
        assert_eq!(blobs.len(), expected.len(), "{org}: {blobs:?}");
        let store = store(world, org);
        for table in ["share", "outbox"] {
            let rows: i64 = store.query_row(&format!("SELECT COUNT(*) FROM {table} WHERE job = ?1"), [job], |r| r.get(0)).unwrap();
            assert_eq!(rows, 0, "{org}: {table}");
        }
        let certificates: i64 = store.query_row("SELECT COUNT(*) FROM object WHERE kind = 'certificate'", [], |r| r.get(0)).unwrap();
        assert!(certificates > 0, "{org}");
    }
}
