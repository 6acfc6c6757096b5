#!/usr/bin/env python3
"""Verifies audit logs of Yu nodes offline. One file, Python 3.8 or later, standard library only.

    python3 audit_verify.py [--json] DIR...

DIR is a node's directory, or its `audit` directory, with entries.jsonl, checkpoints.jsonl, countersignatures.jsonl.
Give the directories of all nodes at once: then it is also checked what the logs say about each other.
Exit code 0: all logs are sound. 1: at least one problem. 2: a file cannot be read, or wrong usage.

It shares no code with `yu` and follows docs/audit-log.md alone; verdicts, places and codes are the same.
"""

import argparse
import functools
import hashlib
import json
import os
import re
import sys

ZERO = "0" * 64
FILES = ("entries.jsonl", "checkpoints.jsonl", "countersignatures.jsonl")

# --- Ed25519, RFC 8032 section 5.1, strict: canonical encodings only, no small order, no cofactor -------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def point_add(p, q):
    """Extended coordinates (X, Y, Z, T); RFC 8032 section 5.1.4."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point_mul(scalar, point):
    result = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            result = point_add(result, point)
        point = point_add(point, point)
        scalar >>= 1
    return result


def point_equal(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def point_decompress(data):
    """The point, or None unless `data` is its one canonical encoding."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P != 0:
        x = x * SQRT_M1 % P
    if (x * x - x2) % P != 0 or (x == 0 and sign == 1):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


def is_small_order(point):
    return point_equal(point_mul(8, point), (0, 1, 1, 0))


BASE = point_decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


@functools.lru_cache(maxsize=256)
def good_point(data):
    point = point_decompress(data)
    return None if point is None or is_small_order(point) else point


def ed25519_verify(key, message, signature):
    a, r = good_point(key), good_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    return point_equal(point_mul(s, BASE), point_add(r, point_mul(k, a)))


# --- Canonical JSON, RFC 8785, for strings, arrays and objects ------------------------------------------------------


class Malformed(Exception):
    """The line is not what the format demands."""


def unique(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Malformed("repeated key")
    return result


def refuse(_):
    raise Malformed("only strings, arrays and objects")


ESCAPES = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


def canonical(value):
    if isinstance(value, str):
        if any(0xD800 <= ord(c) <= 0xDFFF for c in value):
            raise Malformed("lone surrogate")
        escaped = (ESCAPES.get(ord(c)) or ("\\u%04x" % ord(c) if ord(c) < 32 else c) for c in value)
        return '"' + "".join(escaped) + '"'
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, dict):
        keys = sorted(value, key=lambda k: k.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(canonical(k) + ":" + canonical(value[k]) for k in keys) + "}"
    raise Malformed("only strings, arrays and objects")


def parse_line(data):
    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=unique, parse_int=refuse, parse_float=refuse, parse_constant=refuse)
        same = canonical(value).encode("utf-8") == data
    except (UnicodeError, ValueError, RecursionError):
        raise Malformed("no JSON") from None
    if not same:
        raise Malformed("not canonical")
    return value


# --- The grammar of fields ------------------------------------------------------------------------------------------


def fields(value, required, optional=()):
    if not isinstance(value, dict) or not set(required) <= set(value) <= set(required) | set(optional):
        raise Malformed("fields")
    return value


def text(value, pattern):
    if not isinstance(value, str) or re.fullmatch(pattern, value, re.ASCII) is None:
        raise Malformed("text")
    return value


def number(value):
    if int(text(value, r"0|[1-9][0-9]{0,19}")) >= 2**64:
        raise Malformed("number")
    return int(value)


