"""Holds docs/wire-format.md and verify.py against each other: every vector, file and captured line
of the document is made anew from its fixed seeds, and whatever is altered must be refused."""
import base64
import contextlib
import json
import pathlib
import re
import struct
import sys
import tempfile
import types
import unittest.mock

import msgpack
import nacl.signing

import verify
from verify_content import decode_content, element_end, shown_body
from verify_suite import (leaf_digest, message_digest, node_digest, padded, prefixed, run_digest,
                          signed_root, steps, tagged_hash)
from verify_topics import glob_matches
from verify_trust import read_authority, read_list, unarmor

CA_SEED, SIGNER_SEED = b"\1" * 32, b"\2" * 32
DOCUMENT = pathlib.Path(__file__).resolve().parent.parent / "docs/wire-format.md"
NOW = 1767225600  # 2026-01-01, when the messages of the example were published.


# ---- What the document says ----------------------------------------------------------------------

def read_vectors(document):
    vectors = {}
    for block in re.findall(r"^```vectors\n(.*?)^```", document, re.DOTALL | re.MULTILINE):
        joined = re.sub(r"\n +", "", re.sub(r"#.*", "", block))
        for name, text in re.findall(r"^(\S+) *= *([0-9a-f]+)$", joined, re.MULTILINE):
            assert name not in vectors, f"vector {name} stands there twice"
            vectors[name] = bytes.fromhex(text)
    return vectors


def armored(document, label):
    """The last one: an earlier one shows the form."""
    return re.findall(f"-----BEGIN WEFT {label}-----\n.*?-----END WEFT {label}-----\n", document,
                      re.DOTALL)[-1]


def read_captured(document):
    block = re.search(r"^```captured\n(.*?)^```", document, re.DOTALL | re.MULTILINE)
    return block[1].encode().splitlines() if block else []


# ---- The publisher's half ------------------------------------------------------------------------

def sign(seed, message):
    return nacl.signing.SigningKey(seed).sign(message).signature


def public_key(seed):
    return bytes(nacl.signing.SigningKey(seed).verify_key)


