//! The node's tables behind governance's gate for raw data.

use yu_desensitize::column;
use yu_desensitize::key::{KeySpec, Normalise};
use yu_desensitize::table::Table;
use yu_governance::id::ColumnSet;
use yu_governance::raw::{RawTable, RowSubjects};
use yu_governance::{Error, Result};
use zeroize::Zeroizing;

/// A table that holds a provider's rows.
pub struct Rows(pub Table);

fn refused(what: &str) -> impl Fn(yu_desensitize::Error) -> Error + '_ {
    move |e| Error::Malformed { object: what.to_owned(), reason: e.message(yu_desensitize::error::Lang::En) }
}

impl RawTable for Rows {
    fn rows(&self) -> usize {
        usize::try_from(self.0.num_rows()).unwrap_or(usize::MAX)
    }

    fn columns(&self) -> Vec<String> {
        self.0.column_names().into_iter().map(str::to_owned).collect()
    }

    fn project(&self, columns: &ColumnSet) -> Result<Self> {
        let names: Vec<&str> = columns.iter().collect();
        self.0.select(&names).map(Self).map_err(refused("columns"))
    }

    fn filter(&self, mask: &[bool]) -> Result<Self> {
        self.0.filter(mask).map(Self).map_err(refused("rows"))
    }

    fn subjects(&self, column: &str) -> Result<RowSubjects> {
        let all = column::text(&self.0, column).map_err(refused("subjects"))?;
        Ok(all.into_iter().map(|s| Some(Zeroizing::new(s))).collect())
    }

    fn magnitude(&self, column: &str, mask: Option<&[bool]>) -> Result<i32> {
        let kept = match mask {
            Some(mask) => &self.filter(mask)?.0,
            None => &self.0,
        };
        let values = Zeroizing::new(column::numeric(kept, column).map_err(refused("column"))?);
        yu_mpc::joint::exponent(column, &values).map_err(|e| Error::Malformed { object: "column".into(), reason: e.to_string() })
    }

    fn wipe(&mut self) {
        // Arrow's buffers are shared and cannot be overwritten in place; they are freed here, and the process keeps no
        // swap or core dump of them where the operator disabled both (docs/threat-model.md says so).
    }
}

/// Key specification of a contract's terms.
///
/// # Errors
/// `input.bad` for an unknown step.
pub fn key_spec(columns: &[String], steps: &[String]) -> crate::fault::Result<KeySpec> {
    let steps = steps
        .iter()
        .map(|s| {
            serde_json::from_value::<Normalise>(serde_json::Value::String(s.clone()))
                .map_err(|_| crate::fault::Fault::new(crate::fault::Code::Input, format!("unknown normalisation `{s}`")).at("normalise"))
        })
        .collect::<crate::fault::Result<Vec<_>>>()?;
    Ok(KeySpec { columns: columns.to_vec(), steps })
}
