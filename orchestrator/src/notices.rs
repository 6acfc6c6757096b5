//! Notices (通知): every alarm of the docket, of incidents and of watched logs becomes a file that a program of the operator's takes away, to mail, a
//! short-message gateway, or the higher level's platform (S3, H4). The node itself speaks to nobody outside the domain.
//!
//! ```text
//! DIR/notices/HASH.json    { v, node, at, en, zh }, written once for each text; whoever has sent it removes the file
//! ```

use crate::fault::{Code, Fault, Result};
use crate::home::write_atomic;
use crate::keys::now;
use crate::node::Node;
use crate::procedure::law;
use serde_json::json;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use yu_governance::canonical::Hash;

/// Folder of the files.
const FOLDER: &str = "notices";
/// Kind under which it is remembered what was told, by the hash of its text.
const TOLD: &str = "notice";
/// Seconds after which the same alarm is told again.
const AGAIN: i64 = 7 * 86_400;
/// Most files that wait: where nobody takes them away the disk does not fill.
const MOST: usize = 1_000;

/// Every alarm that people are shown at this moment.
fn alarms(node: &Arc<Node>) -> Result<Vec<(String, String)>> {
    let law = law::required(node)?;
    let mut all = crate::incidents::told(node)?;
    all.extend(node.docket().with(node, |book| {
        let deciding = crate::docket::chapters::ALL.iter().filter(|chapter| book.decides(chapter.kinds));
        Ok(deciding.flat_map(|chapter| (chapter.tell)(book, &law, now())).collect::<Vec<_>>())
    })?);
    all.retain(|(en, _)| en.trim_start().starts_with("ALARM"));
    if crate::supervise::supervises(node) {
        for peer in node.store().peers()? {
            let (_, told) = crate::patrols::of(node, &peer.name)?;
            let open = told.into_iter().filter(|(en, _)| en.contains("(rule "));
            all.extend(open.map(|(en, zh)| (format!("{}:{en}", peer.name), format!("{}：{}", peer.name, zh.trim_start()))));
        }
    }
    Ok(all)
}

/// Writes a file for each alarm that was not told lately; gives how many.
///
/// # Errors
/// `storage.failed`; the next round goes on.
pub fn write(node: &Arc<Node>) -> Result<usize> {
    if law::in_force(node)?.is_none() {
        return Ok(0);
    }
    let folder = node.home().path(FOLDER);
    let mut count = 0;
    for (en, zh) in alarms(node)? {
        let name = Hash::of_file(en.as_bytes()).to_hex();
        let at = now();
        let last = node.store().object(TOLD, &name)?.and_then(|kept| kept.json.parse::<i64>().ok());
        if last.is_some_and(|last| at.unix().saturating_sub(last) < AGAIN) {
            continue;
        }
        if !folder.is_dir() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|e| Fault::io(&e, &folder))?;
        }
        if std::fs::read_dir(&folder).map_err(|e| Fault::io(&e, &folder))?.count() >= MOST {
            return Err(Fault::new(Code::DiskFull, format!("{MOST} notices wait: nobody takes them away")).at(FOLDER));
        }
        let text = json!({ "v": 1, "node": node.name(), "at": at, "en": en, "zh": zh }).to_string();
        write_atomic(&folder.join(format!("{name}.json")), text.as_bytes(), 0o600)?;
        node.store().put_object(TOLD, &name, "", &at.unix().to_string(), at.unix())?;
        count += 1;
    }
    Ok(count)
}
