//! Arrays on every engine of the crate: they go in as any view, means are exact, and what does not fit is refused before the first
//! message.

use ndarray::{Array1, Array2, ArrayView2, Axis, Ix1, Ix2, s};
use proptest::prelude::*;
use yu_mpc::clear::Clear;
use yu_mpc::dry::Dry;
use yu_mpc::engine::{Engine, Module, Vector};
use yu_mpc::fixed::Fixed;
use yu_mpc::learn::{KMeans, Logistic, Ridge};
use yu_mpc::moments::{MAX_ROWS, moments};
use yu_mpc::rep3::{Context, Malicious};
use yu_mpc::ring::Int;
use yu_mpc::secret::{Secret, SecretBits};
use yu_mpc::table::{self, Fraction, Grouping, Key, Side};
use yu_mpc::{Error, Result};
use yu_wire::meter::Totals;

use crate::world::{NAMES, SESSION, on_threads, ring, rng, three};

type Number = Fixed<20>;

/// Something that every engine does; `index` is ours, `None` for an engine of a single party.
trait Task: Sync {
    type Out: Send;

    fn run<E: Engine>(&self, engine: &mut E, index: Option<usize>) -> Self::Out;
}

/// On the reference and on three parties, semi-honest and against a malicious one, with what each party sent meanwhile.
fn everywhere<T: Task>(task: &T) -> (T::Out, Vec<(T::Out, bool)>) {
    let clear = task.run(&mut Clear, None);
    let with = |before: Totals, out: T::Out, after: Totals| (out, before == after);
    let mut all: Vec<_> = three(|context| {
        let (before, index) = (context.totals(), context.index());
        let out = task.run(context, Some(index));
        with(before, out, context.totals())
    })
    .into();
    all.extend(on_threads(ring(), |index, (prev, next)| {
        let mut engine = Malicious::new(index, &SESSION, prev, next, &mut rng(100 + index as u64)).unwrap();
        let before = engine.totals();
        let out = task.run(&mut engine, Some(index));
        with(before, out, engine.totals())
    }));
    (clear, all)
}

/// Views of one array: transposed, every other column backwards, one column, nothing.
struct Views(Array2<i64>);

impl Views {
    fn views(&self) -> [ArrayView2<'_, i64>; 6] {
        let x = self.0.view();
        let mut turned = x;
        turned.invert_axis(Axis(0));
        let strided = x.reversed_axes();
        [x, x.reversed_axes(), turned, strided.slice_move(s![..;-2, ..;3]), x.slice_move(s![.., 0..1]), x.slice_move(s![0..0, ..])]
    }
}

impl Task for Views {
    type Out = Vec<Array2<i64>>;

    fn run<E: Engine>(&self, engine: &mut E, index: Option<usize>) -> Self::Out {
        let mut out = Vec::new();
        for (number, view) in self.views().into_iter().enumerate() {
            let owner = number % E::PARTIES;
            let is_ours = index.is_none_or(|index| index == owner);
            let x = Secret::<E, Int, Ix2>::input(engine, owner, is_ours.then_some(view), view.raw_dim()).unwrap();
            let y = Secret::<E, Int, Ix2>::constant(engine, view).unwrap();
            out.push(x.open(engine).unwrap());
            out.push(x.mul(engine, &y).unwrap().open(engine).unwrap());
            out.push(x.t().matmul(engine, &y).unwrap().open(engine).unwrap());
        }
        out
    }
}

/// Mean of a column.
struct Mean(Array1<f64>);

impl Task for Mean {
    type Out = f64;

