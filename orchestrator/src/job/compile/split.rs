//! What a job file about a split model leaves out: columns and settings are those of the training, from this node's share.

use crate::fault::{Code, Fault, Result};
use crate::job::file::{JobFile, SplitFile};
use crate::job::split;
use crate::models;
use crate::node::Node;

/// The file with everything in it.
///
/// # Errors
/// `not-found` for a model of which this node has no share.
pub(super) fn filled(node: &Node, file: &JobFile) -> Result<JobFile> {
    let mut file = file.clone();
    if let Some(SplitFile::Evaluate(used) | SplitFile::Predict(used)) = &mut file.step {
        let found = models::jobs(node, &used.model);
        let [job] = &found[..] else {
            let what =
                format!("{} models of this node begin with `{}`: only a party that trained it proposes its use", found.len(), used.model);
            return Err(Fault::new(Code::NotFound, what).at("job.toml `step.model`").party(node.name()));
        };
        let head = models::get(node, job)?.head;
        used.model = job.clone();
        used.settings = Some(split::words(&head.settings)?);
        if used.features.is_empty() {
            let named = ["left", "right"].into_iter().zip(&head.features);
            used.features = named.flat_map(|(side, names)| names.iter().map(move |name| format!("{side}.{name}"))).collect();
        }
    }
    file.resolved()
}
