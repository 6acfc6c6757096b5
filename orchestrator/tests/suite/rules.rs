//! Faults of rules, policies and parties around one job: each has its stable code, and nothing is released.

use super::rig::{LONG, expect, expect_failed, fault_of, no_job, nothing_released};
use super::support::{Plan, Said, World, path};
use std::time::Duration;
use yu_desensitize::resident::Population;
use yu_desensitize::write::write_csv;

const COLUMNS: &str = "resident_id,district,age,visits,outpatient_cost";

/// A data set of health for the job, with receipts for all of its residents unless told otherwise.
fn add(world: &World, id: &str, csv: &str, consent: bool) {
    let file = world.file(&format!("{id}.csv"));
    std::fs::write(&file, csv).unwrap();
    let mut args = vec!["dataset", "add", path(&file), "--id", id, "--key", "resident_id", "--categorical", "district"];
    let receipts = world.file(&format!("{id}-consent.csv"));
    if consent {
        let mut text = String::from("resident_id,scenario,purpose,items,not_before,not_after,revoked_at\n");
        let mut seen = std::collections::BTreeSet::new();
        let items = csv.lines().next().unwrap().replace(',', "|");
        for line in csv.lines().skip(1) {
            let subject = line.split(',').next().unwrap();
            if seen.insert(subject) {
                text.push_str(&format!(
                    "{subject},{},{},{items},2025-01-01T00:00:00Z,2035-01-01T00:00:00Z,\n",
                    super::support::SCENARIO,
                    super::support::PURPOSE
                ));
            }
        }
        std::fs::write(&receipts, text).unwrap();
        args.extend(["--consent", path(&receipts)]);
    }
    world.yu("health", &args).ok("add");
}

/// Lines of health.csv: header and rows.
fn visits(world: &World) -> (String, Vec<String>) {
    let text = std::fs::read_to_string(world.file("health.csv")).unwrap();
    let mut lines = text.lines().map(str::to_owned);
    (lines.next().unwrap(), lines.collect())
}

fn csv(header: &str, rows: impl IntoIterator<Item = String>) -> String {
    rows.into_iter().fold(format!("{header}\n"), |text, row| text + &row + "\n")
}

fn submit(world: &World, dataset: &str) -> Said {
    world.submit(&world.job().replace("dev/health/visits", &format!("dev/health/{dataset}")))
}

fn request(world: &World, authorisation: &str, dataset: &str, columns: &str) -> Said {
    world.yu(
        "bank",
        &[
            "request",
            "send",
            "--authorisation",
            authorisation,
            "--provider",
            "yu://dev/health/n1",
            "--dataset",
            dataset,
            "--columns",
            columns,
        ],
    )
}

fn sign_all(world: &World, job: &str, orgs: &[&str]) {
    for org in orgs {
        world.wait(org, job, &["proposed"], LONG);
        world.yu(org, &["job", "approve", job]).ok("approve");
    }
}

/// All data sets and documents of the tests below.
fn world() -> World {
    let world = World::start(&Plan { rows: 400, resume_limit_s: 10, ..Plan::default() });
    world.introduce();
    world.residents(400);
    world.add_datasets();
    let (header, rows) = visits(&world);
    let district = header.split(',').position(|c| c == "district").unwrap();
    add(&world, "twice", &csv(&header, rows.iter().chain(&rows[..1]).cloned()), true);
    add(&world, "small", &csv(&header, rows[..60].iter().cloned()), true);
    add(&world, "bare", &csv(&header, rows.iter().cloned()), false);
    // the first rows of one district only keep their name: the group is below the minimum
    let mut kept = 0;
    let rare = rows.iter().map(|row| {
        let mut fields: Vec<&str> = row.split(',').collect();
        kept += 1;
        fields[district] = if kept <= 2 { "rare" } else { "common" };
        fields.join(",")
    });
    add(&world, "rare", &csv(&header, rare), true);
    let strangers = Population::new(99, 400, 400, 0.1).unwrap();
    let file = world.file("strangers.csv");
    write_csv(&strangers.health().unwrap(), &file).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    add(&world, "strangers", &text, true);

    let mut toml = world.authorisation();
    let plan = toml.split_off(toml.find("[contingency_plan]").unwrap());
    let columns = COLUMNS.split(',').map(|c| format!("\"{c}\"")).collect::<Vec<_>>().join(", ");
    for id in ["twice", "small", "bare", "rare", "strangers"] {
        toml.push_str(&format!("[[datasets]]\ndataset = \"dev/health/{id}\"\ncolumns = [{columns}]\n"));
    }
    world.authorise(&(toml + &plan));
    world.request_and_approve();
    for id in ["twice", "small", "bare", "rare", "strangers"] {
        let sent = request(&world, "a-1", &format!("dev/health/{id}"), COLUMNS).ok("request");
        world.yu("health", &["request", "approve", sent["id"].as_str().unwrap()]).ok("approve");
    }
    world
}

