#!/usr/bin/env python3
"""A guest that floods its ring slows a client by no more than its share: of two
who ask, each gets its turns."""
import re
import signal
import subprocess
import sys

from filehost import Host, program

TRIES = 4     # the host may have more to do than we know
LEAST = 1 / 6  # of what the client gets alone; half would be fair to the letter


def rate(host):
    out = subprocess.run([program("bench_store"), "-s", "0.5", "-c", "1", "-p", "read", host.dir + "/socket"],
                         capture_output=True, text=True, timeout=60).stdout
    return float(re.search(r"^read 1 ([0-9.]+) per-s", out, re.M)[1])


def run(host):
    alone = rate(host)
    host.guest(1)
    flood = subprocess.Popen([program("flood"), host.dir, "1"])
    try:
        beside = max(rate(host) for _ in range(TRIES))
    finally:
        flood.kill()
        flood.wait()
    asked = int(re.search(r"domain=1 ring=1 requests=(\d+)", host.boot.must(0, b"clients\0").decode())[1])
    print(f"alone {alone:.0f} per s, beside a flood {beside:.0f}; the flood: {asked} requests")
    host.daemon.end(signal.SIGTERM)
    return beside > LEAST * alone and asked > alone / 10


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
