//! Counts: weights, errors and means over shares against Newton's method in one place.

use ndarray::{Array2, Axis};
use yu_fedlearn::vertical::regression::poisson::{
    Counts, Exposure, Fitted, Targets, means, poisson, share_counts, share_exposures, variances,
};
use yu_fedlearn::vertical::regression::{Columns, Inference, Standard, share};
use yu_mpc::clear::Clear;
use yu_mpc::dry::Dry;
use yu_mpc::engine::Engine;
use yu_mpc::learn::Poisson;
use yu_mpc::rep3::Context;

use super::regression::{Data, Model, newton, synthetic};
use super::world::{NAMES, rng, shared, three};

const SETTINGS: Poisson = Poisson { iterations: 10, ridge: 0.001 };

/// In one place, from the mean.
fn central(data: &Data, offsets: &[f64], ridge: f64) -> (Vec<f64>, Vec<f64>) {
    let total = data.labels.iter().sum::<f64>();
    let start = (total / data.labels.len() as f64).ln();
    let model = Model { link: |score| [score.exp(); 2], offsets, ridge: ridge * total, start };
    newton(&model, &data.with_ones(), &data.labels)
}

/// A count with this mean.
fn draw(mean: f64, uniform: &mut impl FnMut() -> f64) -> f64 {
    let (mut count, mut left) = (0.0, uniform());
    let mut probability = (-mean).exp();
    while left > probability && count < 1000.0 {
        left -= probability;
        count += 1.0;
        probability *= mean / count;
    }
    count
}

/// Counts of this mean at average columns, and exposures.
fn counts(rows: usize, seed: u64, mean: f64) -> (Data, Vec<f64>) {
    let mut data = synthetic(rows, [2, 2], seed);
    let mut rng = rng(seed + 100);
    let mut uniform = || (f64::from(rand::Rng::next_u32(&mut rng)) + 0.5) / 4_294_967_296.0;
    let exposures: Vec<f64> = (0..rows).map(|_| 0.25 + 3.0 * uniform()).collect();
    let x = data.with_ones();
    let score = |row: usize| x.row(row).iter().zip([0.5, -0.3, 0.0, 0.2, mean.ln()]).map(|(x, w)| x * w).sum::<f64>();
    data.labels = (0..rows).map(|row| draw(exposures[row] * score(row).exp(), &mut uniform)).collect();
    (data, exposures)
}

