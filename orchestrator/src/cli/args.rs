//! Verbs and options. Every verb takes `--json` and has an example in its help.

mod attest;
mod backup;
mod catalogue;
mod consent;
mod desensitize;
mod docket;
mod dossier;
mod end;
mod import;
mod key;
mod market;
mod model;
mod person;
mod procedure;
mod profile;
mod program;
mod report;
mod standing;
mod watch;

pub use attest::{AttestCommand, BundleCommand, EnclaveCommand, VerifyArgs};
pub use backup::{BackupCommand, BackupSource};
pub use catalogue::CatalogueCommand;
pub use consent::ConsentCommand;
pub use desensitize::{DesensitizeCommand, DetectArgs, RunArgs};
pub use docket::DocketCommand;
pub use dossier::DossierCommand;
pub use end::EndCommand;
pub use import::ImportArgs;
pub use key::KeyCommand;
pub use market::{InvoiceCommand, MeterCommand, ProductCommand};
pub use model::ModelCommand;
pub use person::{LoginArgs, PersonCommand};
pub use procedure::ProcedureCommand;
pub use profile::ProfileCommand;
pub use program::ProgramCommand;
pub use report::ReportCommand;
pub use standing::StandingCommand;
pub use watch::{AcceptanceArgs, AnnualArgs, DisclosureArgs, DrillCommand, InspectionCommand, WatchCommand};

use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Yu (域): organisations compute together while raw data stay with their owners.
#[derive(Debug, Parser)]
#[command(name = "yu", version, about, long_about = None, propagate_version = true, max_term_width = 110)]
pub struct Cli {
    /// Directory of the node.
    #[arg(long, global = true, env = "YU_DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Print JSON for machines.
    #[arg(long, global = true)]
    pub json: bool,
    /// Language of texts: en, zh or both.
    #[arg(long, global = true, env = "YU_LANG", default_value = "both")]
    pub lang: String,
    #[command(subcommand)]
    /// What to do.
    pub command: Command,
}

/// Verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole life of a job with four nodes on this machine.
    #[command(
        after_help = "Example: yu demo\n         yu demo --left a.csv --right b.csv --key id --json\n         yu demo --technique federated --keep out"
    )]
    Demo(DemoArgs),
    /// Make a node: keys, store, log.
    #[command(after_help = "Example: yu init --dir health --org health --role provider --listen 127.0.0.1:7401")]
    Init(InitArgs),
    /// Run the node until it is stopped.
    #[command(after_help = "Example: yu up --dir health")]
    Up,
    /// Stop the running node.
    #[command(after_help = "Example: yu down --dir health")]
    Down,
    /// Peers and tickets.
    #[command(subcommand)]
    Peer(PeerCommand),
    /// Look for what is wrong: this machine, or every hop to a peer.
    #[command(after_help = "Example: yu doctor --dir health --peer yu://dev/bank/n1")]
    Doctor {
        /// Peer to reach.
        #[arg(long)]
        peer: Option<String>,
    },
    /// Data sets of this node and their catalogue entries.
    #[command(subcommand)]
    Dataset(DatasetCommand),
    /// Keys for pseudonyms.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Models that stay split.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Programs of others that train.
    #[command(subcommand)]
    Program(ProgramCommand),
    /// Rules of a jurisdiction.
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Procedures: who signs which step of an authorisation, a request, a product, an incident, a suspension, a person.
    #[command(subcommand)]
    Procedure(ProcedureCommand),
    /// The docket: signed documents of the domain in one order.
    #[command(subcommand)]
    Docket(DocketCommand),
    /// Reports for those outside the domain: the public, the province, the credit file.
    #[command(subcommand)]
    Report(ReportCommand),
    /// The catalogue of data: exchange, changes, reports, metrics, simulated data.
    #[command(subcommand)]
    Catalogue(CatalogueCommand),
    /// Files of dossiers under review.
    #[command(subcommand)]
    Dossier(DossierCommand),
    /// What nodes count, and whether customers are served alike.
    #[command(subcommand)]
    Meter(MeterCommand),
    /// Prices before a run, invoices after a month, costs.
    #[command(subcommand)]
    Invoice(InvoiceCommand),
    /// Data products: reviewed, listed, registered, traded.
    #[command(subcommand)]
    Product(ProductCommand),
    /// Log in at the node: with the key of one's credential, or through the login service that node.toml names.
    #[command(after_help = "Example: yu login --person dev/bank/p-1 --key p-1.key --dir bank\n         yu login --service --dir bank")]
    Login(LoginArgs),
    /// Log out.
    #[command(after_help = "Example: yu logout --dir bank")]
    Logout,
    /// Who is logged in, in which posts, until when.
    #[command(after_help = "Example: yu whoami --dir bank")]
    Whoami,
    /// People: keys, references to names, logins of the login service.
    #[command(subcommand)]
    Person(PersonCommand),
    /// Authorisations.
    #[command(subcommand)]
    Authorisation(AuthorisationCommand),
    /// Data requests.
    #[command(subcommand)]
    Request(RequestCommand),
    /// Jobs.
    #[command(subcommand)]
    Job(JobCommand),
    /// Jobs that are signed once for many runs over new data.
    #[command(subcommand)]
    Standing(StandingCommand),
    /// Results that wait for a decision (authority).
    #[command(subcommand)]
    Review(ReviewCommand),
    /// Verify a released result with its receipt, offline.
    #[command(subcommand)]
    Result(ResultCommand),
    /// The audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Where data come from and what became of them, from this node's contracts and log; at the regulator from those of all.
    #[command(
        after_help = "Example: yu trace dev/health/visits --dir bank\n         yu trace JOB --direction backward --out lineage --dir bank"
    )]
    Trace {
        /// A data set, a job, or the hash of a data-set version, a module, a model or a result.
        what: String,
        /// backward (to the sources), forward (to the uses) or both.
        #[arg(long, default_value = "both", value_parser = ["backward", "forward", "both"])]
        direction: String,
        /// Write trace-N.json and trace-N.svg here.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// The logs of all peers as this node has seen them, and alarms (regulator).
    #[command(after_help = "Example: yu supervise --dir regulator\n         yu audit verify regulator/replica/health.n1")]
    Supervise,
    /// Consents of the subjects of a data set.
    #[command(subcommand)]
    Consent(ConsentCommand),
    /// The end of an authorisation: destroy or seal, certify, account for every asset.
    #[command(subcommand)]
    End(EndCommand),
    /// Encrypted backup and restore; what was destroyed does not come back.
    #[command(subcommand)]
    Backup(BackupCommand),
    /// De-identify files: find identifiers, carry out policies, verify releases. No node is needed.
    #[command(subcommand)]
    Desensitize(DesensitizeCommand),
    /// Evidence of trusted execution environments: bundles, verdicts, replays. No node is needed.
    #[command(subcommand)]
    Attest(AttestCommand),
    /// The environment in which this node computes. No node is needed.
    #[command(subcommand)]
    Enclave(EnclaveCommand),
    /// Safety and supervision.
    #[command(flatten)]
    Watch(WatchCommand),
    /// Destroy a data set: its key, then its payload, with a signed certificate.
    #[command(after_help = "Example: yu destroy --dir health --dataset visits")]
    Destroy {
        /// Data set.
        #[arg(long)]
        dataset: String,
    },
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Simulated residents on each side; below about 1000 the automatic checks refuse: small groups tell single values.
    #[arg(long, default_value_t = 100_000)]
    pub rows: u64,
    /// File of the provider instead of simulated residents.
    #[arg(long, requires = "right", requires = "key")]
    pub left: Option<PathBuf>,
    /// File of the licensee.
    #[arg(long, requires = "left")]
    pub right: Option<PathBuf>,
    /// Key column of both files.
    #[arg(long)]
    pub key: Option<String>,
    /// Keep the four directories here; absent: a temporary folder that is removed at the end.
    #[arg(long)]
    pub keep: Option<PathBuf>,
    /// auto, quic or tcp.
    #[arg(long, default_value = "auto")]
    pub carrier: String,
    /// Who learns which rows match: `none` (rows are joined on shares) or `both` (ECDH-PSI, faster).
    #[arg(long, default_value = "none", value_parser = ["none", "both"])]
    pub reveal_match: String,
    /// `mpc`: statistics on shares; `enclave`: inside an attested environment, which is simulated here and marked so; `federated`: a model that
    /// stays split is trained, judged, used and destroyed.
    #[arg(long, default_value = "mpc", value_parser = ["mpc", "enclave", "federated"])]
    pub technique: String,
    /// What `federated` trains: boosted `trees`, or a `logistic` regression.
    #[arg(long, default_value = "trees", value_parser = ["trees", "logistic"])]
    pub model: String,
    /// Another play: `authorisation` runs an authorisation from its announcement to its destruction, years in seconds.
    #[arg(long, value_parser = ["authorisation"])]
    pub story: Option<String>,
    /// Under whose rules the story runs: zhejiang, ningbo, taizhou, zhenjiang or zhongwei; `all`: one after the other, then what differs.
    #[arg(long, default_value = "ningbo")]
    pub profile: String,
    /// Publish the correlations among the receiver's own columns too.
    #[arg(long)]
    pub own_correlations: bool,
    /// Suite of algorithms: standard, or gm for SM2, SM3 and SM4.
    #[arg(long, default_value = "standard", value_parser = ["standard", "gm"])]
    pub crypto: String,
    /// Seed of the simulated residents.
    #[arg(long, default_value_t = 20_260_101)]
    pub seed: u64,
}

