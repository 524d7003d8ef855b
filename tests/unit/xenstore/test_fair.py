#!/usr/bin/env python3
"""A guest that floods its ring slows a client by no more than its share: of two
who ask, each gets its turns."""
import re
import signal
import subprocess
import sys

from filehost import CONTROL, Host, program

TRIES = 6      # the machine may have more to do than we know
LEAST = 1 / 6  # of what the client gets alone; half would be fair to the letter


def rate(host):
    out = subprocess.run([program("bench_store"), "-s", "0.5", "-c", "1", "-p", "read", host.dir + "/socket"],
                         capture_output=True, text=True, timeout=60).stdout
    return float(re.search(r"^read 1 ([0-9.]+) per-s", out, re.M)[1])


def share(host, flood):
    """What is left of a client's rate while the guest floods, both measured now."""
    flood.send_signal(signal.SIGSTOP)
    alone = rate(host)
    flood.send_signal(signal.SIGCONT)
    beside = rate(host)
    print(f"alone {alone:.0f} per s, beside a flood {beside:.0f}")
    return beside / alone


def run(host):
    host.guest(1)
    flood = subprocess.Popen([program("flood"), host.dir, "1"])
    try:
        good = any(share(host, flood) > LEAST for _ in range(TRIES))
    finally:
        flood.kill()
        flood.wait()
    asked = int(re.search(r"domain=1 ring=1 requests=(\d+)", host.boot.must(CONTROL, b"clients\0").decode())[1])
    print(f"the flood: {asked} requests")
    host.daemon.end(signal.SIGTERM)
    return good and asked > 1000


def main():
    host = Host()
    try:
        good = run(host)
    finally:
        host.close()
    print("[       OK ] test_fair" if good else "[  FAILED  ] test_fair")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
