#!/usr/bin/env python3
"""Reads what `weft tail --show-refused` printed: `show FILE` a few messages for people, `count FILE
PUBLISHED` the demo's closing line, `history FILE COMMITS` whether a journal gave back every commit, in
order, `hub DIRECTORY PUBLISHED` whether three consumers have had every commit; exit 1 if the numbers do
not agree."""
import json
import os
import sqlite3
import sys


def history(messages, commits):
    with open(commits, encoding="utf-8") as lines:
        published = [json.loads(line)["hash"] for line in lines]
    stored = [message["body"]["hash"] for message in messages]
    ids = [message["journal_id"] for message in messages]
    missing = len(set(published) - set(stored))
    print(f"journal: {len(published)} published, {len(stored)} stored and verified, {missing} missing, "
          f"killed once; ids {ids[0]} to {ids[-1]}")
    good = stored == published and ids == sorted(set(ids)) and all(
        message["verified"] for message in messages)
    if not good:
        print("demo: what the journal has is not what was published", file=sys.stderr)
    return 0 if good else 1


def hub(directory, published):
    def path(name):
        return os.path.join(directory, name)

    with sqlite3.connect(path("commits.db")) as database:
        rows = database.execute("SELECT count(*) FROM commits").fetchone()[0]
    with open(path("commits.txt"), encoding="utf-8") as lines:
        written = [line.split("\t")[0] for line in lines]
    with open(path("authors.json"), encoding="utf-8") as file:
        authors = json.load(file)
    repeated = len(written) - len(set(written))
    counted = sum(authors.values())
    print(f"hub: {published} commits; SQLite has {rows}, bash wrote {len(set(written))} "
          f"({repeated} of them twice), the plugin counted {counted}; killed once")
    # What each had in hand when it was killed may have come again.
    good = rows == published == len(set(written)) and repeated <= 1 and 0 <= counted - published <= 1
    return 0 if good else 1


def main():
    what, file = sys.argv[1:3]
    if what == "hub":
        return hub(file, int(sys.argv[3]))
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
    if what == "history":
        return history(messages, sys.argv[3])
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
