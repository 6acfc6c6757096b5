#!/usr/bin/env bash
# The whole bench table in one command.
#
#   benches/peers/run_suite.sh [DIR]      default DIR: bench
#
# 1. builds the runner;
# 2. every operation on every engine, in memory and as three processes over QUIC: DIR/mpc.json, DIR/mpc.csv;
# 3. the operations with limits beside SPU 0.9.5 in the same run, MP-SPDZ and HPMPC from recorded figures: DIR/peers.json;
# 4. the table for the README: DIR/peers.md.
#
# Environment: RUNS (of each row, default 3), SPU_VENV (a Python 3.11 environment with spu==0.9.5; made in DIR/venv if it is not set),
# CARGO_TARGET_DIR. Nothing else should run beside it: about eight minutes on 2 cores after the build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

out="${1:-bench}"
runs="${RUNS:-3}"
mkdir -p "$out"
venv="${SPU_VENV:-$out/venv}"
if [ ! -x "$venv/bin/python" ]; then
  python3.11 -m venv "$venv"
  "$venv/bin/pip" install --quiet spu==0.9.5
fi
cargo build --release --package yu-benches
yu="${CARGO_TARGET_DIR:-target}/release/yu-benches"
"$yu" mpc --suite --runs "$runs" --out "$out" || echo "some rows failed, see above" >&2
"$venv/bin/python" benches/peers/spu_compare.py --yu "$yu" --must --runs "$runs" --out "$out/peers.json" --markdown "$out/peers.md"
cat "$out/peers.md"