#[test]
fn what_can_be_found_before_the_start_is_found_by_check_and_submit() {
    let world = world();
    let job = world.job();
    // the job file
    expect(&world.submit(&job.replace("helper =", "helpper =")), "input.bad", &["line 4", "helpper"]);
    expect(&world.submit(&job.replace("\"age\"", "\"agee\"")), "column.missing", &["agee", "age", "yu://dev/health/n1"]);
    expect(&world.submit(&job.replace("\"age\"", "\"systolic\"")), "column.beyond-approval", &["systolic"]);
    expect(&world.submit(&job.replace("question =", "purpose = \"advertising\"\nquestion =")), "purpose.mismatch", &["purpose"]);
    expect(&world.submit(&job.replace("yu://dev/platform/n1", "yu://dev/nobody/n1")), "peer.unknown", &["yu://dev/nobody/n1"]);
    expect(&world.submit(&job.replace("dev/health/visits", "dev/health/gone")), "not-found", &["dev/health/gone", "yu://dev/health/n1"]);
    expect(&world.submit(&job.replace("\"a-1\"", "\"a-9\"")), "authorisation.missing", &["a-9"]);
    // the data
    // where in its file exactly, only the owner is told
    expect(&submit(&world, "twice"), "key.duplicate", &["yu://dev/health/n1"]);
    expect(&submit(&world, "small"), "rows.too-few", &["yu://dev/health/n1"]);
    expect(&submit(&world, "bare"), "policy.refused", &["yu://dev/health/n1"]);
    expect(&world.submit(&format!("{job}[limits]\nmax_ratio = 1\n")), "rows.ratio", &[]);
    // requests
    expect(
        &request(&world, "a-1", "dev/health/visits", "resident_id,systolic"),
        "column.beyond-approval",
        &["systolic", "dev/health/visits"],
    );
    expect(&request(&world, "a-9", "dev/health/visits", "resident_id"), "authorisation.missing", &["a-9"]);
    let stranger = [
        "request",
        "send",
        "--authorisation",
        "a-1",
        "--provider",
        "yu://dev/nobody/n1",
        "--dataset",
        "dev/health/visits",
        "--columns",
        "age",
    ];
    expect(&world.yu("bank", &stranger), "peer.unknown", &["yu://dev/nobody/n1"]);
    // `job check` says the same without proposing anything
    let file = world.file("check.toml");
    std::fs::write(&file, job.replace("\"age\"", "\"systolic\"")).unwrap();
    let said = world.yu("bank", &["job", "check", path(&file)]);
    assert_eq!(said.status, 4, "{}", said.all);
    assert!(said.all.contains("systolic"), "{}", said.all);
    std::fs::write(&file, &job).unwrap();
    world.yu("bank", &["job", "check", path(&file)]).ok("check");
    no_job(&world);
    authorisations(&world);
    // the licensee's own data pass for public data of a provider, whose approval it could give itself
    world.add_datasets_of_bank(&[]);
    expect(&world.submit(&job), "contract.rule", &["origin.import-undeclared", "dev/bank/accounts", "yu://dev/bank/n1"]);
    no_job(&world);
}

/// Terms and plans of authorisations.
fn authorisations(world: &World) {
    let text = world.authorisation().replace("\"a-1\"", "\"a-2\"");
    let plan = text.find("[contingency_plan]").unwrap();
    expect(&world.sign(&text[..plan]), "plan.missing", &["a-2"]);
    expect(&world.sign(&text.replace("scope = \"leak or loss\"", "scope = \"\"")), "plan.missing", &[]);
    expect(&world.sign(&text.replace("2028-01-01", "2026-02-01")), "authorisation.expired", &["2026-02-01"]);
    expect(&world.sign(&text.replace("scope =", "scop =")), "input.bad", &["scop"]);
    let at = |plus: i64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        yu_governance::clock::Time::from_unix(i64::try_from(now).unwrap() + plus).to_string()
    };
    // one that begins tomorrow, and one that ends in a few seconds
    let later = text.replace("2026-01-01T00:00:00Z", &at(86_400));
    let short = world.authorisation().replace("\"a-1\"", "\"a-3\"").replace("2028-01-01T00:00:00Z", &at(6));
    for (id, toml) in [("a-2", &later), ("a-3", &short)] {
        world.sign(toml).ok("sign");
        let end = std::time::Instant::now() + LONG;
        while !["health", "bank"].iter().all(|o| world.yu(o, &["authorisation", "list"]).all.contains(&format!("/{id}\""))) {
            assert!(std::time::Instant::now() < end, "{id} does not arrive");
            std::thread::sleep(Duration::from_millis(50));
        }
        for (provider, dataset, columns) in
            [("health", "dev/health/visits", COLUMNS), ("authority", "dev/bank/accounts", "resident_id,income,balance")]
        {
            let name = format!("yu://dev/{provider}/n1");
            let sent = world
                .yu("bank", &["request", "send", "--authorisation", id, "--provider", &name, "--dataset", dataset, "--columns", columns])
                .ok("request");
            world.yu(provider, &["request", "approve", sent["id"].as_str().unwrap()]).ok("approve");
        }
    }
    expect(&world.submit(&world.job().replace("\"a-1\"", "\"a-2\"")), "authorisation.not-yet-valid", &["a-2"]);
    std::thread::sleep(Duration::from_secs(6));
    expect(&world.submit(&world.job().replace("\"a-1\"", "\"a-3\"")), "authorisation.expired", &["a-3"]);
}

