//! The gate attack by attack. Planted weaknesses with their clean twins: `attacks.rs`; ways round it: `evasions.rs`.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use hmac::{Hmac, KeyInit, Mac};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};
use yu_desensitize::restore::{
    Attack, Attempt, Budget, Counts, Example, Examples, Figure, ModelUnderTest, Precision, Provenance, Release, Thresholds, Verdict, gate,
};
use yu_desensitize::{Lang, Table};

/// How a verdict writes a function, and the function.
pub(crate) type Named = (&'static str, fn(&str) -> String);

pub(crate) const KEYED: Provenance = Provenance::KeyedDeterministic { domain: None };

pub(crate) fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(20_260_101)
}

pub(crate) fn below(rng: &mut ChaCha20Rng, bound: u64) -> u64 {
    rng.next_u64() % bound
}

pub(crate) fn table(name: &str, columns: Vec<(&str, Vec<String>)>) -> Table {
    let columns = columns.into_iter().map(|(name, cells)| (name, Arc::new(StringArray::from(cells)) as ArrayRef)).collect();
    Table::from_columns(name, columns).unwrap()
}

pub(crate) fn run(release: &Release<'_>) -> Verdict {
    run_with(release, &Thresholds::default())
}

pub(crate) fn run_with(release: &Release<'_>, limits: &Thresholds) -> Verdict {
    let verdict = gate(release, limits, &mut rng()).unwrap();
    for attempt in &verdict.attempts {
        // both languages say something, and a refusal has a remedy
        assert!(!attempt.reason.en.is_empty() && !attempt.reason.zh.is_ascii());
        assert_eq!(attempt.passed, attempt.remedy.en.is_empty());
        assert_eq!(attempt.passed, attempt.remedy.zh.is_empty());
        assert_ne!(attempt.attack.title(Lang::En), attempt.attack.title(Lang::Zh));
        if let Some(share) = attempt.share {
            assert!(share.low <= share.value && share.value <= share.high, "{attempt:?}");
        }
    }
    let again: Verdict = serde_json::from_str(&serde_json::to_string(&verdict).unwrap()).unwrap();
    assert_eq!(again.passed, verdict.passed);
    verdict
}

/// Few guesses: where there is no original, whole domains are enumerated until the budget ends.
pub(crate) fn briefly(release: &Release<'_>) -> Verdict {
    run_with(release, &Thresholds { budget: Budget { tries: 1 << 18, seconds: 600.0 }, ..Thresholds::default() })
}

/// The refusals' attacks, without repetition.
pub(crate) fn refused(verdict: &Verdict) -> Vec<Attack> {
    let mut attacks: Vec<Attack> = verdict.refusals().map(|attempt| attempt.attack).collect();
    attacks.dedup();
    attacks
}

pub(crate) fn attempt(verdict: &Verdict, attack: Attack) -> &Attempt {
    verdict.attempts.iter().find(|attempt| attempt.attack == attack).unwrap()
}

pub(crate) fn assert_passes(verdict: &Verdict) {
    let refusals: Vec<&Attempt> = verdict.refusals().collect();
    assert!(verdict.passed, "{refusals:#?}");
}

pub(crate) fn mobiles(count: u64) -> Vec<String> {
    (0..count).map(|number| format!("138{:08}", number * 48_271 % 100_000_000)).collect()
}

pub(crate) fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

pub(crate) fn keyed(text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"known to the owner alone: 7d1f09").unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

pub(crate) fn each(cells: &[String], f: impl Fn(&str) -> String) -> Vec<String> {
    cells.iter().map(|cell| f(cell)).collect()
}

/// Twenty people per age band and district: k-anonymous with k = 5 and more.
pub(crate) fn classes() -> (Vec<String>, Vec<String>) {
    let ages: Vec<String> = (0..800).map(|person| (20 + person % 40).to_string()).collect();
    let districts = (0..800).map(|person| ["海曙", "江北"][person / 400].to_owned()).collect();
    (ages, districts)
}

