//! Each primitive by itself: what the programs of the catalogue do not ask for.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use yu_wire::shape::Link;

use super::check::{SIZES, Scenario, Verdict, agree, all, check_program, share};
use super::run::{Harness, Seat, run};
use crate::clear::Clear;
use crate::dry::Dry;
use crate::engine::known::{self, KnownInput};
use crate::engine::{BitVector, Engine, Input, Module, Packed, Product, Vector, Way};
use crate::ops::circuit;
use crate::programs::{Output, Program};
use crate::secret::only;
use crate::{Error, Result};

/// Several operands of different lengths in one call of each exact primitive.
///
/// # Errors
/// A sentence that says what differs.
pub fn check_together<H: Harness>() -> Verdict {
    SIZES.iter().try_for_each(|n| check_program::<H, _>(&Together, *n))
}

/// The same for primitives that round.
///
/// # Errors
/// A sentence that says what differs.
pub fn check_rounding<H: Harness>() -> Verdict {
    SIZES.iter().try_for_each(|n| check_program::<H, _>(&Rounding, *n))
}

/// No operands, and operands without elements.
///
/// # Errors
/// A sentence that says what differs.
pub fn check_nothing<H: Harness>() -> Verdict {
    check_program::<H, _>(&Nothing, 0)
}

/// Bits of every owner, in one call.
///
/// # Errors
/// A sentence that says what differs.
pub fn check_bits_in<H: Harness>() -> Verdict {
    SIZES.iter().try_for_each(|n| agree::<H, _>(&BitsIn(*n), 0).map_err(|what| format!("bits of all owners, n = {n}: {what}")))
}

/// Products modulo 2^32, matrices that one party knows among them.
///
/// # Errors
/// A sentence that says what differs.
pub fn check_known<H: Harness>() -> Verdict {
    SIZES.iter().try_for_each(|n| agree::<H, _>(&KnownIn(*n), 0).map_err(|what| format!("known matrices, n = {n}: {what}")))
}

struct Together;

impl Program for Together {
    const NAME: &'static str = "several operands in one call";

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        [n, n, 12, 65].map(|len| (0..len).map(|_| rng.next_u64()).collect()).to_vec()
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], n: usize) -> Result<Vec<Output<E>>> {
        let [x, y, z, w] = [&inputs[0], &inputs[1], &inputs[2], &inputs[3]];
        let none = x.slice(0..0);
        let (left, right) = (z.slice(0..6), z.slice(6..12));
        let products = [
            Product::Each(x, y),
            Product::Matrix { left: &left, right: &right, shape: [3, 2, 3] },
            Product::Each(&none, &none),
            Product::Dots { left: &left, right: &right, terms: 3 },
            Product::Matrix { left: &left, right: &right, shape: [1, 6, 1] },
        ];
        let mut outputs: Vec<Output<E>> = engine.multiply(&products, 0)?.into_iter().map(Output::Words).collect();

        // few and all planes; an adder makes bits of both addends
        let mut low = Vec::new();
        for bits in [1, 13, 64] {
            for [a, b] in engine.addends(&[x, &none, z], bits)? {
                let planes = circuit::sum(engine, &a, &b)?;
                low.extend(planes.first().cloned());
                outputs.extend(planes.into_iter().map(Output::Bits));
            }
        }
        let [a, b] = only(engine.addends(&[w], 3)?)?;
        let many = circuit::sum(engine, &a, &b)?;
        let (Some(x_low), Some(first), Some(second)) = (low.first(), many.first(), many.get(1)) else {
            return Err(Error::caller("an engine splits values into planes"));
        };
        let no_bits = x_low.slice(0..0);

        let flipped = x_low.xor(&engine.constant_bits(&Packed::ones(n)));
        let pairs = [(x_low, &flipped), (first, second), (&no_bits, &no_bits), (x_low, x_low)];
        outputs.extend(engine.and(&pairs)?.into_iter().map(Output::Bits));
        outputs.extend(engine.lift(&[first, &no_bits, &flipped])?.into_iter().map(Output::Words));
        outputs.extend(engine.inject(&[(x_low, y), (&no_bits, &none), (second, w)])?.into_iter().map(Output::Words));

        // rows move together, and back to where they were
        let by = engine.draw_shuffle(n)?;
        let moved = engine.shuffle(&by, &[x, y], Way::Forward)?;
        let [to_x, to_y] = [&moved[0], &moved[1]];
        let sums = [Product::Matrix { left: to_x, right: to_y, shape: [1, n, 1] }];
        outputs.extend(engine.multiply(&sums, 0)?.into_iter().map(Output::Words));
        outputs.extend(engine.shuffle(&by, &[to_y, to_x, to_y], Way::Back)?.into_iter().map(Output::Words));
        Ok(outputs)
    }
}