#[test]
fn a_job_that_must_not_go_on_ends_everywhere_by_name_and_releases_nothing() {
    let world = world();

    // a person refuses
    let job = world.submit(&world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
    world.wait("health", &job, &["proposed"], LONG);
    world.yu("health", &["job", "refuse", &job, "--reason", "wrong month"]).ok("refuse");
    expect_failed(&world, &["bank"], &job, "party.refused", &["yu://dev/health/n1", "wrong month"]);
    expect_failed(&world, &["platform", "authority"], &job, "party.refused", &[]);
    nothing_released(&world, &job);

    // a person halts it after some have signed
    let job = world.submit(&world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
    sign_all(&world, &job, &["health", "platform"]);
    world.yu("platform", &["job", "halt", &job, "--reason", "risk report 7"]).ok("halt");
    expect_failed(&world, &["bank", "health", "platform", "authority"], &job, "job.halted", &["yu://dev/platform/n1", "risk report 7"]);
    nothing_released(&world, &job);

    // the source changes between signature and start
    let job = world.submit(&world.job()).ok("submit")["job"].as_str().unwrap().to_owned();
    sign_all(&world, &job, &["health", "platform"]);
    world.wait("authority", &job, &["proposed"], LONG);
    let good = std::fs::read(world.file("health.csv")).unwrap();
    let mut changed = good.clone();
    let at = changed.iter().rposition(u8::is_ascii_digit).unwrap();
    changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
    std::fs::write(world.file("health.csv"), &changed).unwrap();
    world.yu("authority", &["job", "approve", &job]).ok("approve");
    expect_failed(&world, &["health", "bank", "platform", "authority"], &job, "dataset.changed", &["yu://dev/health/n1"]);
    assert!(fault_of(&world, "health", &job).to_string().contains("health.csv"));
    nothing_released(&world, &job);
    // and it is found before the next job as well
    expect(&world.submit(&world.job()), "dataset.changed", &["yu://dev/health/n1"]);
    std::fs::write(world.file("health.csv"), &good).unwrap();

    // too few rows in common; one group too small
    for (dataset, code, names) in
        [("strangers", "rows.too-few-matched", &["yu://dev/"][..]), ("rare", "cell.too-small", &["yu://dev/health/n1"][..])]
    {
        let toml = world.job().replace("dev/health/visits", &format!("dev/health/{dataset}"));
        let job = world.submit_and_sign(&toml);
        expect_failed(&world, &["health", "bank", "platform", "authority"], &job, code, names);
        nothing_released(&world, &job);
    }

    // held, then halted: what is sealed stays sealed
    let job = world.submit_and_sign(&world.job());
    world.wait("authority", &job, &["held"], LONG);
    expect(&world.yu("bank", &["job", "result", &job]), "not-found", &[]);
    world.yu("health", &["job", "halt", &job, "--reason", "risk report 8"]).ok("halt");
    expect_failed(&world, &["authority", "bank", "platform", "health"], &job, "job.halted", &["yu://dev/health/n1"]);
    nothing_released(&world, &job);
    expect(
        &world.yu("authority", &["review", "approve", &job, "--reviewer", "Zhang", "--item", "purpose,sources,leak,other-risk"]),
        "state.wrong",
        &["failed"],
    );

    // refused by the review
    let job = world.submit_and_sign(&world.job());
    world.wait("authority", &job, &["held"], LONG);
    world
        .yu("authority", &["review", "refuse", &job, "--reviewer", "Zhang", "--item", "purpose", "--reason", "beyond the scenario"])
        .ok("refuse");
    for org in ["authority", "health", "bank", "platform"] {
        world.wait(org, &job, &["rejected"], LONG);
        expect(&world.yu(org, &["job", "result", &job]), "not-found", &[]);
    }

    // one run a day and pair is what this job allows; more were counted
    let again = world.submit(&format!("{}[limits]\nruns_per_day = 1\n", world.job()));
    expect(&again, "runs.exceeded", &[]);
    assert!(fault_of(&world, "bank", &job).is_null());

    // after all of it the same nodes complete the job
    let job = world.submit_and_sign(&world.job());
    assert!(world.complete(&job)["document"].is_string());
    super::rig::logs_verify(&world, &["health", "bank", "platform", "authority"]);
}
