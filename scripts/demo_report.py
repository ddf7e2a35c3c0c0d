#!/usr/bin/env python3
"""Reads what `weft tail --show-refused` printed: `show FILE` a few messages for people, `count FILE
PUBLISHED` the demo's closing line; exit 1 if the numbers do not agree."""
import json
import sys


def main():
    what, file = sys.argv[1:3]
    with open(file, encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    messages = [entry for entry in entries if "id" in entry]
    refused = [entry for entry in entries if "refused" in entry]
    if what == "show":
        for message in messages[-5:]:
            body = message["body"]
            verdict = "verified" if message["verified"] else "NOT VERIFIED"
            print(f'{message["topic"]}  {message["signer"]} {verdict}  '
                  f'{body["hash"][:10]} {body["subject"][:60]}')
        return 0
    published = int(sys.argv[3])
    verified = sum(message["verified"] for message in messages)
    print(f"demo: {published} published, {len(messages)} received, {verified} verified, "
          f"{len(refused)} refused")
    reasons = sorted(entry["refused"] for entry in refused)
    agree = published == len(messages) == verified and reasons == ["certificate_revoked",
                                                                   "signature_bad"]
    if not agree:
        print(f"demo: these numbers do not agree (refused: {reasons})", file=sys.stderr)
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
