#!/usr/bin/env python3
"""Checks the dependency arrows between our packages, from `cargo metadata`. All kinds count: normal, build and dev.

    cargo metadata --no-deps --format-version 1 | .ci/arrows.py
"""

import json
import os
import sys

LIBRARIES = {"yu-wire", "yu-mpc", "yu-fedlearn", "yu-tee-attest", "yu-desensitize", "yu-governance"}

# What each package may depend on, of ours. A package that is not listed fails: say here where it stands.
MAY = {
    "yu-wire": set(),
    "yu-governance": set(),
    "yu-desensitize": set(),
    "yu-tee-attest": set(),
    "yu-mpc": {"yu-wire"},
    "yu-mpc-dealer": {"yu-mpc", "yu-wire"},  # an engine outside yu-mpc, for its tests; nothing depends on it
    "yu-fedlearn": {"yu-mpc", "yu-desensitize", "yu-wire"},
    "yu-orchestrator": LIBRARIES,
    "yu-benches": LIBRARIES,  # without the node: a protocol is measured alone
    "yu-examples": LIBRARIES,  # library use without a node
}

# Third-party crates that a package does without in its normal build, and why.
WITHOUT = {
    "yu-mpc": ({"tokio", "quinn", "rustls"}, "protocols are blocking code on channels"),
    "yu-fedlearn": ({"tokio", "quinn", "rustls"}, "protocols are blocking code on channels"),
    "yu-governance": ({"tokio", "quinn", "rusqlite", "datafusion", "wasmtime"}, "rules do no I/O and know no async"),
    "yu-desensitize": ({"tokio", "quinn", "rusqlite", "datafusion", "wasmtime"}, "a tool for files"),
    "yu-tee-attest": ({"tokio", "quinn"}, "evidence to verdict, offline"),
}


def check(metadata):
    members = set(metadata["workspace_members"])
    packages = {p["name"]: p for p in metadata["packages"] if p["id"] in members}
    problems = []
    for name, package in sorted(packages.items()):
        if name not in MAY:
            problems.append(f"{name} is not in the table of .ci/arrows.py")
            continue
        folder = os.path.relpath(os.path.dirname(package["manifest_path"]), metadata["workspace_root"])
        if "-".join(["yu", *(part for part in folder.split(os.sep) if part != "tests")]) != name:
            problems.append(f"{name} lives in {folder}/: packages are named after their folder")
        for dependency in package["dependencies"]:
            other, kind = dependency["name"], dependency["kind"] or "normal"
            if other in packages or other.startswith("yu-"):
                if other not in MAY[name]:
                    problems.append(f"{name} -> {other} ({kind}) is against the arrows")
            elif other in WITHOUT.get(name, ((), ""))[0] and kind == "normal":
                problems.append(f"{name} -> {other}: {WITHOUT[name][1]}")
    return len(packages), problems


def main():
    count, problems = check(json.load(sys.stdin))
    for problem in problems:
        print(f"arrows: {problem}", file=sys.stderr)
    if not problems:
        print(f"arrows: {count} packages, all dependencies point down")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