struct Rounding;

impl Program for Rounding {
    const NAME: &'static str = "rounding in one call";
    const TOLERANCE: u64 = 1;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        // below 2^62, 2^28 and 2^29 in absolute value, ends included
        let draw = |len: usize, bits: u32, rng: &mut dyn Rng| -> Vec<u64> {
            let end = (1i64 << bits) - 1;
            let ends = [0, end, -end, 1, -1];
            let value = |at: usize, random: u64| {
                if at % 3 == 1 { ends[at / 3 % ends.len()] } else { (random.cast_signed() >> (63 - bits)).max(-end) }
            };
            (0..len).map(|at| value(at, rng.next_u64()).cast_unsigned()).collect()
        };
        vec![draw(n, 62, rng), draw(17, 62, rng), draw(n, 28, rng), draw(n, 28, rng), draw(192, 29, rng), draw(192, 29, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], n: usize) -> Result<Vec<Output<E>>> {
        let none = inputs[0].slice(0..0);
        let mut outputs = Vec::new();
        for shift in [1, 20, 61, 62] {
            outputs.extend(engine.truncate(&[&inputs[0], &none, &inputs[1]], shift)?);
        }
        let (x, y) = (&inputs[2], &inputs[3]);
        let products = [Product::Each(x, y), Product::Matrix { left: x, right: y, shape: [1, n, 1] }, Product::Each(&none, &none)];
        for shift in [1, 16] {
            outputs.extend(engine.multiply(&products, shift)?);
        }
        let wide = Product::Matrix { left: &inputs[4], right: &inputs[5], shape: [64, 3, 64] };
        for shift in [1, 20, 61, 62] {
            outputs.extend(engine.multiply(&[wide, wide], shift)?);
        }
        outputs.extend(engine.multiply(&[wide, products[0]], 7)?);
        Ok(outputs.into_iter().map(Output::Words).collect())
    }
}

struct Nothing;

impl Program for Nothing {
    const NAME: &'static str = "nothing at all";

    fn inputs(&self, _: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![Vec::new(), (0..6).map(|_| rng.next_u64()).collect()]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], _: usize) -> Result<Vec<Output<E>>> {
        let (none, six) = (&inputs[0], &inputs[1]);
        let no_bits = <E::Bits as BitVector>::zeros(0);
        let lens = [
            engine.input(&[])?.len(),
            engine.input_bits(&[])?.len(),
            engine.multiply(&[], 0)?.len(),
            engine.multiply(&[], 7)?.len(),
            engine.truncate(&[], 7)?.len(),
            engine.and(&[])?.len(),
            engine.addends(&[], 7)?.len(),
            engine.lift(&[])?.len(),
            engine.inject(&[])?.len(),
            engine.open(&[])?.len(),
            engine.open_bits(&[])?.len(),
        ];
        if lens.iter().any(|len| *len > 0) {
            return Err(Error::caller(format!("results of nothing: {lens:?}")));
        }
        let by = engine.draw_shuffle(0)?;
        if !engine.shuffle(&by, &[], Way::Forward)?.is_empty() {
            return Err(Error::caller("columns of no shuffle"));
        }
        let empty = Product::Each(none, none);
        let mut outputs = engine.multiply(&[empty], 0)?;
        outputs.extend(engine.multiply(&[empty, Product::Dots { left: none, right: none, terms: 3 }], 7)?);
        // operands without a result; a result without operands: sums of nothing are zero
        outputs.extend(engine.multiply(&[Product::Matrix { left: six, right: none, shape: [2, 3, 0] }], 0)?);
        outputs.extend(engine.multiply(&[Product::Matrix { left: none, right: none, shape: [2, 0, 3] }], 0)?);
        outputs.extend(engine.truncate(&[none, none], 7)?);
        outputs.extend(engine.lift(&[&no_bits])?);
        outputs.extend(engine.inject(&[(&no_bits, none)])?);
        outputs.extend(engine.shuffle(&by, &[none], Way::Forward)?);
        outputs.extend(engine.shuffle(&by, &[none, none], Way::Back)?);
        outputs.push(<E::Words as Module>::zeros(3));
        let mut bits = engine.and(&[(&no_bits, &no_bits)])?;
        for [a, b] in engine.addends(&[none], 5)? {
            bits.extend(a.into_iter().chain(b));
        }
        Ok(outputs.into_iter().map(Output::Words).chain(bits.into_iter().map(Output::Bits)).collect())
    }
}

