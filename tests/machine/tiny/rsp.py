#!/usr/bin/env python3
"""rsp.py GUEST MAP: what a gdb would do, by its protocol over `pvn gdb`."""
import subprocess
import sys
import time

guest, path = sys.argv[1:3]
symbols = {f[2]: int(f[0], 16) for f in (line.split() for line in open(path)) if len(f) == 3}
stub = subprocess.Popen(["pvn", "gdb", guest], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def receive():
    while stub.stdout.read(1) not in (b"$", b""):
        pass
    text = b""
    while (c := stub.stdout.read(1)) not in (b"#", b""):
        text += c
    stub.stdout.read(2)
    return text.decode()


def send(text):
    stub.stdin.write(b"$%s#%02x" % (text.encode(), sum(text.encode()) & 255))
    stub.stdin.flush()


def ask(text):
    send(text)
    return receive()


def expect(what, got, ok):
    if not ok:
        sys.exit(f"{what}: {got}")


def rip():
    return int.from_bytes(bytes.fromhex(ask("p10")), "little")


expect("stop", r := ask("?"), r.startswith("T02"))
expect("threads", r := ask("qfThreadInfo"), r == "m1")
at = symbols["store_poll"]
before = ask(f"m{at:x},4")
expect("breakpoint", r := ask(f"Z0,{at:x},1"), r == "OK")
expect("hidden", r := ask(f"m{at:x},4"), r == before)
start = time.monotonic()
expect("hit", r := ask("c"), r.startswith("T05thread:1;swbreak"))
expect("rip", hex(rip()), rip() == at)
expect("remove", r := ask(f"z0,{at:x},1"), r == "OK")
expect("step", r := ask("s"), r.startswith("T05") and at < rip() < at + 16)
trip = time.monotonic()
for _ in range(20):
    ask("s")
print(f"a step takes {(time.monotonic() - trip) * 50:.1f} ms")
at = symbols["balloon_step"]
expect("hardware breakpoint", r := ask(f"Z1,{at:x},1"), r == "OK")
expect("hit", r := ask("c"), r.startswith("T05thread:1;hwbreak") and rip() == at)
expect("remove", r := ask(f"z1,{at:x},1"), r == "OK")
# In the middle of a step, with a breakpoint set, and gone.
expect("breakpoint", r := ask(f"Z0,{symbols['store_poll']:x},1"), r == "OK")
send("s")
stub.stdin.close()
sys.exit(stub.wait(timeout=20))
