//! Metering and money (D13, O9, S8). All amounts are whole micro-yuan (元 / 1,000,000) or fen; nothing is a floating-point number.
//!
//! | to see | open |
//! |---|---|
//! | what was used, as nodes signed it | [`counter`] |
//! | prices, the same for all under the same conditions (S8) | [`tariff`] |
//! | the price before a run | [`quote`] |
//! | monthly invoices, reconciled with the counters | [`invoice`] |
//! | costs and shares of the suppliers (O9) | [`share`] |
//! | what is filed for the accounts | [`filed`] |
//! | waiting times and charges of customers compared (S8) | [`fairness`] |
//!
//! The platform sets neither who belongs to which class, nor what was used, nor which runs belong to the laboratory: classes are
//! signed by the authority, counters by the nodes that counted, laboratories by the authority's grant.

pub mod counter;
pub mod fairness;
pub mod filed;
pub mod invoice;
pub mod quote;
pub mod share;
pub mod tariff;

pub use counter::{Book, Counts, Reading, Subject, Unit};
pub use fairness::{Queue, Served};
pub use filed::{LabNotice, MOST_READINGS, MeterSheet};
pub use invoice::{Billing, Invoice, Issued, Line, Month};
pub use quote::{Quote, is_lab};
pub use share::{Measure, Part, ShareStatement, split};
pub use tariff::{Class, Classes, Condition, Enrolment, FeeRules, Price, Tariff, TariffLine, Tariffs};
