//! Simulated residents: two overlapping populations with the tables of a health office and a bank, and consents.
//!
//! Everything follows from a seed, bit by bit, on every machine: ChaCha20 and only those floating-point operations
//! that IEEE 754 defines exactly. The identity numbers are well formed (GB 11643) with region codes of Ningbo; one may
//! by chance be a real person's number, but nothing in its row is. Tables say in their metadata that they are
//! simulated ([`crate::Table::is_simulated`]).
//!
//! The two tables are correlated as real ones are: income with age, outpatient cost with income and age, overdue
//! payments with illness, and so on. No statement about Ningbo can be drawn from them.
//!
//! | to see | open |
//! |---|---|
//! | how people are made | `resident/generate.rs` |
//! | the health office's columns | `resident/health.rs` |
//! | the bank's columns | `resident/bank.rs` |
//! | consent receipts | `resident/consent.rs` |
//! | districts and region codes | [`regions`] |

mod bank;
mod consent;
mod generate;
mod health;
pub mod regions;

use crate::error::{Error, Result};
use crate::table::Table;
use generate::{Dice, Person, Stream};

pub use consent::{ReceiptPlan, Receipts};
pub use generate::REFERENCE_DAY;

/// Share of the smaller table whose residents are in the other table as well.
pub const DEFAULT_OVERLAP: f64 = 0.6;

/// More residents than this would crowd the three digits of order that a day and a region have.
pub const MAX_RESIDENTS: u64 = 20_000_000;

/// Two overlapping populations: left with the health office, right with the bank.
pub struct Population {
    seed: u64,
    /// First those in both tables, then the left only, then the right only.
    people: Vec<Person>,
    left: usize,
    matched: usize,
}

impl Population {
    /// The population of a seed. `overlap` is the share (0 to 1) of the smaller table that is in both;
    /// see [`DEFAULT_OVERLAP`].
    ///
    /// # Errors
    /// `Population` if a table is empty, the overlap is no share, or there are more than [`MAX_RESIDENTS`].
    pub fn new(seed: u64, rows_left: u64, rows_right: u64, overlap: f64) -> Result<Self> {
        let fault = |reason| Err(Error::Population { reason });
        if rows_left == 0 || rows_right == 0 {
            return fault("each table needs at least one row");
        }
        if !(0.0..=1.0).contains(&overlap) {
            return fault("the overlap is a share between 0 and 1");
        }
        if rows_left.saturating_add(rows_right) > MAX_RESIDENTS {
            return fault("at most 20,000,000 residents in both tables together");
        }
        let matched = (rows_left.min(rows_right) as f64 * overlap).round() as u64;
        let people = generate::people(seed, (rows_left + rows_right - matched) as usize);
        Ok(Self { seed, people, left: rows_left as usize, matched: matched as usize })
    }

    /// Residents in both tables.
    #[must_use]
    pub fn matched(&self) -> u64 {
        self.matched as u64
    }

    /// The health office's table: `resident_id`, `district`, `age`, `visits`, `outpatient_cost`, `inpatient_cost`,
    /// `chronic`, `systolic`. Costs in yuan a year, blood pressure in mmHg.
    ///
    /// # Errors
    /// `Arrow` if the table cannot be built.
    pub fn health(&self) -> Result<Table> {
        health::table(self.seed, &self.order(Stream::OrderHealth, 0..self.left))
    }

    /// The bank's table: `resident_id`, `income`, `balance`, `loan`, `overdue_days`, `accounts`, `credit_score`.
    /// Amounts in yuan, income per year.
    ///
    /// # Errors
    /// `Arrow` if the table cannot be built.
    pub fn bank(&self) -> Result<Table> {
        bank::table(self.seed, &self.order(Stream::OrderBank, (0..self.matched).chain(self.left..self.people.len())))
    }

    /// Consent receipts for most residents of the health table.
    ///
    /// # Errors
    /// `Population` if the plan's time is out of range, `Arrow` if the table cannot be built.
    pub fn receipts(&self, plan: &ReceiptPlan) -> Result<Receipts> {
        consent::receipts(self.seed, &self.order(Stream::OrderConsent, 0..self.left), plan)
    }

    /// Some of the people in an order of their own (Fisher-Yates).
    fn order(&self, stream: Stream, numbers: impl Iterator<Item = usize>) -> Vec<&Person> {
        let mut order: Vec<&Person> = numbers.map(|number| &self.people[number]).collect();
        let mut dice = Dice::new(self.seed, stream);
        for last in (1..order.len()).rev() {
            order.swap(last, dice.below(last as u64 + 1) as usize);
        }
        order
    }
}
