"""De-identification: the peers' figures beside ours, measured in the same run.

usage: desensitize_compare.py --ours desensitize.json --shared SHARED --work DIR --markdown OUT.md

`--ours` is what `yu-benches desensitize --json` printed. The peers' scripts are in SHARED/peers/desensitize; each is run as a process of its own
and prints JSON lines. Processor seconds on both sides. ARX cannot be installed from a package registry: its recorded figures come from another
machine and are marked so. A peer that does not run is named with its reason; its cell stays empty.
"""
import argparse, json, os, shutil, subprocess, sys, time

parser = argparse.ArgumentParser()
parser.add_argument("--ours", required=True)
parser.add_argument("--shared", required=True)
parser.add_argument("--work", required=True)
parser.add_argument("--markdown", required=True)
options = parser.parse_args()
peers = os.path.join(options.shared, "peers", "desensitize")
adult = os.path.join(options.shared, "data", "adult_arx")
work = os.path.abspath(options.work)
missing = []


def lines(name, command, cwd=None):
    """JSON lines of a peer; none and a remark if it fails."""
    print("running", name, file=sys.stderr, flush=True)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, cwd=cwd, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        reason = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        missing.append(f"{name}: {reason[-1][:200] if reason else 'no reason given'}")
        return []
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def python(script, *arguments):
    return [sys.executable, os.path.join(peers, script), *arguments]


def top_down(k, columns, *more):
    """The recoder's loss and processor time."""
    out = os.path.join(work, "topdown.csv")
    begin = os.times()
    try:
        subprocess.run(python("topdown_baseline.py", adult, out, str(k), columns, *more), capture_output=True, check=True, timeout=900)
    except (OSError, subprocess.SubprocessError) as error:
        missing.append(f"top-down recoder: {error}")
        return None
    end = os.times()
    score = lines("scorer", python("score_release.py", adult, out, columns, *more[:1]))
    return (score[0]["ncp"] if score else None, end.children_user - begin.children_user)


def fpe():
    """The crate `fpe` is built in a folder of its own."""
    folder = os.path.join(work, "ff1_rust")
    shutil.copytree(os.path.join(peers, "ff1_rust"), folder, dirs_exist_ok=True)
    subprocess.run(["chmod", "-R", "u+w", folder], check=False)
    environment = {key: value for key, value in os.environ.items() if key != "CARGO_TARGET_DIR"}
    built = subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=folder, env=environment, capture_output=True, text=True)
    if built.returncode != 0:
        missing.append("fpe: " + built.stderr.strip().splitlines()[-1][:200])
        return []
    return lines("fpe", [os.path.join(folder, "target", "release", "ff1_rust")], cwd=folder)


QI9 = "sex,age,race,marital-status,education,native-country,workclass,occupation,salary-class"
QI8 = QI9.rsplit(",", 1)[0]
texts = os.path.join(work, "texts.jsonl")
subprocess.run(python("gen_text.py", "2000", texts), check=True)
anjana = lines("anjana", python("anjana_pycanon_adult.py", adult))
presidio = lines("presidio", python("presidio_throughput.py", texts))
opendp = lines("opendp", python("opendp_throughput.py"))
primitives = fpe()


def first(rows, figure, **wanted):
    for row in rows:
        if all(word in str(row.get(key, "")) for key, word in wanted.items()) and figure in row:
            return row[figure]
    return None


def scaled(value, factor):
    return None if value is None else value * factor


def of_top_down(result, at):
    return None if result is None else result[at]


local = {
    "k=5": top_down(5, QI9),
    "k=10": top_down(10, QI9),
    "k=5, l=2": top_down(5, QI8, "salary-class", "2", "9"),
    "k=5, t=0.2": top_down(5, QI8, "salary-class", "1", "0.2"),
}
exact = {(k, s): first([row for row in anjana if row.get("n_qi") == 9 and row.get("k") == k and row.get("supp_pct") == s], "cpu_s") for k in (5, 10) for s in (0, 2)}
million = [row for row in opendp if row.get("rows") == 10**7] or opendp

