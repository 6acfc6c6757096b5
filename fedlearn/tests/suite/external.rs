//! Programs outside as trainers: shell and Python, well-behaved and not.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use sha2::{Digest, Sha256};
use yu_fedlearn::external::{External, Limits, Program};
use yu_fedlearn::model::{Model, Spec};
use yu_fedlearn::strategy::{ClientState, Step, Update};
use yu_fedlearn::train::{Party, Plan, take_part_by};
use yu_fedlearn::{Error, Result};

use crate::train::{World, rows, secure, settings};
use crate::world::{key, ring, undisturbed};

/// Adds to the weights what a step of logistic regression would, reading and writing Arrow files by hand.
const PYTHON: &str = r#"
import json, math, struct

def column(data, count, which=0):
    # two messages: schema, then the batch; its body has the values of each column, padded to 64 bytes
    pad = lambda n: (n + 63) // 64 * 64
    at = 64
    for _ in range(2):
        marker, size = struct.unpack_from('<Ii', data, at)
        assert marker == 0xFFFFFFFF
        at += 8 + size
    at += which * pad(8 * count)
    return at, list(struct.unpack_from('<%dd' % count, data, at))

task = json.load(open('task.json'))
n = len(task['features'])
parameters = sum(layer['rows'] * layer['columns'] for layer in task['layers'])
weights_file = bytearray(open('weights.arrow', 'rb').read())
at, weights = column(weights_file, parameters)
rows_file = open('rows.arrow', 'rb').read()
count = ROWS
columns = [column(rows_file, count, which)[1] for which in range(n + 1)]
for _ in range(20):
    gradient = [0.0] * parameters
    for row in range(count):
        x = [columns[c][row] for c in range(n)] + [1.0]
        z = sum(w * v for w, v in zip(weights, x))
        residual = 1 / (1 + math.exp(-z)) - columns[n][row]
        for place, value in enumerate(x):
            gradient[place] += residual * value / count
    weights = [w - 0.5 * g for w, g in zip(weights, gradient)]
struct.pack_into('<%dd' % parameters, weights_file, at, *weights)
open('out.arrow', 'wb').write(weights_file)
"#;

fn python() -> Option<PathBuf> {
    let found = ["/usr/bin/python3", "/usr/local/bin/python3"].iter().map(PathBuf::from).find(|path| path.is_file());
    if found.is_none() {
        println!("skipped: there is no python3");
    }
    found
}

/// A kernel or a container may not let a plain user have namespaces of its own: then the default refuses, which another test shows.
fn can_cut_off() -> bool {
    let can = std::process::Command::new("unshare").args(["-rn", "true"]).status().is_ok_and(|status| status.success());
    if !can {
        println!("skipped: no own network namespace can be had here");
    }
    can
}

fn features() -> Vec<String> {
    ["a", "b", "c"].map(String::from).to_vec()
}

fn program(folder: &Path, text: &str, interpreter: &str) -> (Program, PathBuf) {
    let file = folder.join("trainer");
    std::fs::File::create(&file).unwrap().write_all(text.as_bytes()).unwrap();
    let limits = Limits { seconds: 20, processor_seconds: 20, memory_mib: 512, file_mib: 16 };
    let interpreter = (!interpreter.is_empty()).then(|| interpreter.into());
    (Program { sha256: hex::encode(Sha256::digest(text)), interpreter, limits, danger_network: false }, file)
}

fn step(program: &Program, file: &Path, scratch: &Path) -> Result<Update> {
    let model = Spec::Logistic { l2: 0.0 }.build(3).unwrap();
    let mut external = External::new(program, file, scratch, &features(), "y")?;
    let data = rows(0, 60);
    external.step(&model, &model.initial(1), None, &ClientState::default(), &data, &mut ChaCha20Rng::seed_from_u64(1))
}

fn shell(text: &str, change: impl FnOnce(&mut Program)) -> Result<Update> {
    let folder = tempfile::tempdir().unwrap();
    let scratch = folder.path().join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    let (mut program, file) = program(folder.path(), text, "/bin/sh");
    change(&mut program);
    let update = step(&program, &file, &scratch);
    assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0, "files of a step are left");
    update
}

fn fails(text: &str, change: impl FnOnce(&mut Program), word: &str) {
    match shell(text, change) {
        Err(Error::Data { problem, remedy, .. }) => assert!(problem.contains(word) && !remedy.is_empty(), "{problem}"),
        Err(other) => panic!("{word}: {other}"),
        Ok(_) => panic!("{word}: accepted"),
    }
}

#[test]
fn what_does_not_keep_the_contract_is_no_update() {
    if !can_cut_off() {
        return;
    }
    let update = shell("cp weights.arrow out.arrow", |_| ()).unwrap();
    assert!(update.delta == [0.0; 4] && update.examples == 60 && update.metrics.loss > 0.0);
    fails("true", |_| (), "no `out.arrow`");
    fails("cp weights.arrow out.arrow; exit 3", |_| (), "exit status: 3");
    fails("cp rows.arrow out.arrow", |_| (), "4 columns");
    fails("head -c 300 weights.arrow > out.arrow", |_| (), "out.arrow");
    fails("ln -s weights.arrow out.arrow", |_| (), "no file");
    fails("head -c 200000 /dev/zero > out.arrow", |_| (), "larger than");
    fails("sleep 30", |program| program.limits.seconds = 1, "within 1 s");
    fails("while :; do :; done", |program| program.limits.processor_seconds = 1, "signal");
    fails("head -c 3000000 /dev/zero > big || exit 9; cp weights.arrow out.arrow", |program| program.limits.file_mib = 1, "exit status: 9");
}

