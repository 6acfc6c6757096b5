#!/usr/bin/env python3
"""Yu beside SecretFlow SPU, the same operations in the same run, and the ratios.

    python3 -m venv venv && venv/bin/pip install spu==0.9.5        # Python 3.11
    cargo build --release -p yu-benches
    venv/bin/python benches/peers/spu_compare.py --yu target/release/yu-benches [--only mul-fixed,lt | --must] \
        [--out FILE.json] [--markdown FILE.md]

Each operation runs first on SPU (ABY3 by default: three parties, semi-honest, honest majority, the ring Z_2^64, 18 fraction bits),
then on Yu (rep3: the same parties and adversary), both as three processes on loopback: SPU over its brpc links, Yu over QUIC with
mutual TLS. CPU seconds are user + system of the busiest party during the operation alone: inputs are shared before, outputs
opened after. Bytes are all parties' together; Yu's contain its frame headers. A first tiny program warms SPU up. Runs alternate:
one of SPU, a few of Yu (of which the median counts), and so on; then the medians are compared.

`--must` takes the operations that the project has set itself limits for, adds products in memory and the peak memory of operations on
10 million elements, and says of each row whether the limit and the aim are met. `run_suite.sh` does all of it in one command.

MP-SPDZ and HPMPC are not on PyPI: their rows are figures recorded earlier on another machine (AMD Zen 5, 2 cores, under load) and
are marked so; ratios to them compare machines too.
"""
import argparse
import json
import os
import pickle
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time

# our program -> (SPU's function by name, default size)
OPERATIONS = {
    "mul": ("multiply integers", 1_000_000),
    "mul-fixed": ("multiply", 1_000_000),
    "lt": ("less", 1_000_000),
    "eq": ("equal", 1_000_000),
    "max": ("maximum", 1_000_000),
    "relu": ("relu", 1_000_000),
    "matmul": ("matmul", 1000),
    "div": ("divide", 1_000_000),
    "reciprocal": ("reciprocal", 1_000_000),
    "sqrt": ("sqrt", 1_000_000),
    "exp": ("exp", 1_000_000),
    "log": ("log", 1_000_000),
    "sigmoid": ("sigmoid", 1_000_000),
    "sort": ("sort", 100_000),
    "logistic-training": ("train", 512),
}

# Limits and aims: times SPU's CPU, times SPU's bytes, bytes of all parties per element, rounds, seconds, elements per second.
MUST = {
    "mul-fixed": ({"cpu": 3, "per_element": 35}, {"cpu": 6}),
    "lt": ({"cpu": 5, "per_element": 76}, {"rate": 10e6}),
    "matmul": ({"cpu": 5, "per_element": 35}, {"seconds": 0.1}),
    "sigmoid": ({"cpu": 5, "bytes": 5}, {"cpu": 10, "per_element": 300, "rounds": 12}),
    "sort": ({"cpu": 3}, {"seconds": 1}),
    "logistic-training": ({"cpu": 4, "rounds": 15 * 80}, {"seconds": 0.3, "rounds": 12 * 80}),
}
IN_MEMORY = (16_000_000, {"rate": 100e6}, {"rate": 150e6})
# peak of a party over the bytes of its operands' shares
PEAK = (10_000_000, ("mul", "mul-fixed", "lt"), {"peak": 6})

# program -> (system, n, CPU seconds a party, bytes of all parties per element); Zen 5, see above
RECORDED = {
    "mul": [("HPMPC Replicated 3PC", 16_000_000, 0.41, 24), ("MP-SPDZ Rep3 ring", 20_000_000, 0.43, 24)],
    "mul-fixed": [("MP-SPDZ Rep3, probabilistic truncation", 1_000_000, 0.24, 56)],
    "lt": [("HPMPC Trio", 1_024_000, 0.08, 76), ("MP-SPDZ Rep3, split", 1_000_000, 0.51, 117)],
    "matmul": [("MP-SPDZ Rep3, integers, no truncation", 1000, 2.19, 24)],
    "sort": [("MP-SPDZ Rep3 radix", 100_000, 4.4, 19_776)],
}