/// Options of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Organisation, lower case letters, digits and hyphens.
    #[arg(long)]
    pub org: String,
    /// Node name.
    #[arg(long, default_value = "n1")]
    pub node: String,
    /// provider, licensee, platform, authority, regulator, or organ (signs in procedures only).
    #[arg(long)]
    pub role: String,
    /// dev or prod.
    #[arg(long, default_value = "dev")]
    pub env: String,
    /// Address to listen on; absent: the node only dials out.
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Address that peers dial, host:port.
    #[arg(long)]
    pub advertise: Option<String>,
    /// Who controls the node legally; default: the organisation.
    #[arg(long)]
    pub controller: Option<String>,
    /// inside or outside the domain.
    #[arg(long, default_value = "inside")]
    pub zone: String,
    /// auto, quic or tcp.
    #[arg(long, default_value = "auto")]
    pub carrier: String,
    /// HTTP CONNECT proxy for dialling out, host:port.
    #[arg(long)]
    pub proxy: Option<String>,
    /// The authority, as yu://env/org/node.
    #[arg(long)]
    pub authority: Option<String>,
    /// The regulator, as yu://env/org/node; without it no profile comes into force.
    #[arg(long)]
    pub regulator: Option<String>,
    /// Suite of algorithms of the domain: standard, or gm for SM2, SM3 and SM4.
    #[arg(long, default_value = "standard", value_parser = ["standard", "gm"])]
    pub crypto: String,
    /// Sign contracts that pass the policy without asking a person.
    #[arg(long)]
    pub auto_sign: bool,
}

/// Peers.
#[derive(Debug, Subcommand)]
pub enum PeerCommand {
    /// Print a ticket for one new peer. In production the authority names the newcomer: what it signs for others.
    #[command(
        after_help = "Example: yu peer invite --dir authority --valid-minutes 60\n         yu peer invite --dir authority --name yu://prod/bank/n1 --root 5f3a... --role licensee --controller 'Bank AG' --zone inside"
    )]
    Invite(Box<InviteArgs>),
    /// Print what this node says about itself, for the person who invites it.
    #[command(after_help = "Example: yu peer card --dir bank")]
    Card,
    /// Redeem a ticket: both sides know each other afterwards.
    #[command(after_help = "Example: yu peer accept --dir health TICKET")]
    Accept {
        /// The ticket.
        ticket: String,
    },
    /// Countersign a ticket as the authority (production).
    #[command(after_help = "Example: yu peer countersign --dir authority TICKET")]
    Countersign {
        /// The ticket.
        ticket: String,
    },
    /// Forget a peer: its connections are refused from now on.
    #[command(after_help = "Example: yu peer remove --dir health yu://dev/bank/n1")]
    Remove {
        /// The peer.
        peer: String,
    },
    /// List peers.
    #[command(after_help = "Example: yu peer list --dir health --json")]
    List,
}

/// Options of `peer invite`: the newcomer is named in full or not at all.
#[derive(Debug, Args)]
pub struct InviteArgs {
    /// Minutes until the ticket expires.
    #[arg(long, default_value_t = 60)]
    pub valid_minutes: u32,
    /// Only this node may use the ticket, yu://env/org/node.
    #[arg(long, requires_all = ["root", "role", "controller", "zone"])]
    pub name: Option<String>,
    /// Fingerprint of its organisation's root certificate; compare it over a second channel.
    #[arg(long, requires = "name")]
    pub root: Option<String>,
    /// Its role: provider, licensee, platform, authority, regulator or organ.
    #[arg(long, requires = "name")]
    pub role: Option<String>,
    /// Who controls it legally.
    #[arg(long, requires = "name")]
    pub controller: Option<String>,
    /// inside or outside the domain.
    #[arg(long, requires = "name")]
    pub zone: Option<String>,
}

