#!/usr/bin/env bash
# De-identification in one command: our figures, the peers' beside them.
#
#   benches/peers/run_desensitize.sh [DIR]      default DIR: bench
#
# 1. builds the runner and measures every subject: DIR/desensitize.json;
# 2. runs the peers on the same data in the same run: anjana and pycanon, a top-down recoder, Presidio, OpenDP (PyPI), the crate `fpe`
#    (crates.io); ARX needs Java from elsewhere, its figures are the recorded ones and marked so;
# 3. writes the table for the README: DIR/desensitize.md.
#
# Environment: YU_SHARED (data and peer scripts, default ../shared), RUNS (default 5), DESENSITIZE_VENV (Python 3.11 with the packages
# below; made in DIR/venv-desensitize if it is not set), CARGO_TARGET_DIR. About ten minutes on 2 cores after the build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

out="${1:-bench}"
mkdir -p "$out"
shared="${YU_SHARED:-../shared}"
venv="${DESENSITIZE_VENV:-$out/venv-desensitize}"
if [ ! -x "$venv/bin/python" ]; then
  python3.11 -m venv "$venv"
  "$venv/bin/pip" install --quiet anjana==1.2.3 pycanon==1.3.5 presidio-analyzer==2.2.366 presidio-anonymizer==2.2.366 spacy \
    opendp==0.16.0 polars==1.36.1 numpy pandas
fi
cargo build --release --package yu-benches
yu="${CARGO_TARGET_DIR:-target}/release/yu-benches"
"$yu" desensitize --runs "${RUNS:-5}" --shared "$shared" --json > "$out/desensitize.json"
"$venv/bin/python" benches/peers/desensitize_compare.py --ours "$out/desensitize.json" --shared "$shared" --work "$out" --markdown "$out/desensitize.md"
cat "$out/desensitize.md"