#[test]
fn unkeyed_function_is_refused_unrun() {
    let mobiles = mobiles(50);
    let release = table("release", vec![("mobile", each(&mobiles, sha256))]);
    for domain in [None, Some(4.9e9)] {
        let mut limits = Thresholds::default();
        limits.budget.tries = 1000;
        let verdict = run_with(&Release::of(&release).with("mobile", Provenance::Unkeyed { domain }), &limits);
        assert!(refused(&verdict).contains(&Attack::Rule));
        assert_eq!(attempt(&verdict, Attack::Rule).cost.tries, 0);
    }
    let small = Provenance::KeyedReversible { domain: Some(1000.0) };
    let release = table("release", vec![("code", (0..500).map(|code: u32| code.to_string()).collect())]);
    assert_eq!(refused(&run(&Release::of(&release).with("code", small))), [Attack::Rule]);
}

#[test]
fn hash_of_mobiles_without_the_original() {
    // 20,000 numbers of one range: two in ten thousand are hit, so that 2^20 tries find two hundred
    let mobiles = mobiles(20_000);
    let release = table("release", vec![("contact", each(&mobiles, |text| sha256(text)[8..24].to_owned()))]);
    let mut input = Release::of(&release);
    input.guesses.mobile_ranges = vec![138];
    let verdict = run_with(&input, &Thresholds { budget: Budget { tries: 1 << 20, seconds: 600.0 }, ..Thresholds::default() });
    let dictionary = attempt(&verdict, Attack::Dictionary);
    // cut neither at the start, the end nor the middle: not found, and refused as nobody states a key
    assert!(!dictionary.passed && dictionary.reason.en.contains("nobody states"));
    let release = table("release", vec![("contact", each(&mobiles, |text| sha256(text)[48..].to_owned()))]);
    let verdict = run_with(&Release { table: Some(&release), ..input }, &Thresholds::default());
    let dictionary = attempt(&verdict, Attack::Dictionary);
    assert!(
        dictionary.reason.en.contains("SHA-256(v) (16/64)") && dictionary.reason.en.contains("whole domain"),
        "{}",
        dictionary.reason.en
    );
}

#[test]
fn encoded_and_plain_identifiers() {
    let ids: Vec<String> = (0..100).map(|number| format!("员工-{number:05}")).collect();
    let release = table("release", vec![("staff", each(&ids, |text| hex::encode(text)))]);
    assert!(refused(&briefly(&Release::of(&release).with("staff", KEYED))).contains(&Attack::Dictionary));
    let release = table("release", vec![("mobile", mobiles(100))]);
    let verdict = briefly(&Release::of(&release));
    assert!(refused(&verdict).contains(&Attack::PlainIdentifier));
    // tokens that are the values
    let original = table("original", vec![("mobile", mobiles(100))]);
    let verdict = briefly(&Release::of(&release).from_original(&original).with("mobile", KEYED));
    assert_eq!(refused(&verdict), [Attack::PlainIdentifier]);
}

#[test]
fn keyed_tokens_of_people_pass_and_of_districts_do_not() {
    let mobiles = mobiles(800);
    let (ages, districts) = classes();
    let original = table("original", vec![("mobile", mobiles.clone()), ("age", ages.clone()), ("district", districts.clone())]);
    let bands = each(&ages, |age| if age < "40" { "[20,40)".into() } else { "[40,60)".into() });
    let rows: Vec<u64> = (0..800).collect();
    let release = table("release", vec![("mobile", each(&mobiles, keyed)), ("age", bands.clone()), ("district", districts.clone())]);
    let input = Release { row_of: Some(&rows), ..Release::of(&release).from_original(&original) }
        .with("mobile", KEYED)
        .with("age", Provenance::Generalised);
    let verdict = run(&input);
    assert_passes(&verdict);
    for attack in [Attack::Dictionary, Attack::Frequency, Attack::Linkage, Attack::CopiedRows] {
        assert!(attempt(&verdict, attack).passed);
    }
    // skewed: three quarters in one district
    let skewed: Vec<String> =
        (0..800).map(|person: u32| if person.is_multiple_of(4) { "慈溪".to_owned() } else { "余姚".to_owned() }).collect();
    let original = table("original", vec![("district", skewed.clone())]);
    let release = table("release", vec![("district", each(&skewed, keyed))]);
    let input = Release { row_of: Some(&rows), ..Release::of(&release).from_original(&original) }.with("district", KEYED);
    let verdict = run(&input);
    assert_eq!(refused(&verdict), [Attack::Frequency]);
    assert_eq!(verdict.refusals().count(), 2, "by expectation and by trial");
    assert_eq!(attempt(&verdict, Attack::Frequency).share.unwrap().value, 1.0);
}

