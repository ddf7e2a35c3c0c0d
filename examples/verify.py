#!/usr/bin/python3
"""Verifies captured weft messages without weft: a second reading of docs/wire-format.md.

    weft tail --raw > captured.jsonl
    verify.py --keys keys < captured.jsonl      one JSON line a message, verified or refused
    verify.py --self-test                       checks the vectors in docs/wire-format.md

Each input line is {"topic": b64, "contents": b64, "proof": b64}, the three frames of one run. DIR
holds the CAs that are believed, NAME.ca, each with its list, NAME.revoked. What cannot be known
from there is not judged: the signing.policy of a receiver. With --policy-free the certificate's
roles and globs are not judged either: who said it is proven then, not whether he may.
Exit code: 0 at least one run was read and all were verified; 1 not so; 2 usage or keys.
Needs Debian's python3-nacl and python3-msgpack.
"""
import argparse
import json
import pathlib
import struct
import sys
import time
from dataclasses import dataclass

sys.dont_write_bytecode = True  # Leave no __pycache__ in the source tree.

try:
    from verify_content import decode_content
    from verify_suite import (Refused, leaf_digest, message_digest, root_from_path, run_digest,
                              signature_holds, signed_root, steps)
    from verify_topics import topic_error
    from verify_trust import (ANSWER, BEACON, CERTIFICATE_BYTES_MAX, KeysUnusable, from_base64,
                              judge_signer, load_trust, read_certificate)
except ModuleNotFoundError as error:
    print(f"verify.py: {error}; install python3-nacl and python3-msgpack, and run it with "
          "/usr/bin/python3", file=sys.stderr)
    sys.exit(2)

CONTENT_BYTES_MAX, CONTENTS_FRAME_BYTES_MAX = 4 << 20, 8 << 20
LINE_BYTES_MAX = 12 << 20  # The base64 of the largest contents frame, and room for the rest.
LEFT_OUT = 0xFFFFFFFF


# ---- One run: shape, certificate, proof, signer --------------------------------------------------

def read_items(contents, k):
    """(content, None) for each item that is there, (None, M) for each that is left out."""
    items, at = [], 0
    for number in range(k):
        head = contents[at:at + 4]
        length = int.from_bytes(head, "big")
        present = length != LEFT_OUT
        size = length if present else 32
        data = contents[at + 4:at + 4 + size]
        if len(head) < 4 or len(data) < size:
            raise Refused("contents_malformed", f"the frame ends within item {number}")
        if present and length > CONTENT_BYTES_MAX:
            raise Refused("content_too_large", f"item {number}: {length} bytes")
        items.append((data, None) if present else (None, data))
        at += 4 + size
    if at != len(contents):
        raise Refused("contents_malformed", f"bytes follow the last of {k} items")
    if all(content is None for content, _ in items):
        raise Refused("nothing_present", f"all {k} messages are left out")
    return items


@dataclass
class Proof:
    kind: int
    i: int
    n: int
    k: int
    signature: bytes
    path: list
    certificate: bytes


def read_proof(frame):
    if not frame:
        raise Refused("unsigned_message")
    if frame[0] != 1:
        raise Refused("proof_version_unknown", f"version {frame[0]}")
    if frame[1:2] not in (b"", b"\1"):
        raise Refused("suite_not_allowed", f"suite {frame[1]}")
    if len(frame) < 76:
        raise Refused("proof_truncated", f"{len(frame)} bytes")
    kind, hashes, i, n, k, reserved = struct.unpack_from(">BBHHHH", frame, 2)
    if kind > ANSWER:
        raise Refused("kind_unknown", f"kind {kind}")
    if not 1 <= k <= 256:
        raise Refused("run_length_invalid", f"k is {k}")
    if not i < n <= 256:
        raise Refused("position_invalid", f"i is {i}, n is {n}")
    if hashes != len(list(steps(i, n))):
        raise Refused("path_length_wrong", f"{hashes} hashes for leaf {i} of {n}")
    if reserved != 0:
        raise Refused("reserved_not_zero")
    end = 76 + 32 * hashes
    if len(frame) < end:
        raise Refused("proof_truncated", "the frame ends within its path")
    if len(frame) - end > CERTIFICATE_BYTES_MAX:
        raise Refused("certificate_too_large", f"{len(frame) - end} bytes")
    path = [frame[at:at + 32] for at in range(76, end, 32)]
    return Proof(kind, i, n, k, frame[12:76], path, frame[end:])


