#!/usr/bin/env bash
# Federated learning in one command: our figures, Flower's beside them.
#
#   benches/peers/run_fedlearn.sh [DIR]      default DIR: bench
#
# 1. builds the runner and measures every subject: DIR/fedlearn.json;
# 2. runs Flower's simulation of the same trainings on the same machine: DIR/flower.jsonl;
# 3. writes the table for the README: DIR/fedlearn.md.
#
# Environment: YU_SHARED (data and peer scripts, default ../shared), RUNS (default 5), FEDLEARN_VENV (Python 3.11 with the packages below; made
# in DIR/venv-fedlearn if it is not set), CARGO_TARGET_DIR. About ten minutes on 2 cores after the build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

out="${1:-bench}"
mkdir -p "$out"
shared="${YU_SHARED:-../shared}"
venv="${FEDLEARN_VENV:-$out/venv-fedlearn}"
if [ ! -x "$venv/bin/python" ]; then
  python3.11 -m venv "$venv"
  "$venv/bin/pip" install --quiet "flwr[simulation]==1.41.0" scikit-learn
fi
cargo build --release --package yu-benches
yu="${CARGO_TARGET_DIR:-target}/release/yu-benches"
"$yu" fedlearn --runs "${RUNS:-5}" --shared "$shared" --json > "$out/fedlearn.json"
flower() { "$venv/bin/python" "$shared/peers/fedlearn/flower_fedavg.py" "$@" 2>/dev/null | sed -n 's/^RESULT //p' >> "$out/flower.jsonl"; }
: > "$out/flower.jsonl"
flower digits 10 20 1 plain
flower digits 10 20 1 secagg
flower digits 10 5 1 secagg 1000000
python3 benches/peers/fedlearn_compare.py --ours "$out/fedlearn.json" --flower "$out/flower.jsonl" --markdown "$out/fedlearn.md"
cat "$out/fedlearn.md"
