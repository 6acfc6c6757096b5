//! The local socket of the command line: one JSON question and one JSON answer per connection. The operating system decides
//! who may speak to it: the socket has mode 0600 from its first instant, and the node asks the kernel who connected.

mod client;
mod server;

pub use client::{ask, session_file};
pub use server::serve;

use crate::consent::book::Subject;
use crate::people::PersonAsk;
use crate::ticket::Standing;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::profile::Profile;

/// Largest question or answer, bytes.
pub const LIMIT: u64 = 64 << 20;

/// What the command line asks its node.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AdminAsk {
    /// Stop the node.
    Stop,
    /// Name, listening address, sessions.
    Status,
    /// Make a ticket.
    PeerInvite {
        /// Minutes until it expires.
        valid_minutes: u32,
        /// Who may redeem it; absent: whoever brings it (never at the authority in production).
        #[serde(default)]
        expects: Option<Standing>,
    },
    /// What this node says about itself.
    PeerCard,
    /// Redeem a ticket.
    PeerAccept {
        /// The ticket.
        ticket: String,
    },
    /// Countersign a ticket.
    PeerCountersign {
        /// The ticket.
        ticket: String,
    },
    /// Known peers.
    PeerList,
    /// Forget a peer.
    PeerRemove {
        /// Its name.
        peer: String,
    },
    /// Look for what is wrong.
    Doctor {
        /// Peer to reach.
        peer: Option<String>,
    },
    /// Add a data set.
    DatasetAdd(Box<DatasetAdd>),
    /// Data sets, or the catalogue of a peer.
    DatasetList {
        /// Peer.
        peer: Option<String>,
    },
    /// Put outside data into quarantine and ask for their import.
    DatasetImport(Box<DatasetImport>),
    /// Take approved data out of quarantine into the catalogue.
    DatasetAdmit {
        /// Data set.
        dataset: String,
    },
    /// What is in quarantine.
    DatasetQuarantine,
    /// Destroy a data set.
    DatasetDestroy {
        /// Data set.
        dataset: String,
    },
    /// Make a key for pseudonyms.
    KeyNew {
        /// Its name.
        name: String,
    },
    /// Keys for pseudonyms.
    KeyList,
    /// Destroy a key for pseudonyms.
    KeyDestroy {
        /// Its name.
        name: String,
    },
    /// Models that stay split.
    ModelList,
    /// Destroy this node's share of one.
    ModelDestroy {
        /// The job that trained it, or how its id begins.
        job: String,
    },
    /// Sign and deliver an authorisation.
    AuthorisationSign {
        /// Text of the TOML file.
        toml: String,
    },
    /// Authorisations.
    AuthorisationList,
    /// Ask for columns.
    RequestSend {
        /// Authorisation.
        authorisation: String,
        /// Provider.
        provider: String,
        /// Data set.
        dataset: String,
        /// Columns.
        columns: Vec<String>,
    },
    /// Requests.
    RequestList,
    /// Decide a request column by column.
    RequestDecide {
        /// Request.
        id: String,
        /// Approved columns; absent: all; empty: none.
        columns: Option<Vec<String>>,
        /// Reason for the refused ones.
        reason: String,
    },
    /// Check a job file.
    JobCheck {
        /// Text of job.toml.
        toml: String,
    },
    /// Explain a job file or a job.
    JobExplain {
        /// Text of job.toml.
        toml: Option<String>,
        /// Job id.
        job: Option<String>,
    },
    /// Compile, sign, propose.
    JobSubmit {
        /// Text of job.toml.
        toml: String,
    },
    /// Jobs.
    JobList,
    /// Sign a proposed job.
    JobApprove {
        /// Job.
        job: String,
    },
    /// Refuse a proposed job.
    JobRefuse {
        /// Job.
        job: String,
        /// Why.
        reason: String,
    },
    /// Stop a job.
    JobHalt {
        /// Job.
        job: String,
        /// Why.
        reason: String,
    },
    /// State and story from a position on.
    JobStatus {
        /// Job.
        job: String,
        /// First event wanted.
        from: u64,
    },
    /// Why a job is where it is, here and elsewhere.
    JobWhy {
        /// Job.
        job: String,
    },
    /// The released result.
    JobResult {
        /// Job.
        job: String,
    },
    /// Held results.
    ReviewList,
    /// One held result.
    ReviewShow {
        /// Job.
        job: String,
    },
    /// Decide a held result.
    ReviewDecide {
        /// Job.
        job: String,
        /// Release it?
        approve: bool,
        /// Who decides.
        reviewer: String,
        /// Why, when refused.
        reason: String,
        /// Items of the review that the person judged: they hold, or, in a refusal, they fail.
        #[serde(default)]
        items: Vec<String>,
        /// The person is a program that approves when all checks pass (said in the log).
        automatic: bool,
    },
    /// Where something comes from, and what became of it.
    Trace {
        /// A hash, a data set, or a job.
        what: String,
        /// To the sources.
        backward: bool,
        /// To the uses.
        forward: bool,
    },
    /// Replicas of the peers' logs, and alarms (regulator).
    SuperviseStatus,
    /// What was used of an authorisation.
    AuthorisationUsage {
        /// Authorisation.
        authorisation: String,
    },
    /// Sign a job once for many runs.
    StandingApprove {
        /// Job.
        job: String,
        /// How many runs.
        runs: u64,
        /// Until when.
        until: Time,
        /// Most rows that each data set may bring to a run; absent: those of the job.
        #[serde(default)]
        rows: Option<u64>,
    },
    /// Standing approvals.
    StandingList,
    /// Take one back.
    StandingRevoke {
        /// Its hash, or how it begins.
        approval: String,
        /// Why.
        reason: String,
    },
    /// What is in force, where every object stands, what waits.
    ProcedureList,
    /// One object, step by step.
    ProcedureShow {
        /// Machine.
        machine: String,
        /// Object.
        object: String,
    },
    /// Draft a step.
    ProcedureStep {
        /// Machine.
        machine: String,
        /// Object.
        object: String,
        /// The event as TOML.
        event: String,
        /// Hash of the document that it rests on.
        evidence: Hash,
        /// Who signs in which role.
        signers: Vec<(String, String)>,
    },
    /// Sign a step that waits.
    ProcedureSign {
        /// How the hash of its text begins.
        seen: String,
    },
    /// Do not sign it.
    ProcedureDrop {
        /// How the hash of its text begins.
        seen: String,
    },
    /// Say who signs in which role.
    ProcedureAppoint {
        /// Text of the TOML file.
        toml: String,
    },
    /// Fetch what was missed.
    ProcedureSync,
    /// Sign a profile as the authority.
    ProfileAdopt {
        /// The profile.
        profile: Box<Profile>,
        /// Its parent.
        parent: Option<Box<Profile>>,
    },
    /// What waits for the regulator.
    ProfileProposed,
    /// Sign it as the regulator.
    ProfileCountersign {
        /// How the hash of what was looked at begins.
        seen: String,
    },
    /// The catalogue of data.
    Catalogue(Box<crate::catalogue::Asked>),
    /// Files of dossiers under review.
    Dossier(Box<crate::dossier::Asked>),
    /// Kinds of documents, or one with an example.
    DocketTemplate {
        /// Which.
        kind: Option<String>,
    },
    /// Sign a document and file it.
    DocketFile {
        /// Its kind.
        kind: String,
        /// Its text.
        toml: String,
    },
    /// Documents that wait for a signature.
    DocketWaiting,
    /// Sign one.
    DocketSign {
        /// How its hash begins.
        seen: String,
    },
    /// Do not sign it.
    DocketDrop {
        /// How its hash begins.
        seen: String,
    },
    /// Lines.
    DocketList {
        /// Of one kind.
        kind: Option<String>,
        /// From a place on.
        from: u64,
    },
    /// One line with its document.
    DocketShow {
        /// Its place, or how the document's hash begins.
        which: String,
    },
    /// What the chapters say.
    DocketStatus {
        /// Only this one.
        chapter: Option<String>,
    },
    /// Fetch what was missed and compare with everybody.
    DocketSync,
    /// Make a report.
    Report {
        /// Which.
        wanted: crate::reports::Wanted,
    },
    /// Products and money.
    Market {
        /// What.
        about: crate::market::MarketAsk,
    },
    /// Add consents to a data set.
    ConsentImport {
        /// Data set.
        dataset: String,
        /// Absolute path of the receipts.
        file: PathBuf,
    },
    /// A subject takes consent back.
    ConsentRevoke {
        /// Data set.
        dataset: String,
        /// Whose.
        subject: Subject,
        /// Only for this scenario.
        scenario: Option<String>,
        /// Hash of the document behind it.
        document: Hash,
    },
    /// Counts of consents.
    ConsentList {
        /// Data set.
        dataset: String,
    },
    /// Signed records.
    ConsentExport {
        /// Data set.
        dataset: String,
        /// Absolute path of the new file.
        out: PathBuf,
    },
    /// Delete records whose term is over.
    ConsentDelete {
        /// Data set.
        dataset: String,
    },
    /// How long the log is locked.
    AuditPrune,
    /// End an authorisation here.
    EndRun {
        /// Which.
        authorisation: String,
    },
    /// What was certified of its end.
    EndShow {
        /// Which.
        authorisation: String,
    },
    /// The proof for one asset.
    EndProve {
        /// Which.
        authorisation: String,
        /// Name of the asset.
        asset: String,
    },
    /// The regulator's half of the key of a sealed package.
    EndHalf {
        /// The package.
        file: PathBuf,
    },
    /// Open a sealed package.
    EndOpen {
        /// The package.
        file: PathBuf,
        /// The regulator's half.
        half: String,
        /// A folder that does not exist yet.
        out: PathBuf,
    },
    /// Name a second medium for the keys of payloads.
    BackupEscrow {
        /// Its folder.
        folder: PathBuf,
    },
    /// Back the node up.
    BackupMake {
        /// An empty folder.
        folder: PathBuf,
        /// Public key to which it is sealed.
        to: String,
    },
    /// Safety and supervision.
    Watch(crate::watch::WatchAsk),
    /// Checkpoint the log and have it countersigned.
    AuditCheckpoint,
    /// People: log in and out, tie logins.
    Person(PersonAsk),
}

