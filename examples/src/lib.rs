//! One runnable story per file.
