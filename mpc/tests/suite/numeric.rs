//! Every function of fixed-point numbers, swept over its documented range on the reference engine and on three parties: the
//! documented error holds; rounds and bytes are the documented ones.

use ndarray::{Array1, Array2, Ix1, Ix2};
use yu_mpc::Result;
use yu_mpc::clear::Clear;
use yu_mpc::dry::Dry;
use yu_mpc::engine::{Engine, Input};
use yu_mpc::fixed::Fixed;
use yu_mpc::rep3::Context;
use yu_mpc::ring::Int;
use yu_mpc::secret::Secret;

use super::world::{NAMES, three};

type Number = Fixed<20>;
type Column<E> = Secret<E, Number, Ix1>;

/// A function on every engine.
trait Function: Sync {
    fn run<E: Engine>(&self, engine: &mut E, x: &Column<E>) -> Result<Column<E>>;
}

fn on<E: Engine>(engine: &mut E, function: &impl Function, x: &Array1<f64>, is_owner: bool) -> Result<Array1<f64>> {
    let x = Column::input(engine, 0, is_owner.then_some(x.view()), x.raw_dim())?;
    function.run(engine, &x)?.open(engine)
}

/// Largest ratio of error and bound, on both engines.
fn worst(function: &impl Function, x: &Array1<f64>, truth: impl Fn(f64) -> f64, bound: impl Fn(f64) -> f64) -> f64 {
    let clear = on(&mut Clear, function, x, true).unwrap();
    let [shared, ..] = three(|context| {
        let is_owner = context.index() == 0;
        on(context, function, x, is_owner).unwrap()
    });
    let mut worst = 0.0f64;
    for (at, x) in x.iter().enumerate() {
        // what the engine was given
        let x = (x * 1048576.0).round_ties_even() / 1048576.0;
        for got in [clear[at], shared[at]] {
            let ratio = (got - truth(x)).abs() / bound(x);
            assert!(ratio <= 1.0, "at {x}: {got} instead of {}, {ratio} times the stated error", truth(x));
            worst = worst.max(ratio);
        }
    }
    worst
}

/// Rounds without set-up, input and opening, and bytes per element without framing.
fn price(function: &impl Function, len: usize) -> (u32, f64) {
    let cost = |runs: bool| {
        let mut dry = Dry::<Context>::new(&NAMES);
        let words = dry.input(&[Input { owner: 0, len, values: None }]).unwrap().remove(0);
        let x = Column::from_words(words, Ix1(len)).unwrap();
        if runs {
            drop(function.run(&mut dry, &x).unwrap());
        }
        dry.cost().unwrap()
    };
    let (with, without) = (cost(true), cost(false));
    (with.rounds - without.rounds, (with.bytes - without.bytes) as f64 / len as f64)
}

fn sweep(from: f64, to: f64, count: usize) -> Array1<f64> {
    Array1::linspace(from, to, count)
}