/// A question with the token of whoever is logged in.
#[derive(Serialize, Deserialize)]
pub(crate) struct Question {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(flatten)]
    ask: AdminAsk,
}

/// Options of an import.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DatasetImport {
    /// As it is to be added.
    pub add: DatasetAdd,
    /// How it was lawfully obtained.
    pub source: String,
    /// Under which licence or contract.
    pub licence: String,
    /// Days to wait for the decision.
    pub wait_days: u32,
}

/// Options of adding a data set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DatasetAdd {
    /// Absolute path.
    pub file: PathBuf,
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Abstract.
    pub summary: String,
    /// Key columns.
    pub key: Vec<String>,
    /// The column that names the subject of a row; absent: the only key column.
    #[serde(default)]
    pub subject: Option<String>,
    /// Categorical columns.
    pub categorical: Vec<String>,
    /// Columns that stay out of the catalogue.
    pub omit: Vec<String>,
    /// Update frequency.
    pub update_frequency: String,
    /// auto, utf-8, gb18030.
    pub encoding: String,
    /// Sheet.
    pub sheet: Option<String>,
    /// Consent receipts.
    pub consent: Option<PathBuf>,
    /// Rows point at persons.
    pub personal: bool,
    /// May never be granted.
    pub prohibited: bool,
    /// Approved import of own data.
    pub import_source: Option<String>,
}