/// Opened weights, variances and predicted means.
fn play<E: Engine>(
    engine: &mut E,
    rows: usize,
    columns: &[Columns<'_>],
    values: Option<&[f64]>,
    exposures: Option<Option<&[f64]>>,
) -> yu_fedlearn::Result<[Vec<f64>; 3]> {
    let features = share(engine, rows, columns)?;
    let exposure = exposures.map_or(Exposure::Equal, Exposure::Own);
    let targets: Targets<E> = share_counts(engine, rows, &Counts { owner: 1, values, exposure })?;
    let fitted: Fitted<E> = poisson(engine, &SETTINGS, &features, &targets)?;
    let variances = variances(engine, &features, &targets, &fitted, SETTINGS.ridge)?;
    let logs = exposures.map(|values| share_exposures(engine, 1, rows, values)).transpose()?;
    let [means, _] = means(engine, &features, &fitted.weights, logs.as_ref())?;
    Ok([fitted.weights.open(engine)?.to_vec(), variances.open(engine)?.to_vec(), means.open(engine)?.to_vec()])
}

#[test]
fn weights_errors_and_means_of_one_place() {
    // rare, common and large counts, with and without exposures
    for (seed, mean, exposed) in [(1, 0.05, false), (2, 0.7, true), (3, 40.0, true)] {
        let (data, exposures) = counts(600, seed, mean);
        let offsets: Vec<f64> = if exposed { exposures.iter().map(|one| one.ln()).collect() } else { Vec::new() };
        let x = data.with_ones();
        let (weights, errors) = central(&data, &offsets, SETTINGS.ridge);
        let expected: Vec<f64> = (0..600)
            .map(|row| (offsets.get(row).unwrap_or(&0.0) + x.row(row).iter().zip(&weights).map(|(x, w)| x * w).sum::<f64>()).exp())
            .collect();
        let check = |found: &[Vec<f64>; 3], who: &str| {
            let all = Inference::new(&found[0], &found[1], 600);
            for (one, (weight, error)) in all.iter().zip(weights.iter().zip(&errors)) {
                assert!((one.weight - weight).abs() < 0.02 * error, "{who}: {one:?} instead of {weight} +- {error}");
                assert!((one.error / error - 1.0).abs() < 0.01, "{who}: {one:?} instead of +- {error}");
            }
            for (found, wanted) in found[2].iter().zip(&expected) {
                assert!((found - wanted).abs() < 2e-4 + 3e-3 * wanted, "{who}: {found} instead of {wanted}");
            }
        };
        let own = exposed.then_some(&exposures[..]);
        let clear = play(&mut Clear, 600, &data.columns(None), Some(&data.labels), own.map(Some)).unwrap();
        check(&clear, "clear");
        let play_one = |engine: &mut Context, index: usize| {
            let own = own.map(|own| (index == 1).then_some(own));
            play(engine, 600, &data.columns(Some(index)), (index == 1).then_some(&data.labels), own)
        };
        let results = three(play_one);
        let nothing: Vec<_> = data.columns(None).into_iter().map(|side| Columns { values: None, ..side }).collect();
        let mut dry = Dry::<Context>::new(&NAMES);
        play(&mut dry, 600, &nothing, None, own.map(|_| None)).unwrap();
        let cost = dry.cost().unwrap();
        for ((found, totals), name) in results.iter().zip(NAMES) {
            check(found, name);
            let party = cost.party(name).unwrap();
            assert_eq!((totals.bytes_sent, totals.bytes_received), (party.bytes_sent, party.bytes_received), "{name}");
            assert_eq!(totals.rounds, party.rounds, "{name}");
        }
        eprintln!(
            "mean {mean}: {} bytes, {} rounds",
            results.iter().map(|(_, totals)| totals.bytes_sent).sum::<u64>(),
            results[0].1.rounds
        );
    }
}

#[test]
fn no_start_is_too_far() {
    // one row makes up most of the counts, its column is far out: the first step would be far beyond
    let mut data = synthetic(300, [1, 1], 9);
    data.labels = (0..300).map(|row| f64::from(u8::from(row % 7 == 0))).collect();
    data.labels[3] = 1000.0;
    data.sides[0][[3, 0]] = 6.0;
    let (weights, _) = central(&data, &[], 0.05);
    let settings = Poisson { iterations: 25, ridge: 0.05 };
    let results = three(|engine, index| {
        let features = share(engine, 300, &data.columns(Some(index)))?;
        let own = (index == 0).then_some(&data.labels[..]);
        let targets = share_counts(engine, 300, &Counts { owner: 0, values: own, exposure: Exposure::Equal })?;
        Ok(poisson(engine, &settings, &features, &targets)?.weights.open(engine)?.to_vec())
    });
    for (found, _) in results {
        assert!(found.iter().zip(&weights).all(|(found, wanted)| (found - wanted).abs() < 0.01), "{found:?} instead of {weights:?}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let fails = |values: &[f64], exposure: Exposure<'_>, part: &str| {
        let error = share_counts(&mut Clear, 4, &Counts { owner: 0, values: Some(values), exposure }).err().unwrap().to_string();
        assert!(error.contains(part), "{error}");
    };
    fails(&[1.0, 2.0, 3.0], Exposure::Equal, "3 counts for 4 rows");
    fails(&[1.0, 0.5, 0.0, 0.0], Exposure::Equal, "row 1 is no whole number");
    for hostile in [f64::NAN, f64::INFINITY, -1.0, 1024.0, 1e300] {
        fails(&[0.0, 0.0, hostile, 1.0], Exposure::Equal, "row 2 is no whole number from 0 to 1023");
    }
    fails(&[0.0; 4], Exposure::Equal, "all are 0");
    fails(&[1.0; 4], Exposure::Own(None), "announced");
    for hostile in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9] {
        fails(&[1.0; 4], Exposure::Own(Some(&[1.0, hostile, 1.0, 1.0])), "exposures");
    }
    let mut far = vec![0.0; 4000];
    far[7] = 1.0;
    let counts = Counts { owner: 0, values: Some(&far), exposure: Exposure::Equal };
    assert!(share_counts(&mut Clear, 4000, &counts).err().unwrap().to_string().contains("row 7 is more than 2048 times the mean"));
    assert!(SETTINGS.check([10, 63]).is_err() && SETTINGS.check([10, 0]).is_err() && SETTINGS.check([0, 1]).is_err());
    assert!(Poisson { iterations: 26, ..SETTINGS }.check([10, 2]).is_err() && Poisson { ridge: 0.0, ..SETTINGS }.check([10, 2]).is_err());
    let data = synthetic(40, [1, 1], 3);
    let features = share(&mut Clear, 40, &data.columns(None)).unwrap();
    let other = share_counts(&mut Clear, 4, &Counts { owner: 0, values: Some(&[1.0; 4]), exposure: Exposure::Equal }).unwrap();
    assert!(poisson(&mut Clear, &SETTINGS, &features, &other).is_err());
}

/// Doctor visits, the guest's columns and the host's, standardised.
pub(super) fn dvisits() -> Option<Data> {
    let folder = shared()?.join("data/dvisits");
    let read = |side: &str| -> Array2<f64> {
        let mut reader = csv::Reader::from_path(folder.join(format!("dvisits_hetero_{side}.csv"))).unwrap();
        let rows: Vec<Vec<f64>> = reader.records().map(|row| row.unwrap().iter().map(|cell| cell.parse().unwrap()).collect()).collect();
        Array2::from_shape_fn((rows.len(), rows[0].len()), |(row, column)| rows[row][column])
    };
    let (guest, host) = (read("guest"), read("host"));
    assert_eq!(guest.column(0), host.column(0));
    let side = |table: &Array2<f64>, from: usize| {
        let columns = table.slice_axis(Axis(1), ndarray::Slice::from(from..)).to_owned();
        Standard::of(columns.view()).unwrap().apply(columns.view()).unwrap()
    };
    Some(Data { labels: guest.column(1).to_vec(), sides: [side(&guest, 2), side(&host, 1)] })
}

#[test]
fn dvisits_as_in_one_place() {
    let Some(data) = dvisits() else {
        eprintln!("skipped: no data in $YU_SHARED or beside the workspace");
        return;
    };
    let rows = data.labels.len();
    let settings = Poisson { iterations: 8, ridge: 1e-4 };
    let (weights, errors) = central(&data, &[], 0.0);
    let results = three(|engine, index| {
        let start = std::time::Instant::now();
        let features = share(engine, rows, &data.columns(Some(index)))?;
        let own = (index == 0).then_some(&data.labels[..]);
        let targets = share_counts(engine, rows, &Counts { owner: 0, values: own, exposure: Exposure::Equal })?;
        let fitted = poisson(engine, &settings, &features, &targets)?;
        let variances = variances(engine, &features, &targets, &fitted, settings.ridge)?;
        Ok((fitted.weights.open(engine)?.to_vec(), variances.open(engine)?.to_vec(), start.elapsed()))
    });
    let bytes: u64 = results.iter().map(|(_, totals)| totals.bytes_sent).sum();
    let ((found, variances, took), totals) = &results[2];
    let all = Inference::new(found, variances, rows);
    let off = all.iter().zip(weights.iter().zip(&errors)).map(|(one, (weight, error))| (one.weight - weight).abs() / error);
    let off = off.fold(0.0, f64::max);
    let apart = all.iter().zip(&errors).map(|(one, error)| (one.error / error - 1.0).abs()).fold(0.0, f64::max);
    eprintln!(
        "dvisits: {rows} rows, {took:.2?}, {bytes} bytes, {} rounds; weights {off:.4} standard errors from the central ones, errors {apart:.4}",
        totals.rounds
    );
    assert!(off < 0.05 && apart < 0.02, "{off} {apart}");
}
