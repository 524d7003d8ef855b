#!/usr/bin/env python3
"""A guest's life by pvn on Paravane and by xl on the real Xen: how long it takes
to create, reboot and destroy one with a disk and a card, with the kernel never seen
before and seen before, as the first guest and as the twentieth, and what it
costs dom0 in memory. Rounds interleaved, same dom0, same guest."""
import os
import re

import rounds
import machine
from rounds import Figure

# What one boot prints: name -> (unit, factor to it).
FIGURES = {
    "create-cold": ("ms", 1e-3),
    "create-1st-warm": ("ms", 1e-3),
    "create-20th-warm": ("ms", 1e-3),
    "reboot": ("ms", 1e-3),
    "destroy": ("ms", 1e-3),
    "create-hypercalls": ("calls", 1),
    "create-store-requests": ("requests", 1),
    "memory-daemons-KiB": ("KiB", 1),
    "memory-dom0-KiB": ("KiB", 1),
}
COUNTED = ("create-hypercalls", "create-store-requests") # the same each time


def figure(line):
    b = re.match(r"BENCH (\S+) (-?\d+)$", line)
    if not b or b[1] not in FIGURES:
        return None
    unit, factor = FIGURES[b[1]]
    return Figure(f"lifecycle-{b[1]}", unit, "less", int(b[2]) * factor, exact=b[1] in COUNTED)


def one_boot(hv, tool, n, limit):
    """The figures of one boot; what is counted is so in the first alone."""
    slow = machine.how_busy()
    job = rounds.job_disk("lifecycle-dom0.sh", {"SLOW": slow, "TOOL": tool, "COUNT": "" if n else 1},
                          {"files": rounds.JOB_FILES})
    m = machine.quick_boot(rounds.log_of("lifecycle", tool, n), hv, job=job, dom0_mem=1024, smp=2, mem=4096,
                           extra=["-nic", "none"])
    try:
        return rounds.gather(m, figure, min(limit, 400 * slow))
    finally:
        m.close()
        os.unlink(job)


def part(hv, peer):
    how = {"ours": (hv, "pvn"), "peer": (peer, "xl")}
    return rounds.Part("lifecycle", list(how), lambda side, n, limit: one_boot(*how[side], n, limit), 150)


if __name__ == "__main__":
    p = rounds.arguments(__doc__)
    a = p.parse_args()
    rounds.alone(part(*rounds.images(a)), a)
