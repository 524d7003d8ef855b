#!/usr/bin/env python3
"""The hypervisor and the real Xen side by side: same kernel, same machine model,
rounds interleaved; medians with quartiles. Without --peer only our own figures.

Times are of an emulated machine: what counts is the ratio, and only where the
quartiles do not overlap."""
import argparse
import os
import re
import shutil
import statistics
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "machine"))
import machine


def job_disk(modes, slow):
    work = tempfile.mkdtemp(prefix="pv-bench-")
    try:
        shutil.copy(os.path.join(HERE, "..", "machine", "lib.sh"), work)
        shutil.copytree(os.path.join(machine.ROOT, "build", "tests", "machine", "job"), os.path.join(work, "files"))
        with open(os.path.join(HERE, "dom0.sh")) as f, open(os.path.join(work, "run.sh"), "w") as out:
            out.write(f"export SLOW={slow} TSC_MODES='{modes}'\n" + f.read())
        return machine.disk_of(work)
    finally:
        shutil.rmtree(work)


def one_round(hv, log, modes, slow):
    """{figure: value} of one boot."""
    job = job_disk(modes, slow)
    m = machine.quick_boot(log, hv, job=job, dom0_mem=1024, smp=2, mem=4096, extra=["-nic", "none"])
    figures = {}
    try:
        # Ours and the peer's first line alike: the hypervisor has begun.
        begin, _ = m.wait(r"^\((XEN|PV)\)|Paravane", 60 * slow)
        init, _ = m.wait(r"DOM0-INIT", 200 * slow)
        if init is None:
            raise SystemExit(f"dom0 did not come up, see {log}")
        figures["entry-to-dom0-init-s"] = m.lines[init][0] - m.lines[begin][0]
        end, v = m.wait(r"BENCH-(OK|FAIL)(.*)", 400 * slow, after=init)
        if end is None or v[1] != "OK":
            raise SystemExit(f"no end of the benchmark, see {log}")
        for _, line in m.lines[init:end]:
            if b := re.match(r"BENCH (\S+) (\d+)$", line.strip()):
                figures[b[1]] = float(b[2])
        return figures
    finally:
        m.close()
        os.unlink(job)


def quartiles(values):
    if len(values) < 2:
        return values[0], values[0], values[0]
    q = statistics.quantiles(values, n=4, method="inclusive")
    return q[0], q[1], q[2]


def show(name, ours, peers):
    lo, mid, hi = quartiles(ours)
    text = f"{name:42} {mid:14.1f} [{lo:.1f}, {hi:.1f}]"
    if peers:
        plo, pmid, phi = quartiles(peers)
        verdict = "same" if not (hi < plo or lo > phi) else ("less" if mid < pmid else "MORE")
        text += f"   peer {pmid:14.1f} [{plo:.1f}, {phi:.1f}]   ratio {mid / pmid if pmid else 0:5.2f} {verdict}"
    print(text)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--hv", default=machine.default_hv())
    p.add_argument("--peer", help="the real Xen's ELF image (zcat of xen-hypervisor-4.17-amd64's xen-4.17-amd64.gz)")
    p.add_argument("--rounds", type=int, default=5)
    a = p.parse_args()
    slow = machine.how_busy()
    logs = os.path.join(machine.ROOT, "build", "logs")
    os.makedirs(logs, exist_ok=True)
    # Ours reads the TSC natively whatever the mode; the peer emulates it by default.
    sides = [("ours", os.path.abspath(a.hv))] + ([("peer", os.path.abspath(a.peer))] if a.peer else [])
    got = {side: {} for side, _ in sides}
    for n in range(a.rounds):
        for side, hv in sides if n % 2 == 0 else sides[::-1]:
            print(f"round {n + 1} of {a.rounds}: {side}", flush=True)
            for k, v in one_round(hv, os.path.join(logs, f"bench-{side}-{n}.log"), "default native", slow).items():
                got[side].setdefault(k, []).append(v)
    print(f"\nmedians [quartiles] of {a.rounds} interleaved rounds; ns unless the name says else")
    for name in got["ours"]:
        show(name, got["ours"][name], got.get("peer", {}).get(name))


if __name__ == "__main__":
    main()
