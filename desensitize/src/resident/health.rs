//! The health office's table. All numbers are invented; only their directions are those of real data.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};

use super::generate::{Dice, Person, Stream, exp, fen};
use super::regions::DISTRICTS;
use crate::error::Result;
use crate::table::Table;

struct Row {
    visits: i64,
    outpatient: f64,
    inpatient: f64,
    chronic: i64,
    systolic: i64,
}

pub(super) fn table(seed: u64, people: &[&Person]) -> Result<Table> {
    let mut dice = Dice::new(seed, Stream::Health);
    let rows: Vec<Row> = people.iter().map(|person| row(person, &mut dice)).collect();
    let integers = |f: fn(&Row) -> i64| Arc::new(rows.iter().map(f).collect::<Int64Array>()) as ArrayRef;
    let amounts = |f: fn(&Row) -> f64| Arc::new(Float64Array::from_iter_values(rows.iter().map(f))) as ArrayRef;
    let ids = StringArray::from_iter_values(people.iter().map(|person| person.id()));
    let districts = StringArray::from_iter_values(people.iter().map(|person| DISTRICTS[person.district].name));
    let ages = people.iter().map(|person| i64::from(person.age)).collect::<Int64Array>();
    let columns = vec![
        ("resident_id", Arc::new(ids) as ArrayRef),
        ("district", Arc::new(districts)),
        ("age", Arc::new(ages)),
        ("visits", integers(|row| row.visits)),
        ("outpatient_cost", amounts(|row| row.outpatient)),
        ("inpatient_cost", amounts(|row| row.inpatient)),
        ("chronic", integers(|row| row.chronic)),
        ("systolic", integers(|row| row.systolic)),
    ];
    Table::from_columns("simulated health", columns)?.simulated("yu residents 1")
}

fn row(person: &Person, dice: &mut Dice) -> Row {
    let age = person.age();
    let chronic = dice.happens((0.03 + 0.010 * (age - 32.0) + 0.05 * person.illness).clamp(0.02, 0.85));
    let burden = if chronic { 1.0 } else { 0.0 };
    let visits = dice.count((1.5 + 0.05 * (age - 18.0) + 4.0 * burden + 1.1 * person.illness).clamp(0.3, 40.0));
    // a dearer doctor for the richer
    let price = 210.0 * exp(0.30 * person.wealth + 0.35 * dice.normal());
    let stays = dice.happens((0.02 + 0.0012 * (age - 18.0) + 0.08 * burden + 0.02 * person.illness).clamp(0.005, 0.6));
    let stay = 7200.0 * exp(0.15 * person.wealth + 0.55 * dice.normal());
    let systolic = 110.0 + 0.40 * (age - 18.0) + 8.0 * burden + 9.5 * dice.normal();
    Row {
        visits,
        outpatient: fen(visits as f64 * price),
        inpatient: if stays { fen(stay) } else { 0.0 },
        chronic: i64::from(chronic),
        systolic: systolic.clamp(80.0, 220.0).round() as i64,
    }
}