# words that name one of our figures -> (peer, its figure in our unit)
PEERS = [
    (("full domain k=5, 0 % suppressed",), "anjana 1.2.3", scaled(exact[5, 0], 1000)),
    (("full domain k=5, 2 % suppressed",), "anjana 1.2.3", scaled(exact[5, 2], 1000)),
    (("local k=5, l=2, loss",), "top-down recoder", of_top_down(local["k=5, l=2"], 0)),
    (("local k=5, l=2, time",), "top-down recoder", scaled(of_top_down(local["k=5, l=2"], 1), 1000)),
    (("local k=5, t=0.2, loss",), "top-down recoder", of_top_down(local["k=5, t=0.2"], 0)),
    (("local k=5, t=0.2, time",), "top-down recoder", scaled(of_top_down(local["k=5, t=0.2"], 1), 1000)),
    (("local k=10, loss",), "top-down recoder", of_top_down(local["k=10"], 0)),
    (("local k=10, time",), "top-down recoder", scaled(of_top_down(local["k=10"], 1), 1000)),
    (("local k=5, loss",), "top-down recoder", of_top_down(local["k=5"], 0)),
    (("local k=5, time",), "top-down recoder", scaled(of_top_down(local["k=5"], 1), 1000)),
    (("text rate",), "Presidio 2.2.366, 15 patterns", scaled(first(presidio, "mib_per_cpu_s", tool="11 Chinese"), 1.048576)),
    (("column ff1, 11 digits",), "fpe 0.7, AES-256", scaled(first(primitives, "per_core", item="AES256 radix10"), 1e-6)),
    (("kernel ff1",), "fpe 0.7, AES-256", scaled(first(primitives, "per_core", item="AES256 radix10"), 1e-6)),
    (("column hmac-sm3",), "hmac 0.13 + sm3 0.5", scaled(first(primitives, "per_core", item="HMAC-SM3"), 1e-6)),
    (("mean, i64",), "OpenDP 0.16, Polars, count and sum", scaled(first(million, "rows_per_cpu_s", what="polars: len"), 1e-6)),
    (("mean, f64",), "OpenDP 0.16, lists, mean", scaled(first(opendp, "rows_per_cpu_s", what="mean f64, laplace"), 1e-6)),
    (("discrete Gaussian, variance 100",), "OpenDP 0.16, i32", scaled(first(opendp, "samples_per_cpu_s", what="gaussian i32"), 1e-6)),
    (("discrete Laplace",), "OpenDP 0.16, i32", scaled(first(opendp, "samples_per_cpu_s", what="laplace i32"), 1e-6)),
]
# recorded elsewhere (Java 17, one thread, milliseconds of processor time)
ARX = [
    (("full domain k=5, 0 % suppressed",), "24 ms"),
    (("full domain k=5, 2 % suppressed",), "656 ms"),
    (("full domain k=5, 0 %, 1,193,504",), "1.38 s"),
    (("full domain k=5, 2 %, 1,193,504",), "27.8 s"),
    (("local k=5, loss",), "0.202"),
    (("local k=10, loss",), "0.220"),
]


def matching(table, row):
    text = f"{row['subject']} {row['name']} {row['unit']}"
    return next((entry for entry in table if all(word in text for word in entry[0])), None)


def number(value):
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.4g}"


ours = json.load(open(options.ours))
table = ["| subject | what | ours | limit [aim] | peer in the same run | times better | recorded elsewhere |", "|---|---|---|---|---|---|---|"]
for row in ours["rows"]:
    peer, recorded = matching(PEERS, row), matching(ARX, row)
    value, ratio = row["value"], ""
    if peer and peer[2] and value:
        ratio = number(value / peer[2] if row["better"] == "more" else peer[2] / value)
    limit = number(row["limit"]) + (f" [{number(row['aim'])}]" if row["aim"] is not None else "")
    missed = row["limit"] is not None and (value < row["limit"] if row["better"] == "more" else value > row["limit"])
    shown = f"{number(value)} {row['unit']}" + (" **missed**" if missed else "")
    beside = f"{peer[1]}: {number(peer[2])}" if peer and peer[2] is not None else ""
    table.append(f"| {row['subject']} | {row['name']} | {shown} | {limit} | {beside} | {ratio} | {'ARX: ' + recorded[1] if recorded else ''} |")
text = f"{ours['date']}, {ours['machine']['cpu']}, commit {ours['commit']}.\n\n" + "\n".join(table) + "\n"
if missing:
    text += "\nNot run: " + "; ".join(missing) + ".\n"
with open(options.markdown, "w") as out:
    out.write(text)
