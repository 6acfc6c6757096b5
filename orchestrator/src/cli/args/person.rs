//! Options of `yu login` and `yu person`.

use clap::{Args, Subcommand};
use std::path::PathBuf;
use yu_governance::id::PersonId;

/// Options of `login`.
#[derive(Debug, Args)]
pub struct LoginArgs {
    /// Who logs in, by number: env/organisation/number.
    #[arg(long, requires = "key", required_unless_present = "service", value_parser = clap::value_parser!(PersonId))]
    pub person: Option<PersonId>,
    /// The key of the credential, as `yu person key` made it.
    #[arg(long, requires = "person")]
    pub key: Option<PathBuf>,
    /// Through the login service.
    #[arg(long, conflicts_with_all = ["person", "key"])]
    pub service: bool,
}

/// People (人员).
#[derive(Debug, Subcommand)]
pub enum PersonCommand {
    /// Make a person's key: the file stays with the person, what is printed goes into the credential. No node is needed.
    #[command(after_help = "Example: yu person key p-1.key")]
    Key {
        /// File to write.
        file: PathBuf,
    },
    /// The reference to a real name under this node's secret: equal for one person in every organisation, so one node makes all of them. The name with
    /// its identity number is read from standard input and kept nowhere.
    #[command(after_help = "Example: yu person reference --dir authority < identity.txt")]
    Reference,
    /// Tie a login of the login service to a person; the service's name for the person is read from standard input.
    #[command(after_help = "Example: yu person link dev/bank/p-1 --dir bank < subject.txt")]
    Link {
        /// Who.
        #[arg(value_parser = clap::value_parser!(PersonId))]
        person: PersonId,
    },
    /// End a person's login at the login service, and the sessions that it opened.
    #[command(after_help = "Example: yu person unlink dev/bank/p-1 --dir bank")]
    Unlink {
        /// Who.
        #[arg(value_parser = clap::value_parser!(PersonId))]
        person: PersonId,
    },
}
