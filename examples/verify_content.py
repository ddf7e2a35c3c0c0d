"""What a content says: one msgpack array, [header, body] ("Content" in docs/wire-format.md).

Foreign bytes, although their proof held: a genuine signer may be broken or hostile. Every function
that finds something wrong raises ValueError with a sentence.
"""
import base64
import datetime
import json
import math
import uuid

import msgpack

FIXED = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1,
         0xD1: 2, 0xD2: 4, 0xD3: 8, 0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17}
SIZED = {0xC4: (1, 0), 0xC5: (2, 0), 0xC6: (4, 0), 0xC7: (1, 1), 0xC8: (2, 1), 0xC9: (4, 1),
         0xD9: (1, 0), 0xDA: (2, 0), 0xDB: (4, 0)}  # Bytes of length, and of type behind it.
COUNTED = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}  # And elements per count.
MSGPACK_DEPTH_MAX = 32


def element_end(data, at):
    """Where the msgpack object at `at` ends. Walks first, so that the library that reads it later
    meets no declared length that is a lie: it would reserve memory for it."""
    owed = [1]  # Elements still to come, for each open container.
    while owed:
        if owed[-1] == 0:
            owed.pop()
            continue
        owed[-1] -= 1
        if at >= len(data):
            raise ValueError("the msgpack ends before its object does")
        kind, at, count = data[at], at + 1, None
        if kind in FIXED:
            at += FIXED[kind]
        elif kind in SIZED:
            width, more = SIZED[kind]
            at += width + int.from_bytes(data[at:at + width], "big") + more
        elif kind in COUNTED:
            width, each = COUNTED[kind]
            count, at = each * int.from_bytes(data[at:at + width], "big"), at + width
        elif 0x80 <= kind <= 0x9F:
            count = (kind & 15) * (2 if kind < 0x90 else 1)
        elif 0xA0 <= kind <= 0xBF:
            at += kind & 31
        elif kind == 0xC1:
            raise ValueError("0xc1 is no msgpack")
        if count is not None:
            owed.append(count)
            if len(owed) > MSGPACK_DEPTH_MAX + 1 or count > len(data) - at:
                raise ValueError("the msgpack is too deep, or a count is too large")
    if at > len(data):
        raise ValueError("the msgpack ends before its object does")
    return at


def read_header(content):
    """Positions 0 to 8 of the header, and where the body begins."""
    if content[:1] != b"\x92":
        raise ValueError("the content must be a msgpack array of two")
    kind = content[1:2]
    if kind and 0x90 <= kind[0] <= 0x9F:
        count, at = kind[0] & 15, 2
    elif kind in (b"\xdc", b"\xdd"):
        at = 4 if kind == b"\xdc" else 6
        count = int.from_bytes(content[2:at], "big")
    else:
        raise ValueError("the header must be a msgpack array")
    if not 9 <= count <= 64:
        raise ValueError("the header must have 9 to 64 positions")
    header = []
    for position in range(count):
        end = element_end(content, at)
        if position < 9:  # What a later version adds is walked over; 7 belongs to ACKs.
            header.append(None if position == 7 else msgpack.unpackb(
                content[at:end], strict_map_key=False, object_pairs_hook=tuple))
        at = end
    return header, at


def check_header(header):
    def is_text(value, bytes_max, bytes_min=0):
        return type(value) is str and bytes_min <= len(value.encode()) <= bytes_max

    def is_id(value):
        return type(value) is bytes and len(value) == 16

    message_id, epoch, seq, time_us, source, content_type, parent, _, headers = header
    if not is_id(message_id) or not (parent is None or is_id(parent)):
        raise ValueError("id and parent must be 16 bytes (bin)")
    if not all(type(number) is int and number >= 0 for number in (epoch, seq, time_us)):
        raise ValueError("epoch, seq and time must be integers of 0 to 2^64-1")
    if not is_text(source, 255) or not is_text(content_type, 255):
        raise ValueError("source and content type must be text of at most 255 bytes")
    if headers is not None and (type(headers) is not tuple or len(headers) > 64 or not all(
            is_text(name, 255, 1) and is_text(value, 4096) for name, value in headers)):
        raise ValueError("headers must be nil or a map of at most 64 texts")


def plain(value, depth=0, in_key=False):
    """A value as JSON can show it."""
    if depth > MSGPACK_DEPTH_MAX:
        raise ValueError("too deep")
    if isinstance(value, (bytes, msgpack.Timestamp)):
        data = value if isinstance(value, bytes) else b"\xff" + value.to_bytes()
        return {"base64": base64.b64encode(data).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [plain(element, depth + 1, in_key) for element in value]
    if isinstance(value, dict):
        value = tuple(value.items())
    if isinstance(value, tuple):  # A map: its keys may be of any type.
        if in_key and any(isinstance(key, (list, tuple, dict)) for key, _ in value):
            # Each key around another escapes its quotes once more: some bytes would make gigabytes.
            raise ValueError("a list or map is a key within a key")
        return {key if isinstance(key, str) else json.dumps(plain(key, depth + 1, True)):
                plain(element, depth + 1, in_key) for key, element in value}
    return value


def shown_body(content_type, body):
    try:
        if content_type == "":
            return plain(msgpack.unpackb(
                body, strict_map_key=False, object_pairs_hook=tuple, unicode_errors="replace",
                ext_hook=lambda code, data: bytes([code & 0xFF]) + data))
        declared = content_type.lower()
        if not declared.startswith("text/") or declared.startswith("text/json"):
            return plain(json.loads(body.decode()))
    except (ValueError, RecursionError, msgpack.UnpackException):
        pass
    try:
        return body.decode() if content_type else plain(body)
    except UnicodeDecodeError:
        return plain(body)


def rfc3339(time_us):
    time_us = min(time_us, 253402300799999999)  # The end of the year 9999.
    when = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=time_us)
    return when.isoformat(timespec="microseconds") + "Z"


def decode_content(content):
    """The message as `weft tail --json` shows it, without what the proof says."""
    try:
        header, at = read_header(content)
        check_header(header)
        if element_end(content, at) != len(content):
            raise ValueError("bytes follow the body")
        message_id, epoch, seq, time_us, source, content_type, parent, _, headers = header
        body = content[at:]
        if content_type != "":
            if body[0] not in (0xC4, 0xC5, 0xC6):
                raise ValueError("with a content type the body must be bytes (bin)")
            body = msgpack.unpackb(body)
    except msgpack.UnpackException as error:
        raise ValueError(f"not msgpack: {error}") from error
    return {"id": str(uuid.UUID(bytes=message_id)), "epoch": epoch, "seq": seq,
            "time": rfc3339(time_us), "source": source,
            "parent": str(uuid.UUID(bytes=parent)) if parent else None,
            "content_type": content_type or "application/msgpack", "headers": dict(headers or ()),
            "body": shown_body(content_type, body)}
