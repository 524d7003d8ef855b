#!/usr/bin/env python3
"""Path lengths: what a hypervisor executes for each operation of a PV guest.

Exact, whatever else the host does: QEMU counts instructions instead of time,
and a plugin adds them up between markers that the guest sets. Ours is held
against the checked-in table; `--update` writes it anew.

  pathlen.py                        ours against the table (make check)
  pathlen.py --peer xen.elf         both, and the ratio
  pathlen.py --profile syscall-bounce   which functions the instructions are in
"""
import argparse
import bisect
import collections
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "machine"))
import machine

TABLE = os.path.join(HERE, "expected.json")
BUILD = os.path.join(machine.ROOT, "build", "tests", "pathlen")
COUNTERS = ("instructions", "cr3", "cr4", "invlpg", "invpcid", "string-turns")
# Compilers differ: a path may be this much longer than the table says.
TOLERANCE, SLACK = 0.03, 8


class Broken(Exception):
    pass


def boot(hv, name, trace=None):
    """Run the guest as dom0 of `hv`: {number: name}, and the plugin's lines."""
    logs = os.path.join(machine.ROOT, "build", "logs")
    os.makedirs(logs, exist_ok=True)
    log = os.path.join(logs, f"pathlen-{name}.log")
    with tempfile.NamedTemporaryFile("r", prefix="pathlen-") as out:
        plugin = f"{os.path.join(BUILD, 'plugin.so')},out={out.name}"
        if trace is not None:
            plugin += f",trace={trace}"
        m = machine.Machine(
            log, smp=1, mem=512, kernel=hv, disk=None, modules=(os.path.join(BUILD, "guest.elf"),),
            append=f"{machine.HVARGS} dom0_mem=128M,max:128M maxcpus=1 dom0_max_vcpus=2",
            icount=True, extra=["-plugin", plugin, "-nic", "none"])
        try:
            end, _ = m.wait(r"PATH-END", 120 * machine.how_busy())
            if end is None:
                raise Broken(f"{name}: no end, see {log}: {m.tail(1)}")
            names = {}
            for _, line in m.lines[:end]:
                if p := re.search(r"PATH (\d+) (\S+)$", line.strip()):
                    names[int(p[1])] = p[2]
                elif "NOTE " in line:
                    print(f"{name}: {line.strip()}")
            return names, out.read().splitlines()
        finally:
            m.close()


def medians(names, lines):
    """{operation: {counter: median}} of a run's lines."""
    runs = collections.defaultdict(list)
    for line in lines:
        op, *counts = line.split()
        runs[int(op)].append([int(c) for c in counts])
    missing = [n for op, n in names.items() if op not in runs]
    if missing:
        raise Broken(f"not measured: {', '.join(missing)}")
    return {names[op]: dict(zip(COUNTERS, (int(statistics.median(c)) for c in zip(*r))))
            for op, r in sorted(runs.items())}


def measure(hv, name):
    return medians(*boot(os.path.abspath(hv), name))


def symbols(hv):
    """Sorted (address, name) of the image's functions, from the .dbg beside it."""
    dbg = re.sub(r"\.elf$", ".dbg", hv)
    text = subprocess.run(["nm", "-n", dbg], check=True, capture_output=True, text=True).stdout
    return [(int(a, 16), s) for a, kind, s in (w for w in map(str.split, text.splitlines()) if len(w) == 3)
            if kind in "tT"]


def profile(hv, wanted):
    names, _ = boot(hv, "ours")
    op = next((n for n, name in names.items() if name == wanted), None)
    if op is None:
        raise Broken(f"no operation {wanted}; there are: {', '.join(names.values())}")
    _, lines = boot(hv, "ours", trace=op)
    table = symbols(hv)
    starts = [a for a, _ in table]
    where = collections.Counter()
    for line in lines:
        if line.startswith("@ "):
            i = bisect.bisect_right(starts, int(line[2:], 16)) - 1
            where[table[i][1]] += 1
    for function, n in where.most_common():
        print(f"{n:6} {function}")


def complaint(got, want):
    """Why an operation is not as the table says, or None."""
    if want is None:
        return "not in the table"
    if got is None:
        return "not measured"
    for c, n in want.items():
        if got[c] > (n * (1 + TOLERANCE) + SLACK if c == "instructions" else n):
            return f"{got[c]} {c}, the table says {n}"
    return None


def compare(ours, expected):
    """Print what is not as in the table, and the count; True if nothing is."""
    operations = sorted(set(ours) | set(expected))
    wrong = {op: why for op in operations if (why := complaint(ours.get(op), expected.get(op)))}
    for op, why in wrong.items():
        print(f"fail  pathlen/{op}: {why}")
    if wrong:
        print("if that is meant: tests/bench/pathlen/pathlen.py --update")
    print(f"{len(operations) - len(wrong)} passed, {len(wrong)} failed")
    return not wrong


def show(ours, peer):
    print(f"{'instructions (+flushes: cr3, cr4, invlpg, invpcid)':50} {'ours':>16} {'peer':>16} ratio")

    def cell(row):
        flushes = "+".join(str(row[c]) for c in COUNTERS[1:5])
        return f"{row['instructions']} ({flushes})"
    for op, row in ours.items():
        text = f"{op:50} {cell(row):>16}"
        if peer and op in peer:
            ratio = row["instructions"] / max(1, peer[op]["instructions"])
            text += f" {cell(peer[op]):>16} {ratio:5.2f}"
        print(text)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--hv", default=machine.default_hv())
    p.add_argument("--peer", help="the real Xen's ELF image, measured and shown too")
    p.add_argument("--update", action="store_true", help="write the table anew")
    p.add_argument("--profile", metavar="OPERATION")
    a = p.parse_args()
    if a.profile:
        return profile(os.path.abspath(a.hv), a.profile)
    ours = measure(a.hv, "ours")
    peer = measure(a.peer, "peer") if a.peer else None
    if peer or a.update:
        show(ours, peer)
    if a.update:
        with open(TABLE) as f:
            before = json.load(f) if os.path.getsize(TABLE) else {}
        table = {"ours": ours, "peer": peer or before.get("peer")}
        with open(TABLE, "w") as f:
            json.dump(table, f, indent=1)
            f.write("\n")
        return
    with open(TABLE) as f:
        if not compare(ours, json.load(f)["ours"]):
            sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except Broken as e:
        sys.exit(f"pathlen: {e}")
