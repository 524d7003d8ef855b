#!/usr/bin/env python3
"""Paravane, the real Xen and the bare machine, side by side: the same kernel
file on the same emulated machine, rounds interleaved. Writes report.html, .md
and .json to build/bench. README.md says what the figures mean.

Times are of an emulated machine: what counts is the ratio, and only where the
quartiles do not overlap."""
import argparse
import os
import platform
import subprocess
import sys
import time

import rounds
import machine
import block
import lifecycle
import network
import report
import sides
import store
from rounds import Figure, Part, Rows, say

sys.path.insert(0, os.path.join(rounds.HERE, "pathlen"))
import pathlen

FULL = dict(rounds=5, minutes=55, dom0={"MS": 60, "GUESTS": "1-native 2-native 1-default"}, idle_guests=16,
            parts=("paths", "counted", "sides", "trips", "lifecycle", "block", "network", "store"))
QUICK = dict(rounds=2, minutes=4.5, dom0={"MS": 40, "GUESTS": "2-native"}, idle_guests=0, parts=("paths", "sides"))
IDLE_ROUNDS = 3 # sixteen guests take a minute to make


def path_lengths(hv, side):
    """Exact: once is enough."""
    got = []
    for op, counts in pathlen.measure(hv, side).items():
        got.append(Figure(f"path/{op}", "instructions", "less", counts["instructions"], exact=True))
        if flushes := sum(counts[c] for c in ("cr3", "cr4", "invlpg", "invpcid")):
            got.append(Figure(f"path/{op}", "TLB flushes", "less", flushes, exact=True))
    return got


def round_trips(hv, env, limit):
    """A boot with the counter on; it is not to disturb the timed ones."""
    env = {**env, "GUESTS": "", "IDLE_GUESTS": 0, "ROUND_TRIPS": 1}
    got = sides.one_boot("ours", hv, rounds.log_of("bench-trips"), env, limit, hvargs="count_round_trips")
    return [f for f in got if f.name.startswith("trips/")]


def instructions(side, hv, limit):
    """The micro benchmarks on one CPU where an instruction is a nanosecond: no
    flush and no wait shows, and nothing of what else the host does."""
    env = {"MS": 20, "GUESTS": "1-native", "IDLE_GUESTS": 0, "ROUND_TRIPS": "", "MICRO_ONLY": 1}
    return sides.counted(sides.one_boot(side, hv, rounds.log_of("bench-counted", side), env, limit, icount=True))


def parts_of(preset, hv, peer):
    """{name: Part}; without a peer (None) only what can do without."""
    images = {"bare": None, "peer": peer, "ours": hv} if peer else {"bare": None, "ours": hv}
    under = [s for s, image in images.items() if image]

    def one_side(side, n, limit):
        env = {**preset["dom0"], "IDLE_GUESTS": preset["idle_guests"] if n < IDLE_ROUNDS else 0, "ROUND_TRIPS": ""}
        return sides.one_boot(side, images[side], rounds.log_of("bench", side, n), env, limit)
    parts = [Part("paths", under, lambda side, n, limit: path_lengths(images[side], side), 60, 1),
             Part("counted", list(images), lambda side, n, limit: instructions(side, images[side], limit), 90, 1),
             Part("sides", list(images), one_side, 100),
             Part("trips", ["ours"], lambda side, n, limit: round_trips(hv, preset["dom0"], limit), 60, 1)]
    if peer:
        parts += [lifecycle.part(hv, peer)._replace(enough=3), block.part(hv, peer, secs=1), network.part(hv, peer, secs=1),
                  store.part(peer)._replace(enough=3)]
    return {part.name: part for part in parts}


def git(*args):
    return subprocess.run(["git", "-C", machine.ROOT, *args], capture_output=True, text=True).stdout.strip()


def about(a, preset, nr_rounds):
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    qemu = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True).stdout.split("\n")[0]
    dirty = " with changes" if git("status", "--porcelain", "-uno") else ""
    return {
        "Commit": git("log", "-1", "--format=%h %cs %s") + dirty,
        "Repeat": f"make bench{' QUICK=1' if a.quick else ''} ROUNDS={nr_rounds}",
        "Rounds": f"{nr_rounds}, interleaved, of each part (idle guests {IDLE_ROUNDS}, life cycle and store at least "
                  "3); a cell is the median [quartiles] of one value a round",
        "Counts as": "better or worse only where the quartile ranges do not overlap; same otherwise",
        "Machine": f"{sides.CPUS} CPUs, cpu={machine.CPU}, disk cache=unsafe; dom0 {sides.DOM0_MIB} MiB of "
                   f"{sides.HOST_MIB}, bare {sides.DOM0_MIB}",
        "Settings": " ".join(f"{k}='{v}'" for k, v in preset["dom0"].items()),
        "Host": f"{os.cpu_count()} x {cpu}, load {os.getloadavg()[0]:.1f} at the end, {platform.release()}",
        "Emulator": qemu,
        "When": time.strftime("%Y-%m-%d %H:%M"),
    }


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--hv", default=machine.default_hv())
    p.add_argument("--peer", default=os.path.join(machine.ROOT, "build", "peer", "xen.elf"),
                   help="the real Xen's ELF image (make peer)")
    p.add_argument("--rounds", type=int)
    p.add_argument("--minutes", type=float, help="begin no boot that would not end by then (55; 0: no limit)")
    p.add_argument("--quick", action="store_true", help="under five minutes")
    p.add_argument("--only", help=f"comma-separated parts of {', '.join(FULL['parts'])}")
    p.add_argument("--add", action="append", default=[], metavar="FILE", help="more rows, a JSON list")
    p.add_argument("--out", default=os.path.join(machine.ROOT, "build", "bench"))
    a = p.parse_args()
    preset = QUICK if a.quick else FULL
    nr_rounds, hv, peer = a.rounds or preset["rounds"], os.path.abspath(a.hv), os.path.abspath(a.peer)
    if not os.path.exists(peer):
        say(f"no {peer}: only our own figures")
        peer = None
    known = parts_of(preset, hv, peer)
    wanted = a.only.split(",") if a.only else preset["parts"]
    if strangers := set(wanted) - set(FULL["parts"]):
        p.error(f"no such part: {', '.join(strangers)}")
    rows, left_out, begin = Rows(), [], time.monotonic()
    clock = rounds.Clock(preset["minutes"] if a.minutes is None else a.minutes)

    def save():
        result = {"title": "Paravane and its peer", "about": {
            **about(a, preset, nr_rounds), "Took": f"{(time.monotonic() - begin) / 60:.0f} minutes",
            "Left out": "; ".join(left_out) or "nothing"}, "rows": rows.list()}
        report.write(result, a.out)
        return result

    rounds.run([known[name] for name in wanted if name in known], nr_rounds, rows, clock, left_out, save)
    for path in a.add:
        rows.read(path)
    print(report.markdown(save()))
    say(f"{os.path.relpath(a.out)}/report.html, .md, .json")
    return 1 if left_out else 0


if __name__ == "__main__":
    sys.exit(main())