struct BitsIn(usize);

impl Scenario for BitsIn {
    fn play<E: Engine>(&self, engine: &mut E, index: Option<usize>) -> Result<Vec<Vec<u64>>> {
        let mut rng = StdRng::seed_from_u64(self.0 as u64);
        // two vectors of each owner; engines may have more owners than a session has parties
        let owners = (0..E::PARTIES.min(3)).flat_map(|owner| [(owner, self.0), (owner, 65)]);
        let drawn: Vec<(usize, Packed)> = owners.map(|(owner, len)| (owner, (0..len).map(|_| rng.next_u32() & 1 == 1).collect())).collect();
        let input = |(owner, bits): &'_ (usize, Packed)| (*owner, bits.len(), index.is_none_or(|index| index == *owner));
        let described: Vec<_> = drawn.iter().map(input).collect();
        let inputs: Vec<_> = described
            .iter()
            .zip(&drawn)
            .map(|((owner, len, is_ours), (_, bits))| Input { owner: *owner, len: *len, values: is_ours.then_some(bits) })
            .collect();
        let shared = engine.input_bits(&inputs)?;
        let opened = engine.open_bits(&shared.iter().collect::<Vec<_>>())?;
        Ok(opened.iter().map(|bits| bits.iter().map(u64::from).collect()).collect())
    }
}

/// Operands that do not fit are refused at every party before the first message, by the engine as by the dry run, and the engine
/// works on afterwards.
///
/// # Errors
/// A sentence that says what was not refused.
pub fn check_misfits<H: Harness>() -> Verdict {
    let judge = |who: &str, answers: Vec<(&'static str, Result<()>)>| -> Verdict {
        for (call, answer) in answers {
            match answer {
                Err(Error::Caller(_) | Error::Shape { .. }) => {}
                Err(other) => return Err(format!("{who}: {call}: refused as `{other}`, expected the caller's mistake")),
                Ok(()) => return Err(format!("{who}: {call}: not refused")),
            }
        }
        Ok(())
    };
    judge("reference", misfits(&mut Clear, None))?;
    judge("dry run", misfits(&mut Dry::<H::Engine>::new(H::PARTIES), None))?;
    let party = |engine: &mut H::Engine, seat: &Seat| {
        let before = seat.totals();
        let answers = misfits(engine, Some(seat.index()));
        let is_silent = seat.totals() == before;
        let inputs = [vec![3], vec![5]];
        let shared = share(engine, &inputs, Some(seat.index()))?;
        let product = engine.multiply(&[Product::Each(&shared[0], &shared[1])], 0)?;
        Ok((answers, is_silent, engine.open(&product.iter().collect::<Vec<_>>())?))
    };
    for ((answers, is_silent, product), name) in all::<H, _>(run::<H, _>(Link::LOCAL, party))?.into_iter().zip(H::PARTIES) {
        judge(name, answers)?;
        if !is_silent {
            return Err(format!("party {name}: messages were sent before the refusal"));
        }
        if product != [[15]] {
            return Err(format!("party {name}: computes wrongly after a refusal"));
        }
    }
    Ok(())
}