#[test]
fn linkage_finds_the_few() {
    let (mut ages, districts) = classes();
    ages[17] = "97".into();
    let original = table("original", vec![("age", ages.clone()), ("district", districts.clone())]);
    let bands = each(&ages, |age| {
        if age < "40" {
            "20-39".into()
        } else if age < "60" {
            "40-59".into()
        } else {
            "60+".into()
        }
    });
    let release = table("release", vec![("age", bands.clone()), ("district", districts.clone())]);
    let input = Release::of(&release).from_original(&original).with("age", Provenance::Generalised);
    let verdict = run(&input);
    assert_eq!(refused(&verdict), [Attack::Linkage]);
    let share = attempt(&verdict, Attack::Linkage).share.unwrap();
    assert_eq!((share.trials, (share.value * 800.0).round()), (800, 1.0));
    // without the original the classes of the release are counted
    assert_eq!(refused(&run(&Release::of(&release).with("age", Provenance::Generalised))), [Attack::Linkage]);
    // a label that nobody explains cannot be read
    let words = table("release", vec![("age", each(&bands, |_| "adult".into())), ("district", districts)]);
    let verdict = run(&Release::of(&words).from_original(&original).with("age", Provenance::Generalised));
    assert!(attempt(&verdict, Attack::Linkage).reason.en.contains("cannot read"));
}

#[test]
fn linear_reconstruction_depends_on_the_noise() {
    // Dinur and Nissim: noise far below the square root of n falls, noise of the order of n stands
    let mut rng = rng();
    let secret: Vec<f64> = (0..120).map(|_| f64::from(u8::from(below(&mut rng, 2) == 1))).collect();
    let mut figures = |noise: f64| -> Vec<Figure> {
        (0..480)
            .map(|_| {
                let people: Vec<u32> = (0..120).filter(|_| below(&mut rng, 2) == 1).collect();
                let sum: f64 = people.iter().map(|person| secret[*person as usize]).sum();
                Figure { people, value: (sum + noise * (below(&mut rng, 2001) as f64 / 1000.0 - 1.0)).round() }
            })
            .collect()
    };
    for (noise, passes) in [(0.0, false), (2.0, false), (20.0, false), (120.0, true)] {
        let figures = figures(noise);
        let counts = Counts { people: 120, figures: &figures, earlier: &[], secret: Some(&secret), precision: Precision::Noisy };
        let verdict = run(&Release { counts: Some(counts), ..Release::default() });
        assert_eq!(verdict.passed, passes, "{noise}: {:?}", verdict.attempts);
    }
    // group sums of twenty people each: nothing about one of them
    let groups: Vec<Figure> = (0..6).map(|group| Figure { people: (20 * group..20 * group + 20).collect(), value: 9.0 }).collect();
    let counts = Counts { people: 120, figures: &groups, earlier: &[], secret: Some(&secret), precision: Precision::Exact };
    assert_passes(&run(&Release { counts: Some(counts), ..Release::default() }));
}

