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


# --- SM3, GB/T 32905-2016 -------------------------------------------------------------------------------------------

MASK = 0xFFFFFFFF
SM3_IV = (0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E)


def rotate(word, by):
    by %= 32
    return (word << by | word >> (32 - by)) & MASK


SM3_T = tuple(rotate(0x79CC4519 if j < 16 else 0x7A879D8A, j) for j in range(64))


def sm3_block(state, block):
    w = [int.from_bytes(block[i : i + 4], "big") for i in range(0, 64, 4)]
    for j in range(16, 68):
        x = w[j - 16] ^ w[j - 9] ^ rotate(w[j - 3], 15)
        w.append(x ^ rotate(x, 15) ^ rotate(x, 23) ^ rotate(w[j - 13], 7) ^ w[j - 6])
    a, b, c, d, e, f, g, h = state
    for j in range(64):
        ss1 = rotate((rotate(a, 12) + e + SM3_T[j]) & MASK, 7)
        ff = a ^ b ^ c if j < 16 else a & b | a & c | b & c
        gg = e ^ f ^ g if j < 16 else e & f | ~e & MASK & g
        tt1 = (ff + d + (ss1 ^ rotate(a, 12)) + (w[j] ^ w[j + 4])) & MASK
        tt2 = (gg + h + ss1 + w[j]) & MASK
        a, b, c, d = tt1, a, rotate(b, 9), c
        e, f, g, h = tt2 ^ rotate(tt2, 9) ^ rotate(tt2, 17), e, rotate(f, 19), g
    return tuple(old ^ new for old, new in zip(state, (a, b, c, d, e, f, g, h)))


def sm3(data):
    padded = data + b"\x80" + b"\x00" * (-(len(data) + 9) % 64) + (8 * len(data)).to_bytes(8, "big")
    state = SM3_IV
    for at in range(0, len(padded), 64):
        state = sm3_block(state, padded[at : at + 64])
    return b"".join(word.to_bytes(4, "big") for word in state)


# --- SM2 signatures, GB/T 32918.2-2016 over the curve of GB/T 32918.5-2017, user id 1234567812345678 ----------------

SM2_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
SM2_A = SM2_P - 3
SM2_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
SM2_N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
SM2_G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
SM2_ID = b"1234567812345678"


def sm2_add(p, q):
    """Jacobian coordinates (X, Y, Z), x = X / Z^2, y = Y / Z^3; Z = 0 is the point at infinity."""
    if p[2] == 0:
        return q
    if q[2] == 0:
        return p
    z1, z2 = p[2] * p[2] % SM2_P, q[2] * q[2] % SM2_P
    u1, u2 = p[0] * z2 % SM2_P, q[0] * z1 % SM2_P
    s1, s2 = p[1] * q[2] * z2 % SM2_P, q[1] * p[2] * z1 % SM2_P
    if u1 == u2:
        return sm2_double(p) if s1 == s2 else (1, 1, 0)
    h, r = u2 - u1, s2 - s1
    h2 = h * h % SM2_P
    h3, v = h * h2 % SM2_P, u1 * h2 % SM2_P
    x = (r * r - h3 - 2 * v) % SM2_P
    return x, (r * (v - x) - s1 * h3) % SM2_P, h * p[2] * q[2] % SM2_P


def sm2_double(p):
    if p[2] == 0 or p[1] == 0:
        return 1, 1, 0
    y2 = p[1] * p[1] % SM2_P
    s, m = 4 * p[0] * y2 % SM2_P, (3 * p[0] * p[0] + SM2_A * pow(p[2], 4, SM2_P)) % SM2_P
    x = (m * m - 2 * s) % SM2_P
    return x, (m * (s - x) - 8 * y2 * y2) % SM2_P, 2 * p[1] * p[2] % SM2_P


def sm2_mul(scalar, point):
    result = (1, 1, 0)
    for bit in bin(scalar)[2:]:
        result = sm2_double(result)
        if bit == "1":
            result = sm2_add(result, point)
    return result


@functools.lru_cache(maxsize=256)
def sm2_point(data):
    """(x, y) of `04 || x || y`, or None unless it is a point of the curve."""
    x, y = int.from_bytes(data[1:33], "big"), int.from_bytes(data[33:], "big")
    if len(data) != 65 or data[0] != 4 or x >= SM2_P or y >= SM2_P:
        return None
    return (x, y) if (y * y - (x * x * x + SM2_A * x + SM2_B)) % SM2_P == 0 else None


def sm2_verify(key, message, signature):
    """GB/T 32918.2 section 7.1."""
    point = sm2_point(key)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    t = (r + s) % SM2_N
    if point is None or not 0 < r < SM2_N or not 0 < s < SM2_N or t == 0:
        return False
    numbers = (SM2_A, SM2_B) + SM2_G
    za = sm3((8 * len(SM2_ID)).to_bytes(2, "big") + SM2_ID + b"".join(n.to_bytes(32, "big") for n in numbers) + key[1:])
    e = int.from_bytes(sm3(za + message), "big")
    x, _, z = sm2_add(sm2_mul(s, SM2_G + (1,)), sm2_mul(t, point + (1,)))
    if z == 0:
        return False
    return (e + x * pow(z, SM2_P - 3, SM2_P) % SM2_P) % SM2_N == r


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
HASH = r"(sha-256|sm3):" + HEX
PARTY = r"yu://(dev|prod)/[a-z0-9-]{1,64}/[a-z0-9-]{1,64}"


