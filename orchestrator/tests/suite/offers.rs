//! What a provider tells before there is a contract: the rows that the run will find, never few of them, so many times a day, and
//! always in the log.

use super::rig::{LONG, expect};
use super::support::{Plan, World, path};
use yu_orchestrator::home::Home;
use yu_orchestrator::store::Store;

const HEALTH: &str = "yu://dev/health/n1";
const BANK: &str = "yu://dev/bank/n1";
const VISITS: &str = "dev/health/visits";
/// Subjects who also consented to the use of their cost.
const FEW: usize = 40;

/// Everything up to the approved requests; all columns are granted, but few subjects consented to the use of one of them.
fn ready() -> World {
    let world = World::start(&Plan { node_toml: vec![("auto_sign = false", "auto_sign = true")], ..Plan::default() });
    world.introduce();
    world.residents(400);
    let file = world.file("consent.csv");
    let mut lines: Vec<String> = std::fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect();
    for line in lines.iter_mut().skip(1 + FEW) {
        assert!(line.contains("|outpatient_cost"), "{line}");
        *line = line.replace("|outpatient_cost", "");
    }
    std::fs::write(&file, lines.join("\n") + "\n").unwrap();
    world.add_datasets();
    world.authorise(&world.authorisation());
    world.request_and_approve();
    world
}

fn salts(world: &World) -> usize {
    let keys = std::fs::read_dir(world.dir("health").join("keys/data")).unwrap();
    keys.filter(|key| key.as_ref().unwrap().file_name().to_string_lossy().contains("salt-")).count()
}

#[test]
fn what_is_offered_is_what_the_run_finds_and_never_a_few_rows() {
    let world = ready();
    let log = |verb: &str| world.yu("health", &["audit", "show"]).all.matches(verb).count();
    // a job that reads the cost: few subjects agreed to that, and how few is not told
    let fault = world.submit(&world.job());
    expect(&fault, "rows.too-few", &[HEALTH, "100"]);
    assert!(!fault.all.contains(&format!("{FEW} rows")), "{}", fault.all);
    assert_eq!((log("offer.refused"), log("offer.stated")), (1, 0));

    // one that does not read it: consent to the cost is not asked for, neither before nor in the run
    let toml = world.job().replace(", \"outpatient_cost\"", "");
    let file = world.file("job.toml");
    std::fs::write(&file, &toml).unwrap();
    let explained = world.yu("bank", &["job", "explain", path(&file)]).ok("explain");
    let inputs = explained["contract"]["inputs"].as_array().unwrap();
    let offered = inputs.iter().find(|input| input["party"] == HEALTH).unwrap()["rows"].as_str().unwrap().to_owned();
    let job = world.submit(&toml).ok("submit")["job"].as_str().unwrap().to_owned();
    world.complete(&job);
    let events = Store::open(&Home::new(world.dir("health"))).unwrap().events(&job, 0).unwrap();
    let opened = events.iter().find(|event| event.verb == "data-opened").unwrap();
    let count = |name: &str| opened.detail[name].as_u64().unwrap();
    assert_eq!((count("rows") + count("failed_keys")).to_string(), offered);

    // asked again and again: one statement for each question, one salt
    for toml in [toml.clone(), world.job_joined().replace(", \"outpatient_cost\"", ""), toml.clone()] {
        let job = world.submit(&toml).ok("submit")["job"].as_str().unwrap().to_owned();
        world.wait("authority", &job, &["held"], LONG);
    }
    assert_eq!((log("offer.stated"), salts(&world)), (2, 1));

    // and not without end
    let store = Store::open(&Home::new(world.dir("health"))).unwrap();
    let today = yu_orchestrator::job::bundle::day();
    while store.count_question(VISITS, BANK, &today, 100).unwrap() {}
    let other = toml.replace("normalise = [\"trim\", \"resident_id\"]", "normalise = [\"trim\"]");
    expect(&world.submit(&other), "runs.exceeded", &[HEALTH]);
    assert_eq!(salts(&world), 1);
}

#[test]
fn the_subject_is_named_in_the_catalogue() {
    let world = World::start(&Plan::default());
    world.residents(400);
    let (file, consent) = (world.file("health.csv"), world.file("consent.csv"));
    let mut args = vec!["dataset", "add", path(&file), "--id", "visits", "--key", "resident_id,district", "--consent", path(&consent)];
    // of two keys nobody guesses the one
    expect(&world.yu("health", &args), "contract.rule", &["catalogue.subject-column"]);
    args.extend(["--subject", "resident_id"]);
    assert_eq!(world.yu("health", &args).ok("add")["entry"]["subject_column"], "resident_id");
    args.pop();
    args.push("passport");
    expect(&world.yu("health", &args), "column.missing", &["passport"]);
}
