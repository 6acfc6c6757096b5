//! Modules that come with Yu. Sources and the committed bytes: `orchestrator/modules/`.

/// Count, sum, mean, sample variance and Pearson's correlations of all columns of numbers: `modules/statistics.wat`, whose head
/// says what it takes, gives and refuses. Committed as bytes, so that nodes need no assembler; a test builds them again.
pub const STATISTICS: &[u8] = include_bytes!("../../modules/statistics.wasm");
