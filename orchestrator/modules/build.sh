#!/bin/sh
# Builds a module from C: build.sh SOURCE.c OUT.wasm. Needs clang and lld (Debian: apt-get install clang lld).
#
# The standard library is not there: a module has nothing but its own memory and yu.h. Compilers of another version may give
# other bytes, so the hash in a contract is that of the bytes that were reviewed, not of the source.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec "${CLANG:-clang}" --target=wasm32-unknown-unknown -std=c11 -O2 -ffp-contract=off -Wall -Wextra -Werror \
  -nostdlib -ffreestanding -fno-builtin-memcpy -I "$here" \
  -Wl,--no-entry -Wl,--strip-all -Wl,-z,stack-size=65536 -Wl,--fatal-warnings \
  "$1" -o "$2"