def verify_run(topic, contents, proof_frame, trust, now, policy_free=False):
    """The signer, the kind and the contents that are there. Parses nothing inside of them."""
    if len(contents) > CONTENTS_FRAME_BYTES_MAX:
        raise Refused("frame_too_large", f"{len(contents)} bytes")
    if error := topic_error(topic):
        raise Refused("topic_invalid", error)
    proof = read_proof(proof_frame)
    items = read_items(contents, proof.k)

    signer = read_certificate(proof.certificate, trust)
    cid = signer.fingerprint[:16]
    digests = [message_digest(topic, content) if digest is None else digest
               for content, digest in items]
    leaf = leaf_digest(cid, proof.i, proof.n, run_digest(cid, proof.kind, digests))
    root = root_from_path(cid, leaf, proof.i, proof.n, proof.path)
    if not signature_holds(proof.signature, signed_root(signer.fingerprint, proof.n, root),
                           signer.key):
        raise Refused("signature_bad", f"certificate of {signer.name}")

    judge_signer(signer, proof.kind, topic, now, policy_free)
    return signer, proof.kind, [content for content, _ in items if content is not None]


# ---- The program ---------------------------------------------------------------------------------

def read_line(line):
    """The three frames of one captured line."""
    try:
        run = json.loads(line)
        if type(run) is not dict or \
                any(type(run.get(name)) is not str for name in ("topic", "contents", "proof")):
            raise ValueError("it must be an object with topic, contents and proof in base64")
        return tuple(from_base64(run[name].encode()) for name in ("topic", "contents", "proof"))
    except (ValueError, RecursionError) as error:
        raise Refused("line_unreadable", str(error)) from error


def lines_of(stream):
    """Lines without their ends; None for one that is longer than any run can be."""
    while line := stream.readline(LINE_BYTES_MAX + 1):
        if len(line) <= LINE_BYTES_MAX:
            yield line.rstrip(b"\r\n")
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(LINE_BYTES_MAX)
        yield None


def emit(report):
    print(json.dumps(report).replace("\x7f", "\\u007f"))


def report_on(content, topic, signer, kind, policy_free):
    """One message in the form of `weft tail --json`. Only after its proof held."""
    try:
        message = decode_content(content)
    except ValueError as error:
        return refusal(Refused("content_undecodable", str(error)), topic)
    if kind == BEACON and not topic.decode().endswith(".beacon." + signer.name):
        return refusal(Refused("name_mismatch", signer.name), topic)
    judged = {"policy": "not judged"} if policy_free else {}
    return {"topic": topic.decode(), "signer": signer.name, "verified": True, **judged, **message}


def verify_line(line, trust, now, policy_free=False):
    """What one line of input comes to: a report for each message, or one refusal for the run."""
    topic = b""
    try:
        if line is None:
            raise Refused("line_unreadable", f"longer than {LINE_BYTES_MAX} bytes")
        topic, contents, proof = read_line(line)
        signer, kind, present = verify_run(topic, contents, proof, trust, now, policy_free)
    except Refused as no:
        return [refusal(no, topic)]
    return [report_on(content, topic, signer, kind, policy_free) for content in present]


def refusal(no, topic):
    return {"refused": no.reason, "topic": topic[:255].decode(errors="replace"),
            "detail": no.detail[:200]}


def verify_stream(stream, trust, policy_free):
    runs = verified = refused = 0
    for number, line in enumerate(lines_of(stream), 1):
        runs += 1
        for report in verify_line(line, trust, time.time(), policy_free):
            if "refused" in report:
                refused += 1
                report["line"] = number
            else:
                verified += 1
            emit(report)
    print(f"verify.py: {runs} runs read, {verified} messages verified, {refused} refusals"
          + ("; roles and globs were not judged" if policy_free else ""), file=sys.stderr)
    return 0 if runs > 0 and refused == 0 else 1


def main():
    parser = argparse.ArgumentParser(
        prog="verify.py", description=__doc__.partition("\n\n")[0],
        epilog="Example:  weft tail --raw --count 10 | verify.py --keys keys")
    parser.add_argument("--keys", type=pathlib.Path, metavar="DIR", help="holds *.ca and *.revoked")
    parser.add_argument("--policy-free", action="store_true",
                        help="prove who said it; do not judge whether he may (roles, globs)")
    parser.add_argument("--self-test", action="store_true",
                        help="check this program against the vectors in docs/wire-format.md")
    flags = parser.parse_args()
    if flags.self_test == (flags.keys is not None):
        parser.error("either --keys DIR or --self-test is needed")
    if flags.self_test:
        from verify_self_test import self_test
        return self_test()
    try:
        trust = load_trust(flags.keys)
    except KeysUnusable as error:
        print(f"verify.py: {error}", file=sys.stderr)
        return 2
    for authority in trust.values():
        if time.time() - authority.next_update > 0:
            print(f"verify.py: the revocation list of CA {authority.name} is past its next update, "
                  "so a revocation may be withheld; fetch the current one", file=sys.stderr)
    try:
        return verify_stream(sys.stdin.buffer, trust, flags.policy_free)
    except BrokenPipeError:
        sys.stderr.close()
        return 1


if __name__ == "__main__":
    sys.exit(main())
