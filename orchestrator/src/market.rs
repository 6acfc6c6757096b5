//! Products and money on a node: what people ask for, made from what the node has metered, traced and been told by the docket.
//!
//! | to see | open |
//! |---|---|
//! | readings of this node's meters | [`meter`] |
//! | invoices and quotes, compared with contracts and counters | [`invoice`] |
//! | products: items, lineage, listing, dossiers, trade | [`product`] |

pub mod invoice;
pub mod meter;
pub mod product;

use crate::docket::{draft, named};
use crate::fault::Result;
use crate::node::Node;
use crate::verbs::to_value;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use yu_governance::sign::{Signed, SignedType};

/// What the command line asks about products and money.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MarketAsk {
    /// File this node's readings.
    MeterFile,
    /// Readings by job.
    MeterShow {
        /// Only this job.
        job: Option<String>,
    },
    /// Customers of one class compared.
    MeterFairness,
    /// Draw and file the invoices of a month.
    InvoiceDraw {
        /// `2026-05`.
        month: String,
    },
    /// Invoices that are filed or wait, compared with counters and contracts.
    InvoiceShow {
        /// Only this month.
        month: Option<String>,
    },
    /// What everything cost.
    InvoiceCosts {
        /// `2026-05`.
        month: String,
    },
    /// Sign and file the price of a job.
    InvoiceQuote {
        /// Job.
        job: String,
        /// Milliseconds of processor time that are expected beside.
        cpu_ms: u64,
    },
    /// A version of a product with what is known of its items.
    ProductCheck {
        /// How the hash of the version begins.
        version: String,
    },
    /// List a version.
    ProductList {
        /// How the hash of the version begins.
        version: String,
        /// Number and registry of a registration.
        registration: Option<(String, String)>,
    },
    /// Make and file the dossier for a registry.
    ProductDossier {
        /// Product.
        product: String,
    },
    /// Whether a dossier that was filed follows from the records here.
    ProductRegistered {
        /// Product.
        product: String,
    },
    /// Whether a product may be traded.
    ProductTrade {
        /// Product.
        product: String,
        /// On an exchange.
        exchange: bool,
    },
}

/// Answers one of them.
///
/// # Errors
/// The fault that a person is shown.
pub fn handle(node: &Arc<Node>, ask: MarketAsk) -> Result<Value> {
    match ask {
        MarketAsk::MeterFile => meter::file(node),
        MarketAsk::MeterShow { job } => meter::show(node, job.as_deref()),
        MarketAsk::MeterFairness => meter::fairness(node),
        MarketAsk::InvoiceDraw { month } => invoice::draw(node, &month),
        MarketAsk::InvoiceShow { month } => invoice::show(node, month.as_deref()),
        MarketAsk::InvoiceCosts { month } => invoice::costs(node, &month),
        MarketAsk::InvoiceQuote { job, cpu_ms } => invoice::quote(node, &job, cpu_ms),
        MarketAsk::ProductCheck { version } => product::check(node, &version),
        MarketAsk::ProductList { version, registration } => product::list(node, &version, registration),
        MarketAsk::ProductDossier { product } => product::dossier(node, &product),
        MarketAsk::ProductRegistered { product } => product::registered(node, &product),
        MarketAsk::ProductTrade { product, exchange } => product::trade(node, &product, exchange),
    }
}

/// Signs a document that the node made itself, and files it.
fn start<T: SignedType + Serialize>(node: &Arc<Node>, kind: &str, document: T) -> Result<Value> {
    draft::start(node, named(kind)?, &to_value(&Signed::unsigned(document))?)
}