/// People with five numbers each, drawn from one distribution.
pub(crate) fn people(rng: &mut ChaCha20Rng, rows: usize) -> Vec<(&'static str, Vec<String>)> {
    let names = ["age", "income", "visits", "systolic", "debt"];
    let mut columns: Vec<(&'static str, Vec<String>)> = names.iter().map(|name| (*name, Vec::new())).collect();
    for _ in 0..rows {
        let common = below(rng, 1000) as f64;
        for (_, cells) in &mut columns {
            cells.push(format!("{:.1}", common + below(rng, 10_000) as f64 / 10.0));
        }
    }
    columns
}

#[test]
fn raw_package_and_public_data() {
    let mut rng = rng();
    let original = table("original", people(&mut rng, 300));
    let verdict = run(&Release::of(&original).from_original(&original));
    assert!(refused(&verdict).starts_with(&[Attack::RawPackage, Attack::CopiedRows, Attack::Linkage]));
    // public columns are exempt (O4), and the verdict says so
    let public = original
        .column_names()
        .into_iter()
        .fold(Release::of(&original).from_original(&original), |release, name| release.with(name, Provenance::Public));
    let verdict = run(&public);
    assert_passes(&verdict);
    assert!(verdict.attempts.len() == 1 && verdict.attempts[0].reason.en.contains("public"), "{:?}", verdict.attempts);
}

#[test]
fn noise_is_measured_by_distance() {
    let mut rng = rng();
    let original = table("original", people(&mut rng, 400));
    let rows: Vec<u64> = (0..400).collect();
    let mut noisy = |width: u64| {
        let columns = original.column_names().into_iter().map(|name| {
            let values = yu_desensitize::column::numeric(&original, name).unwrap();
            let offset = |rng: &mut ChaCha20Rng| below(rng, 2 * width + 1) as f64 - width as f64;
            (name, values.iter().map(|value| format!("{:.1}", value + offset(&mut rng))).collect())
        });
        table("noisy", columns.collect())
    };
    let input = |table, row_of| {
        let release = Release { row_of, ..Release::of(table).from_original(&original) };
        original.column_names().into_iter().fold(release, |release, name| release.with(name, Provenance::Noise))
    };
    let (little, much) = (noisy(40), noisy(20_000));
    assert!(refused(&run(&input(&little, Some(&rows)))).contains(&Attack::DistanceLinkage));
    assert_passes(&run(&input(&much, Some(&rows))));
    assert_eq!(refused(&run(&input(&much, None))), [Attack::DistanceLinkage]);
    let wrong: Vec<u64> = (1..401).collect();
    assert_eq!(gate(&input(&much, Some(&wrong)), &Thresholds::default(), &mut self::rng()).unwrap_err().code(), "restore.input");
}

/// Points of two classes that overlap, so that a memorising model differs on members.
pub(crate) fn points(rng: &mut ChaCha20Rng, count: usize) -> Examples {
    let (mut features, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let label = below(rng, 2) as f64;
        features.extend((0..4).map(|_| label * 0.5 + (0..6).map(|_| below(rng, 1000) as f64 / 1000.0).sum::<f64>()));
        labels.push(label);
    }
    Examples::new(4, features, labels).unwrap()
}

#[test]
fn a_model_without_answers_is_refused() {
    struct Mute;
    impl yu_desensitize::restore::AttackableModel for Mute {
        fn loss(&self, _: Example<'_>) -> yu_desensitize::Result<f64> {
            Ok(f64::NAN)
        }
    }
    let examples = points(&mut rng(), 1000);
    let model = ModelUnderTest { name: "mute", model: &Mute, members: &examples, non_members: &examples, trainer: None, canaries: None };
    let limits = Thresholds { needs_trainer: false, ..Thresholds::default() };
    let verdict = run_with(&Release { model: Some(model), ..Release::default() }, &limits);
    assert_eq!(refused(&verdict), [Attack::MembershipByLoss]);
}

#[test]
fn what_cannot_be_evaluated_is_refused() {
    assert_eq!(refused(&run(&Release::default())), [Attack::Nothing]);
    // a budget too small for the strongest guesses
    let mobiles = mobiles(500);
    let original = table("original", vec![("mobile", mobiles.clone())]);
    let release = table("release", vec![("mobile", each(&mobiles, keyed))]);
    let limits = Thresholds { budget: Budget { tries: 100, seconds: 60.0 }, ..Thresholds::default() };
    let verdict = run_with(&Release::of(&release).from_original(&original).with("mobile", KEYED), &limits);
    assert!(attempt(&verdict, Attack::Dictionary).reason.en.contains("budget"));
    // and a clock that has run out
    let ticks = std::cell::Cell::new(0);
    let clock = || {
        ticks.set(ticks.get() + 1);
        std::time::Duration::from_secs(100 * ticks.get())
    };
    let input = Release { clock: Some(&clock), ..Release::of(&release).from_original(&original).with("mobile", KEYED) };
    assert!(!run(&input).passed);
    let error = gate(&Release::of(&release).with("phone", KEYED), &Thresholds::default(), &mut rng()).unwrap_err();
    assert_eq!(error.code(), "data.missing_column");
}
