//! Questions of `yu dataset add` and `yu dataset import`.

use super::args::{DatasetAddArgs, ImportArgs};
use super::verbs::absolute;
use crate::admin::{DatasetAdd, DatasetImport};
use crate::fault::{Code, Fault, Result};

pub(super) fn added(a: DatasetAddArgs) -> Result<DatasetAdd> {
    Ok(DatasetAdd {
        file: absolute(&a.file)?,
        title: a.title.unwrap_or_else(|| a.id.clone()),
        summary: a.summary.unwrap_or_else(|| format!("data set {}", a.id)),
        id: a.id,
        key: a.key,
        subject: a.subject,
        categorical: a.categorical,
        omit: a.omit,
        update_frequency: a.update_frequency,
        encoding: a.encoding,
        sheet: a.sheet,
        consent: a.consent.as_deref().map(absolute).transpose()?,
        personal: !a.not_personal,
        prohibited: a.prohibited,
        import_source: a.import_source,
    })
}

pub(super) fn imported(a: ImportArgs) -> Result<DatasetImport> {
    if a.add.import_source.is_some() {
        return Err(Fault::new(Code::Input, "it is said by `--source` and `--licence` here").at("--import-source"));
    }
    Ok(DatasetImport { add: added(a.add)?, source: a.source, licence: a.licence, wait_days: a.wait_days })
}
