//! What others get to see: the public register, filings with the province, the credit file.
//!
//! | to see | open |
//! |---|---|
//! | public register as a signed feed (A11) | [`feed`] |
//! | filing package and receipt (A12) | [`filing`] |
//! | dossier for a registry, trade (O8) | [`dossier`] |
//! | credit record (A30) | [`credit`] |

pub mod credit;
pub mod dossier;
pub mod feed;
pub mod filing;

pub use credit::CreditRecord;
pub use dossier::{IsPublic, RegistrationDossier, Venue, may_trade};
pub use feed::{Change, Entry, Facts, FeedItem, Register, Shown, When};
pub use filing::{FilingPackage, Receipt};
