#!/usr/bin/python3
"""Receives webhooks of `weft gateway` (or `weft tail --forward`), believes only those whose signature
holds, and prints each as a line of JSON.

    webhook_receiver.py --key whpk_...            # v1a: the public key alone is enough
    webhook_receiver.py --key whsec_...           # v1: the secret
    webhook_receiver.py --key-file key.txt --port 3000

The signature is over `id.timestamp.body`, the body as it came: read it once as bytes, check, and only
then parse. What is older than five minutes is refused, and an id that was seen before is answered 200
and not printed again: deliveries come at least once.

Ed25519 is done by PyNaCl or cryptography if one of them is there, else by the program `openssl`.
"""
import argparse
import base64
import collections
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

TOLERANCE_S = 300
BODY_BYTES_MAX = 16 << 20
IDS_REMEMBERED = 10_000


def ed25519_holds(key, signature, content):
    """32 bytes, 64 bytes, the signed bytes."""
    try:
        import nacl.exceptions
        import nacl.signing
        try:
            nacl.signing.VerifyKey(key).verify(content, signature)
            return True
        except (nacl.exceptions.BadSignatureError, ValueError):
            return False
    except ImportError:
        pass
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
            return True
        except (InvalidSignature, ValueError):
            return False
    except ImportError:
        return ed25519_holds_by_openssl(key, signature, content)


def ed25519_holds_by_openssl(key, signature, content):
    spki = bytes.fromhex("302a300506032b6570032100") + key
    with tempfile.TemporaryDirectory() as directory:
        files = {name: os.path.join(directory, name) for name in ("key", "signature", "content")}
        for name, data in (("key", spki), ("signature", signature), ("content", content)):
            pathlib.Path(files[name]).write_bytes(data)
        done = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", files["key"],
             "-rawin", "-in", files["content"], "-sigfile", files["signature"]],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return done.returncode == 0


def verify(key, headers, body, now=None):
    """The version whose signature held, "v1" or "v1a". ValueError says why none did."""
    try:
        identity, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        signatures = headers["webhook-signature"].split(" ")
    except (KeyError, AttributeError):
        raise ValueError("webhook-id, webhook-timestamp and webhook-signature are needed") from None
    if not timestamp.isascii() or not timestamp.isdigit():
        raise ValueError("webhook-timestamp is not a number")
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_S:
        raise ValueError("webhook-timestamp is too old or too new")
    content = f"{identity}.{timestamp}.".encode() + body
    kind, _, material = key.partition("_")
    material = base64.b64decode(material, validate=True)
    for one in signatures:
        version, _, text = one.partition(",")
        try:
            signature = base64.b64decode(text, validate=True)
        except ValueError:
            continue
        if kind == "whsec" and version == "v1":
            if hmac.compare_digest(hmac.new(material, content, hashlib.sha256).digest(), signature):
                return version
        elif kind == "whpk" and version == "v1a":
            if len(signature) == 64 and ed25519_holds(material, signature, content):
                return version
    raise ValueError("no signature holds")


def event_of(headers, body):
    """One CloudEvent, or a list, or what else the body says."""
    content_type = headers.get("content-type", "").split(";")[0]
    try:
        data = json.loads(body)
    except ValueError:
        data = body.decode("utf-8", "replace")
    if "ce-specversion" not in headers or content_type.startswith("application/cloudevents"):
        return data
    event = {name[3:].lower(): value for name, value in headers.items()
             if name.lower().startswith("ce-")}
    event["data"] = data
    return event


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    read_key = None
    seen = collections.OrderedDict()

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            return self.answer(413, "Content-Length of at most 16 MiB is needed")
        body = self.rfile.read(int(length))
        try:
            version = verify(self.read_key(), self.headers, body)
        except ValueError as error:
            print(json.dumps({"refused": str(error)}), flush=True)
            return self.answer(401, str(error))
        identity = self.headers["webhook-id"]
        if identity not in self.seen:
            self.seen[identity] = True
            if len(self.seen) > IDS_REMEMBERED:
                self.seen.popitem(last=False)
            print(json.dumps({"verified": version, "webhook_id": identity,
                              "event": event_of(self.headers, body)}), flush=True)
        return self.answer(200, "thanks")

    def answer(self, status, text):
        data = (text + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def self_test():
    """The public vectors of Standard Webhooks."""
    headers = {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
               "webhook-signature":
               "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "
               "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZ"
               "dpXwVLPo3mNl8EM+m7TBAg=="}
    body, now = b'{"test": 2432232314}', 1614265331
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    public = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
    assert verify(secret, headers, body, now) == "v1"
    assert verify(public, headers, body, now) == "v1a"
    key, content = base64.b64decode(public[5:]), b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." + body
    signature = base64.b64decode(headers["webhook-signature"].split(",")[2])
    assert ed25519_holds_by_openssl(key, signature, content)
    assert not ed25519_holds_by_openssl(key, signature, content + b" ")
    for wrong in ((body + b" ", now), (body, now + 301), (body, now - 302)):
        for one in (secret, public):
            try:
                verify(one, headers, *wrong)
            except ValueError:
                continue
            raise AssertionError(f"{one[:5]} believed {wrong}")
    print("the public vectors hold, and nothing else does")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--key", help="whpk_... or whsec_...")
    parser.add_argument("--key-file", help="a file with it; it may be written later")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--self-test", action="store_true", help="check the public vectors")
    flags = parser.parse_args()
    if flags.self_test:
        return self_test()
    if bool(flags.key) == bool(flags.key_file):
        parser.error("say --key KEY or --key-file FILE")

    def read_key():
        if flags.key:
            return flags.key
        try:
            return pathlib.Path(flags.key_file).read_text().strip()
        except OSError as error:
            raise ValueError(f"there is no key yet: {error.strerror}") from None

    Receiver.read_key = staticmethod(read_key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", flags.port), Receiver) as server:
        print(f"listening http://127.0.0.1:{server.server_port}/", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
