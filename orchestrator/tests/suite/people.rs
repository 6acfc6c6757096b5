//! People on nodes: an organisation that has enrolled people acts through them only, by post; what they do is in the log by number; a real OpenID Connect
//! service opens sessions (H1, H2, H3, H4, H5, D10, D12).

use super::docket::{file, sign_waiting, template, until_filed};
use super::procedures::{activate, adopt, town};
use super::rig::{LONG, expect, fault_of, logs_verify};
use super::support::{Process, Said, World, free_port, path};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Somebody of the bank.
struct Person {
    id: String,
    name: String,
    post: &'static str,
}

impl Person {
    fn new(n: u8, post: &'static str) -> Self {
        Self { id: format!("dev/bank/p-{n}"), name: format!("sha-256:{}", format!("{n:02x}").repeat(32)), post }
    }

    /// An example of the bank's security administrator, for this person.
    fn toml(&self, world: &World, kind: &str) -> String {
        let example = "sha-256:0000000000000000000000000000000000000000000000000000000000000001";
        let text = template(world, "bank", kind).replace("dev/bank/p-1\"", &format!("{}\"", self.id));
        text.replace(example, &self.name).replace("security-administrator", self.post)
    }

    fn key(&self, world: &World) -> PathBuf {
        world.file(&format!("{}.key", self.id.replace('/', "-")))
    }

    fn file(&self, world: &World, kind: &str) -> Said {
        file(world, "bank", kind, &self.toml(world, kind))
    }

    /// Record, access opened by the authority's person, key and credential.
    fn admit(&self, world: &World, count: usize) {
        self.file(world, "person-record").ok("record");
        self.open(world, count);
    }

    fn open(&self, world: &World, count: usize) {
        let asked = self.file(world, "person-activation").ok("activation");
        assert!(asked["say"].to_string().contains("waits for yu://dev/authority/n1"), "{asked}");
        sign_waiting(world, "authority", "person-activation");
        until_filed(world, "bank", "person-activation", count);
        let made = world.yu("bank", &["person", "key", path(&self.key(world))]).ok("key");
        self.credential(world, made["key"].as_str().unwrap()).ok("credential");
        until_filed(world, "bank", "person-credential", count);
    }

    fn credential(&self, world: &World, key: &str) -> Said {
        let example = "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let toml = self.toml(world, "person-credential").replace(example, key).replace("2026-06-01", "2026-01-01");
        // a year at most from the moment of filing: half a year from now, whenever now is
        let end = now() + 180 * 86_400;
        file(
            world,
            "bank",
            "person-credential",
            &toml.replace("2026-12-01T00:00:00Z", &yu_governance::clock::Time::from_unix(end).to_string()),
        )
    }

    fn login(&self, world: &World, org: &str) -> Said {
        world.yu(org, &["login", "--person", &self.id, "--key", path(&self.key(world))])
    }
}

