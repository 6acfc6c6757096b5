//! Every function of fixed-point numbers, swept over its documented range on the reference engine and on three parties: the
//! documented error holds; rounds and bytes are the documented ones.

use ndarray::{Array1, Ix1};
use yu_mpc::Result;
use yu_mpc::clear::Clear;
use yu_mpc::dry::Dry;
use yu_mpc::engine::{Engine, Input};
use yu_mpc::fixed::Fixed;
use yu_mpc::rep3::Context;
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
