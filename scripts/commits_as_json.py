#!/usr/bin/env python3
"""Prints the history of the git repository in the current directory, oldest commit first, as one
JSON object a line: hash, author, date, subject, files changed."""
import json
import subprocess
import sys

RECORD, FIELD = "\x1e", "\x1f"


def main():
    log = subprocess.run(
        ["git", "log", "--reverse", "-z", "--name-only",
         f"--format={RECORD}%H{FIELD}%an{FIELD}%aI{FIELD}%s{FIELD}"],
        check=True, capture_output=True).stdout.decode("utf-8", "replace")
    for record in log.split(RECORD)[1:]:
        commit, author, date, subject, files = record.split(FIELD, 4)
        print(json.dumps({
            "hash": commit, "author": author, "date": date, "subject": subject,
            "files": [name for name in files.replace("\n", "\0").split("\0") if name],
        }, ensure_ascii=False))


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    main()