def time(value):
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z", text(value, r".{20}"))
    if match is None:
        raise Malformed("time")
    year, month, day, hour, minute, second = (int(part) for part in match.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (0, 31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    if not 1 <= month <= 12 or not 1 <= day <= days[month] or hour > 23 or minute > 59 or second > 59:
        raise Malformed("time")
    return value


HEX = r"[0-9a-f]{64}"
PARTY = r"yu://(dev|prod)/[a-z0-9-]{1,64}/[a-z0-9-]{1,64}"


def public_key(value):
    key = text(value, "ed25519:" + HEX)
    if good_point(bytes.fromhex(key[8:])) is None:
        raise Malformed("key")
    return key


def stated_key(entry):
    """The signing key that log.opened and peer.joined state, or None."""
    try:
        return public_key(entry["object"].get("key"))
    except Malformed:
        return None


def parse_entry(data):
    entry = fields(parse_line(data), ("alg", "index", "node", "object", "prev", "time", "verb"), ("job", "party"))
    text(entry["alg"], "sha-256")
    number(entry["index"])
    text(entry["node"], PARTY)
    text(entry["prev"], HEX)
    time(entry["time"])
    text(entry["verb"], r"(?=.{1,60}$)[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*")
    if "job" in entry:
        text(entry["job"], "sha-256:" + HEX)
    if "party" in entry:
        text(entry["party"], PARTY)
    if not isinstance(entry["object"], dict):
        raise Malformed("object")
    for name, value in entry["object"].items():
        text(name, r"[a-z][a-z0-9_]{0,39}")
        text(value, r"[A-Za-z0-9._:/-]{1,200}")
    return entry


def parse_checkpoint(data):
    line = fields(parse_line(data), ("checkpoint", "signature"))
    names = ("alg", "countersignatures", "first", "leaves", "node", "previous", "root", "size", "time")
    checkpoint = fields(line["checkpoint"], names)
    text(checkpoint["alg"], "sha-256")
    covered = fields(checkpoint["countersignatures"], ("count", "last"))
    number(covered["count"])
    text(covered["last"], HEX)
    number(checkpoint["first"])
    if not isinstance(checkpoint["leaves"], list):
        raise Malformed("leaves")
    for leaf in checkpoint["leaves"]:
        text(leaf, HEX)
    text(checkpoint["node"], PARTY)
    text(checkpoint["previous"], HEX)
    text(checkpoint["root"], HEX)
    number(checkpoint["size"])
    time(checkpoint["time"])
    signature = fields(line["signature"], ("alg", "key", "sig"))
    parse_signature(signature)
    return checkpoint, signature


def parse_signature(signature):
    text(signature["alg"], "ed25519")
    public_key(signature["key"])
    text(signature["sig"], r"[0-9a-f]{128}")


def parse_countersignature(data):
    line = fields(parse_line(data), ("checkpoint", "prev", "signature", "time"))
    text(line["checkpoint"], HEX)
    text(line["prev"], HEX)
    parse_signature(fields(line["signature"], ("alg", "key", "signer", "sig")))
    if not isinstance(line["signature"]["signer"], str):
        raise Malformed("signer")
    time(line["time"])
    return line


def is_signed(signature, message):
    return ed25519_verify(bytes.fromhex(signature["key"][8:]), message, bytes.fromhex(signature["sig"]))


# --- Hashes (RFC 9162 section 2.1.1) --------------------------------------------------------------------------------


def leaf_hash(data):
    return hashlib.sha256(b"\x00" + data).hexdigest()


class Tree:
    """The right edge of a Merkle tree: roots of the complete subtrees with their sizes, largest first."""

    def __init__(self):
        self.size, self.edge = 0, []

    def push(self, leaf):
        self.size += 1
        self.edge.append((1, bytes.fromhex(leaf)))
        while len(self.edge) > 1 and self.edge[-1][0] == self.edge[-2][0]:
            (size, right), (_, left) = self.edge.pop(), self.edge.pop()
            self.edge.append((2 * size, hashlib.sha256(b"\x01" + left + right).digest()))

    def root(self):
        if not self.edge:
            return hashlib.sha256(b"").hexdigest()
        root = self.edge[-1][1]
        for _, left in reversed(self.edge[:-1]):
            root = hashlib.sha256(b"\x01" + left + root).digest()
        return root.hex()


# --- What is found --------------------------------------------------------------------------------------------------

TEXTS = {
    "empty": ("there is no entry", "没有任何记录"),
    "twice": ("another directory holds a log of the same node", "另一目录中有同一节点的日志"),
    "malformed": ("is not a canonical line of this format", "不是本格式的规范行"),
    "torn": ("lacks the newline at its end", "行尾缺少换行符"),
    "changed": ("is not what was signed: it was changed", "与签名时的内容不符：已被改动"),
    "missing": (
        "is covered by a checkpoint but not there (next found: {})",
        "已被检查点覆盖，但不在文件中（其后找到：{}）",
    ),
    "out-of-place": ("stands out of place or a second time", "位置不对或重复出现"),
    "inserted": ("is preceded by a line that nobody signed", "之前被插入了无人签名的一行"),
    "index": ("states another index than its position", "所记序号与其位置不符"),
    "node": ("is of another node than the rest of the log", "所属节点与日志其余部分不同"),
    "chain": ("does not continue the line before it: one of both was changed", "与前一行不衔接：两者之一被改动"),
    "genesis": ("does not open the log with a signing key", "首条记录未以签名公钥开启日志"),
    "peer-key": ("states another key for {} than its own log", "所记 {} 的公钥与其自身日志不符"),
    "signature": ("has a signature that does not verify", "签名验证失败"),
    "key": ("is signed with another key than the log's", "签名公钥不是本日志的公钥"),
    "order": (
        "does not follow the checkpoint before: one is missing, repeated or misplaced",
        "与前一检查点不衔接：有缺失、重复或错位",
    ),
    "size": ("states another size than its leaves give", "所记条数与其叶子数不符"),
    "root": ("states a root that is not that of its leaves", "所记根哈希与叶子不符"),
    "absent": (
        "is missing: {} countersigned a checkpoint that this log does not have; it was cut back or forked",
        "缺失：{} 副署过本日志中没有的检查点；日志被截断或分叉",
    ),
    "misstated": (
        "states another size or root than the checkpoint of {} that it names",
        "所记条数或根哈希与所指 {} 的检查点不符",
    ),
    "unknown-checkpoint": ("names a checkpoint that is not in this log", "所指检查点不在本日志中"),
    "unknown-signer": ("is by a signer or key that this log does not know", "签名者或其公钥未在本日志中登记"),
    "repeated": ("repeats the same peer's for the same checkpoint", "同一节点对同一检查点重复副署"),
    "lost": ("is covered by a checkpoint but not there", "已被检查点覆盖，但不在文件中"),
}


def problem(place, code, about=""):
    en, zh = TEXTS[code]
    return {"where": place, "code": code, "what": {"en": en.format(about), "zh": zh.format(about)}}


class Line:
    def __init__(self, data):
        self.is_torn = not data.endswith(b"\n")
        self.data = data if self.is_torn else data[:-1]
        self.leaf = leaf_hash(self.data)


def split_lines(data):
    return [Line(part) for part in re.findall(rb"[^\n]*\n|[^\n]+", data)]


# --- One log --------------------------------------------------------------------------------------------------------


class Log:
    def __init__(self, directory, files):
        self.directory = directory
        self.lines, self.checkpoint_lines, self.countersignature_lines = (split_lines(data) for data in files)
        self.problems, self.countersigners = [], []
        if not self.lines:
            self.problems.append(problem("file entries.jsonl", "empty"))
        self.check_checkpoints()
        self.checkpoints_sound = not any(p["where"].startswith("checkpoint ") for p in self.problems)
        self.check_entries()
        self.entries_sound = not any(p["where"].startswith("entry ") for p in self.problems)
        self.check_countersignatures()

    # First pass: checkpoints among themselves.
    def check_checkpoints(self):
        self.sound = []
        for at, line in enumerate(self.checkpoint_lines):
            self.sound.append(None)
            try:
                checkpoint, signature = parse_checkpoint(line.data)
            except Malformed:
                self.problems.append(problem("checkpoint %d" % at, "malformed"))
                continue
            message = b"yu-checkpoint-v1\x00" + canonical(checkpoint).encode("utf-8")
            if not is_signed(signature, message):
                self.problems.append(problem("checkpoint %d" % at, "signature"))
            elif line.is_torn:
                self.problems.append(problem("checkpoint %d" % at, "torn"))
            else:
                self.sound[at] = (checkpoint, signature["key"], hashlib.sha256(message).hexdigest())
        self.find_owner()
        for at, sound in enumerate(self.sound):
            if sound is None:
                continue
            if sound[1] != self.key:
                self.problems.append(problem("checkpoint %d" % at, "key"))
                self.sound[at] = None
            elif sound[0]["node"] != self.node:
                self.problems.append(problem("checkpoint %d" % at, "node"))
                self.sound[at] = None
        self.check_checkpoint_chain()
        self.expected = []
        for sound in filter(None, self.sound):
            first = int(sound[0]["first"])
            if first > max(len(self.lines), len(self.expected)):
                continue
            self.expected += [None] * (first - len(self.expected))
            if first == len(self.expected):
                self.expected += sound[0]["leaves"]

    def find_owner(self):
        first = next(filter(None, self.sound), None)
        leaves = first[0]["leaves"] if first and int(first[0]["first"]) == 0 else []
        self.key, self.node = (first[1], first[0]["node"]) if first else (None, None)
        if self.lines and (not leaves or leaves[0] == self.lines[0].leaf):
            try:
                entry = parse_entry(self.lines[0].data)
            except Malformed:
                return
            if entry["verb"] == "log.opened" and stated_key(entry):
                self.key, self.node = stated_key(entry), entry["node"]

    def check_checkpoint_chain(self):
        tree, previous, whole = Tree(), ZERO, True
        for at, sound in enumerate(self.sound):
            if sound is None:
                whole = False
                continue
            checkpoint, code = sound[0], None
            if int(checkpoint["first"]) + len(checkpoint["leaves"]) != int(checkpoint["size"]):
                code = "size"
            elif whole and (checkpoint["previous"] != previous or int(checkpoint["first"]) != tree.size):
                code = "order"
            elif whole:
                for leaf in checkpoint["leaves"]:
                    tree.push(leaf)
                if tree.root() != checkpoint["root"]:
                    code = "root"
            if code:
                self.problems.append(problem("checkpoint %d" % at, code))
                whole = False
            previous = sound[2]

    # Second pass: entries against the leaves that checkpoints vouch for.
    def check_entries(self):
        self.faults = {}
        aligned = self.align()
        for item in aligned:
            index, line = item["index"], item["line"]
            try:
                entry = parse_entry(line.data)
            except Malformed:
                self.blame(index, "malformed")
                continue
            if line.is_torn:
                self.blame(index, "torn")
            elif int(entry["index"]) != index:
                self.blame(index, "index")
            elif self.node is not None and entry["node"] != self.node:
                self.blame(index, "node")
            elif index == 0 and not (entry["verb"] == "log.opened" and stated_key(entry)):
                self.blame(index, "genesis")
            else:
                item["entry"] = entry
        self.check_entry_chain(aligned)
        self.problems += self.faults.values()
        self.entries = [item["entry"] for item in aligned if item["entry"] and item["index"] not in self.faults]

    def blame(self, index, code, about=""):
        self.faults.setdefault(index, problem("entry %d" % index, code, about))

    def align(self):
        expected = self.expected
        known = {leaf: index for index, leaf in enumerate(expected) if leaf is not None}
        aligned, at, index = [], 0, 0
        while at < len(self.lines):
            line = self.lines[at]
            after = self.lines[at + 1].leaf if at + 1 < len(self.lines) else None
            wanted = expected[index] if index < len(expected) else None
            intruder = after is not None and after == wanted
            stands_for = known.get(line.leaf)
            if stands_for is not None and (stands_for < index or (stands_for > index and intruder)):
                self.blame(stands_for, "out-of-place")
                at += 1
                continue
            if stands_for is not None and stands_for > index and wanted is not None:
                self.blame(index, "missing", stands_for)
                index = stands_for
                continue
            if stands_for is None and wanted is not None:
                if intruder:
                    self.blame(index, "inserted")
                else:
                    self.blame(index, "changed")
                    resumes = known.get(after)
                    index = resumes if resumes is not None and resumes > index else index + 1
                at += 1
                continue
            aligned.append({"index": index, "line": line, "vouched": wanted == line.leaf, "entry": None})
            at += 1
            index += 1
        if index < len(expected):
            self.blame(index, "missing", len(expected))
        return aligned

    def check_entry_chain(self, aligned):
        for at, this in enumerate(aligned):
            entry = this["entry"]
            if entry is None:
                continue
            if this["index"] == 0:
                if entry["prev"] != ZERO:
                    self.blame(0, "chain")
                continue
            before = aligned[at - 1] if at > 0 else None
            if before is None or before["index"] + 1 != this["index"] or before["index"] in self.faults:
                continue
            if entry["prev"] == before["line"].leaf:
                continue
            after = aligned[at + 1]["entry"] if at + 1 < len(aligned) else None
            as_written = this["vouched"] or (after is not None and after["prev"] == this["line"].leaf)
            self.blame(before["index"] if as_written and not before["vouched"] else this["index"], "chain")

    # Third pass: countersignatures by the peers that the entries name.
    def check_countersignatures(self):
        last = self.sound[-1][2] if self.sound and self.sound[-1] else None
        seen, signers, prev, whole, sound = set(), set(), ZERO, True, True
        for at, line in enumerate(self.countersignature_lines):
            code, whole = self.check_countersignature(line, seen, signers, prev, whole, last)
            if code:
                self.problems.append(problem("countersignature %d" % at, code))
                whole = sound = False
            prev = line.leaf
        self.countersigners = sorted(signers)
        if sound:
            self.check_covered()

    def check_countersignature(self, line, seen, signers, prev, whole, last):
        try:
            parsed = parse_countersignature(line.data)
        except Malformed:
            return "malformed", whole
        signature, cited = parsed["signature"], parsed["checkpoint"]
        message = b"yu-countersign-v1\x00" + bytes.fromhex(cited) + parsed["time"].encode("ascii")
        if not is_signed(signature, message):
            return "signature", whole
        if line.is_torn:
            return "torn", whole
        is_new = (signature["signer"], cited) not in seen
        seen.add((signature["signer"], cited))
        if whole and parsed["prev"] != prev:
            return "chain", whole
        if self.checkpoints_sound and cited not in (sound[2] for sound in self.sound if sound):
            return "unknown-checkpoint", whole
        if self.entries_sound and not self.has_joined(signature["signer"], signature["key"]):
            return "unknown-signer", whole
        if not is_new:
            return "repeated", whole
        if cited == last:
            signers.add(signature["signer"])
        return None, whole

    def has_joined(self, signer, key):
        joined = (e for e in self.entries if e["verb"] == "peer.joined" and e.get("party") == signer)
        return any(stated_key(entry) == key for entry in joined)

    def check_covered(self):
        for sound in filter(None, self.sound):
            covered, lines = sound[0]["countersignatures"], self.countersignature_lines
            count = int(covered["count"])
            if count > len(lines):
                self.problems.append(problem("countersignature %d" % len(lines), "lost"))
                return
            if (lines[count - 1].leaf if count else ZERO) != covered["last"]:
                self.problems.append(problem("countersignature %d" % max(count - 1, 0), "changed"))
                return

    def report(self):
        return {
            "directory": self.directory,
            "node": self.node,
            "entries": str(len(self.lines)),
            "checkpoints": str(len(self.checkpoint_lines)),
            "countersignatures": str(len(self.countersignature_lines)),
            "uncovered": str(max(len(self.lines) - len(self.expected), 0)),
            "countersigners": self.countersigners,
            "problems": self.problems,
        }


# --- What the logs say about each other -----------------------------------------------------------------------------


def cross_check(logs):
    by_node = {}
    for log in logs:
        if log.node is None:
            continue
        if log.node in by_node:
            log.problems.append(problem("file entries.jsonl", "twice"))
        else:
            by_node[log.node] = log
    for log in logs:
        for entry in log.entries:
            other = by_node.get(entry.get("party"))
            if other is None:
                continue
            found = None
            if entry["verb"] == "peer.joined" and other.key is not None and stated_key(entry) != other.key:
                found = (log, problem("entry " + entry["index"], "peer-key", entry["party"]))
            elif entry["verb"] == "checkpoint.countersigned" and other.checkpoints_sound:
                found = witnessed(log, entry, other)
            if found and not any(
                p["where"] == found[1]["where"] and p["code"] == found[1]["code"] for p in found[0].problems
            ):
                found[0].problems.append(found[1])


def witnessed(log, entry, other):
    """What is wrong with the checkpoint of `other` that `entry` of `log` says was countersigned, or None."""
    cited = entry["object"].get("checkpoint", "")
    if not re.fullmatch("sha-256:" + HEX, cited):
        return None
    stated = next((sound[0] for sound in other.sound if sound and sound[2] == cited[8:]), None)
    if stated is None:
        witness = "%s (entry %s)" % (entry["node"], entry["index"])
        return other, problem("checkpoint %d" % len(other.checkpoint_lines), "absent", witness)
    size, root = (entry["object"].get(name) for name in ("size", "root"))
    if size in (None, stated["size"]) and root in (None, "sha-256:" + stated["root"]):
        return None
    return log, problem("entry " + entry["index"], "misstated", entry["party"])


def verify(named_files):
    logs = [Log(directory, files) for directory, files in named_files]
    cross_check(logs)
    nodes = [log.report() for log in logs]
    return {"verdict": "fail" if any(node["problems"] for node in nodes) else "pass", "nodes": nodes}


def read(directory):
    inner = os.path.join(directory, "audit")
    where = inner if os.path.isdir(inner) else directory
    contents = []
    for name in FILES:
        with open(os.path.join(where, name), "rb") as file:
            contents.append(file.read())
    return contents


def show(report):
    for node in report["nodes"]:
        print("%s  %s" % (node["directory"], node["node"] or "?"))
        print(
            "  entries 记录 %(entries)s, checkpoints 检查点 %(checkpoints)s, countersignatures 副署 %(countersignatures)s,"
            " not yet covered 未覆盖 %(uncovered)s" % node
        )
        print("  last checkpoint countersigned by 末检查点副署方: %s" % (", ".join(node["countersigners"]) or "-"))
        for item in node["problems"]:
            print("  PROBLEM %s %s / %s" % (item["where"], item["what"]["en"], item["what"]["zh"]))
    print("verdict 结论: " + report["verdict"])


def main():
    parser = argparse.ArgumentParser(description="Verify audit logs of Yu nodes offline.")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("directory", nargs="+", metavar="DIR", help="a node's directory, or its audit directory")
    args = parser.parse_args()
    try:
        named_files = [(directory, read(directory)) for directory in args.directory]
    except OSError as error:
        print("cannot read %s: %s" % (error.filename, error.strerror), file=sys.stderr)
        return 2
    report = verify(named_files)
    if args.json:
        print(json.dumps(report, ensure_ascii=False, sort_keys=True))
    else:
        show(report)
    return 0 if report["verdict"] == "pass" else 1


if __name__ == "__main__":
    sys.exit(main())
