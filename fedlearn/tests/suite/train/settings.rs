//! Settings that would not protect what they name are refused, with the reason.

use yu_desensitize::dp::{Delta, Epsilon, NoiseMultiplier, SamplingRate};
use yu_fedlearn::Error;
use yu_fedlearn::privacy::DpSgd;
use yu_fedlearn::train::{Protection, Settings};

use super::world::{World, clear, secure, settings};

pub(crate) fn private(epsilon: f64) -> Settings {
    let mut all = settings(secure(3), 4);
    all.standardise = false;
    all.holdout = 0;
    all.strategy.local.batch = 0;
    all.strategy.local.epochs = 1;
    all.strategy.local.learning_rate = 0.01;
    all.strategy.local.private =
        Some(DpSgd { rate: SamplingRate::new(0.25).unwrap(), noise: NoiseMultiplier::new(2.0).unwrap(), clip: 1.0 });
    all.privacy = Some(Protection { epsilon: Epsilon::new(epsilon).unwrap(), delta: Delta::new(1e-5).unwrap() });
    all
}

#[test]
fn what_leaks_is_refused() {
    type Change = fn(&mut Settings);
    let unsafe_ones: [(&str, Change); 6] = [
        ("holdout", |s| s.holdout = 10),
        ("privacy", |s| s.strategy.local.private = None),
        ("strategy.local.private", |s| s.privacy = None),
        ("standardise", |s| s.standardise = true),
        ("strategy.local.correction", |s| {
            s.strategy.local.correction = yu_fedlearn::strategy::Correction::Scaffold;
            s.strategy.server = yu_fedlearn::strategy::Server::Scaffold { learning_rate: 1.0, parties: 3 };
        }),
        ("aggregation", |_| {}),
    ];
    for (setting, change) in unsafe_ones {
        let mut all = private(3.0);
        change(&mut all);
        let parties = if setting == "aggregation" { 2 } else { 3 };
        match all.check(parties) {
            Err(Error::Unsafe { setting: named, .. }) => assert_eq!(named, setting),
            other => panic!("{setting}: {other:?}"),
        }
    }
    assert!(matches!(private(0.05).check(3), Err(Error::Budget(_))));
    private(3.0).check(3).unwrap();
    settings(clear(2), 1).check(2).unwrap();
    let wrong: [Change; 5] =
        [|s| s.rounds = 0, |s| s.quorum = 4, |s| s.deadline_s = 0, |s| s.holdout = 1, |s| s.strategy.local.learning_rate = 0.0];
    for change in wrong {
        let mut all = settings(secure(3), 2);
        change(&mut all);
        assert!(matches!(all.check(3), Err(Error::Caller(_))));
    }
}

#[test]
fn a_private_training_tells_no_figures_of_rows() {
    let world = World::new(3, private(3.0));
    let (trained, bytes, parties) = world.run().unwrap();
    assert!(trained.history.is_empty() && trained.privacy.is_some() && trained.scale.is_none());
    assert!(parties.iter().all(|party| *party == bytes));
}

#[test]
fn settings_are_read_from_a_job_file() {
    let text = r#"{ "model": { "name": "softmax", "classes": 10, "l2": 0.001 }, "rounds": 20,
        "strategy": { "local": { "batch": 32, "learning_rate": 0.1 }, "server": { "name": "momentum" } } }"#;
    let read = Settings::from_json(text).unwrap();
    assert_eq!((read.rounds, read.holdout, read.standardise), (20, 10, true));
    read.check(3).unwrap();
    let fault = Settings::from_json(&text.replace("rounds", "runds")).unwrap_err().to_string();
    assert!(fault.contains("runds"), "{fault}");
}