#[test]
fn it_has_no_network_no_environment_and_leaves_no_process() {
    if !can_cut_off() {
        return;
    }
    // the only line of an empty namespace is its own loopback, which is down
    let alone = "test \"$(tail -n +3 /proc/net/dev | grep -vc 'lo:')\" = 0 && cp weights.arrow out.arrow";
    shell(alone, |_| ()).unwrap();
    let bare = "test -z \"$CARGO_MANIFEST_DIR$USER\" && test \"$HOME\" = \"$PWD\" && cp weights.arrow out.arrow";
    shell(bare, |_| ()).unwrap();
    let mark = tempfile::tempdir().unwrap();
    let late = mark.path().join("late");
    let child = format!("(sleep 2; echo > {}) & cp weights.arrow out.arrow", late.display());
    shell(&child, |_| ()).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(!late.exists());
}

#[test]
fn only_the_program_of_the_contract_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (program, file) = program(folder.path(), "cp weights.arrow out.arrow", "/bin/sh");
    std::fs::write(&file, "cp weights.arrow out.arrow; true").unwrap();
    match step(&program, &file, folder.path()) {
        Err(Error::Unsafe { setting, reason, .. }) => assert!(setting == "external.sha256" && reason.contains(&program.sha256)),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("another program ran"),
    }
    let changes: [fn(&mut Program); 3] =
        [|program| program.sha256.truncate(10), |program| program.interpreter = Some("sh".into()), |program| program.limits.memory_mib = 0];
    for change in changes {
        let mut wrong = program.clone();
        change(&mut wrong);
        assert!(matches!(wrong.check(), Err(Error::Caller(_))));
    }
    assert!(External::new(&program, &folder.path().join("none"), folder.path(), &features(), "y").is_err());
}

/// The steps of all parties by a program, or the privacy that this refuses.
fn train(plan: &Plan, program: &Program, file: &Path, scratch: &Path) -> Result<yu_fedlearn::train::Trained> {
    let (ours, theirs): (Vec<_>, Vec<_>) = plan.parties.iter().map(|name| yu_wire::memory::pair(&plan.coordinator, name)).unzip();
    let parties: Vec<_> = (0..)
        .zip(theirs)
        .map(|(party, mut line)| {
            let (plan, mut external) = (plan.clone(), External::new(program, file, scratch, &plan.features, &plan.target).unwrap());
            std::thread::spawn(move || {
                let verifier = ring(plan.parties.len());
                let with = Party {
                    index: party,
                    rows: rows(party as usize, 150),
                    signer: &key(party as usize),
                    verifier: &verifier,
                    resume: None,
                    keep: &mut |_| Ok(()),
                    told: &mut |_| {},
                };
                take_part_by(&plan, &mut line, with, &mut external, &mut ChaCha20Rng::seed_from_u64(u64::from(party))).map(drop)
            })
        })
        .collect();
    let done = undisturbed(plan, ours).map(|done| done.trained);
    parties.into_iter().try_for_each(|party| party.join().unwrap())?;
    done
}

#[test]
fn a_program_in_python_trains_under_secure_aggregation() {
    let Some(interpreter) = python().filter(|_| can_cut_off()) else { return };
    let folder = tempfile::tempdir().unwrap();
    // every fifth of 150 rows is held out
    let text = PYTHON.replace("ROWS", "120");
    let (program, file) = program(folder.path(), &text, interpreter.to_str().unwrap());
    let plan = World::new(3, settings(secure(3), 3)).plan;
    let trained = train(&plan, &program, &file, folder.path()).unwrap();
    let (first, last) = (trained.history.first().unwrap(), trained.history.last().unwrap());
    println!("held-out accuracy after 3 rounds of 20 steps in Python: {:.3}, loss {:.3} from {:.3}", last.accuracy, last.loss, first.loss);
    assert!(last.accuracy > 0.85 && last.loss < 0.7 * first.loss);
}

#[test]
fn row_level_privacy_is_not_promised_for_a_program() {
    let folder = tempfile::tempdir().unwrap();
    let (program, file) = program(folder.path(), "cp weights.arrow out.arrow", "/bin/sh");
    let plan = World::new(3, crate::train::private(3.0)).plan;
    match train(&plan, &program, &file, folder.path()) {
        Err(Error::Unsafe { setting, .. }) => assert_eq!(setting, "privacy"),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("trained"),
    }
}

/// A network namespace says nothing of sockets in the file system, and a process group can be left: the kernel refuses both, and files go whatever
/// rights a program gave them.
#[test]
fn sockets_and_leaving_the_group_are_refused_and_files_go_whatever_their_rights() {
    let (Some(python), true) = (python(), can_cut_off()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let scratch = folder.path().join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    let text = r#"
import errno, os, shutil
def refused(call):
    try:
        call()
    except OSError as error:
        return error.errno == errno.EPERM
    return False
import socket
assert refused(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
assert refused(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
assert refused(os.setsid)
assert refused(lambda: os.kill(os.getppid(), 0))
os.makedirs('deep/er')
shutil.copy('rows.arrow', 'deep/er/rows')
os.chmod('deep/er', 0)
os.chmod('deep', 0)
shutil.copy('weights.arrow', 'out.arrow')
"#;
    let (program, file) = program(folder.path(), text, python.to_str().unwrap());
    step(&program, &file, &scratch).unwrap();
    assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0, "rows are left");
}
