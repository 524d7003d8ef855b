#!/usr/bin/env python3
"""A guest's life by pvn on Paravane and by xl on the real Xen: how long it takes
to create and to destroy one with a disk and a card, with the kernel never seen
before and seen before, as the first guest and as the twentieth, and what it
costs dom0 in memory. Rounds interleaved, same dom0, same guest.

rows() is for the common report; alone, this prints medians and quartiles."""
import argparse
import copy
import json
import os
import re
import shutil
import statistics
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "machine"))
import machine

# What one boot prints: name -> (unit, factor to it).
FIGURES = {
    "create-cold": ("ms", 1e-3),
    "create-1st-warm": ("ms", 1e-3),
    "create-20th-warm": ("ms", 1e-3),
    "destroy": ("ms", 1e-3),
    "create-hypercalls": ("calls", 1),
    "create-store-requests": ("requests", 1),
    "memory-daemons-KiB": ("KiB", 1),
    "memory-dom0-KiB": ("KiB", 1),
}


def job_disk(tool, slow):
    work = tempfile.mkdtemp(prefix="pv-life-")
    try:
        shutil.copy(os.path.join(HERE, "..", "machine", "lib.sh"), work)
        shutil.copytree(os.path.join(machine.ROOT, "build", "tests", "machine", "job"), os.path.join(work, "files"))
        with open(os.path.join(HERE, "lifecycle-dom0.sh")) as f, open(os.path.join(work, "run.sh"), "w") as out:
            out.write(f"export SLOW={slow} TOOL={tool}\n" + f.read())
        return machine.disk_of(work)
    finally:
        shutil.rmtree(work)


def one_boot(hv, tool, log):
    """{figure: [values]} of one boot."""
    slow = machine.how_busy()
    job = job_disk(tool, slow)
    m = machine.quick_boot(log, hv, job=job, dom0_mem=1024, smp=2, mem=4096, extra=["-nic", "none"])
    try:
        end, v = m.wait(r"BENCH-(OK|FAIL)(.*)", 600 * slow)
        if end is None or v[1] != "OK":
            raise SystemExit(f"the life cycle did not get to its end{v[2] if v else ''}, see {log}")
        found = {}
        for _, line in m.lines[:end]:
            if b := re.match(r"BENCH (\S+) (-?\d+)$", line.strip()):
                found.setdefault(b[1], []).append(int(b[2]))
        return found
    finally:
        m.close()
        os.unlink(job)


def empty_table(sides):
    return {name: {"name": f"lifecycle-{name}", "unit": unit, "better": "less", "samples": {s: [] for s in sides}}
            for name, (unit, _) in FIGURES.items()}


def rows(hv, peer, rounds, say=lambda text: None, keep=lambda table: None):
    """[{name, unit, better, samples: {side: [values]}}] of interleaved rounds;
    `keep` gets what there is so far after each boot. Without one, hv or peer, the
    other alone."""
    logs = os.path.join(machine.ROOT, "build", "logs")
    os.makedirs(logs, exist_ok=True)
    sides = ([("ours", hv, "pvn")] if hv else []) + ([("peer", peer, "xl")] if peer else [])
    table = empty_table([side for side, _, _ in sides])
    for n in range(rounds):
        for side, image, tool in sides if n % 2 == 0 else sides[::-1]:
            say(f"round {n + 1} of {rounds}: {tool}")
            for name, values in one_boot(image, tool, os.path.join(logs, f"lifecycle-{side}-{n}.log")).items():
                if name in table:
                    table[name]["samples"][side] += [v * FIGURES[name][1] for v in values]
            keep(list(table.values()))
    return list(table.values())


def joined(old, new):
    """Two tables' samples in one."""
    for row, more in zip(old, new):
        for side, values in more["samples"].items():
            row["samples"][side] = row["samples"].get(side, []) + values
    return old


def show(row):
    text = f"{row['name']:30} {row['unit']:4}"
    medians = []
    for side, values in sorted(row["samples"].items()):
        if not values:
            continue
        lo, mid, hi = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
        medians.append(mid)
        text += f"   {side} {mid:8.0f} [{lo:.0f}, {hi:.0f}] of {len(values)}"
    print(text + (f"   1/{medians[1] / medians[0]:.1f}" if len(medians) == 2 and medians[0] > 0 else ""))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--hv", default=machine.default_hv(), help="Paravane's image; '' for the peer alone")
    p.add_argument("--peer", help="the real Xen's ELF image (make peer)")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--json", help="add the rows to those of this file, so that rounds may be run one by one")
    a = p.parse_args()
    before = []
    if a.json and os.path.exists(a.json):
        with open(a.json) as f:
            before = json.load(f)

    def keep(table):
        if a.json:
            with open(a.json, "w") as f:
                json.dump(joined(copy.deepcopy(before), table) if before else table, f, indent=1)

    table = rows(a.hv and os.path.abspath(a.hv), a.peer and os.path.abspath(a.peer), a.rounds,
                 lambda t: print(t, flush=True), keep)
    for row in joined(before, table) if before else table:
        show(row)


if __name__ == "__main__":
    main()
