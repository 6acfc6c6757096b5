//! Why a module was not run, or was stopped. Nothing here holds a value of the data.

use std::fmt;

use yu_governance::canonical::Hash;

use crate::fault::{Code, Fault};

/// Names that a module gives are shown so far.
const SHOWN: usize = 64;

/// A module that was refused or stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WasmError {
    /// The bytes are not those that the contract names.
    Hash {
        /// In the contract.
        expected: Hash,
        /// Of the bytes.
        found: Hash,
    },
    /// A part of the module is larger than allowed.
    Size {
        /// Which part.
        what: &'static str,
        /// How large it is.
        found: u64,
        /// How large it may be.
        limit: u64,
    },
    /// Not a valid module of the features that are on.
    Invalid {
        /// What the validator says, of the module's bytes alone.
        what: String,
    },
    /// It asks for something that is not in the interface.
    Import {
        /// `module.name`.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// It lacks what the interface demands.
    Export {
        /// The export and its type.
        wanted: &'static str,
    },
    /// It burned its fuel.
    Fuel {
        /// Units.
        limit: u64,
    },
    /// It wanted more memory.
    Memory {
        /// Bytes.
        limit: u64,
    },
    /// It wanted larger tables of functions.
    Table {
        /// Elements of all tables together.
        limit: u64,
    },
    /// It ran longer than it may.
    Time {
        /// Milliseconds.
        limit_ms: u64,
    },
    /// Its calls are nested too deep.
    Stack,
    /// It gave more output than it may.
    Output {
        /// Bytes.
        limit: u64,
    },
    /// It trapped.
    Trap {
        /// Kind of trap.
        kind: &'static str,
    },
    /// It called a function of the interface with arguments that cannot be served.
    Call {
        /// The function.
        function: &'static str,
        /// What is wrong, without the value.
        what: &'static str,
    },
    /// What it gave back is no table.
    Result {
        /// What is wrong, without a value.
        what: &'static str,
    },
    /// It refused its input.
    Refused {
        /// What the code means stands in the module's documentation.
        code: u8,
    },
    /// This machine could not provide what the limits promise.
    Host {
        /// What was wanted.
        what: &'static str,
    },
}

impl WasmError {
    pub(super) fn invalid(what: &impl fmt::Display) -> Self {
        Self::Invalid { what: cleaned(&what.to_string(), 4 * SHOWN) }
    }

    pub(super) fn import(module: &str, name: &str, what: &'static str) -> Self {
        Self::Import { name: format!("{}.{}", cleaned(module, SHOWN), cleaned(name, SHOWN)), what }
    }

    /// The stable name.
    pub fn code(&self) -> Code {
        match self {
            Self::Hash { .. } => Code::WasmHash,
            Self::Size { .. } => Code::WasmSize,
            Self::Invalid { .. } => Code::WasmInvalid,
            Self::Import { .. } => Code::WasmImport,
            Self::Export { .. } => Code::WasmExport,
            Self::Fuel { .. } => Code::WasmFuel,
            Self::Memory { .. } => Code::WasmMemory,
            Self::Table { .. } => Code::WasmTable,
            Self::Time { .. } => Code::WasmTime,
            Self::Stack => Code::WasmStack,
            Self::Output { .. } => Code::WasmOutput,
            Self::Trap { .. } => Code::WasmTrap,
            Self::Call { .. } => Code::WasmCall,
            Self::Result { .. } => Code::WasmResult,
            Self::Refused { .. } => Code::WasmRefused,
            Self::Host { .. } => Code::WasmHost,
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Hash { expected, found } => format!("expected `{expected}`, the bytes have `{found}`"),
            Self::Size { what, found, limit } => format!("{what}: {found}, at most {limit}"),
            Self::Invalid { what } => what.clone(),
            Self::Import { name, what } => format!("`{name}`: {what}"),
            Self::Export { wanted } => format!("expected `{wanted}`"),
            Self::Fuel { limit } => format!("all {limit} units burned"),
            Self::Memory { limit } => format!("more than {limit} bytes"),
            Self::Table { limit } => format!("more than {limit} elements"),
            Self::Time { limit_ms } => format!("more than {limit_ms} ms"),
            Self::Stack => format!("more than {} bytes", super::engine::STACK_BYTES),
            Self::Output { limit } => format!("more than {limit} bytes"),
            Self::Trap { kind } => format!("`{kind}`"),
            Self::Call { function, what } => format!("`{function}`: {what}"),
            Self::Result { what } | Self::Host { what } => (*what).to_owned(),
            Self::Refused { code } => format!("code {code}"),
        }
    }
}

impl fmt::Display for WasmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code().title_en(), self.code().as_str(), self.detail())
    }
}

impl std::error::Error for WasmError {}

impl From<WasmError> for Fault {
    fn from(error: WasmError) -> Self {
        Self::new(error.code(), error.detail())
    }
}

/// A text of the module, shortened and on one line.
fn cleaned(text: &str, most: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most).collect()
}
