#!/usr/bin/env python3
"""What each patch of guest-patches/linux-6.1 does for a guest, on Paravane and on
the real Xen: kernels with the first N patches of the series (make guest-kernels)
run the same operations, and each patch's lines "Benefit: operation what" are
held against kernels N-1 and N. Hypercalls and traps are counted in traces, times
taken without; medians of interleaved rounds. Ends with 1 if a benefit is not
there on either side."""
import argparse
import glob
import json
import os
import re
import sys

import rounds
import machine
import stats

SERIES = sorted(glob.glob(os.path.join(machine.ROOT, "guest-patches", "linux-6.1", "*.patch")))
EXACT = ("hypercalls", "traps", "held-KiB")
HOG = ("idle", "full", "idle-again", "hog")     # what the guest with xen.balloon_report=1 does
LEAST_GAIN = 0.9        # of what it was, for counts; times must lie apart by their quartiles


def value(line):
    b = re.match(r"BENCH (\d+) (\S+) (\S+) (-?\d+)$", line)
    return ((int(b[1]), b[2], b[3]), int(b[4])) if b else None


def one_boot(hv, log, kernels, numbers, env):
    """{(kernel, operation, what): [values]} of one boot."""
    slow = machine.how_busy()
    job = rounds.job_disk("patches-dom0.sh", {"SLOW": slow, **env}, {
        "files": rounds.JOB_FILES, "kernels": [os.path.join(kernels, f"vmlinux-{n}") for n in numbers]})
    m = machine.quick_boot(log, hv, job=job, dom0_mem=1024, smp=2, mem=4096, extra=["-nic", "none"])
    found = {}
    try:
        for key, v in rounds.gather(m, value, 1200 * slow):
            found.setdefault(key, []).append(v)
        return found
    except rounds.Failed as e:
        raise SystemExit(f"the measurement did not get to its end: {e}") from None
    finally:
        m.close()
        os.unlink(job)


def benefits():
    """[(number, name, [(operation, what)])] of the series."""
    found = []
    for n, path in enumerate(SERIES, 1):
        with open(path) as f:
            claims = re.findall(r"^Benefit: (\S+) (\S+)$", f.read(), re.M)
        found.append((n, os.path.basename(path), claims))
    return found


def operations(numbers, everything):
    """["number:operation,..."]: what the claims of each kernel's patch and of the
    next need, the boot first; all there is for `everything`."""
    found = []
    for n in numbers:
        ops = {op.removesuffix("-out").removesuffix("-in") for k, _, claims in benefits() if everything or k in (n, n + 1)
               for op, _ in claims} - set(HOG)
        if ops:
            found.append(f"{n}:" + "".join(sorted(("boot," for op in ops if op == "boot"))) +
                         ",".join(sorted(ops - {"boot"})))
    return found


def hog_numbers():
    """Kernels with and without what claims something about an idle guest."""
    return sorted({k for n, _, claims in benefits() if any(op in HOG for op, _ in claims) for k in (n - 1, n)})


def gained(what, before, after):
    if what in EXACT:
        return stats.quartiles(after)[1] < LEAST_GAIN * stats.quartiles(before)[1]
    return stats.differ(before, after) and stats.quartiles(after)[1] < stats.quartiles(before)[1]


def show_table(side, samples, numbers):
    print(f"\n{side:26}" + "".join(f"{n:>14}" for n in numbers))
    for operation, what in dict.fromkeys(k[1:] for k in samples):
        cells = [samples.get((n, operation, what)) for n in numbers]
        print(f"{operation + ' ' + what:26}" +
              "".join(f"{stats.number(stats.quartiles(c)[1]) if c else '-':>14}" for c in cells))


def judge(table):
    """Prints what each patch does; True if every benefit is there."""
    good = True
    for n, name, claims in benefits():
        print(f"\n{name}")
        for operation, what in claims:
            for side, samples in table.items():
                before, after = (samples.get((k, operation, what)) for k in (n - 1, n))
                if not before or not after:
                    print(f"  {operation} {what}, {side}: not measured")
                    good = False
                    continue
                ok = gained(what, before, after)
                good &= ok
                b, a = (stats.number(stats.quartiles(v)[1]) for v in (before, after))
                print(f"  {operation} {what}, {side}: {b} -> {a}{'' if ok else '   NO BENEFIT'}")
    return good


def joined(old, new):
    for key, values in new.items():
        old.setdefault(key, []).extend(values)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--hv", default=machine.default_hv(), help="Paravane's image; '' for the peer alone")
    p.add_argument("--peer", help="the real Xen's ELF image (make peer)")
    p.add_argument("--kernels", default=os.path.join(machine.ROOT, "build", "guest-kernel"))
    p.add_argument("--numbers", help="of patches applied, as 0,1,2; all kernels without")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--counted", type=int, default=3, help="times of each operation with a trace, a round")
    p.add_argument("--timed", type=int, default=9, help="times without")
    p.add_argument("--hog", help="kernels for the idle guest, as --numbers; those whose patches need it without")
    p.add_argument("--all", action="store_true", help="every operation with every kernel")
    p.add_argument("--json", help="write all samples there; what is there already counts too")
    a = p.parse_args()
    numbers = [int(n) for n in a.numbers.split(",")] if a.numbers else list(range(len(SERIES) + 1))
    hog = [int(n) for n in a.hog.split(",") if n] if a.hog is not None else hog_numbers()
    env = {"KERNELS": " ".join(operations(numbers, a.all)), "COUNTED": a.counted, "TIMED": a.timed,
           "HOG": " ".join(map(str, hog))}
    sides = ([("ours", a.hv)] if a.hv else []) + ([("peer", a.peer)] if a.peer else [])
    table = {side: {} for side, _ in sides}
    if a.json and os.path.exists(a.json):
        with open(a.json) as f:
            for side, samples in json.load(f).items():
                joined(table.setdefault(side, {}), {tuple(k): v for k, v in samples})
    for n in range(a.rounds):
        for side, image in sides if n % 2 == 0 else sides[::-1]:
            print(f"round {n + 1} of {a.rounds}: {side}", flush=True)
            joined(table[side], one_boot(os.path.abspath(image), rounds.log_of("patches", side, n, os.getpid()),
                                         a.kernels, sorted(set(numbers + hog)), env))
            if a.json:
                with open(a.json, "w") as f:
                    json.dump({s: [[list(k), v] for k, v in t.items()] for s, t in table.items()}, f)
    for side, samples in table.items():
        show_table(side, samples, sorted({k[0] for k in samples}))
    sys.exit(0 if judge(table) else 1)


if __name__ == "__main__":
    main()