# --- Suites: a log is of one, signatures, keys and hashes alike ------------------------------------------------------

SIGNATURES = {"ed25519": "sha-256", "sm2": "sm3"}
HASHES = {"sha-256": lambda data: hashlib.sha256(data).digest(), "sm3": sm3}


def hash_of(alg, data):
    return HASHES[alg](data).hex()


def public_key(value):
    key = text(value, r"ed25519:[0-9a-f]{64}|sm2:04[0-9a-f]{128}")
    name, digits = key.split(":")
    point = good_point if name == "ed25519" else sm2_point
    if point(bytes.fromhex(digits)) is None:
        raise Malformed("key")
    return key


def suite_of(key):
    """The hash algorithm that belongs to a key."""
    return SIGNATURES[key.split(":")[0]]


def stated_key(entry):
    """The signing key that log.opened and peer.joined state, or None."""
    try:
        return public_key(entry["object"].get("key"))
    except Malformed:
        return None


def is_genesis(entry):
    key = stated_key(entry)
    return entry["verb"] == "log.opened" and key is not None and suite_of(key) == entry["alg"]


def parse_entry(data):
    entry = fields(parse_line(data), ("alg", "index", "node", "object", "prev", "time", "verb"), ("job", "party"))
    text(entry["alg"], "sha-256|sm3")
    number(entry["index"])
    text(entry["node"], PARTY)
    text(entry["prev"], HEX)
    time(entry["time"])
    text(entry["verb"], r"(?=.{1,60}$)[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*")
    if "job" in entry:
        text(entry["job"], HASH)
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
    text(checkpoint["alg"], "sha-256|sm3")
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
    text(signature["alg"], "ed25519|sm2")
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
    name, digits = signature["key"].split(":")
    check = ed25519_verify if name == "ed25519" else sm2_verify
    return name == signature["alg"] and check(bytes.fromhex(digits), message, bytes.fromhex(signature["sig"]))


# --- Hashes (RFC 9162 section 2.1.1) --------------------------------------------------------------------------------


def leaf_hash(alg, data):
    return hash_of(alg, b"\x00" + data)


class Tree:
    """The right edge of a Merkle tree: roots of the complete subtrees with their sizes, largest first."""

    def __init__(self, alg):
        self.size, self.edge, self.hash = 0, [], HASHES[alg]

    def push(self, leaf):
        self.size += 1
        self.edge.append((1, bytes.fromhex(leaf)))
        while len(self.edge) > 1 and self.edge[-1][0] == self.edge[-2][0]:
            (size, right), (_, left) = self.edge.pop(), self.edge.pop()
            self.edge.append((2 * size, self.hash(b"\x01" + left + right)))

    def root(self):
        if not self.edge:
            return self.hash(b"").hex()
        root = self.edge[-1][1]
        for _, left in reversed(self.edge[:-1]):
            root = self.hash(b"\x01" + left + root)
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
    def __init__(self, alg, data):
        self.is_torn = not data.endswith(b"\n")
        self.data = data if self.is_torn else data[:-1]
        self.leaf = leaf_hash(alg, self.data)


def split_lines(alg, data):
    return [Line(alg, part) for part in re.findall(rb"[^\n]*\n|[^\n]+", data)]


def alg_of(files):
    """What the first checkpoint names, and without one the first entry: every line must name the same."""
    inner = files[1][14:] if files[1].startswith(b'{"checkpoint":') else files[0]
    return "sm3" if inner.startswith(b'{"alg":"sm3",') else "sha-256"


# --- One log --------------------------------------------------------------------------------------------------------


class Log:
    def __init__(self, directory, files):
        self.directory = directory
        self.alg = alg_of(files)
        lines = (split_lines(self.alg, data) for data in files)
        self.lines, self.checkpoint_lines, self.countersignature_lines = lines
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
            of_one_suite = checkpoint["alg"] == suite_of(signature["key"])
            if not of_one_suite or not is_signed(signature, message):
                self.problems.append(problem("checkpoint %d" % at, "signature"))
            elif checkpoint["alg"] != self.alg:
                self.problems.append(problem("checkpoint %d" % at, "malformed"))
            elif line.is_torn:
                self.problems.append(problem("checkpoint %d" % at, "torn"))
            else:
                self.sound[at] = (checkpoint, signature["key"], hash_of(checkpoint["alg"], message))
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
        tree, previous, whole = Tree(self.alg), ZERO, True
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
            if entry["alg"] != self.alg:
                self.blame(index, "malformed")
            elif line.is_torn:
                self.blame(index, "torn")
            elif int(entry["index"]) != index:
                self.blame(index, "index")
            elif self.node is not None and entry["node"] != self.node:
                self.blame(index, "node")
            elif index == 0 and not is_genesis(entry):
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
        if not is_signed(signature, message) or suite_of(signature["key"]) != self.alg:
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
    if not re.fullmatch(HASH, cited):
        return None
    stated = next((sound[0] for sound in other.sound if sound and sound[2] == cited.split(":")[1]), None)
    if stated is None:
        witness = "%s (entry %s)" % (entry["node"], entry["index"])
        return other, problem("checkpoint %d" % len(other.checkpoint_lines), "absent", witness)
    size, root = (entry["object"].get(name) for name in ("size", "root"))
    if size in (None, stated["size"]) and root in (None, "sha-256:" + stated["root"], "sm3:" + stated["root"]):
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