/// Calls that no engine may accept, with the answers.
fn misfits<E: Engine>(engine: &mut E, index: Option<usize>) -> Vec<(&'static str, Result<()>)> {
    let (x, y) = (engine.constant(&[1, 2, 3, 4]), engine.constant(&[1, 2, 3]));
    let (a, b) = (engine.constant_bits(&Packed::ones(65)), engine.constant_bits(&Packed::ones(64)));
    let mut answers = Vec::new();
    let mut note = |call, answer: Result<()>| answers.push((call, answer));
    let good = Product::Each(&x, &x);
    note("element-wise product of different lengths", engine.multiply(&[good, Product::Each(&x, &y)], 0).map(drop));
    note("scalar products of different lengths", engine.multiply(&[Product::Dots { left: &x, right: &y, terms: 1 }], 0).map(drop));
    note("scalar products of a part", engine.multiply(&[good, Product::Dots { left: &x, right: &x, terms: 3 }], 0).map(drop));
    note("scalar products of no terms", engine.multiply(&[Product::Dots { left: &x, right: &x, terms: 0 }], 0).map(drop));
    let wrong_left = Product::Matrix { left: &y, right: &x, shape: [2, 2, 2] };
    note("matrix product with a wrong left side", engine.multiply(&[wrong_left], 0).map(drop));
    let wrong_right = Product::Matrix { left: &x, right: &y, shape: [2, 2, 2] };
    note("matrix product with a wrong right side", engine.multiply(&[wrong_right], 0).map(drop));
    let too_large = Product::Matrix { left: &x, right: &x, shape: [usize::MAX, 2, usize::MAX] };
    note("matrix product beyond memory", engine.multiply(&[too_large], 0).map(drop));
    note("product cut by 63 bits", engine.multiply(&[good], 63).map(drop));
    note("truncation by no bit", engine.truncate(&[&x], 0).map(drop));
    note("truncation by 63 bits", engine.truncate(&[&x], 63).map(drop));
    note("conjunction of different lengths", engine.and(&[(&a, &a), (&a, &b)]).map(drop));
    note("no planes", engine.addends(&[&x], 0).map(drop));
    note("65 planes", engine.addends(&[&x], 65).map(drop));
    note("selection of another length", engine.inject(&[(&a, &x)]).map(drop));
    if let Ok(by) = engine.draw_shuffle(4) {
        note("shuffle of another length", engine.shuffle(&by, &[&x, &y], Way::Forward).map(drop));
        note("shuffle back of another length", engine.shuffle(&by, &[&y], Way::Back).map(drop));
    }
    let of = |owner, len, values| Input::<'_, [u64]> { owner, len, values };
    note("input of nobody", engine.input(&[of(E::PARTIES, 0, None)]).map(drop));
    let packed = Packed::ones(3);
    note("input bits of nobody", engine.input_bits(&[Input { owner: E::PARTIES, len: 0, values: None }]).map(drop));
    // what only the owner, or only another party, can get wrong; a dry run wants no values
    if index.is_some() {
        let is_owner = index == Some(0);
        let values = [1, 2, 3];
        let bits = |len, values| Input { owner: 0, len, values };
        if is_owner {
            note("input of another length", engine.input(&[of(0, 3, Some(&values)), of(0, 2, Some(&values))]).map(drop));
            note("input without values", engine.input(&[of(0, 3, None)]).map(drop));
            note("input bits of another length", engine.input_bits(&[bits(2, Some(&packed))]).map(drop));
            note("input bits without values", engine.input_bits(&[bits(3, None)]).map(drop));
        } else {
            note("input that is not ours", engine.input(&[of(0, 3, Some(&values))]).map(drop));
            note("input bits that are not ours", engine.input_bits(&[bits(3, Some(&packed))]).map(drop));
        }
    }
    answers
}

