//! `yu docket`.

use super::args::DocketCommand;
use super::verbs::text;
use crate::admin::AdminAsk;
use crate::fault::Result;

pub(super) fn question(command: DocketCommand) -> Result<AdminAsk> {
    Ok(match command {
        DocketCommand::Template { kind } => AdminAsk::DocketTemplate { kind },
        DocketCommand::File { kind, file } => AdminAsk::DocketFile { kind, toml: text(&file)? },
        DocketCommand::Waiting => AdminAsk::DocketWaiting,
        DocketCommand::Sign { hash } => AdminAsk::DocketSign { seen: hash },
        DocketCommand::Drop { hash } => AdminAsk::DocketDrop { seen: hash },
        DocketCommand::List { kind, from } => AdminAsk::DocketList { kind, from },
        DocketCommand::Show { which } => AdminAsk::DocketShow { which },
        DocketCommand::Status { chapter } => AdminAsk::DocketStatus { chapter },
        DocketCommand::Sync => AdminAsk::DocketSync,
    })
}