def workload(kind, n):
    """Function, inputs and what it should give."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    rng = np.random.default_rng(7)
    reals = lambda *shape: rng.uniform(-4, 4, shape).astype(np.float32)
    positive = lambda *shape: rng.uniform(0.1, 8, shape).astype(np.float32)

    def train(features, labels):
        """Ten passes of logistic regression in batches of 64: 80 steps for 512 rows."""
        weights, intercept = jnp.zeros(features.shape[2]), jnp.zeros(())
        for _ in range(10):
            for x, y in zip(features, labels):
                error = jax.nn.sigmoid(x @ weights + intercept) - y
                weights = weights - 0.1 / 64 * (x.T @ error)
                intercept = intercept - 0.1 / 64 * jnp.sum(error)
        return jnp.concatenate([weights, intercept[None]])

    table = {
        "warm up": lambda: ((lambda a, b: (a * b, a < b)), [reals(16), reals(16)]),
        "multiply integers": lambda: (lambda a, b: a * b, [rng.integers(-1000, 1000, n, np.int64) for _ in range(2)]),
        "multiply": lambda: (lambda a, b: a * b, [reals(n), reals(n)]),
        "less": lambda: (lambda a, b: a < b, [reals(n), reals(n)]),
        "equal": lambda: (lambda a, b: a == b, [rng.integers(0, 3, n).astype(np.int32) for _ in range(2)]),
        "maximum": lambda: (jnp.maximum, [reals(n), reals(n)]),
        "relu": lambda: (lambda a: jnp.maximum(a, 0), [reals(n)]),
        "matmul": lambda: (lambda a, b: a @ b, [reals(n, n) / 4, reals(n, n) / 4]),
        "divide": lambda: (lambda a, b: a / b, [reals(n), positive(n)]),
        "reciprocal": lambda: (lambda a: 1 / a, [positive(n)]),
        "sqrt": lambda: (jnp.sqrt, [positive(n)]),
        "exp": lambda: (jnp.exp, [reals(n)]),
        "log": lambda: (jnp.log, [positive(n)]),
        "sigmoid": lambda: (jax.nn.sigmoid, [reals(n)]),
        "sort": lambda: (jnp.sort, [reals(n) * 1000]),
        "train": lambda: (train, [rng.normal(0, 1, (n // 64, 64, 30)).astype(np.float32), rng.integers(0, 2, (n // 64, 64)).astype(np.float32)]),
    }
    function, inputs = table[kind]()
    expected = None if kind == "warm up" else np.asarray(function(*inputs), dtype=np.float64)
    return function, inputs, expected


def settings(protocol):
    from spu import libspu

    config = libspu.RuntimeConfig(protocol=getattr(libspu.ProtocolKind, protocol), field=libspu.FieldType.FM64)
    config.enable_hal_profile = True
    config.enable_pphlo_profile = True
    return config, {"ABY3": 3, "SEMI2K": 2, "CHEETAH": 2}[protocol]


def deal(folder, protocol, kind, n):
    """Compiles both programs and writes each party's shares."""
    from spu import api, libspu
    from spu.utils import frontend

    config, parties = settings(protocol)
    io = api.Io(parties, config)
    packets = [[] for _ in range(parties)]
    for name in ("warm up", kind):
        function, inputs, expected = workload(name, n)
        names = [f"x{at}" for at in range(len(inputs))]
        program, _ = frontend.compile(
            frontend.Kind.JAX, function, inputs, {}, names, [libspu.Visibility.VIS_SECRET] * len(inputs), lambda out: [f"y{at}" for at in range(len(out))]
        )
        shared = [io.make_shares(value, libspu.Visibility.VIS_SECRET) for value in inputs]
        for party, packet in enumerate(packets):
            packet.append((program.SerializeToString(), [(value[party].meta, list(value[party].share_chunks)) for value in shared]))
    for party, packet in enumerate(packets):
        with open(f"{folder}/in{party}", "wb") as file:
            pickle.dump(packet, file)
    with open(f"{folder}/expected", "wb") as file:
        pickle.dump(expected, file)