    fn run<E: Engine>(&self, engine: &mut E, index: Option<usize>) -> f64 {
        let is_ours = index.is_none_or(|index| index == 1);
        let x = Secret::<E, Number, Ix1>::input(engine, 1 % E::PARTIES, is_ours.then_some(self.0.view()), self.0.raw_dim()).unwrap();
        x.mean(engine).unwrap().open(engine).unwrap().into_scalar()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn views_go_in_as_they_look(rows in 1usize..8, columns in 1usize..8, seed in -(1i64 << 28)..1i64 << 28) {
        let value = |(row, column): (usize, usize)| (seed >> (row % 5)) - 1000 * column as i64;
        let task = Views(Array2::from_shape_fn((rows, columns), value));
        let expected: Vec<Array2<i64>> = task.views().iter().flat_map(|x| [x.to_owned(), x * x, x.t().dot(x)]).collect();
        let (clear, all) = everywhere(&task);
        prop_assert_eq!(&clear, &expected);
        for (opened, _) in all {
            prop_assert_eq!(&opened, &expected);
        }
    }

    #[test]
    fn means_are_within_their_error(len in prop_oneof![1usize..70, Just(1024), 1000usize..3000], level in -1000.0f64..1000.0) {
        let unit = f64::from(1 << 20).recip();
        let x: Array1<f64> = (0..len).map(|at| ((level + (at % 17) as f64 / 3.0) / unit).round_ties_even() * unit).collect();
        let truth = x.sum() / len as f64;
        let (clear, all) = everywhere(&Mean(x));
        for got in all.into_iter().map(|(got, _)| got).chain([clear]) {
            prop_assert!((got - truth).abs() < unit * (2.0 + truth.abs()), "{len} elements: {got} instead of {truth}");
        }
    }
}

/// Everything that does not fit.
struct Misfits;

impl Task for Misfits {
    type Out = Vec<(&'static str, Result<()>)>;

    #[expect(clippy::too_many_lines, reason = "a list")]
    fn run<E: Engine>(&self, engine: &mut E, index: Option<usize>) -> Self::Out {
        let mut answers = Vec::new();
        macro_rules! refused {
            ($($what:literal: $call:expr,)*) => {
                $(answers.push(($what, $call.map(drop)));)*
            };
        }
        let (bad, good) = (Array1::from_vec(vec![1.0, f64::NAN]), Array1::from_vec(vec![1.0, 2.0]));
        // only the owner sees values
        if index.is_none_or(|index| index == 0) {
            let mut input =
                |values: [f64; 2]| Secret::<E, Number, Ix1>::input(engine, 0, Some(Array1::from(values.to_vec()).view()), Ix1(2)).map(drop);
            refused! {
                "NaN as input": input([0.0, f64::NAN]),
                "infinity as input": input([f64::NEG_INFINITY, 0.0]),
                "2^42 with 20 fraction bits as input": input([0.0, f64::exp2(42.0)]),
                "-2^42 with 20 fraction bits as input": input([-f64::exp2(42.0), 0.0]),
            }
            refused! {
                "an integer of 2^62 as input": Secret::<E, Int, Ix1>::input(engine, 0, Some(Array1::from(vec![1 << 62]).view()), Ix1(1)),
                "input of another shape": Secret::<E, Number, Ix1>::input(engine, 0, Some(good.view()), Ix1(3)),
            }
        }
        refused! {
            "NaN in public": Secret::<E, Number, Ix1>::constant(engine, bad.view()),
            "an integer of -2^62 in public": Secret::<E, Int, Ix1>::constant(engine, Array1::from(vec![-(1 << 62)]).view()),
        }

        let x = Secret::<E, Number, Ix1>::constant(engine, good.view()).unwrap();
        let none = x.rows(0..0).unwrap();
        let three = Secret::<E, Number, Ix1>::constant(engine, Array1::zeros(3).view()).unwrap();
        refused! {
            "NaN as an addend": x.add_scalar(engine, f64::NAN),
            "NaN as addends": x.add_public(engine, bad.view()),
            "NaN as a factor": x.scale_by(engine, f64::NAN),
            "infinity as a factor": x.scale_by(engine, f64::INFINITY),
            "sum of two and three": x.add(&three),
            "difference of two and three": x.sub(&three),
            "product of two and three": x.mul(engine, &three),
            "scalar product of two and three": x.dot(engine, &three),
            "factors of two and three": x.scale_each(Array1::zeros(3).view()),
            "comparison of two and three": x.lt(engine, &three),
            "equality of two and three": x.eq(engine, &three),
            "minimum of two and three": x.min(engine, &three),
            "maximum of two and three": x.max(engine, &three),
            "quotient of two and three": x.div(engine, &three),
            "two as three": x.clone().reshape(Ix1(3)),
            "two stretched to three": x.broadcast_to(Ix1(3)),
            "rows beyond the end": x.rows(1..3),
            "an index beyond the end": x.select(0, &[2]),
            "an axis that is none": x.select(1, &[0]),
            "sum along an axis that is none": x.sum_axis(1),
            "greatest along an axis that is none": x.max_axis(engine, 1),
            "greatest of nothing": none.max_axis(engine, 0),
            "place of the greatest of nothing": none.argmax_axis(engine, 0),
            "mean of nothing": none.mean(engine),
            "no bits": x.to_bits(engine, 0),
            "65 bits": x.to_bits(engine, 65),
            "a number of no bits": Secret::<E, Int, Ix1>::from_bits_of(engine, &[]),
            "nothing stacked": Secret::<E, Number, Ix1>::stack(&[]),
        }
        let [two_bits, three_bits] = [2, 3].map(|len| SecretBits::<E, Ix1>::constant(engine, &vec![true; len], Ix1(len)).unwrap());
        refused! {
            "exclusive or of two and three": two_bits.xor(&three_bits),
            "conjunction of two and three": two_bits.and(engine, &three_bits),
            "disjunction of two and three": two_bits.or(engine, &three_bits),
            "selection by three of two": three_bits.select(engine, &x, &x),
            "bits of two and three": Secret::<E, Int, Ix1>::from_bits_of(engine, &[two_bits.clone(), three_bits]),
        }
        let matrix = x.clone().reshape(Ix2(2, 1)).unwrap();
        refused! {
            "matrices that do not meet": matrix.matmul(engine, &matrix),
            "a column beyond the end": matrix.column(1),
            "matrices of different widths stacked": Secret::stack(&[&matrix, &matrix.t()]),
        }

        // scales that a function is not made for
        let few = Secret::<E, Fixed<4>, Ix1>::constant(engine, Array1::zeros(2).view()).unwrap();
        let many = Secret::<E, Fixed<31>, Ix1>::constant(engine, Array1::zeros(2).view()).unwrap();
        let odd = Secret::<E, Fixed<9>, Ix1>::constant(engine, Array1::zeros(2).view()).unwrap();
        refused! {
            "sigmoid of 4 bits": few.sigmoid(engine),
            "sigmoid beyond the range": x.sigmoid_within(engine, 50),
            "exponential of 4 bits": few.exp(engine),
            "exponential of 31 bits": many.exp(engine),
            "softmax of 31 bits": many.clone().reshape(Ix2(1, 2)).unwrap().softmax(engine),
            "logarithm of 31 bits": many.ln(engine),
            "reciprocal of 4 bits": few.reciprocal(engine),
            "quotient of 31 bits": many.div(engine, &many),
            "square root of 9 bits": odd.sqrt(engine),
            "inverse root of 9 bits": odd.rsqrt(engine),
        }

        // tables
        let (a, b, zero) = (engine.constant(&[0, 0]), engine.constant(&[1]), engine.constant(&[]));
        let half = Fraction { numerator: 1, denominator: 2 };
        let over = Fraction { numerator: 2, denominator: 1 };
        let keys = [Key::unsigned(&a, 8)];
        let side = |low, high, columns| Side { digests: [low, high], columns };
        refused! {
            "sort by no key": table::sort(engine, &[], &[&a]),
            "sort of columns of different lengths": table::sort(engine, &keys, &[&b]),
            "sort by keys of 65 bits": table::sort(engine, &[Key::unsigned(&a, 65)], &[]),
            "sort by keys of no bits": table::sort(engine, &[Key::unsigned(&a, 0)], &[]),
            "places by no key": table::places::<E>(engine, &[]),
            "shuffle of different lengths": table::shuffle(engine, &[&a, &b]),
            "permutation of another length": table::scatter(engine, &a, &[&b]),
            "permutation back of another length": table::gather(engine, &a, &[&b]),
            "flags of another length": table::partition(engine, &a, &[&b]),
            "groups of different lengths": table::group_by(engine, &Grouping::by(&keys).sums(&[&b])),
            "groups with flags of another length": table::group_by(engine, &Grouping::by(&keys).only(&b)),
            "groups with extremes of another length": table::group_by(engine, &Grouping::by(&keys).extremes(Key::signed(&b))),
            "distinct keys with flags of another length": table::distinct(engine, &keys, Some(&b)),
            "means with counts up to 0": table::means(engine, &[&a], &a, 0),
            "means with counts up to 2^30": table::means(engine, &[&a], &a, 1 << 30),
            "means of different lengths": table::means(engine, &[&a], &b, 9),
            "join of digests of different lengths": table::join(engine, &side(&a, &b, &[]), &side(&a, &a, &[])),
            "join of columns of different lengths": table::join(engine, &side(&a, &a, &[&b]), &side(&a, &a, &[])),
            "top of different lengths": table::top(engine, &keys, &[&b], 1),
            "quantile beyond the end": table::quantiles(engine, Key::signed(&a), None, &[over]),
            "quantile of nothing": table::quantiles(engine, Key::signed(&zero), None, &[half]),
            "quantile with flags of another length": table::quantiles(engine, Key::signed(&a), Some(&b), &[half]),
            "edges that do not ascend": table::histogram(engine, Key::signed(&a), &[3, 3], None),
            "histogram with flags of another length": table::histogram(engine, Key::signed(&a), &[3], Some(&b)),
            "no categories": table::categories(engine, &a, 0, None),
            "categories with flags of another length": table::categories(engine, &a, 2, Some(&b)),
            "sums by category of different lengths": table::by_category(engine, &a, 2, &[&b], None),
        }

        // models
        let features = Secret::from_words(engine.constant(&[0; 6]), Ix2(3, 2)).unwrap();
        let labels = |engine: &E, len| Secret::from_words(engine.constant(&vec![0; len]), Ix1(len)).unwrap();
        let [two, three] = [2, 3].map(|len| labels(engine, len));
        let logistic = |batch, rate| Logistic { rate, batch, epochs: 1 };
        let targets = |engine: &E, len| Secret::from_words(engine.constant(&vec![0; len]), Ix1(len)).unwrap();
        let [two_targets, three_targets] = [2, 3].map(|len| targets(engine, len));
        let centres = Secret::from_words(engine.constant(&[0; 6]), Ix2(2, 3)).unwrap();
        refused! {
            "labels of other rows": logistic(1, 0.5).fit(engine, &features, &two),
            "batches of no rows": logistic(0, 0.5).fit(engine, &features, &three),
            "batches of more rows than there are": logistic(4, 0.5).fit(engine, &features, &three),
            "a rate that is NaN": logistic(1, f64::NAN).fit(engine, &features, &three),
            "a rate that is infinite": logistic(1, f64::INFINITY).fit(engine, &features, &three),
            "targets of other rows": Ridge { ridge: 0.5 }.fit(engine, &features, &two_targets),
            "a ridge that is NaN": Ridge { ridge: f64::NAN }.fit(engine, &features, &three_targets),
            "a ridge below 0": Ridge { ridge: -1.0 }.fit(engine, &features, &three_targets),
            "centres of other columns": KMeans { iterations: 1 }.fit(engine, &features, &centres),
        }

        // more rows than sums in the ring are exact for; zeros take no memory
        let rows = MAX_ROWS + 1;
        let long = Secret::<E, Int, Ix1>::from_words(E::Words::zeros(rows), Ix1(rows)).unwrap();
        let table = long.clone().reshape(Ix2(rows, 1)).unwrap();
        refused! {
            "moments of too many rows": moments(engine, &long, &table, None),
            "moments of other rows": moments(engine, &long.rows(0..5).unwrap(), &table, None),
        }
        answers
    }
}

#[test]
fn what_does_not_fit_is_refused_before_the_first_message() {
    let judge = |who: &str, answers: Vec<(&'static str, Result<()>)>| {
        for (call, answer) in answers {
            assert!(
                matches!(answer, Err(Error::Caller(_) | Error::Shape { .. } | Error::Range { .. })),
                "{who}: {call}: {:?}",
                answer.map_err(|error| error.to_string())
            );
        }
    };
    let (clear, all) = everywhere(&Misfits);
    judge("reference", clear);
    for (number, (answers, is_silent)) in all.into_iter().enumerate() {
        judge(&format!("party {}", NAMES[number % 3]), answers);
        assert!(is_silent, "party {}: something was sent", NAMES[number % 3]);
    }
    let mut dry = Dry::<Context>::new(&NAMES);
    let before = dry.cost().unwrap();
    // values are the owner's business: a dry run has none
    judge("dry run", Misfits.run(&mut dry, Some(1)));
    assert_eq!(dry.cost().unwrap().bytes, before.bytes);
    assert!(dry.random(5).unwrap().len() == 5, "the session goes on");
}

/// Rows that no shuffle of 32-bit places can count.
#[test]
fn too_many_rows_are_refused() {
    let silent = three(|context| {
        let before = context.totals();
        (context.draw_shuffle(1 << 32).is_err(), context.totals() == before)
    });
    assert_eq!(silent, [(true, true); 3]);
    // 2^32 rows, as a dry run knows them
    let mut dry = Dry::<Context>::new(&NAMES);
    let rows = dry.random(1 << 32).unwrap();
    let before = dry.cost().unwrap().bytes;
    assert!(matches!(table::sort(&mut dry, &[Key::unsigned(&rows, 8)], &[]), Err(Error::Caller(_))));
    assert_eq!(dry.cost().unwrap().bytes, before);
}
