//! Options of `yu report`.

use clap::Subcommand;
use std::path::PathBuf;

/// Reports for those outside the domain.
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// The public register (公示): the authority's node brings it up to date; every node compares it with what it knows.
    #[command(after_help = "Example: yu report register --out site --dir authority")]
    Register {
        /// Write register.html and feed.json here.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// The package for the province (报省备案材料), signed and filed (authority).
    #[command(
        after_help = "Example: yu report filing dev/authority/a-1 --file report=report.pdf --file minutes=minutes.pdf --out package --dir authority"
    )]
    Filing {
        /// Authorisation.
        authorisation: String,
        /// A document that you bring, as NAME=FILE; what the profile asks for and the node does not hold itself.
        #[arg(long = "file", value_name = "NAME=FILE")]
        files: Vec<String>,
        /// Write manifest.json and the documents here: a new folder.
        #[arg(long)]
        out: PathBuf,
    },
    /// The report on a stay in the data laboratory (数据测试验证技术评估报告); the authority signs it as well (platform).
    #[command(after_help = "Example: yu report lab dev/authority/lab-1 --en 'fit for the purpose' --zh '满足用途' --dir platform")]
    Lab {
        /// The stay.
        lab: String,
        /// The assessment in English.
        #[arg(long)]
        en: String,
        /// The assessment in Chinese.
        #[arg(long)]
        zh: String,
    },
    /// The record for the credit file (信用记录) on an authorisation that was ended for bad conduct (authority).
    #[command(after_help = "Example: yu report credit dev/authority/a-1 --out credit.json --dir authority")]
    Credit {
        /// Authorisation.
        authorisation: String,
        /// Write the signed record here.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Check a folder that `register` or `filing` wrote. No node is needed.
    #[command(after_help = "Example: yu report verify package --key 5f3a... --profile ningbo")]
    Verify {
        /// The folder.
        folder: PathBuf,
        /// The authority's key as you know it; absent: the one in the folder, which is then shown.
        #[arg(long)]
        key: Option<String>,
        /// The profile whose list of documents a package must have; absent: the list in the folder.
        #[arg(long)]
        profile: Option<String>,
    },
}
