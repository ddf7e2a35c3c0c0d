#!/usr/bin/python3
"""A consumer of weft's hub in Python: keeps commits in a SQLite database.

    hub:
      consumers:
        - name: commits
          exec: [./exec_consumer.py]
          topics: [git.commit]
          settings: { database: var/commits.db }

The hub starts this program once and keeps it. Each message comes as one line of JSON on stdin, the
same that `weft tail --json` shows, with two members more: "attempt" (1 for the first try) and
"consumer". For each, one line on stdout says what became of it:

    ok                  done; it does not come again
    retry REASON        it comes again after a pause, until the consumer's max_attempts
    drop REASON         it never will be done: a dead letter at once
    {"topic": ..., "body": ...}         publish this, then it is done; a list publishes several

Nothing else may go to stdout: what is none of these gets this program killed and the message
retried. Use stderr for the log: each line of it appears there under the consumer's name.

Try it without a hub:

    weft tail --count 1 | WEFT_SETTINGS='{"database": "commits.db"}' ./exec_consumer.py
"""

import json
import os
import sqlite3
import sys


def log(text):
    # stderr has no buffer that could keep a line from the log.
    print(text, file=sys.stderr, flush=True)


def answer(line):
    # Without the flush the answer would wait in Python's buffer, and the hub for the answer.
    print(line, flush=True)


def open_database(path):
    database = sqlite3.connect(path)
    # The id of its message is each row's key. A message comes twice where the hub or its host
    # died between our commit and its note of our answer: then the row is there already.
    database.execute(
        "CREATE TABLE IF NOT EXISTS commits"
        " (message TEXT PRIMARY KEY, time TEXT, signer TEXT, hash TEXT, author TEXT)"
    )
    database.commit()
    return database


def keep(database, message):
    """What to answer; raises sqlite3.Error where the database cannot be written now."""
    body = message["body"]
    if not isinstance(body, dict) or not isinstance(body.get("hash"), str):
        # Another try would find the same: do not ask for one.
        return "drop a commit is an object with a text \"hash\""
    # In a transaction: all of it is written, or nothing. The signer was verified by the hub.
    with database:
        database.execute(
            "INSERT OR IGNORE INTO commits VALUES (?, ?, ?, ?, ?)",
            (message["id"], message["time"], message["signer"], body["hash"], str(body.get("author"))),
        )
    # Only now, after the commit: "ok" is a promise that it needs not come again.
    return "ok"


def main():
    settings = json.loads(os.environ.get("WEFT_SETTINGS", "{}"))
    database = open_database(settings.get("database", "commits.db"))
    log(f"keeps commits for {os.environ.get('WEFT_CONSUMER', 'nobody')}")
    # Ends when the hub closes our stdin: that is how it asks us to stop.
    for line in sys.stdin:
        message = json.loads(line)
        try:
            answer(keep(database, message))
        except sqlite3.Error as error:
            # Such as a full disk, or somebody else's lock: it may be better next time.
            answer(f"retry the database says: {error}")


if __name__ == "__main__":
    main()
