#!/usr/bin/env python3
"""debug-times.py KERNEL ROOT TIMES: how long the steps of a kernel developer's day
take, in dom0; see debug.py."""
import re
import signal
import subprocess
import sys
import time

kernel, root, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
TRACE_SETTLES = 2.0


def bench(what, value, unit):
    print(f"BENCH {what} {value:.3f} {unit}", flush=True)


def pvn_run(*args):
    return subprocess.Popen(["pvn", "run", "-q", *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)


def read_to(p, end):
    text = b""
    while not text.endswith(end):
        c = p.stdout.read(1)
        if not c:
            sys.exit(f"pvn run ended: {text[-200:]}")
        text += c
    return text.decode(errors="replace")


def to_the_prompt():
    begin = time.monotonic()
    p = pvn_run(kernel, "--root", root)
    read_to(p, b"# ")
    bench("run-to-prompt", (time.monotonic() - begin) * 1000, "ms")
    p.stdin.write(b"exit\n")
    p.communicate()


class Stub:
    """gdb's protocol, as stock gdb goes about it."""

    def __init__(self, guest):
        self.p = subprocess.Popen(["pvn", "gdb", guest], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def ask(self, text):
        self.p.stdin.write(b"$%s#%02x" % (text.encode(), sum(text.encode()) & 255))
        reply, c = b"", b""
        while c != b"$":
            c = self.p.stdout.read(1)
        while (c := self.p.stdout.read(1)) != b"#":
            reply += c
        self.p.stdout.read(2)
        return reply.decode()

    def end(self):
        self.p.stdin.close()
        self.p.wait()


def breakpoints():
    with open("/proc/kallsyms") as f:
        at = next(line.split()[0] for line in f if line.split()[2] == "vfs_write")
    p = pvn_run("-n", "dbg", kernel, "--root", root, "--", "sh", "-c", "echo READY; while :; do echo > /dev/null; done")
    read_to(p, b"READY")
    stub = Stub("dbg")
    stub.ask(f"Z0,{at},1")
    stub.ask("c")
    for _ in range(times):
        begin = time.monotonic()
        for text in f"z0,{at},1", "s", f"Z0,{at},1", "c", "g":
            reply = stub.ask(text)
        bench("breakpoint-round-trip", (time.monotonic() - begin) * 1000, "ms")
    stub.ask(f"z0,{at},1")
    for _ in range(times):
        begin = time.monotonic()
        stub.ask("s")
        bench("step", (time.monotonic() - begin) * 1000, "ms")
    stub.end()
    subprocess.run(["pvn", "destroy", "dbg"], check=True)
    p.communicate()


def loops(p, n):
    found = []
    while len(found) < n:
        if m := re.search(r"BENCH \S*syscall ([\d.]+)", read_to(p, b"\n")):
            found.append(float(m[1]))
    return found


def tracing():
    p = pvn_run("-n", "traced", kernel, "--root", root, "--", "sh", "-c", "while :; do micro -t 300 syscall; done")
    loops(p, 1)
    for value in loops(p, times):
        bench("syscall-untraced", value, "ns")
    trace = subprocess.Popen(["pvn", "trace", "traced"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(TRACE_SETTLES)
    loops(p, 1)
    for value in loops(p, times):
        bench("syscall-traced", value, "ns")
    trace.send_signal(signal.SIGINT)
    trace.wait()
    loops(p, 1)
    for value in loops(p, times):
        bench("syscall-untraced-after", value, "ns")
    subprocess.run(["pvn", "destroy", "traced"], check=True)
    p.communicate()


for _ in range(min(times, 5)):
    to_the_prompt()
breakpoints()
tracing()
