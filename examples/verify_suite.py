"""Suite 1: every hash, the tree, the signature ("Hashes" in docs/wire-format.md)."""
import hashlib
import struct

import nacl.exceptions
import nacl.signing


class Refused(Exception):
    """Not believed. The reasons are those of weft itself, except line_unreadable."""

    def __init__(self, reason, detail=""):
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


def padded(tag):
    return tag.ljust(16, b"\0")


def tagged_hash(tag, *parts):
    return hashlib.sha256(padded(tag) + b"".join(parts)).digest()


def u16(number):
    return struct.pack(">H", number)


def prefixed(data):
    return struct.pack(">I", len(data)) + data


def message_digest(topic, content):
    return tagged_hash(b"weft1.msg", prefixed(topic), prefixed(content))


def run_digest(cid, kind, digests):
    return tagged_hash(b"weft1.run", cid, bytes([kind]), u16(len(digests)), *digests)


def leaf_digest(cid, i, n, run):
    return tagged_hash(b"weft1.leaf", cid, u16(i), u16(n), run)


def node_digest(cid, level, j, left, right):
    return tagged_hash(b"weft1.node", cid, bytes([level]), u16(j), left, right)


def signed_root(fingerprint, n, root):
    return padded(b"weft1.root") + b"\1" + fingerprint + u16(n) + root


def steps(i, n):
    """(level, position) wherever the node over leaf i has a sibling: one hash of the path each."""
    level = 1
    while n > 1:
        if (i ^ 1) < n:
            yield level, i
        level, i, n = level + 1, i // 2, (n + 1) // 2


def root_from_path(cid, leaf, i, n, path):
    node = leaf
    for (level, position), sibling in zip(steps(i, n), path, strict=True):
        pair = (node, sibling) if position % 2 == 0 else (sibling, node)
        node = node_digest(cid, level, position // 2, *pair)
    return node


def signature_holds(signature, message, key):
    try:
        nacl.signing.VerifyKey(key).verify(message, signature)
        return True
    except (nacl.exceptions.BadSignatureError, nacl.exceptions.ValueError):
        return False
