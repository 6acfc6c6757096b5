//! Hostile bytes: the corpus of recipes is run again, and a short campaign.

use std::path::{Path, PathBuf};

use yu_benches::fuzz::execute::{Fall, execute};
use yu_benches::fuzz::vectors::Vectors;
use yu_benches::fuzz::{self, FuzzArgs, Report, targets};

/// The bounds on memory are checked in this binary too.
#[global_allocator]
static METER: fuzz::meter::Meter = fuzz::meter::Meter;

/// Recipes that were found by campaigns, few of each reader.
const CORPUS: &str = include_str!("../../fuzz/evidence.corpus");

fn shared() -> PathBuf {
    std::env::var_os("YU_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from)
}

fn vectors() -> Option<Vectors> {
    let vectors = Vectors::new(Some(shared())).ok();
    if vectors.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI needs vectors/tee in the shared folder");
        println!("skipped: vectors/tee is not in the shared folder; set YU_SHARED to the folder that holds `vectors`");
    }
    vectors
}

#[test]
fn every_recipe_of_the_corpus_does_what_it_may() {
    let Some(vectors) = vectors() else { return };
    let targets = targets::all(&vectors).unwrap();
    let recipes = fuzz::corpus(CORPUS, &targets).unwrap();
    fuzz::meter::enable();
    for target in &targets {
        assert!(recipes.iter().any(|(index, _)| targets[*index].name == target.name), "no recipe for `{}`", target.name);
    }
    let mut seen = false;
    for (index, recipe) in recipes {
        let target = &targets[index];
        match execute(target, &recipe, &recipe.make(target)) {
            Ok(done) => seen |= done.taken.peak > 0,
            // the bound on time is for optimised builds
            Err(Fall::Slow(_)) if cfg!(debug_assertions) => {}
            Err(fall) => panic!("{}: {fall}", recipe.line(target)),
        }
    }
    assert!(seen, "memory was not counted");
}

#[test]
fn a_short_campaign_finds_nothing() {
    if vectors().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let args = FuzzArgs {
        executions: 20_000,
        seconds: None,
        seed: 7,
        corpus: Some(folder.path().to_owned()),
        threads: 1,
        only: None,
        replay: None,
        shared: Some(shared()),
        json: false,
    };
    let report: Report = fuzz::run(&args).unwrap();
    let grave = |text: &&String| !(cfg!(debug_assertions) && text.starts_with("slow"));
    let failures: Vec<&String> = report.targets.iter().flat_map(|target| &target.failures).filter(grave).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(report.executions >= 20_000 && report.targets.iter().all(|target| target.executions > 0), "{report}");
    // what was kept can be read again
    let targets = targets::all(&Vectors::new(args.shared).unwrap()).unwrap();
    let text = std::fs::read_to_string(folder.path().join(fuzz::FILE)).unwrap();
    assert!(fuzz::corpus(&text, &targets).unwrap().len() > 100);
    assert!(fuzz::corpus("sgx-quote nothing", &targets).is_err() && fuzz::corpus("nobody made", &targets).is_err());
}
