//! The bank's table. All numbers are invented; only their directions are those of real data.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};

use super::generate::{Dice, Person, Stream, exp, fen};
use super::regions::DISTRICTS;
use crate::error::Result;
use crate::table::Table;

struct Row {
    income: i64,
    balance: f64,
    loan: i64,
    overdue: i64,
    accounts: i64,
    score: i64,
}

pub(super) fn table(seed: u64, people: &[&Person]) -> Result<Table> {
    let mut dice = Dice::new(seed, Stream::Bank);
    let rows: Vec<Row> = people.iter().map(|person| row(person, &mut dice)).collect();
    let integers = |f: fn(&Row) -> i64| Arc::new(rows.iter().map(f).collect::<Int64Array>()) as ArrayRef;
    let ids = StringArray::from_iter_values(people.iter().map(|person| person.id()));
    let balances = Float64Array::from_iter_values(rows.iter().map(|row| row.balance));
    let columns = vec![
        ("resident_id", Arc::new(ids) as ArrayRef),
        ("income", integers(|row| row.income)),
        ("balance", Arc::new(balances)),
        ("loan", integers(|row| row.loan)),
        ("overdue_days", integers(|row| row.overdue)),
        ("accounts", integers(|row| row.accounts)),
        ("credit_score", integers(|row| row.score)),
    ];
    Table::from_columns("simulated bank", columns)?.simulated("yu residents 1")
}

fn row(person: &Person, dice: &mut Dice) -> Row {
    let age = person.age();
    // highest at 47; a pension at the end
    let level = (92_000.0 - 60.0 * (age - 47.0) * (age - 47.0)).max(38_000.0) * DISTRICTS[person.district].income / 100.0;
    let income = (level * exp(0.45 * person.wealth + 0.15 * dice.normal())).clamp(12_000.0, 5_000_000.0).round();
    let balance = fen(income * (0.3 + 0.02 * (age - 18.0)) * exp(0.25 * person.wealth + 0.6 * dice.normal()));
    let borrows = dice.happens((0.55 - 0.012 * (age - 35.0).max(0.0)).clamp(0.03, 0.55));
    // in thousands, as loans are
    let loan = if borrows { (income * 2.2 * exp(0.5 * dice.normal()) / 1000.0).round() * 1000.0 } else { 0.0 };
    let is_strained = dice.happens((0.10 - 0.05 * person.wealth + 0.12 * person.illness).clamp(0.01, 0.7));
    let days = 1 + dice.below(90).min(dice.below(180)) as i64;
    // without a loan there is still a card to be late with, for every second one
    let has_card = dice.happens(0.5);
    let overdue = if is_strained && (loan > 0.0 || has_card) { days } else { 0 };
    let score = 640.0 + 48.0 * person.wealth + 0.8 * (age - 45.0).min(20.0) - 1.1 * overdue as f64 + 28.0 * dice.normal();
    Row {
        income: income as i64,
        balance,
        loan: loan as i64,
        overdue,
        accounts: 1 + dice.count((1.2 + 0.5 * person.wealth).clamp(0.2, 6.0)),
        score: score.clamp(350.0, 950.0).round() as i64,
    }
}
