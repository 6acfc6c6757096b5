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