def levels_of(cid, leaves):
    levels = [leaves]
    while len(levels[-1]) > 1:
        below, level = levels[-1], len(levels)
        levels.append([node_digest(cid, level, j // 2, *below[j:j + 2])
                       if j + 1 < len(below) else below[j] for j in range(0, len(below), 2)])
    return levels


def path_of(levels, i):
    return b"".join(levels[level - 1][position ^ 1]
                    for level, position in steps(i, len(levels[0])))


def leaves_of(cid, runs):
    return [leaf_digest(cid, i, len(runs), run_digest(
        cid, kind, [message_digest(topic, content) for content in contents]))
            for i, (topic, kind, contents) in enumerate(runs)]


def frames_of(seed, certificate, runs):
    """The three frames of each run (topic, kind, contents) of one batch."""
    fingerprint = tagged_hash(b"weft1.certfp", certificate[:-64])
    levels = levels_of(fingerprint[:16], leaves_of(fingerprint[:16], runs))
    signature = sign(seed, signed_root(fingerprint, len(runs), levels[-1][0]))
    frames = []
    for i, (topic, kind, contents) in enumerate(runs):
        path = path_of(levels, i)
        head = struct.pack(">BBBBHHHH", 1, 1, kind, len(path) // 32, i, len(runs), len(contents), 0)
        frames.append((topic, b"".join(map(prefixed, contents)),
                       head + signature + path + certificate))
    return frames


def certificate_of(roles=1, serial=0x0102030405060708, not_before=946684800, not_after=4102444800,
                   name=b"git.host1", globs=(b"org.weft.dev.example.**", b"org.weft.*.git.[a-z]*")):
    issuer = tagged_hash(b"weft1.ca", public_key(CA_SEED))[:16]
    tbs = b"WFC1\1" + struct.pack(">BQqq", roles, serial, not_before, not_after) + issuer
    tbs += public_key(SIGNER_SEED) + bytes(32) + bytes([len(name)]) + name
    tbs += bytes([len(globs)]) + b"".join(bytes([len(glob)]) + glob for glob in globs)
    return tbs + sign(CA_SEED, padded(b"weft1.cert") + tbs)


def authority_bytes():
    return b"WCA1\1" + public_key(CA_SEED) + b"\7example"


def list_bytes(serials=(0x1111111111111111,)):
    issuer = tagged_hash(b"weft1.ca", public_key(CA_SEED))[:16]
    body = b"WRL1\1" + issuer + struct.pack(">QqqI", 1, 946684800, 4102444800, len(serials))
    body += b"".join(struct.pack(">QqB", serial, NOW, 1) for serial in serials)
    return body + sign(CA_SEED, padded(b"weft1.list") + body)


def trust_of(serials=()):
    authority = read_authority(authority_bytes())
    read_list(list_bytes(serials), authority)
    return {authority.issuer: authority}


# ---- The vectors, made anew ----------------------------------------------------------------------

def vectors_without_certificate():
    fingerprint, topic = bytes(range(32)), b"org.weft.dev.a.b"
    cid, message = fingerprint[:16], [b"m%d" % number for number in range(5)]
    singles = [(topic, 0, [content]) for content in message]
    digests = [message_digest(topic, content) for content in message]
    three, five = (levels_of(cid, leaves_of(cid, singles[:count])) for count in (3, 5))
    joined = [(topic, 0, message[:3])]
    return {
        "M(m0)": digests[0],
        "run(m0)": run_digest(cid, 0, digests[:1]),
        "run(m0,m1,m2)": run_digest(cid, 0, digests[:3]),
        "root(m0,m1,m2|n=1)": levels_of(cid, leaves_of(cid, joined))[-1][0],
        "leaf(0|n=3)": three[0][0],
        "root(m0|m1|m2)": three[-1][0],
        "path(2|n=3)": path_of(three, 2),
        "signature(m0|m1|m2)": sign(bytes(32), signed_root(fingerprint, 3, three[-1][0])),
        "root(m0|m1|m2|m3|m4)": five[-1][0],
        "path(4|n=5)": path_of(five, 4),
    }


def vectors_of_example(given):
    """`given` are the contents, which the document states and nothing can derive."""
    certificate, runs = certificate_of(), example_runs(given)
    fingerprint = tagged_hash(b"weft1.certfp", certificate[:-64])
    leaves = leaves_of(fingerprint[:16], runs)
    levels = levels_of(fingerprint[:16], leaves)
    topic, contents, proof = frames_of(SIGNER_SEED, certificate, runs)[1]
    vectors = {
        "ca.seed": CA_SEED, "ca.public": public_key(CA_SEED), "ca.file": authority_bytes(),
        "ca.issuer": tagged_hash(b"weft1.ca", public_key(CA_SEED))[:16],
        "signer.seed": SIGNER_SEED, "signer.public": public_key(SIGNER_SEED),
        "signer.file": b"WSK1\1\0" + SIGNER_SEED,
        "certificate": certificate, "fingerprint": fingerprint, "list": list_bytes(),
        "node(1,0)": levels[1][0], "root": levels[2][0],
        "signed": signed_root(fingerprint, 3, levels[2][0]), "signature": proof[12:76],
        "frame.topic": topic, "frame.contents": contents, "frame.proof": proof,
    }
    for number, (topic, kind, items) in enumerate(runs):
        digests = [message_digest(topic, content) for content in items]
        vectors[f"topic.{number}"] = topic
        vectors[f"run.{number}"] = run_digest(fingerprint[:16], kind, digests)
        vectors[f"leaf.{number}"] = leaves[number]
        for item, digest in enumerate(digests):
            vectors[f"content.{number}.{item}"] = items[item]
            vectors[f"M.{number}.{item}"] = digest
    return vectors


def vectors_of_acks():
    nonce, message_id = bytes(range(16)), bytes.fromhex("019b76daa80070008000000000000005")
    request = msgpack.packb([nonce, 3, 250_000, ["db1.host1", "web1.host1"]])
    numbers = b"".join(b"\xcf" + struct.pack(">Q", number) for number in (1, 1, NOW * 10**6 + 4))
    content = b"\x92\x99" + msgpack.packb(message_id) + numbers + b"".join(map(
        msgpack.packb, ("example", "text/plain; charset=utf-8", None)))
    content += request + msgpack.packb(None) + msgpack.packb(b"deploy")
    digest = message_digest(b"org.weft.dev.example.deploy", content)
    fingerprint = tagged_hash(b"weft1.certfp", certificate_of()[:-64])
    statement = ["web1.host1", 3, "", message_id, digest, fingerprint, nonce, 1]
    return {"ack.request": request, "ack.content": content, "ack.M": digest,
            "ack.statement": msgpack.packb(statement)}


def example_runs(given):
    return [(b"org.weft.dev.example.start", 0, [given["content.0.0"]]),
            (b"org.weft.dev.example.step", 0, [given["content.1.0"], given["content.1.1"]]),
            (b"org.weft.dev.example.stop", 0, [given["content.2.0"]])]


# ---- The checks ----------------------------------------------------------------------------------

class Checks:
    def __init__(self):
        self.done, self.failed = 0, 0

    def that(self, holds, what):
        self.done += 1
        if not holds:
            self.failed += 1
            print(f"verify.py --self-test: wrong: {what}", file=sys.stderr)


def captured_line(frames):
    names = ("topic", "contents", "proof")
    return json.dumps({name: base64.b64encode(frame).decode()
                       for name, frame in zip(names, frames)}, separators=(",", ":")).encode()


def reasons(frames, trust, now=NOW, policy_free=False):
    """What is refused of a run, by name; an empty set means that all of it was verified."""
    reports = verify.verify_line(captured_line(frames), trust, now, policy_free)
    return {report.get("refused") for report in reports} - {None}


def check_document(checks, document):
    stated = read_vectors(document)
    made = vectors_without_certificate() | vectors_of_example(stated) | vectors_of_acks()
    for name in sorted(stated.keys() | made.keys()):
        checks.that(name in stated, f"the document lacks the vector {name}")
        checks.that(name in made, f"the document states {name}, which nothing here checks")
        checks.that(stated.get(name) == made.get(name), f"vector {name}")
    for label, content in (("CA", made["ca.file"]), ("CERTIFICATE", made["certificate"]),
                           ("SIGNING KEY", made["signer.file"]),
                           ("CA KEY", b"WSK1\1\0" + CA_SEED), ("REVOCATION LIST", made["list"])):
        file = armored(document, label).encode()
        checks.that(unarmor(label, file) == content, f"the armored {label}")
    runs = frames_of(SIGNER_SEED, made["certificate"], example_runs(stated))
    lines = read_captured(document)
    checks.that(lines == [captured_line(frames) for frames in runs], "the captured lines")
    for line in lines:
        reports = verify.verify_line(line, trust_of(), NOW)
        checks.that(all(report.get("verified") is True for report in reports), f"{reports}")
    shown = [decode_content(content) for name, content in stated.items() if "content." in name]
    checks.that([(message["seq"], message["content_type"]) for message in shown] ==
                [(1, "application/json"), (1, "application/msgpack"), (2, "application/msgpack"),
                 (1, "text/plain; charset=utf-8")], "what the contents say")
    return runs[1]


OF_CERTIFICATE = {"certificate_malformed", "suite_of_certificate_unknown", "issuer_unknown",
                  "certificate_signature_bad"}
# The parts of a proof frame with path length 2, and how a changed bit in each is refused.
PROOF_PARTS = {
    "version": (0, 1, {"proof_version_unknown"}), "suite": (1, 2, {"suite_not_allowed"}),
    "kind": (2, 3, {"kind_unknown", "signature_bad"}), "path length": (3, 4, {"path_length_wrong"}),
    "i": (4, 6, {"position_invalid", "path_length_wrong", "signature_bad"}),
    "n": (6, 8, {"position_invalid", "path_length_wrong", "signature_bad"}),
    "k": (8, 10, {"run_length_invalid", "contents_malformed"}),
    "reserved": (10, 12, {"reserved_not_zero"}), "signature": (12, 76, {"signature_bad"}),
    "path": (76, 140, {"signature_bad"}), "certificate": (140, None, OF_CERTIFICATE),
}


def check_every_bit(checks, frames):
    topic, contents, proof = frames
    parts = [("topic", 0, 0, len(topic), {"signature_bad", "topic_invalid"}),
             ("contents", 1, 0, len(contents), {"signature_bad", "contents_malformed"})]
    parts += [(name, 2, begin, end or len(proof), allowed)
              for name, (begin, end, allowed) in PROOF_PARTS.items()]
    for name, frame, begin, end, allowed in parts:
        for bit in range(8 * begin, 8 * end):
            altered = [bytearray(part) for part in frames]
            altered[frame][bit // 8] ^= 1 << bit % 8
            found = reasons([bytes(part) for part in altered], trust_of_example)
            checks.that(found and found <= allowed, f"bit {bit} of {name} altered: {found}")
    for frame in range(3):  # Cut anywhere, or one byte longer.
        for size in [*range(len(frames[frame])), len(frames[frame]) + 1]:
            cut = [*frames[:frame], (frames[frame] + b"x")[:size], *frames[frame + 1:]]
            checks.that(reasons(cut, trust_of_example), f"frame {frame} with {size} bytes")


trust_of_example = trust_of()


def check_left_out(checks, frames, stated):
    topic, contents, proof = frames
    items = [stated["content.1.0"], stated["content.1.1"]]
    digests = [message_digest(topic, content) for content in items]
    left_out = [b"\xff" * 4 + digest for digest in digests]
    alone = left_out[0] + prefixed(items[1])
    checks.that(not reasons((topic, alone, proof), trust_of_example), "one message left out")
    wrong = left_out[1] + prefixed(items[1])
    checks.that(reasons((topic, wrong, proof), trust_of_example) == {"signature_bad"},
                "the digest of another message in the place of one left out")
    checks.that(reasons((topic, b"".join(left_out), proof), trust_of_example) ==
                {"nothing_present"}, "all left out")
    swapped = prefixed(items[1]) + prefixed(items[0])
    checks.that(reasons((topic, swapped, proof), trust_of_example) == {"signature_bad"},
                "two messages of a run swapped")


def check_judgements(checks, content):
    def run(topic=b"org.weft.dev.example.a", kind=0, contents=(content,), **certificate):
        return frames_of(SIGNER_SEED, certificate_of(**certificate), [(topic, kind, contents)])[0]

    trust, revoked = trust_of_example, trust_of((0x0102030405060708,))
    for frames, trusted, now, expected in (
            (run(), trust, NOW, set()), (run(), revoked, NOW, {"certificate_revoked"}),
            (run(), {}, NOW, {"issuer_unknown"}),
            ((*run()[:2], b""), trust, NOW, {"unsigned_message"}),
            (run(not_after=NOW - 30), trust, NOW, set()),
            (run(not_after=NOW - 31), trust, NOW, {"certificate_expired"}),
            (run(not_before=NOW + 30), trust, NOW, set()),
            (run(not_before=NOW + 31), trust, NOW, {"certificate_not_yet_valid"}),
            (run(roles=30), trust, NOW, {"role_missing"}),
            (run(roles=32), trust, NOW, {"certificate_malformed"}),
            (run(globs=()), trust, NOW, {"topic_not_granted"}),
            (run(globs=(b"a.**b",)), trust, NOW, {"certificate_malformed"}),
            (run(topic=b"org.weft.dev.git.Commit"), trust, NOW, {"topic_not_granted"}),
            (run(kind=1), trust, NOW, {"role_missing"}), (run(kind=1, roles=4), trust, NOW, set()),
            (run(topic=b"a.b.beacon.git.host1", kind=2), trust, NOW, set()),
            (run(topic=b"a.b.beacon.git.host2", kind=2), trust, NOW, {"name_mismatch"}),
            (run(contents=(content, b"\x92\xc1")), trust, NOW, {"content_undecodable"}),
            (run(contents=(bytes((4 << 20) + 1),)), trust, NOW, {"content_too_large"}),
            (run(contents=(bytes(4 << 20),) * 2), trust, NOW, {"frame_too_large"})):
        found = reasons(frames, trusted, now)
        checks.that(found == expected, f"expected {expected or 'verified'}, found {found}")
    checks.that(not reasons(run(globs=(), roles=0), trust, policy_free=True), "--policy-free")


def check_globs(checks):
    for glob, topic, expected in (
            ("a.b", "a.b", True), ("a.b", "a.bc", False), ("a.*", "a.b", True),
            ("a.*", "a.b.c", False), ("a.**", "a", True), ("a.**", "a.b.c", True),
            ("**.c", "a.b.c", True), ("a.**.c", "a.c", True), ("a.**.b.**.c", "a.x.b.c", True),
            ("*x*y", "axbxyzy", True), ("*x*y", "axbz", False), ("?", "\u00e9", True),
            ("[a-c]", "b", True), ("[!a-c]", "b", False), ("[]x]", "]", True),
            ("[a-]", "-", True), ("[*]", "*", True), ("[*]", "a", False),
            ("*a" * 60 + "*b", "a" * 200, False)):
        found = glob_matches(glob.encode(), topic.encode())
        checks.that(found == expected, f"glob {glob} on topic {topic}")


def check_garbage(checks):
    for line in (b"", b"[" * 100000, b"{}", b'{"topic":1}', b"\xff", b"null", b'{"topic":"\\ud800"',
                 b'{"topic":"YQ==","contents":"?","proof":""}',
                 b'{"topic":"YR==","contents":"","proof":""}', b"9" * 5000, None):
        found = verify.verify_line(line, trust_of_example, NOW)
        checks.that([report["refused"] for report in found] == ["line_unreadable"], f"{line!r}")
    bombs = [b"\xdd\xff\xff\xff\xff" * 40, b"\x91" * 33 + b"\xc0", b"\xdf\x7f\xff\xff\xff", b"\xc1",
             b"\xdb\xff\xff\xff\xff", b"\xc9", b""]
    for bomb in bombs:
        try:
            element_end(bomb, 0)
            checks.that(False, f"the msgpack {bomb[:8].hex()} was accepted")
        except ValueError:
            checks.that(True, "")
    checks.that(element_end(b"\x91" * 32 + b"\xc0", 0) == 33, "msgpack of depth 32")
    nested = b"\x81" * 31 + b'\xa1"' + b"\x01" * 31
    checks.that(list(shown_body("", nested)) == ["base64"], "a key within a key is not escaped")
    checks.that(shown_body("", b"\x81\x91\x01\x02") == {"[1]": 2}, "a list as a key")


def check_publisher(checks, document):
    """Runs the document's publisher against a socket that only records."""
    sent, answers = [], [b"\1\xffweft.barrier."]

    class Socket:
        def connect(self, endpoint):
            checks.that(endpoint == "tcp://127.0.0.1:9940", "where the publisher connects")

        def recv(self):
            return answers.pop(0)

        def send_multipart(self, frames):
            sent.append(frames)
            if frames[0].startswith(b"\xffweft.barrier."):
                answers.append(b"\1\xffweft.echo." + frames[0][len(b"\xffweft.barrier."):])

    code = re.search(r"^```python\n(.*?)^```", document, re.DOTALL | re.MULTILINE)[1]
    fake = types.ModuleType("zmq")
    fake.XPUB, fake.Context = 9, lambda: types.SimpleNamespace(socket=lambda kind: Socket())
    with tempfile.TemporaryDirectory() as directory, contextlib.chdir(directory), \
            unittest.mock.patch.dict(sys.modules, zmq=fake), \
            unittest.mock.patch.object(
                sys, "argv", ["publish.py", "git.host1", "org.weft.dev.example.a", "hello"]):
        pathlib.Path("keys").mkdir()
        for end, label in (("key", "SIGNING KEY"), ("cert", "CERTIFICATE")):
            pathlib.Path(f"keys/git.host1.{end}").write_text(armored(document, label))
        exec(compile(code, str(DOCUMENT), "exec"), {"__name__": "__main__"})
    checks.that(len(sent) == 2 and not reasons(sent[0], trust_of_example), "what was published")


def self_test():
    try:
        document = DOCUMENT.read_text()
    except OSError as error:
        print(f"verify.py --self-test: {error}", file=sys.stderr)
        return 1
    checks = Checks()
    stated = read_vectors(document)
    run = check_document(checks, document)
    check_every_bit(checks, run)
    check_left_out(checks, run, stated)
    check_judgements(checks, stated["content.1.0"])
    check_globs(checks)
    check_garbage(checks)
    check_publisher(checks, document)
    print(f"verify.py --self-test: {checks.done} checks, {checks.failed} failed")
    return 1 if checks.failed else 0