fn now() -> i64 {
    i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Entries of a node's log with this verb.
fn entries(world: &World, org: &str, verb: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(world.dir(org).join("audit/entries.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).filter(|entry| entry["verb"] == verb).collect()
}

fn contacts(world: &World) -> Said {
    file(world, "bank", "organisation-contacts", &template(world, "bank", "organisation-contacts"))
}

#[test]
fn h1_h2_h3_h4_d12_an_organisation_with_people_acts_through_them_by_post_and_the_log_names_them() {
    let world = town();
    // nobody is enrolled: whoever may speak to the socket acts
    expect(&world.yu("bank", &["whoami"]), "state.wrong", &["person.none"]);
    adopt(&world);
    activate(&world);
    let (security, manager, principal) =
        (Person::new(1, "security-administrator"), Person::new(2, "manager"), Person::new(9, "operations"));
    world.yu("bank", &["key", "new", "before"]).ok("nobody is enrolled yet");
    security.file(&world, "person-record").ok("record");
    until_filed(&world, "bank", "person-record", 1);
    // from now on nothing is signed without a person, and a missing step is named
    expect(&world.submit(&world.job()), "policy.refused", &["person.login-needed"]);
    expect(&world.yu("bank", &["key", "new", "after"]), "policy.refused", &["person.login-needed"]);
    expect(&world.yu("bank", &["peer", "invite"]), "policy.refused", &["person.login-needed"]);
    expect(&world.yu("bank", &["audit", "checkpoint"]), "policy.refused", &["person.login-needed"]);
    let record = template(&world, "bank", "catalogue-record");
    expect(&file(&world, "bank", "catalogue-record", &record), "policy.refused", &["person.login-needed"]);
    world.yu("bank", &["job", "list"]).ok("looking needs nobody");
    let key = "ed25519:3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    expect(&security.credential(&world, key), "contract.rule", &["activation.missing"]);
    contacts(&world).ok("contacts");
    security.open(&world, 1);
    // the security administrator is there: people are his or hers alone from now on
    expect(&manager.file(&world, "person-record"), "policy.refused", &["person.login-needed"]);
    let other = world.file("other.key");
    world.yu("bank", &["person", "key", path(&other)]).ok("key");
    expect(&world.yu("bank", &["person", "key", path(&other)]), "exists", &["never written over"]);
    expect(&world.yu("bank", &["login", "--person", &security.id, "--key", path(&other)]), "policy.refused", &["login.signature"]);
    for _ in 0..5 {
        expect(&world.yu("bank", &["login", "--person", "dev/bank/p-7", "--key", path(&other)]), "policy.refused", &["person.missing"]);
    }
    expect(&world.yu("bank", &["login", "--person", "dev/bank/p-7", "--key", path(&other)]), "policy.refused", &["login.locked"]);
    expect(&security.login(&world, "authority"), "state.wrong", &["person.none"]);
    let said = security.login(&world, "bank").ok("login");
    assert!(said["token"].is_null() && said["posts"][0] == "security-administrator", "{said}");
    // the security officer is a contact: what is wrong is said first
    assert!(said["say"].to_string().contains("ALARM: several logins of dev/bank/p-7") && said["alarms"] == 1, "{said}");
    assert_eq!(world.yu("bank", &["whoami"]).ok("whoami")["person"], security.id.as_str());
    world.yu("bank", &["key", "new", "after"]).ok("keys are the security administrator's");
    for verb in [&["peer", "invite"][..], &["audit", "checkpoint"], &["destroy", "--dataset", "accounts"]] {
        expect(&world.yu("bank", verb), "policy.refused", &["person.post", &security.id]);
    }
    expect(&world.submit(&world.job()), "policy.refused", &["person.post"]);
    manager.admit(&world, 2);
    // one at a time: the session file now is the manager's
    let first = std::fs::read(world.dir("bank").join("session")).unwrap();
    manager.login(&world, "bank").ok("login");
    expect(&principal.file(&world, "person-record"), "policy.refused", &["person.post", &manager.id]);
    expect(&world.yu("bank", &["key", "new", "third"]), "policy.refused", &["person.post"]);
    // H4: the first responsible is nobody of the bank yet
    let said = world.submit(&world.job());
    let told = match said.json["job"].as_str() {
        None => said.all,
        Some(job) => {
            world.wait("bank", job, &["failed", "refused"], LONG);
            fault_of(&world, "bank", job).to_string()
        }
    };
    assert!(told.contains("contacts.unknown") && told.contains("p-9"), "{told}");
    security.login(&world, "bank").ok("login");
    principal.file(&world, "person-record").ok("record");
    until_filed(&world, "bank", "person-record", 3);
    manager.login(&world, "bank").ok("login");
    let job = world.submit_and_sign(&world.job());
    world.complete(&job);
    // H2: the signature under the contract is the node's, the act the manager's
    let signed = entries(&world, "bank", "job.proposed");
    assert!(signed.iter().any(|entry| entry["object"]["person"] == manager.id.as_str()), "{signed:?}");
    let acted = entries(&world, "bank", "person.acted");
    let of = |person: &Person, act: &str| {
        acted.iter().any(|entry| entry["object"]["person"] == person.id.as_str() && entry["object"]["act"] == act)
    };
    assert!(of(&manager, "sign") && of(&security, "keys") && of(&security, "people") && !of(&manager, "people"), "{acted:?}");
    let made = entries(&world, "bank", "key.made");
    let by: Vec<&Value> = made.iter().map(|entry| &entry["object"]["person"]).collect();
    assert_eq!(by, [&Value::Null, &Value::from(security.id.as_str())]);
    assert!(entries(&world, "bank", "person.refused").len() >= 8 && entries(&world, "bank", "login.refused").len() >= 2);

    // other nodes learn that there are people, not who; nothing that would open a session is in a log
    let hidden = world.yu("health", &["docket", "list", "--kind", "person-record"]).ok("list");
    let place = hidden["lines"][0]["line"].to_string();
    assert!(world.yu("health", &["docket", "show", &place]).ok("show")["filed"]["document"].is_null());
    let token = String::from_utf8(std::fs::read(world.dir("bank").join("session")).unwrap()).unwrap();
    for file in ["audit/entries.jsonl", "node.log", "store/yu.sqlite"] {
        let bytes = std::fs::read(world.dir("bank").join(file)).unwrap_or_default();
        assert!(!bytes.windows(token.len()).any(|part| part == token.as_bytes()), "{file} holds the token");
    }
    // the authority disables the manager: the session is over at once, and no other begins
    let hash =
        world.yu("bank", &["docket", "list", "--kind", "person-record"]).ok("list")["lines"][1]["document"].as_str().unwrap().to_owned();
    let end = template(&world, "authority", "person-disabling")
        .replace("dev/bank/p-1\"", &format!("{}\"", manager.id))
        .replace("yu://dev/bank/n1", "yu://dev/authority/n1")
        .replace(&format!("sha-256:{}", "0".repeat(64)), &hash);
    file(&world, "authority", "person-disabling", &end).ok("disable");
    until_filed(&world, "bank", "person-disabling", 1);
    until_filed(&world, "health", "person-disabling", 1);
    expect(&world.submit(&world.job()), "policy.refused", &["person.disabled"]);
    expect(&manager.login(&world, "bank"), "policy.refused", &["person.disabled"]);
    // the first session still stands for itself, until it is left
    std::fs::write(world.dir("bank").join("session"), &first).unwrap();
    assert_eq!(world.yu("bank", &["whoami"]).ok("whoami")["person"], security.id.as_str());
    world.yu("bank", &["logout"]).ok("logout");
    assert!(!world.dir("bank").join("session").exists());
    std::fs::write(world.dir("bank").join("session"), &first).unwrap();
    expect(&world.yu("bank", &["key", "new", "fourth"]), "policy.refused", &["person.login-needed"]);
    std::fs::write(world.dir("bank").join("session"), "0".repeat(64)).unwrap();
    expect(&world.yu("bank", &["key", "new", "fifth"]), "policy.refused", &["person.login-needed"]);
    logs_verify(&world, &["authority", "health", "bank", "platform", "watch"]);
}

/// The service in a folder of its own, or why the test is skipped.
fn provider() -> Option<PathBuf> {
    let is_demanded = std::env::var_os("YU_OIDC").is_some_and(|value| value == "1");
    let has = |program: &str| {
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    };
    if !has("node") || !has("npm") {
        assert!(!is_demanded, "YU_OIDC=1 and no node or npm here");
        eprintln!("skipped: node and npm are not here");
        return None;
    }
    let folder = std::env::temp_dir().join("yu-oidc-provider-9.13.3");
    if !folder.join("node_modules/oidc-provider").is_dir() {
        if !is_demanded {
            eprintln!("skipped: oidc-provider is not installed (YU_OIDC=1 installs it)");
            return None;
        }
        std::fs::create_dir_all(&folder).unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "oidc-provider@9.13.3"]).current_dir(&folder);
        assert!(npm.stdout(Stdio::null()).status().unwrap().success(), "npm install failed");
    }
    Some(folder)
}

/// Asks the service's own hand.
fn hand(port: u16, target: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// One login through the service, by a browser that is this user's.
fn through(world: &World, port: u16, user: &str) -> Said {
    let dir = world.dir("bank");
    let mut command = Command::new(env!("CARGO_BIN_EXE_yu"));
    let mut login =
        command.args(["--json", "--dir", path(&dir), "login", "--service"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(login.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let Some(url) = first["url"].as_str() else {
        return Said { status: login.wait().unwrap().code().unwrap_or(-1), json: first.clone(), all: first.to_string() };
    };
    let escaped: String = url.bytes().map(|b| format!("%{b:02X}")).collect();
    let seen = hand(port, &format!("/test/browse?user={user}&url={escaped}"));
    let last = if seen.contains("Yu:") {
        lines.next().unwrap().unwrap()
    } else {
        // the service let nobody through: nobody comes back
        login.kill().unwrap();
        format!("{{\"fault\":{{\"code\":\"service\",\"detail\":{}}}}}", Value::from(seen))
    };
    let status = login.wait().unwrap().code().unwrap_or(-1);
    Said { status, json: serde_json::from_str(&last).unwrap(), all: last }
}

fn link(world: &World, person: &Person, subject: &str) -> Said {
    let dir = world.dir("bank");
    let mut command = Command::new(env!("CARGO_BIN_EXE_yu"));
    let mut child = command
        .args(["--json", "--dir", path(&dir), "person", "link", &person.id])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(subject.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    let all = String::from_utf8(out.stdout).unwrap();
    Said { status: out.status.code().unwrap_or(-1), json: serde_json::from_str(all.trim()).unwrap_or_default(), all }
}

fn start(folder: &Path, port: u16, redirect: &str, seconds: &str) -> Process {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/oidc.mjs");
    let (mut command, number) = (Command::new("node"), port.to_string());
    command.arg(script).args([number.as_str(), "yu-bank", redirect, seconds]).current_dir(folder);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null());
    let process = Process(child.spawn().unwrap());
    let end = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "the login service does not start");
        std::thread::sleep(Duration::from_millis(100));
    }
    process
}

#[test]
fn d10_people_log_in_through_a_real_openid_connect_service_and_are_out_when_it_disables_them() {
    const LIFE: i64 = 15;
    let Some(folder) = provider() else { return };
    let (port, back) = (free_port().port(), free_port().port());
    let redirect = format!("http://127.0.0.1:{back}/callback");
    let service = start(&folder, port, &redirect, &LIFE.to_string());
    let mut world = town();
    adopt(&world);
    let config = format!("\n[login]\nissuer = \"http://127.0.0.1:{port}\"\nclient = \"yu-bank\"\nredirect = \"{redirect}\"\n");
    let toml = world.dir("bank").join("node.toml");
    std::fs::write(&toml, std::fs::read_to_string(&toml).unwrap() + &config).unwrap();
    world.kill("bank");
    world.up("bank");
    let security = Person::new(1, "security-administrator");
    contacts(&world).ok("contacts");
    security.admit(&world, 1);
    security.login(&world, "bank").ok("by key");
    // a login that is nobody's opens nothing, also for whoever is known to the service
    let stranger = through(&world, port, "alice");
    expect(&stranger, "policy.refused", &["session.login-unknown"]);
    link(&world, &security, "alice\n").ok("link");
    assert!(link(&world, &security, "bob").all.contains("mapping.person-taken"));
    world.yu("bank", &["logout"]).ok("logout");
    assert_eq!(link(&world, &security, "carol").fault(), Some("policy.refused"));
    let opened = Instant::now();
    let said = through(&world, port, "alice").ok("login");
    assert_eq!(said["person"], security.id.as_str());
    world.yu("bank", &["key", "new", "by-service"]).ok("act");
    assert_eq!(entries(&world, "bank", "key.made").last().unwrap()["object"]["person"], security.id.as_str());
    let logged = entries(&world, "bank", "person.logged-in");
    assert!(logged.iter().any(|entry| entry["object"]["by"] == "service"), "{logged:?}");
    // what the service calls the person stands nowhere
    for file in ["audit/entries.jsonl", "store/yu.sqlite", "node.log"] {
        let bytes = std::fs::read(world.dir("bank").join(file)).unwrap_or_default();
        assert!(!bytes.windows(5).any(|part| part == b"alice"), "{file} names the login");
    }
    // disabled there: out here at the end of the token, and no further login
    hand(port, "/test/disable?user=alice");
    let end = opened + Duration::from_secs(u64::try_from(LIFE).unwrap() + 10);
    while world.yu("bank", &["whoami"]).status == 0 {
        assert!(Instant::now() < end, "the session outlives the token");
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(opened.elapsed() < Duration::from_secs(u64::try_from(LIFE).unwrap() + 10));
    expect(&world.yu("bank", &["key", "new", "late"]), "policy.refused", &["person.login-needed"]);
    assert_ne!(through(&world, port, "alice").status, 0);
    // the link ends here as well
    security.login(&world, "bank").ok("by key");
    world.yu("bank", &["person", "unlink", &security.id]).ok("unlink");
    expect(&world.yu("bank", &["person", "unlink", &security.id]), "not-found", &[&security.id]);
    assert!(link(&world, &security, "alice").all.contains("mapping.subject-taken"), "a dead login is not given on");
    // without the service nobody comes in through it
    drop(service);
    let away = through(&world, port, "bob");
    assert_eq!(away.fault(), Some("network.unreachable"), "{}", away.all);
    logs_verify(&world, &["bank", "authority"]);
}