/// Data sets.
#[derive(Debug, Subcommand)]
pub enum DatasetCommand {
    /// Read a file, encrypt it under its own key, publish its catalogue entry.
    #[command(
        after_help = "Example: yu dataset add --dir health visits.csv --id visits --key resident_id --categorical district --consent consent.csv"
    )]
    Add(Box<DatasetAddArgs>),
    /// List data sets here; with --peer the catalogue of a peer.
    #[command(after_help = "Example: yu dataset list --dir bank --peer yu://dev/health/n1")]
    List {
        /// Peer whose catalogue to show.
        #[arg(long)]
        peer: Option<String>,
    },
    /// Put lawfully obtained data of your own into quarantine: encrypted, in no catalogue, for no job, until the authority approves.
    #[command(
        after_help = "Example: yu dataset import --dir bank accounts.csv --id accounts --key resident_id --consent consent.csv --source 'own customer records' --licence 'customer contract'"
    )]
    Import(Box<ImportArgs>),
    /// Take what the authority approved out of quarantine into the catalogue.
    #[command(after_help = "Example: yu dataset admit --dir bank accounts")]
    Admit {
        /// Data set.
        dataset: String,
    },
    /// What is in quarantine: what the checks found and how it stands.
    #[command(after_help = "Example: yu dataset quarantine --dir bank")]
    Quarantine,
}

/// Options of `dataset add`.
#[derive(Debug, Args)]
pub struct DatasetAddArgs {
    /// CSV, xlsx or Parquet.
    pub file: PathBuf,
    /// Id in the catalogue.
    #[arg(long)]
    pub id: String,
    /// Title.
    #[arg(long)]
    pub title: Option<String>,
    /// Abstract.
    #[arg(long = "abstract")]
    pub summary: Option<String>,
    /// Key columns, comma separated; read as text.
    #[arg(long, value_delimiter = ',')]
    pub key: Vec<String>,
    /// The column that names whom a row is about, whose consent counts; without it the only key column.
    #[arg(long)]
    pub subject: Option<String>,
    /// Columns to publish as categories, comma separated.
    #[arg(long, value_delimiter = ',')]
    pub categorical: Vec<String>,
    /// Columns to leave out of the catalogue.
    #[arg(long, value_delimiter = ',')]
    pub omit: Vec<String>,
    /// How often the data are updated.
    #[arg(long, default_value = "yearly")]
    pub update_frequency: String,
    /// auto, utf-8 or gb18030.
    #[arg(long, default_value = "auto")]
    pub encoding: String,
    /// Sheet of an xlsx file.
    #[arg(long)]
    pub sheet: Option<String>,
    /// Consent receipts of the subjects, CSV; without it the data may not point at persons.
    #[arg(long)]
    pub consent: Option<PathBuf>,
    /// The rows do not point at persons, so no consent is needed.
    #[arg(long)]
    pub not_personal: bool,
    /// Mark the data as prohibited from opening (A6): it can never be granted.
    #[arg(long)]
    pub prohibited: bool,
    /// Record an approved import of own data: licence or legal source.
    #[arg(long)]
    pub import_source: Option<String>,
}

/// Authorisations.
#[derive(Debug, Subcommand)]
pub enum AuthorisationCommand {
    /// Sign an authorisation (authority) from a TOML file and deliver it.
    #[command(after_help = "Example: yu authorisation sign --dir authority authorisation.toml")]
    Sign {
        /// The file.
        file: PathBuf,
    },
    /// What was used of its quotas, and which of its columns no job has read (A5, A19).
    #[command(after_help = "Example: yu authorisation usage --dir bank a-1")]
    Usage {
        /// Authorisation id.
        authorisation: String,
    },
    /// List authorisations known here.
    #[command(after_help = "Example: yu authorisation list --dir bank")]
    List,
}

