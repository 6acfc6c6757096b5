#!/usr/bin/env python3
"""Writes the table of federated learning: our figures, limits and aims, Flower's beside them.

    fedlearn_compare.py --ours fedlearn.json --flower flower.jsonl --markdown fedlearn.md
"""

import argparse
import json

# which run of Flower stands beside which of our rows: (name, mode, number of weights)
BESIDE = [
    ("FedAvg, 10 parties, 650 weights, QUIC", "plain", 650),
    ("the same under secure aggregation, 16 bits", "secagg", 650),
    ("10 parties, 1 M 16-bit weights: a round", "secagg", 1000650),
]


def number(value):
    if value is None:
        return ""
    return f"{value:.4g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("ours", "flower", "markdown"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()
    ours = json.load(open(args.ours, encoding="utf-8"))
    flower = [json.loads(line) for line in open(args.flower, encoding="utf-8") if line.strip()]

    def peer(name):
        for of, mode, weights in BESIDE:
            for run in flower:
                if name == of and run["mode"] == mode and run["model_floats"] == weights and run["s_per_round_median"]:
                    return 1e3 * run["s_per_round_median"]
        return None

    lines = [
        f"{ours['date']}, {ours['machine'].get('cpu', '')}, commit {ours['commit'][:12]}.",
        "",
        "| subject | what | ours | limit [aim] | Flower 1.41.0 in the same run | times better |",
        "|---|---|---|---|---|---|",
    ]
    for row in ours["rows"]:
        beside = peer(row["name"])
        aim = f" [{number(row['aim'])}]" if row["aim"] is not None else ""
        ratio = number(beside / row["value"]) if beside else ""
        told = f"{number(beside)} ms" if beside else ""
        lines.append(
            f"| {row['subject']} | {row['name']} | {number(row['value'])} {row['unit']} | {number(row['limit'])}{aim} | {told} | {ratio} |"
        )
    with open(args.markdown, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
