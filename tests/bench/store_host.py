#!/usr/bin/env python3
"""pvstored on this host, without a hypervisor: beside a bare echo server, and
beside other builds of itself (--daemon NAME=FILE). Rounds are interleaved; what
a request takes of the daemon's CPU time is steadier than rates on a host that
does other things, too. With --instructions the daemon's own are counted
(valgrind's callgrind, one client, the difference of two runs), which is exact
but for the shape of the tree."""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build")
sys.path.insert(0, HERE)
from stats import quartiles

# The journal's place in a dom0 is memory, too.
MEMORY = "/dev/shm"


class Daemon:
    def __init__(self, program, wrap=()):
        self.dir = tempfile.mkdtemp(prefix="pv-bench-", dir=MEMORY)
        self.socket = self.dir + "/socket"
        self.args = [*wrap, program, "-f", "--sockets-only", "-S", self.socket, "-j", self.dir + "/journal", "-l",
                     self.dir + "/log"]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.args, cwd=self.dir, stderr=subprocess.DEVNULL)
        end = time.time() + 60
        while not (os.path.exists(self.dir + "/log") and "ready" in open(self.dir + "/log").read()):
            if time.time() > end or self.process.poll() is not None:
                sys.exit(f"{' '.join(self.args)}: does not start")
            time.sleep(.02)

    def bench(self, *args):
        return bench("-d", str(self.process.pid), *args, self.socket)

    def restart(self):
        """Killed with -9; from the next one's main() until it serves, and its CPU time, in ms."""
        self.process.kill()
        self.process.wait()
        os.unlink(self.dir + "/log")
        self.start()
        with open(self.dir + "/log") as f:
            return [float(x) for x in re.search(r"ready in (\d+) ms, (\d+) ", f.read()).groups()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.dir)


def figures(*args):
    """[(figure, clients, value, unit)]"""
    out = subprocess.run([os.path.join(BUILD, "tests/machine/job/bench_store"), *args], capture_output=True, text=True,
                         check=True).stdout
    return [(name, int(n), float(v), unit) for name, n, v, unit in
            re.findall(r"^(\S+) (\d+) ([0-9.]+) (\S+)$", out, re.M)]


def bench(*args):
    """{(figure, clients): value}"""
    return {(name, n): v for name, n, v, _ in figures(*args)}


def one_round(secs, nodes):
    """[(who, figure, clients, value, unit)] of ours and of an echo server, on this host."""
    program = os.path.join(BUILD, "bin/pvstored")

    def echo():
        return [("echo", *f) for f in figures("-s", str(secs), "echo")]

    with Daemon(program) as d:
        got = echo()
        got += [("ours", *f) for f in figures("-s", str(secs), "-n", str(nodes), "-d", str(d.process.pid), d.socket)]
        got += echo()
    with Daemon(program) as d:
        figures("-f", "100000", d.socket)
        for name, ms in zip(("restart-100000-nodes", "restart-cpu-100000-nodes"), d.restart()):
            got.append(("ours", name, 1, ms, "ms"))
    return got


def rates(daemons, a):
    running = {name: Daemon(program) for name, program in daemons.items()}
    got = {}
    common = ["-s", str(a.secs), "-n", "0"]
    points = ",".join("=" + p for p in a.points.split(","))
    try:
        for _ in range(a.rounds):
            for name in ["echo", *running]:
                figures = (bench(*common, "-p", "=echo", "echo") if name == "echo" else
                           running[name].bench(*common, "-p", points))
                for key, value in figures.items():
                    got.setdefault(key, {}).setdefault(name, []).append(value)
    finally:
        for d in running.values():
            d.close()
    print("| figure | clients | daemon | median [quartiles] |\n| --- | --- | --- | --- |")
    for (figure, clients), by in sorted(got.items()):
        for name, values in by.items():
            lo, mid, hi = quartiles(values)
            print(f"| {figure} | {clients} | {name} | {mid:.4g} [{lo:.4g}, {hi:.4g}] |")


def instructions(program, point, seconds):
    """Of the daemon, per operation."""
    seen = []
    for more in (1, 4):
        out = tempfile.mkdtemp(prefix="pv-callgrind-", dir=MEMORY)
        d = Daemon(program, ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}/%p"])
        done = d.bench("-s", str(more * seconds), "-n", "0", "-c", "1", "-p", "=" + point)[(point, 1)] * more * seconds
        pid = d.process.pid
        d.close()
        with open(f"{out}/{pid}", errors="replace") as f:
            total = int(re.search(r"^(?:summary|totals): (\d+)", f.read(), re.M)[1])
        shutil.rmtree(out)
        seen.append((done, total))
    (n1, t1), (n2, t2) = seen
    return (t2 - t1) / (n2 - n1)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--daemon", action="append", default=[], metavar="NAME=FILE", help="another build")
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--secs", type=float, default=.3, help="per point")
    p.add_argument("--points", default="read,write,directory,tx-5-writes,tx-shared-parent,tx-shared-node")
    p.add_argument("--instructions", action="store_true")
    a = p.parse_args()
    daemons = {"ours": os.path.join(BUILD, "bin/pvstored"), **dict(d.split("=", 1) for d in a.daemon)}
    daemons = {name: os.path.abspath(program) for name, program in daemons.items()}
    if not a.instructions:
        return rates(daemons, a)
    print("| operation | daemon | instructions |\n| --- | --- | --- |")
    for point in a.points.split(","):
        for name, program in daemons.items():
            print(f"| {point} | {name} | {instructions(program, point, max(a.secs, 1)):.0f} |", flush=True)


if __name__ == "__main__":
    main()
