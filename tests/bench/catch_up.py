#!/usr/bin/env python3
"""How long a subscriber that was cut off needs to be back in the present: a network namespace loses all
packets for CUT seconds while RATE messages a second are published; then the time from the healing until
`weft tail` prints what was published less than 100 ms ago. With a journal, so that holes are filled.

  catch_up.py WEFT [CUT] [RATE]      needs root and iproute2; prints one JSON object"""
import datetime
import json
import os
import subprocess
import sys
import tempfile
import threading
import time


def run(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


class Net:
    """near -- middle -- far; the middle can lose everything between them."""

    def __init__(self):
        tag = str(os.getpid())
        self.names = [f"weft-{part}-{tag}" for part in ("near", "middle", "far")]
        near, middle, far = self.names
        for name in self.names:
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        for end, number in ((near, 1), (far, 2)):
            out, into = f"e{number}{tag}"[:15], f"m{number}{tag}"[:15]
            run("ip", "link", "add", out, "type", "veth", "peer", "name", into)
            for device, name, host in ((out, end, 2), (into, middle, 1)):
                run("ip", "link", "set", device, "netns", name)
                run("ip", "-n", name, "address", "add", f"10.78.{number}.{host}/24", "dev", device)
                run("ip", "-n", name, "link", "set", device, "up")
            run("ip", "-n", end, "route", "add", "default", "via", f"10.78.{number}.1")
        run("ip", "netns", "exec", middle, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")

    def cut(self, action):
        for address in ("10.78.1.2/32", "10.78.2.2/32"):
            run("ip", "-n", self.names[1], "route", action, "blackhole", address)

    def close(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], check=False)


def start(net, which, weft, directory, *arguments, **options):
    return subprocess.Popen(["ip", "netns", "exec", net.names[which], weft, *arguments], cwd=directory,
                            text=True, **options)


def measure(weft, cut, rate, net, directory):
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    processes = []

    def begin(which, *arguments):
        processes.append(start(net, which, weft, directory, *arguments, **quiet))
        return processes[-1]

    def until_ready(process):
        for line in process.stdout:
            if line.strip() == "ready":
                return

    until_ready(begin(0, "relay"))
    until_ready(begin(0, "journal", "serve"))
    tail = start(net, 2, weft, directory, "tail", "--topic", "bench.**", stdout=subprocess.PIPE,
                 stderr=subprocess.PIPE)
    processes.append(tail)
    for line in tail.stderr:
        if "ready" in line:
            break
    threading.Thread(target=tail.stderr.read, daemon=True).start()
    lock = threading.Lock()
    seen = {"count": 0, "lag": 0.0, "back": None}
    healed = threading.Event()
    healed_at = [0.0]

    def read():
        for line in tail.stdout:
            message = json.loads(line)
            if "id" not in message:
                continue
            published = datetime.datetime.fromisoformat(message["time"].replace("Z", "+00:00"))
            now = time.time()
            with lock:
                seen["count"] += 1
                seen["lag"] = now - published.timestamp()
                if healed.is_set() and seen["back"] is None and seen["lag"] < 0.1:
                    seen["back"] = now - healed_at[0]

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    total = int(rate * (cut + 12))
    begin(0, "bench", "pub", "--topic", "bench.catchup", "--rate", str(rate), "--count", str(total))
    while seen["count"] < rate:
        time.sleep(0.01)
    net.cut("add")
    time.sleep(cut)
    net.cut("delete")
    healed_at[0] = time.time()
    healed.set()
    deadline = time.time() + 30
    while seen["back"] is None and time.time() < deadline:
        time.sleep(0.01)
    processes[-1].wait(timeout=60)
    end = time.time() + 10
    while seen["count"] < total and time.time() < end:
        time.sleep(0.05)
    print(json.dumps({"cut_s": cut, "rate": rate, "back_after_s": seen["back"], "published": total,
                      "printed": seen["count"]}))
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(timeout=10)


def main():
    weft = os.path.abspath(sys.argv[1])
    cut = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    rate = int(sys.argv[3]) if len(sys.argv) > 3 else 5000
    with tempfile.TemporaryDirectory() as directory:
        run(weft, "init", "--dir", directory, "--name", "git.host1")
        with open(f"{directory}/weft.d/90.yaml", "w", encoding="utf-8") as file:
            file.write("fabric:\n  insecure: true\n  relay: { inbound: 'tcp://10.78.1.2:9940', outbound: "
                       "'tcp://10.78.1.2:9941' }\nreliability:\n  journals: [git.host1]\n  journal: { "
                       "listen: 'tcp://10.78.1.2:9942' }\n")
        net = Net()
        try:
            measure(weft, cut, rate, net, directory)
        finally:
            net.close()


if __name__ == "__main__":
    main()
