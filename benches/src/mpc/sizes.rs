//! How much of each operation is measured where the command line does not say.

use super::engines::Protocol;

/// The size of `op`: the one that the recorded figures of other systems have, where they have one.
#[must_use]
pub fn default_size(op: &str) -> usize {
    match op {
        "mul" => 16_000_000,
        "matmul" => 1000,
        "logistic-training" => 512,
        // a batch has at most 8192 rows
        "logistic-regression" => 8191,
        "add"
        | "sub"
        | "neg"
        | "sum"
        | "mean"
        | "prefix-sum"
        | "mul-fixed"
        | "dot"
        | "trunc"
        | "trunc-probabilistic"
        | "lt"
        | "eq"
        | "min"
        | "max"
        | "abs"
        | "mux"
        | "relu"
        | "clamp"
        | "bit-injection"
        | "sigmoid"
        | "exp"
        | "log"
        | "reciprocal"
        | "div"
        | "sqrt"
        | "rsqrt" => 1_000_000,
        _ => 100_000,
    }
}

/// The size in the suite, which runs everything: a row takes seconds. What is told is per element.
#[must_use]
pub fn suite_size(op: &str, protocol: Protocol) -> usize {
    let size = match op {
        "matmul" => 512,
        "logistic-training" => 512,
        _ => default_size(op).min(1_000_000),
    };
    let is_quick = matches!(op, "add" | "sub" | "neg" | "sum" | "mean" | "prefix-sum" | "mul" | "mul-fixed" | "dot" | "lt" | "eq");
    match protocol {
        Protocol::Rep3 if is_quick || size < 10_000 => size,
        Protocol::Rep3 => size / 4,
        Protocol::Rep3Malicious if op == "matmul" => size / 2,
        Protocol::Rep3Malicious if size < 10_000 => size.min(512),
        Protocol::Rep3Malicious => size / 16,
    }
}

/// What the size counts; results and bytes are told per element of this.
#[must_use]
pub fn elements(op: &str, n: usize) -> usize {
    if op == "matmul" { n.saturating_mul(n) } else { n }
}

#[cfg(test)]
mod tests {
    use yu_mpc::programs::NAMES;

    use super::*;

    #[test]
    fn the_suite_is_no_larger_than_a_single_run() {
        for op in NAMES {
            for protocol in Protocol::ALL {
                assert!((1..=default_size(op)).contains(&suite_size(op, *protocol)), "{op} on {protocol}");
            }
        }
    }
}
