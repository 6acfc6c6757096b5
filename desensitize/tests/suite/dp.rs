//! Differential privacy through the public interface.

#[path = "dp/account.rs"]
mod account;
#[path = "dp/ledger.rs"]
mod ledger;
#[path = "dp/mst.rs"]
mod mst;
#[path = "dp/noise.rs"]
mod noise;
#[path = "dp/release.rs"]
mod release;