/// Data requests.
#[derive(Debug, Subcommand)]
pub enum RequestCommand {
    /// Ask a provider for columns under an authorisation.
    #[command(
        after_help = "Example: yu request send --dir bank --authorisation A-1 --provider yu://dev/health/n1 --dataset dev/health/visits --columns resident_id,visits"
    )]
    Send {
        /// Authorisation id.
        #[arg(long)]
        authorisation: String,
        /// Provider.
        #[arg(long)]
        provider: String,
        /// Data set.
        #[arg(long)]
        dataset: String,
        /// Columns.
        #[arg(long, value_delimiter = ',')]
        columns: Vec<String>,
    },
    /// List requests.
    #[command(after_help = "Example: yu request list --dir health")]
    List,
    /// Decide column by column: the named columns are approved, the others refused.
    #[command(after_help = "Example: yu request approve --dir health R-1 --columns resident_id,visits")]
    Approve {
        /// Request id.
        id: String,
        /// Approved columns; absent: all requested.
        #[arg(long, value_delimiter = ',')]
        columns: Vec<String>,
        /// Reason for columns that are refused.
        #[arg(long, default_value = "not needed for the scenario")]
        reason: String,
    },
    /// Refuse a request with a reason.
    #[command(after_help = "Example: yu request refuse --dir health R-1 --reason 'not in the agreed list'")]
    Refuse {
        /// Request id.
        id: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// Jobs.
#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// Find everything that can be found before the start.
    #[command(after_help = "Example: yu job check --dir bank job.toml")]
    Check {
        /// The job file.
        file: PathBuf,
    },
    /// Say in sentences what would happen and who would learn what.
    #[command(after_help = "Example: yu job explain --dir bank job.toml")]
    Explain {
        /// The job file, or the id of a job.
        file: String,
    },
    /// Bytes and rounds, minimum and maximum.
    #[command(after_help = "Example: yu job estimate --dir bank job.toml")]
    Estimate {
        /// The job file.
        file: PathBuf,
    },
    /// Compile, sign, propose to every party; starts when all have signed.
    #[command(after_help = "Example: yu job submit --dir bank job.toml")]
    Submit {
        /// The job file.
        file: PathBuf,
    },
    /// List jobs.
    #[command(after_help = "Example: yu job list --dir bank")]
    List,
    /// Sign a proposed job after your policy passed it.
    #[command(after_help = "Example: yu job approve --dir health JOB")]
    Approve {
        /// Job id, or the beginning of it.
        job: String,
    },
    /// Refuse a proposed job.
    #[command(after_help = "Example: yu job refuse --dir health JOB --reason 'wrong month'")]
    Refuse {
        /// Job.
        job: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Stop a job; every party stops.
    #[command(after_help = "Example: yu job halt --dir health JOB --reason 'risk report 7'")]
    Halt {
        /// Job.
        job: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Follow a job until it ends or waits for a person.
    #[command(after_help = "Example: yu job watch --dir bank JOB")]
    Watch {
        /// Job.
        job: String,
    },
    /// Why a job is where it is, here and at the other parties.
    #[command(after_help = "Example: yu job why --dir bank JOB")]
    Why {
        /// Job.
        job: String,
    },
    /// The released result (receiver only).
    #[command(after_help = "Example: yu job result --dir bank JOB --out result")]
    Result {
        /// Job.
        job: String,
        /// Folder to write result.json and receipt.json to; absent: print.
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

/// Review.
#[derive(Debug, Subcommand)]
pub enum ReviewCommand {
    /// Results that wait.
    #[command(after_help = "Example: yu review list --dir authority")]
    List,
    /// The five items of the review of one held result, its automatic checks, and the statistics for the reviewer's eyes.
    #[command(after_help = "Example: yu review show --dir authority JOB")]
    Show {
        /// Job.
        job: String,
    },
    /// Release to the contracted receiver and to nobody else, once all five items of the review are answered.
    #[command(after_help = "Example: yu review approve --dir authority JOB --reviewer 'Zhang' --item purpose,other-risk")]
    Approve {
        /// Job.
        job: String,
        /// Who decides.
        #[arg(long)]
        reviewer: String,
        /// Items that the person judged and that hold: those that need a person, as `yu review show` says.
        #[arg(long, value_delimiter = ',')]
        item: Vec<String>,
    },
    /// Refuse with a reason: nothing leaves.
    #[command(
        after_help = "Example: yu review refuse --dir authority JOB --reviewer 'Zhang' --item purpose --reason 'beyond the scenario'"
    )]
    Refuse {
        /// Job.
        job: String,
        /// Who decides.
        #[arg(long)]
        reviewer: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Items that fail: purpose, sources, raw-exposure, leak, other-risk.
        #[arg(long, value_delimiter = ',')]
        item: Vec<String>,
    },
}

/// Released results.
#[derive(Debug, Subcommand)]
pub enum ResultCommand {
    /// Check a result against its receipt and the authority's key, offline.
    #[command(after_help = "Example: yu result verify result/")]
    Verify {
        /// Folder written by `job result --out`.
        folder: PathBuf,
    },
}

/// Audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Verify the logs of one or more node directories, offline.
    #[command(after_help = "Example: yu audit verify health bank platform authority")]
    Verify {
        /// Node directories.
        #[arg(required = true)]
        dirs: Vec<PathBuf>,
    },
    /// Read a log as a story.
    #[command(after_help = "Example: yu audit show --dir bank")]
    Show {
        /// Only this job.
        #[arg(long)]
        job: Option<String>,
    },
    /// How long this log is locked, and why nothing of it may go (L2).
    #[command(after_help = "Example: yu audit prune --dir bank")]
    Prune,
    /// Sign a checkpoint now and have the peers countersign it.
    #[command(after_help = "Example: yu audit checkpoint --dir bank")]
    Checkpoint,
}
