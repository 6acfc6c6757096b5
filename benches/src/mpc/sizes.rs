//! How much of each operation is measured where the command line does not say.

/// The size of `op`: the one that the recorded figures of other systems have, where they have one.
#[must_use]
pub fn default_size(op: &str) -> usize {
    match op {
        "mul" => 16_000_000,
        "matmul" => 1000,
        "add" | "mul-fixed" | "dot" | "trunc" | "lt" | "eq" | "max" | "abs" | "mux" | "relu" | "sigmoid" | "exp" | "log" | "reciprocal"
        | "div" | "sqrt" | "rsqrt" => 1_000_000,
        _ => 100_000,
    }
}

/// What the size counts; results and bytes are told per element of this.
#[must_use]
pub fn elements(op: &str, n: usize) -> usize {
    if op == "matmul" { n.saturating_mul(n) } else { n }
}
