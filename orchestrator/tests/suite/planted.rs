//! Marked values for the inputs, and everything by which they could be recognised.

use super::needles::{Needles, fixed, is_telling};
use super::support::{PURPOSE, SCENARIO, World};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use yu_desensitize::column;
use yu_desensitize::resident::Population;
use yu_mpc::psi;

const SEED: u64 = 9_137_125;
const LEFT: [&str; 3] = ["age", "visits", "outpatient_cost"];
const RIGHT: [&str; 2] = ["income", "balance"];

/// One row of an input.
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) numbers: Vec<String>,
    pub(crate) note: String,
    has_consent: bool,
}

pub(crate) struct Planted {
    pub(crate) left: Vec<Person>,
    right: Vec<Person>,
    /// Rows of each side without marks, behind the marked ones: they make a run long.
    ballast: u64,
}

fn people(ids: Vec<String>, columns: usize, rng: &mut StdRng) -> Vec<Person> {
    let number = |rng: &mut StdRng| {
        let fraction: u32 = rng.random_range(100_000..999_999);
        format!("{}.{fraction}{}", rng.random_range(10_000..90_000), rng.random_range(1..10))
    };
    let person = |(n, id): (usize, String)| Person {
        id,
        numbers: (0..columns).map(|_| number(rng)).collect(),
        note: format!("note-{:012x}", rng.random_range(0..1_u64 << 48)),
        has_consent: n % 12 != 5,
    };
    ids.into_iter().enumerate().map(person).collect()
}

/// Residents without marks: of each side the ids that are not marked.
fn ballast(rows: u64, left: &[Person], right: &[Person]) -> [Vec<String>; 2] {
    if rows == 0 {
        return [Vec::new(), Vec::new()];
    }
    let marked: BTreeSet<&str> = left.iter().chain(right).map(|p| p.id.as_str()).collect();
    let others = Population::new(SEED + 1, rows, rows, 0.5).unwrap();
    let free = |ids: Vec<String>| ids.into_iter().filter(|id| !marked.contains(id.as_str())).collect();
    [&others.health().unwrap(), &others.bank().unwrap()].map(|table| free(column::text(table, "resident_id").unwrap()))
}

/// Writes the files that `World::add_datasets` adds.
pub(crate) fn plant(world: &World, rows: u64) -> Planted {
    println!("seed {SEED}");
    let mut rng = StdRng::seed_from_u64(SEED);
    let residents = Population::new(SEED, 240, 240, 0.75).unwrap();
    let left = people(column::text(&residents.health().unwrap(), "resident_id").unwrap(), LEFT.len(), &mut rng);
    let right = people(column::text(&residents.bank().unwrap(), "resident_id").unwrap(), RIGHT.len(), &mut rng);
    let mut text = format!("resident_id,district,{},note\n", LEFT.join(","));
    for (n, p) in left.iter().enumerate() {
        text.push_str(&format!("{},{},{},{}\n", p.id, ["东", "南", "西"][n % 3], p.numbers.join(","), p.note));
    }
    let behind = ballast(rows, &left, &right);
    for (n, id) in behind[0].iter().enumerate() {
        text.push_str(&format!("{id},{},{n},{n}.5,{n}.25,none\n", ["东", "南", "西"][n % 3]));
    }
    std::fs::write(world.file("health.csv"), text).unwrap();
    let mut text = format!("resident_id,{}\n", RIGHT.join(","));
    for p in &right {
        text.push_str(&format!("{},{}\n", p.id, p.numbers.join(",")));
    }
    for (n, id) in behind[1].iter().enumerate() {
        text.push_str(&format!("{id},{n},{n}.75\n"));
    }
    std::fs::write(world.file("bank.csv"), text).unwrap();
    for (name, people, others, items) in [
        ("consent.csv", &left, &behind[0], "resident_id|district|age|visits|outpatient_cost"),
        ("bank-consent.csv", &right, &behind[1], "resident_id|income|balance"),
    ] {
        let mut text = String::from("resident_id,scenario,purpose,items,not_before,not_after,revoked_at,evidence\n");
        for p in people.iter().filter(|p| p.has_consent) {
            text.push_str(&format!("{},{SCENARIO},{PURPOSE},{items},2025-01-01T00:00:00Z,2035-01-01T00:00:00Z,,{}\n", p.id, p.note));
        }
        for id in others {
            text.push_str(&format!("{id},{SCENARIO},{PURPOSE},{items},2025-01-01T00:00:00Z,2035-01-01T00:00:00Z,,none\n"));
        }
        std::fs::write(world.file(name), text).unwrap();
    }
    Planted { left, right, ballast: rows }
}

impl Planted {
    /// Rows that take part: consent on both sides and the same id.
    fn matched(&self) -> (Vec<&Person>, Vec<&Person>) {
        let right: BTreeMap<&str, &Person> = self.right.iter().filter(|p| p.has_consent).map(|p| (p.id.as_str(), p)).collect();
        self.left.iter().filter(|p| p.has_consent).filter_map(|p| Some((p, *right.get(p.id.as_str())?))).unzip()
    }

    pub(crate) fn needles(&self, job: &str) -> Needles {
        let mut needles = Needles::default();
        let session: [u8; 32] = hex::decode(job).unwrap().try_into().unwrap();
        for (side, people) in [("left", &self.left), ("right", &self.right)] {
            let rows = 240 + self.ballast;
            let tag_len = usize::try_from(psi::tag_len(rows, rows)).unwrap();
            for (n, p) in people.iter().enumerate() {
                needles.add_text(&format!("{side} id {n}"), &p.id);
                needles.add(format!("{side} id {n} without its check digit"), &p.id.as_bytes()[..17]);
                let point = psi::hash::to_group(&session, p.id.as_bytes()).compress().to_bytes();
                needles.add_embedded(&format!("{side} id {n} as a bare group element"), &point);
                let tag = psi::hash::to_tag(&session, &point, tag_len).to_le_bytes();
                needles.add(format!("{side} id {n} as a bare tag"), &tag[..tag_len]);
                needles.add_text(&format!("{side} note {n}"), &p.note);
                for (c, text) in p.numbers.iter().enumerate() {
                    needles.add_number(&format!("{side} number {n} of column {c}"), text);
                }
            }
        }
        if self.ballast > 0 {
            return needles;
        }
        // as the protocol standardises them
        let (left, right) = self.matched();
        for (side, people, columns) in [("left", left, LEFT.len()), ("right", right, RIGHT.len())] {
            for c in 0..columns {
                let column: Vec<f64> = people.iter().map(|p| p.numbers[c].parse().unwrap()).collect();
                let size = column.len() as f64;
                let mean = column.iter().sum::<f64>() / size;
                let sd = (column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (size - 1.0)).sqrt();
                for (n, x) in column.iter().enumerate() {
                    let z = fixed((x - mean) / (sd * size.sqrt()), 30);
                    if is_telling(z) {
                        needles.add(format!("{side} standardised number {n} of column {c}"), &z.to_le_bytes());
                    }
                }
            }
        }
        needles
    }
}