/// A drawn permutation is one, the same for all parties and columns, different each time.
///
/// # Errors
/// A sentence that says what differs.
pub fn check_shuffle<H: Harness>() -> Verdict {
    const ROWS: u64 = 50;
    let rows: Vec<u64> = (0..ROWS).collect();
    let party = |engine: &mut H::Engine, _: &Seat| {
        let column = engine.constant(&rows);
        let mut places = Vec::new();
        for _ in 0..2 {
            let by = engine.draw_shuffle(rows.len())?;
            let moved = engine.shuffle(&by, &[&column, &column], Way::Forward)?;
            places.extend(engine.open(&moved.iter().collect::<Vec<_>>())?);
        }
        Ok(places)
    };
    let results = all::<H, _>(run::<H, _>(Link::LOCAL, party))?;
    for (places, name) in results.iter().zip(H::PARTIES) {
        if Some(places) != results.first() {
            return Err(format!("party {name} opened another permutation"));
        }
        let mut sorted = places.clone();
        sorted.iter_mut().for_each(|places| places.sort_unstable());
        if sorted.iter().any(|sorted| *sorted != rows) {
            return Err(format!("party {name}: rows were lost"));
        }
        // chance: 2 / 50!
        if places[0] != places[1] || places[2] != places[3] || places[0] == places[2] || places[0] == rows {
            return Err(format!("party {name}: columns apart, or a permutation that did not change"));
        }
    }
    Ok(())
}

/// Matrices of two owners, one of them with two; sums over rows and over columns, and what becomes of them.
struct KnownIn(usize);

impl Scenario for KnownIn {
    fn play<E: Engine>(&self, engine: &mut E, index: Option<usize>) -> Result<Vec<Vec<u64>>> {
        let rows = self.0 + 1;
        let mut rng = StdRng::seed_from_u64(self.0 as u64);
        let bins: [&[usize]; 3] = [&[3, 1], &[2, 5, 4], &[7]];
        let owners = [0, 1 % E::PARTIES, 0];
        let codes = bins.map(|bins| -> Vec<u8> {
            let feature = |count: &usize| (0..rows).map(|_| (rng.next_u32() as usize % count) as u8).collect::<Vec<_>>();
            bins.iter().flat_map(feature).collect()
        });
        let input = |at: usize| KnownInput {
            owner: owners[at],
            rows,
            bins: bins[at],
            codes: index.is_none_or(|index| index == owners[at]).then_some(&codes[at][..]),
        };
        let known = engine.share_known(&[input(0), input(1), input(2)])?;
        let numbers = |len: usize, rng: &mut StdRng| (0..len).map(|_| u64::from(rng.next_u32() & 0xfffff)).collect::<Vec<_>>();
        let inputs = [numbers(3 * rows, &mut rng), numbers(rows, &mut rng), numbers(2 * 4, &mut rng), numbers(2 * 11, &mut rng)];
        let shared = share(engine, &inputs, index)?;
        let (three, one, few, many) = (&shared[0], &shared[1], &shared[2], &shared[3]);
        let mut results = engine.known_totals(&[(&known[0], three), (&known[1], one), (&known[2], &three.slice(0..0))])?;
        results.push(engine.known_picks(&[(&known[0], few), (&known[1], many)])?);
        // halves are operands of halves
        let two = results[3].clone();
        let sums = engine
            .multiply_halves(&[Product::Dots { left: &two, right: &three.slice(0..2 * rows), terms: rows }, Product::Each(&two, &two)])?;
        results.extend(sums);
        results.push(engine.sum_halves(&two, &three.slice(0..2 * rows), 2)?);
        let raised: Vec<E::Words> = results.iter().map(|halves| halves.scale(1 << 32)).collect();
        let small = known::whole(engine, &[&results[3].sub(&engine.constant(&vec![1 << 21; 2 * rows]))])?;
        let all: Vec<&E::Words> = raised.iter().chain(&small).collect();
        engine.open(&all)
    }
}
