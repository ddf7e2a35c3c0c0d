#!/usr/bin/env python3
"""What nats-server's JetStream, in its default configuration, still has of what it acknowledged after
its disk lost power: the figure beside `journal_cuts --power`.

  nats_power_loss.py [CUTS]      needs root, loop mounts and nats-server

Each cut: publish to a stream with file storage, take the acknowledgements, shut the file system down
without flushing its log, kill the server, mount again, start it again, and ask for the stream's last
sequence number."""
import fcntl
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

SHUTDOWN, WITHOUT_LOG_FLUSH = 0x8004587D, 2


class Client:
    """The few words of the NATS protocol that this needs."""

    def __init__(self, port):
        deadline = time.monotonic() + 20
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
        self.file = self.socket.makefile("rb")
        self.send(b'CONNECT {"verbose":false}\r\nSUB _INBOX.x 1\r\nPING\r\n')
        while self.file.readline().strip() != b"PONG":
            pass

    def send(self, data):
        self.socket.sendall(data)

    def publish(self, subject, body):
        self.send(f"PUB {subject} _INBOX.x {len(body)}\r\n".encode() + body + b"\r\n")

    def answer(self):
        while True:
            line = self.file.readline()
            if not line:
                raise ConnectionError("the server has gone")
            if line.startswith(b"PING"):
                self.send(b"PONG\r\n")
            if line.startswith(b"MSG"):
                size = int(line.split()[-1])
                return self.file.read(size + 2)[:-2]

    def ask(self, subject, question=None):
        self.publish(subject, json.dumps(question or {}).encode())
        return json.loads(self.answer())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(store):
    port = free_port()
    server = subprocess.Popen(["nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", store],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = Client(port)
    deadline = time.monotonic() + 20
    while True:
        answer = client.ask("$JS.API.INFO")
        if "error" not in answer or time.monotonic() > deadline:
            return server, client


def one_cut(image, mount, store, number):
    server, client = start(store)
    client.ask("$JS.API.STREAM.CREATE.cuts",
               {"name": "cuts", "subjects": ["cuts"], "storage": "file", "num_replicas": 1})
    acknowledged = 0
    for _ in range(random.randrange(50, 2000)):
        client.publish("cuts", b"x" * 300)
        acknowledged = json.loads(client.answer())["seq"]
    directory = os.open(mount, os.O_RDONLY)
    fcntl.ioctl(directory, SHUTDOWN, struct.pack("I", WITHOUT_LOG_FLUSH))
    os.close(directory)
    server.send_signal(signal.SIGKILL)
    server.wait()
    subprocess.run(["umount", mount], check=True)
    subprocess.run(["mount", "-o", "loop", image, mount], check=True)
    server, client = start(store)
    info = client.ask("$JS.API.STREAM.INFO.cuts")
    last = info.get("state", {}).get("last_seq", 0)
    server.send_signal(signal.SIGKILL)
    server.wait()
    lost = max(0, acknowledged - last)
    print(f"cut {number}: acknowledged up to {acknowledged}, has {last}: {lost} lost", flush=True)
    return acknowledged, lost


def main():
    cuts = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    total = lost_in_all = 0
    with tempfile.TemporaryDirectory() as work:
        image, mount = f"{work}/disk.img", f"{work}/mounted"
        os.mkdir(mount)
        subprocess.run(["truncate", "-s", "256M", image], check=True)
        for number in range(1, cuts + 1):
            subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", image], check=True)
            subprocess.run(["mount", "-o", "loop", image, mount], check=True)
            try:
                acknowledged, lost = one_cut(image, mount, f"{mount}/store", number)
                total += acknowledged
                lost_in_all += lost
            finally:
                subprocess.run(["umount", mount], check=False)
    print(f"nats-server, default configuration: {cuts} cuts, {total} acknowledged, {lost_in_all} lost")


if __name__ == "__main__":
    main()
