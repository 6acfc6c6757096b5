//! Options of `yu dataset import`.

use super::DatasetAddArgs;
use clap::Args;

/// Options of `dataset import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// As of `dataset add`.
    #[command(flatten)]
    pub add: DatasetAddArgs,
    /// How the data were lawfully obtained.
    #[arg(long)]
    pub source: String,
    /// Under which licence or contract.
    #[arg(long)]
    pub licence: String,
    /// Days to wait for the authority's decision; then the data are destroyed.
    #[arg(long, default_value_t = 60)]
    pub wait_days: u32,
}