def party(folder, protocol, rank, ports):
    """Runs both programs as one party and writes what the second one took and gave."""
    from spu import api, libspu

    options = libspu.logging.LogOptions()
    options.enable_console_logger = False
    options.system_log_path = f"{folder}/log{rank}"
    libspu.logging.setup_logging(options)
    config, _ = settings(protocol)
    link = libspu.link.Desc()
    link.recv_timeout_ms = 3_600_000
    link.connect_retry_times = 100
    link.connect_retry_interval_ms = 100
    for at, port in enumerate(ports):
        link.add_party(f"p{at}", f"127.0.0.1:{port}")
    context = libspu.link.create_brpc(link, rank)
    runtime = api.Runtime(context, config)
    with open(f"{folder}/in{rank}", "rb") as file:
        packet = pickle.load(file)

    def load(entry):
        program = libspu.Executable()
        program.ParseFromString(entry[0])
        for name, (meta, chunks) in zip(program.input_names, entry[1]):
            share = libspu.Share()
            share.meta, share.share_chunks = meta, chunks
            runtime.set_var(name, share)
        return program

    runtime.run(load(packet[0]))
    program = load(packet[1])
    context.barrier()
    before, begin = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    runtime.run(program)
    wall, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_SELF)
    context.barrier()
    shares = [runtime.get_var(name) for name in program.output_names]
    result = {
        "wall_s": wall,
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_bytes": after.ru_maxrss * 1024,
        "outputs": [(share.meta, list(share.share_chunks)) for share in shares],
    }
    with open(f"{folder}/out{rank}", "wb") as file:
        pickle.dump(result, file)
    context.stop_link()
    os._exit(0)  # SPU's threads hang at a normal exit now and then


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def run_spu(protocol, kind, n, limit):
    """One run of SPU, each party a fresh process."""
    import numpy as np
    from spu import api, libspu

    config, parties = settings(protocol)
    with tempfile.TemporaryDirectory() as folder:
        base = [sys.executable, os.path.abspath(__file__), "--inner", folder, "--protocol", protocol, "--kind", kind, "--n", str(n)]
        subprocess.run([*base, "--role", "deal"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ports = [str(port) for port in free_ports(parties)]
        logs = [open(f"{folder}/text{rank}", "wb") for rank in range(parties)]
        running = [
            subprocess.Popen([*base, "--role", "party", "--rank", str(rank), "--ports", *ports], stdout=logs[rank], stderr=logs[rank])
            for rank in range(parties)
        ]
        try:
            deadline = time.monotonic() + limit
            for process in running:
                if process.wait(max(0.1, deadline - time.monotonic())) != 0:
                    raise RuntimeError("a party failed")
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            with open(f"{folder}/text0", errors="replace") as file:
                return {"error": f"{error}: {file.read()[-300:]}"}
        finally:
            for process in running:
                if process.poll() is None:
                    process.kill()
            for log in logs:
                log.close()
        results = []
        for rank in range(parties):
            with open(f"{folder}/out{rank}", "rb") as file:
                results.append(pickle.load(file))
        with open(f"{folder}/expected", "rb") as file:
            expected = pickle.load(file)
        sent = 0
        for rank in range(parties):
            with open(f"{folder}/log{rank}", errors="replace") as file:
                found = re.findall(r"total send bytes (\d+)", file.read())
            sent += int(found[-1]) if found else 0
        io = api.Io(parties, config)
        shares = []
        for result in results:
            share = libspu.Share()
            share.meta, share.share_chunks = result["outputs"][0]
            shares.append(share)
        error = float(np.max(np.abs(np.asarray(io.reconstruct(shares), dtype=np.float64) - expected)))
    return {
        "cpu_s": max(result["cpu_s"] for result in results),
        "wall_s": max(result["wall_s"] for result in results),
        "peak_bytes": max(result["peak_bytes"] for result in results),
        "bytes": sent,
        "max_error": error,
    }


def run_yu(program, op, n, runs, network="quic"):
    """A few runs of ours; the report has their medians."""
    command = [program, "mpc", op, "--n", str(n), "--net", network, "--runs", str(runs), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return {"error": done.stderr[-300:]}
    report = json.loads(done.stdout)
    return {
        "cpu_s": report["cpu_s"]["median"],
        "wall_s": report["wall_s"]["median"],
        "peak_bytes": report["peak_memory_bytes"],
        "operand_bytes": report["operand_bytes"],
        "bytes": report["bytes"],
        "per_element": report["bytes_per_element"],
        "rate": report["elements_per_cpu_s"],
        "rounds": report["rounds"],
        "commit": report["commit"],
        "cpu": report["parties"][0]["machine"]["cpu"],
    }


def median(runs):
    """The run with the median CPU time; the first error if there is one."""
    failed = [run for run in runs if "error" in run]
    return failed[0] if failed else sorted(runs, key=lambda run: run["cpu_s"])[len(runs) // 2]


def missed(goals, yu, spu):
    """Which goals the row misses."""
    seen = {
        "per_element": yu["per_element"],
        "rounds": yu["rounds"],
        "seconds": yu["cpu_s"],
        "rate": yu["rate"],
        "peak": (yu["peak_bytes"] or 0) / max(1, yu["operand_bytes"]),
    }
    if spu:
        seen["cpu"], seen["bytes"] = spu["cpu_s"] / yu["cpu_s"], spu["bytes"] / yu["bytes"]
    at_least = ("cpu", "bytes", "rate")
    return [name for name, goal in goals.items() if (seen[name] < goal if name in at_least else seen[name] > goal)]


def verdict(goals, yu, spu):
    """`yes`, or what is missed."""
    if not goals:
        return "-"
    lacking = missed(goals, yu, spu)
    return f"no: {', '.join(lacking)}" if lacking else "yes"


def show(op, name, n, spu, yu):
    if "error" in spu or "error" in yu:
        print(f"{op:<12} n {n:<9} {name}: {spu.get('error', '')} yu: {yu.get('error', '')}", flush=True)
        return
    ratios = " ".join(f"{key} {spu[field] / max(yu[field], 1e-9):.1f}x" for key, field in (("cpu", "cpu_s"), ("wall", "wall_s"), ("bytes", "bytes")))
    print(
        f"{op:<12} n {n:<9} {name} cpu {spu['cpu_s']:.3f} s wall {spu['wall_s']:.3f} s {spu['bytes'] / 1e6:.1f} MB error {spu['max_error']:.1e}"
        f" | yu cpu {yu['cpu_s']:.3f} s wall {yu['wall_s']:.3f} s {yu['bytes'] / 1e6:.1f} MB {yu['rounds']} rounds | {ratios}",
        flush=True,
    )


def recorded(op, n, yu):
    """Rows against other systems' recorded figures, scaled to our size: name, size, CPU seconds, bytes per element, ratio."""
    power = 3 if op == "matmul" else 1
    for name, size, cpu, per_element in RECORDED.get(op, []):
        yield name, size, cpu, per_element, (cpu / size**power) / (yu["cpu_s"] / n**power)


def markdown(rows, path):
    """The table for README and measurements."""
    good = [row for row in rows if "error" not in row["yu"] and "error" not in row.get("spu", {})]
    lines = []
    if good:
        first = good[0]["yu"]
        lines += [f"{time.strftime('%Y-%m-%d', time.gmtime())}, {first['cpu']}, commit `{first['commit']}`; load average {rows[0]['load']:.1f} before, {rows[-1]['load']:.1f} after.", ""]
    lines += ["| operation | n | Yu CPU s / party | peer | peer CPU s / party | ratio | bytes / element: Yu, peer | rounds | peak / operands | limit met | aim met |", "|---|---:|---:|---|---:|---:|---|---:|---:|---|---|"]
    for row in good:
        op, n, yu, spu = row["program"], row["n"], row["yu"], row.get("spu")
        limit, aim = row.get("limit", {}), row.get("aim", {})
        # below that the process itself counts for more
        is_large = yu["peak_bytes"] and yu["operand_bytes"] > 100e6
        peak = f"{yu['peak_bytes'] / yu['operand_bytes']:.1f}" if is_large else "-"
        if spu:
            peer = f"SPU {row['spu_protocol']} | {spu['cpu_s']:.3f} | {spu['cpu_s'] / yu['cpu_s']:.1f} | {yu['per_element']:.1f}, {spu['bytes'] / yu['bytes'] * yu['per_element']:.1f}"
        else:
            peer = f"- | - | {yu['rate'] / 1e6:.0f} M/s | {yu['per_element']:.1f}"
        lines.append(f"| `{op}`{row.get('where', '')} | {n} | {yu['cpu_s']:.3f} | {peer} | {yu['rounds']} | {peak} | {verdict(limit, yu, spu)} | {verdict(aim, yu, spu)} |")
        for name, size, cpu, per_element, ratio in recorded(op, n, yu) if not row.get("where") else ():
            lines.append(f"| `{op}` | {n} | {yu['cpu_s']:.3f} | {name}, recorded on another machine, n {size} | {cpu} | {ratio:.1f} per element | {yu['per_element']:.1f}, {per_element} | {yu['rounds']} | - | - | - |")
    for row in rows:
        if row not in good:
            error = row["yu"].get("error") or row["spu"].get("error")
            lines.append(f"| `{row['program']}` | {row['n']} | failed: {' '.join(error.split())[:120]} | | | | | | | | |")
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yu", default="target/release/yu-benches", help="our runner")
    parser.add_argument("--only", default="", help="programs, separated by commas")
    parser.add_argument("--must", action="store_true", help="the operations with limits, products in memory, peak memory")
    parser.add_argument("--protocol", default="ABY3", choices=["ABY3", "SEMI2K", "CHEETAH"])
    parser.add_argument("--runs", type=int, default=3, help="runs of SPU for each row, and of ours after each; medians count")
    parser.add_argument("--limit", type=float, default=600, help="seconds after which a run of SPU is given up")
    parser.add_argument("--out", help="where to write JSON; rows that are there already are kept unless measured again")
    parser.add_argument("--markdown", help="where to write a table")
    for name in ("--inner", "--role", "--kind"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    for name in ("--n", "--rank"):
        parser.add_argument(name, type=int, help=argparse.SUPPRESS)
    parser.add_argument("--ports", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.role == "deal":
        return deal(args.inner, args.protocol, args.kind, args.n)
    if args.role == "party":
        return party(args.inner, args.protocol, args.rank, args.ports)
    catalogue = subprocess.run([args.yu, "mpc", "--list"], capture_output=True, text=True, check=True).stdout.split()
    chosen = [op for op in args.only.split(",") if op] or [op for op in OPERATIONS if op in (MUST if args.must else catalogue)]
    unknown = [op for op in chosen if op not in OPERATIONS or op not in catalogue]
    if unknown:
        sys.exit(f"not in both systems: {', '.join(unknown)}")
    rows = []
    if args.out and os.path.exists(args.out):
        with open(args.out) as file:
            rows = json.load(file)["rows"]

    def add(row):
        row |= {"load": os.getloadavg()[0], "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        same = lambda other: all(other.get(key) == row.get(key) for key in ("program", "where", "n"))
        rows[:] = [other for other in rows if not same(other)] + [row]
        if args.out:
            with open(args.out, "w") as file:
                json.dump({"spu": "0.9.5", "rows": rows}, file, indent=1)
        if args.markdown:
            markdown(rows, args.markdown)

    for op in chosen:
        kind, n = OPERATIONS[op]
        n = args.n or n
        spu, yu = [], []
        for _ in range(args.runs):
            spu.append(run_spu(args.protocol, kind, n, args.limit))
            yu.append(run_yu(args.yu, op, n, max(3, args.runs)))
        spu, yu = median(spu), median(yu)
        show(op, f"SPU {args.protocol}", n, spu, yu)
        if "error" not in yu:
            for name, size, cpu, per_element, ratio in recorded(op, n, yu):
                print(f"{'':<12} recorded on another machine: {name}, n {size}: cpu {cpu} s, {per_element} B per element | cpu per element {ratio:.1f}x", flush=True)
        limit, aim = MUST.get(op, ({}, {}))
        add({"program": op, "n": n, "spu_protocol": args.protocol, "spu": spu, "yu": yu, "limit": limit, "aim": aim})
    if args.must:
        n, limit, aim = IN_MEMORY
        own = [("mul", n, "local", " in memory", limit, aim)]
        own += [("mul", n, "quic", " over QUIC", {}, {})]
        own += [(op, PEAK[0], "quic", ", peak", PEAK[2], {}) for op in PEAK[1]]
        for op, n, network, where, limit, aim in own:
            yu = run_yu(args.yu, op, n, 5 if network == "local" else 3, network)
            print(f"{op}{where}: {yu}", flush=True)
            add({"program": op, "n": n, "where": where, "yu": yu, "limit": limit, "aim": aim})
    return None


if __name__ == "__main__":
    main()