struct Sigmoid;
impl Function for Sigmoid {
    fn run<E: Engine>(&self, engine: &mut E, x: &Column<E>) -> Result<Column<E>> {
        x.sigmoid(engine)
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[test]
fn sigmoid_within_a_thousandth() {
    let near = worst(&Sigmoid, &sweep(-9.0, 9.0, 300_000), sigmoid, |_| 1e-3);
    let far = worst(&Sigmoid, &sweep(-120.0, 120.0, 40_000), sigmoid, |_| 1e-3);
    let (rounds, bytes) = price(&Sigmoid, 1 << 20);
    eprintln!("sigmoid: {near} and {far} of the stated error, {rounds} rounds, {bytes} B");
    assert!(rounds <= 12 && bytes <= 300.0);
}

struct Reciprocal;
impl Function for Reciprocal {
    fn run<E: Engine>(&self, engine: &mut E, x: &Column<E>) -> Result<Column<E>> {
        x.reciprocal(engine)
    }
}

struct Quotient;
impl Function for Quotient {
    fn run<E: Engine>(&self, engine: &mut E, x: &Column<E>) -> Result<Column<E>> {
        let dividend = x.scale(3).add_scalar(engine, -7.5)?;
        dividend.div(engine, x)
    }
}

struct Root;
impl Function for Root {
    fn run<E: Engine>(&self, engine: &mut E, x: &Column<E>) -> Result<Column<E>> {
        x.sqrt(engine)
    }
}

struct InverseRoot;
impl Function for InverseRoot {
    fn run<E: Engine>(&self, engine: &mut E, x: &Column<E>) -> Result<Column<E>> {
        x.rsqrt(engine)
    }
}

struct Exponential;
impl Function for Exponential {
    fn run<E: Engine>(&self, engine: &mut E, x: &Column<E>) -> Result<Column<E>> {
        x.exp(engine)
    }
}

struct Logarithm;
impl Function for Logarithm {
    fn run<E: Engine>(&self, engine: &mut E, x: &Column<E>) -> Result<Column<E>> {
        x.ln(engine)
    }
}

const ULP: f64 = 1.0 / 1048576.0;

/// From the smallest number up to 2^20, by equal ratios, powers of two and their neighbours too.
fn wide() -> Vec<f64> {
    let mut all: Vec<f64> = (0..40_000).map(|at| f64::exp2(-20.0 + f64::from(at) / 1000.0)).collect();
    for bit in 0..40 {
        let raw = f64::exp2(f64::from(bit));
        all.extend([raw - 1.0, raw, raw + 1.0].iter().filter(|raw| **raw > 0.0).map(|raw| raw * ULP));
    }
    all.retain(|x| *x < 1048575.0);
    all
}

fn report(name: &str, function: &impl Function, worst: f64) {
    let (many, few) = (price(function, 1 << 16), price(function, 64));
    eprintln!(
        "{name}: {worst:.3} of the stated error; {} rounds, {:.0} B for many, {} rounds, {:.0} B for few",
        many.0, many.1, few.0, few.1
    );
}

#[test]
fn reciprocals_and_quotients() {
    let x = Array1::from_iter(wide().into_iter().flat_map(|x| [x, -x]));
    let share = f64::exp2(-20.0);
    let found = worst(&Reciprocal, &x, |x| 1.0 / x, |x| share / x.abs() + ULP);
    report("reciprocal", &Reciprocal, found);
    // below 2^22: divisors from 2^-18 on; the dividend below 2^20
    let x = x.mapv(|x| x / 4.0).into_iter().filter(|x| x.abs() > 4e-6).collect();
    let truth = |x: f64| (3.0 * x - 7.5) / x;
    let found = worst(&Quotient, &x, truth, |x| share * truth(x).abs() + ULP * (1.0 + 2.0 / x.abs()));
    report("quotient", &Quotient, found);
    let zero = Array1::zeros(3);
    assert_eq!(on(&mut Clear, &Reciprocal, &zero, true).unwrap(), zero);
}

#[test]
fn square_roots() {
    let x = Array1::from_iter(wide());
    let share = f64::exp2(-20.0);
    report("sqrt", &Root, worst(&Root, &x, f64::sqrt, |x| share * x.sqrt() + ULP));
    report("rsqrt", &InverseRoot, worst(&InverseRoot, &x, |x| x.powf(-0.5), |x| share * x.powf(-0.5) + ULP));
    let zero = Array1::zeros(3);
    assert_eq!(on(&mut Clear, &Root, &zero, true).unwrap(), zero);
}

#[test]
fn exponentials() {
    let x = Array1::from_iter(sweep(-24.0, 11.08, 100_000).into_iter().chain(sweep(-590.0, -24.0, 3_000)));
    report("exp", &Exponential, worst(&Exponential, &x, f64::exp, |x| f64::exp2(-19.0) * x.exp() + ULP));
}

#[test]
fn logarithms() {
    let x = Array1::from_iter(wide());
    report("ln", &Logarithm, worst(&Logarithm, &x, f64::ln, |_| f64::exp2(-19.0) + ULP));
}

struct Softmax;
impl Function for Softmax {
    /// Rows of eight.
    fn run<E: Engine>(&self, engine: &mut E, x: &Column<E>) -> Result<Column<E>> {
        Ok(x.clone().reshape(Ix2(x.len() / 8, 8))?.softmax(engine)?.flatten())
    }
}

/// Rows whose entries are all alike, far apart, or anything between.
#[test]
fn softmax_of_rows() {
    let rows = 3000;
    let x = Array1::from_shape_fn(8 * rows, |at| {
        let spread = f64::exp2((at / 8) as f64 / rows as f64 * 12.0 - 4.0);
        (((at * 2_654_435_761) % 1_000_003) as f64 / 500_001.5 - 1.0) * spread.min(299.0)
    });
    let truth: Vec<f64> = x
        .exact_chunks(8)
        .into_iter()
        .flat_map(|row| {
            let row = row.mapv(|x| (x / ULP).round_ties_even() * ULP);
            let greatest = row.iter().copied().fold(f64::MIN, f64::max);
            let powers = row.mapv(|x| (x - greatest).exp());
            (&powers / powers.sum()).to_vec()
        })
        .collect();
    let clear = on(&mut Clear, &Softmax, &x, true).unwrap();
    let [shared, ..] = three(|context| {
        let is_owner = context.index() == 0;
        on(context, &Softmax, &x, is_owner).unwrap()
    });
    let worst = |got: &Array1<f64>| got.iter().zip(&truth).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let (rounds, bytes) = price(&Softmax, 1 << 13);
    eprintln!("softmax: errors {:e} and {:e}, {rounds} rounds, {bytes:.0} B for rows of eight", worst(&clear), worst(&shared));
    assert!(worst(&clear) < f64::exp2(-16.0) && worst(&shared) < f64::exp2(-16.0));
}

/// Other scales than the usual one.
#[test]
fn sigmoid_of_other_scales() {
    fn check<const F: u32>(range: u32, bound: f64) {
        let x = Array1::linspace(-10.0, 10.0, 4001);
        let secret = Secret::<_, Fixed<F>, Ix1>::constant(&Clear, x.view()).unwrap();
        let got = secret.sigmoid_within(&mut Clear, range).unwrap().open(&mut Clear).unwrap();
        let scale = f64::exp2(f64::from(F));
        for (x, got) in x.iter().zip(&got) {
            assert!((got - sigmoid((x * scale).round_ties_even() / scale)).abs() < bound, "{F} bits at {x}: {got}");
        }
    }
    check::<12>(7, 1e-3 + 1.0 / 4096.0);
    check::<16>(20, 1e-3);
    check::<23>(7, 1e-3);
    check::<30>(10, 1e-3);
    let x = Secret::<_, Fixed<4>, Ix1>::constant(&Clear, Array1::zeros(1).view()).unwrap();
    assert!(x.sigmoid(&mut Clear).is_err());
}

/// Extremes, signs and bits of the reference engine against plain code; the conformance suite holds the others against it.
#[test]
fn extremes_and_bits_are_what_they_say() {
    let (rows, columns) = (50, 7);
    let x = Array2::from_shape_fn((rows, columns), |(row, column)| ((row * 31 + column * 17) % 11) as i64 - 5);
    let secret = Secret::<_, Int, Ix2>::constant(&Clear, x.view()).unwrap();
    let engine = &mut Clear;
    let (value, index) = secret.argmax_axis(engine, 1).unwrap();
    let (value, index) = (value.open(engine).unwrap(), index.open(engine).unwrap());
    let hot = secret.argmax_one_hot(engine, 1).unwrap().open(engine).unwrap();
    let least = secret.min_axis(engine, 0).unwrap().open(engine).unwrap();
    for (row, values) in x.rows().into_iter().enumerate() {
        let greatest = values.iter().max().unwrap();
        let first = values.iter().position(|value| value == greatest).unwrap();
        assert_eq!((value[row], index[row]), (*greatest, first as i64));
        assert_eq!(hot.row(row).iter().position(|bit| *bit), Some(first));
        assert_eq!(hot.row(row).iter().filter(|bit| **bit).count(), 1);
    }
    for (column, values) in x.columns().into_iter().enumerate() {
        assert_eq!(least[column], *values.iter().min().unwrap());
    }
    assert_eq!(secret.sign(engine).unwrap().open(engine).unwrap(), x.mapv(i64::signum));
    let bits = secret.to_bits(engine, 10).unwrap();
    for (at, plane) in bits.iter().enumerate() {
        assert_eq!(plane.open(engine).unwrap(), x.mapv(|value| value >> at & 1 == 1));
    }
    let back: Secret<_, Int, Ix2> = Secret::from_bits_of(engine, &bits).unwrap();
    assert_eq!(back.open(engine).unwrap(), x.mapv(|value| value & 1023));
    assert!(secret.max_axis(engine, 2).is_err() && secret.rows(0..0).unwrap().max_axis(engine, 0).is_err());
    assert!(secret.to_bits(engine, 0).is_err() && secret.to_bits(engine, 65).is_err());
    assert!(Secret::<_, Int, Ix2>::from_bits_of(engine, &[]).is_err());
}
