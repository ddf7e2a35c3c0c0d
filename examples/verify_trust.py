"""Whom to believe: CA files, revocation lists, certificates ("Files" in docs/wire-format.md)."""
import base64
import re
import struct
from dataclasses import dataclass

from verify_suite import Refused, padded, signature_holds, tagged_hash
from verify_topics import glob_matches, parse_glob

CLOCK_SKEW_S = 30
CERTIFICATE_BYTES_MAX, LIST_BYTES_MAX = 4096, 32 << 20
ROLE_PUBLISH, ROLE_ACK, ROLE_JOURNAL, ALL_ROLES = 1, 2, 4, 31
MESSAGE, ACK, BEACON, REQUEST, ANSWER = 0, 1, 2, 3, 4


class KeysUnusable(Exception):
    pass


class Reader:
    def __init__(self, data):
        self.rest = data

    def take(self, count):
        if count > len(self.rest):
            raise ValueError("it ends too early")
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def numbers(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(">" + form)))

    def short(self):
        return self.take(self.take(1)[0])

    def end(self):
        if self.rest:
            raise ValueError("something follows after its end")


def from_base64(text):
    """Strict: one text for each bytes, so that a changed character is a changed message."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data) != text:
        raise ValueError("base64 with stray bits at its end")
    return data


def unarmor(label, text):
    begin, end = (f"-----{word} WEFT {label}-----".encode() for word in ("BEGIN", "END"))
    whole = re.fullmatch(begin + rb"\r?\n(.*?)" + end + rb"(\r?\n)?", text, re.DOTALL)
    if not whole:
        raise ValueError(f"it is not one WEFT {label} between its two lines")
    return from_base64(re.sub(rb"[\r\n]", b"", whole[1]))


def name_is_valid(name):
    return len(name) <= 200 and re.fullmatch(rb"[a-z0-9_-]+(\.[a-z0-9_-]+)*", name) is not None


@dataclass
class Authority:
    name: str
    key: bytes
    number: int = 0
    next_update: int = 0
    revoked: frozenset = frozenset()  # Serials.

    @property
    def issuer(self):
        return tagged_hash(b"weft1.ca", self.key)[:16]


def read_authority(data):
    reader = Reader(data)
    if reader.take(5) != b"WCA1\1":
        raise ValueError("it is not the public key of a CA of suite 1")
    key, name = reader.take(32), reader.short()
    reader.end()
    if not name_is_valid(name):
        raise ValueError("its name is not valid")
    return Authority(name.decode(), key)


def read_list(data, authority):
    """Signature first, over raw bytes; then the fields."""
    body, signature = data[:-64], data[-64:]
    if len(data) > LIST_BYTES_MAX or \
            not signature_holds(signature, padded(b"weft1.list") + body, authority.key):
        raise ValueError(f"it does not bear a genuine signature of CA {authority.name}")
    reader = Reader(body)
    if reader.take(5) != b"WRL1\1" or reader.take(16) != authority.issuer:
        raise ValueError("it is not a revocation list of suite 1 of this CA")
    authority.number, _, authority.next_update, count = reader.numbers("QqqI")
    if count * 17 != len(reader.rest):
        raise ValueError("its entries do not fill it exactly")
    serials = [entry[0] for entry in struct.iter_unpack(">QqB", reader.rest)]
    if any(a >= b for a, b in zip(serials, serials[1:])):
        raise ValueError("its serials do not rise strictly")
    authority.revoked = frozenset(serials)


def load_trust(directory):
    """{issuer id: Authority}. One file that is not right makes all of it unusable."""
    trust = {}
    for file in sorted(directory.glob("[!.]*.ca")):
        where = file
        try:
            authority = read_authority(unarmor("CA", file.read_bytes()))
            if authority.name != file.stem:
                raise ValueError(f"it is CA {authority.name}; name it {authority.name}.ca")
            if authority.issuer in trust:
                raise ValueError("it has the same key as another CA here")
            where = file.with_suffix(".revoked")
            read_list(unarmor("REVOCATION LIST", where.read_bytes()), authority)
            where = file.with_suffix(".revoked-number")  # The highest that was ever seen here.
            if where.exists():
                issuer, number = where.read_text().split()
                if issuer == authority.issuer.hex() and authority.number < int(number):
                    raise ValueError(f"an old list was put back; number {number} was seen before")
        except (OSError, ValueError) as error:
            raise KeysUnusable(f"{where}: {error}") from error
        trust[authority.issuer] = authority
    if not trust:
        raise KeysUnusable(f"{directory}: no CA there (*.ca), so nobody could be believed")
    return trust


@dataclass
class Certificate:
    roles: int
    serial: int
    not_before: int
    not_after: int
    authority: Authority
    key: bytes
    name: str
    globs: list
    fingerprint: bytes


def read_certificate(data, trust):
    if len(data) > CERTIFICATE_BYTES_MAX:
        raise Refused("certificate_too_large", f"{len(data)} bytes")
    tbs, signature = data[:-64], data[-64:]
    if tbs[:4] != b"WFC1":
        raise Refused("certificate_malformed", "it does not start with WFC1")
    if tbs[4:5] not in (b"", b"\1"):
        raise Refused("suite_of_certificate_unknown", f"suite {tbs[4]}")
    if len(tbs) < 46:
        raise Refused("certificate_malformed", "it ends too early")
    # Enough to choose the CA. Nothing is believed before its signature holds.
    authority = trust.get(tbs[30:46])
    if authority is None:
        raise Refused("issuer_unknown", tbs[30:46].hex())
    if not signature_holds(signature, padded(b"weft1.cert") + tbs, authority.key):
        raise Refused("certificate_signature_bad", f"issuer {authority.name}")
    try:
        reader = Reader(tbs[5:])
        roles, serial, not_before, not_after = reader.numbers("BQqq")
        reader.take(16)
        key, _curve_key, name = reader.take(32), reader.take(32), reader.short()
        (count,) = reader.numbers("B")
        if count > 32:
            raise ValueError(f"{count} globs")
        globs = [reader.short() for _ in range(count)]
        reader.end()
        for glob in globs:
            parse_glob(glob)
        if not name_is_valid(name) or roles & ~ALL_ROLES or not_before > not_after:
            raise ValueError("its name, roles or validity are not valid")
    except ValueError as error:
        raise Refused("certificate_malformed", str(error)) from error
    return Certificate(roles, serial, not_before, not_after, authority, key, name.decode(), globs,
                       tagged_hash(b"weft1.certfp", tbs))


def judge_signer(signer, kind, topic, now, policy_free):
    if signer.not_before - now > CLOCK_SKEW_S:
        raise Refused("certificate_not_yet_valid", signer.name)
    if now - signer.not_after > CLOCK_SKEW_S:
        raise Refused("certificate_expired", signer.name)
    if signer.serial in signer.authority.revoked:
        raise Refused("certificate_revoked", signer.name)
    if policy_free:
        return
    needed = {MESSAGE: ROLE_PUBLISH, ACK: ROLE_ACK | ROLE_JOURNAL, BEACON: ALL_ROLES,
              REQUEST: ALL_ROLES, ANSWER: ROLE_JOURNAL}[kind]
    if not signer.roles & needed:
        raise Refused("role_missing", f"{signer.name}, kind {kind}")
    if kind == MESSAGE and not any(glob_matches(glob, topic) for glob in signer.globs):
        raise Refused("topic_not_granted", signer.name)
