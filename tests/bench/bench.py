#!/usr/bin/env python3
"""Paravane, the real Xen and the bare machine, side by side: the same kernel
file on the same emulated machine, rounds interleaved. Writes report.html, .md
and .json to build/bench. README.md says what the figures mean.

Times are of an emulated machine: what counts is the ratio, and only where the
quartiles do not overlap."""
import argparse
import json
import os
import platform
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "pathlen"), os.path.join(os.path.dirname(HERE), "machine")]
import machine
import pathlen
import report
import sides
import store

FULL = dict(rounds=5, settings="MS=120 GUESTS='1 2' TSC_MODES='native default'", idle_guests=16)
PARTS = ("paths", "sides", "trips", "lifecycle", "block", "network", "store")
QUICK_PARTS = ("paths", "sides")
# Of the store's daemons, who stands for which side.
STORE_SIDES = {"ours": "ours", "xenstored": "peer", "oxenstored": "oxenstored"}
QUICK = dict(rounds=2, settings="MS=40 GUESTS='1 2' TSC_MODES=native", idle_guests=0)
IDLE_ROUNDS = 3 # sixteen guests take a while to make


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


class Rows:
    """Rows by name, in the order in which they were first seen."""

    def __init__(self):
        self.rows = {}

    def add(self, name, unit, side, value, better="less", exact=False):
        row = self.rows.setdefault((name, unit), {"name": name, "unit": unit, "better": better, "samples": {}})
        if exact:
            row["exact"] = True
        row["samples"].setdefault(side, []).append(value)

    def extend(self, rows):
        for row in rows:
            self.rows[row["name"], row["unit"]] = row


def measure_sides(rows, which, rounds, settings, idle_guests, save):
    """Interleaved: every other round in the opposite order. `save` after each
    boot, so that an interrupted run leaves a report of what it has. A boot that
    fails leaves its side a sample short: false."""
    good = True
    slow = machine.how_busy()
    logs = os.path.join(machine.ROOT, "build", "logs")
    os.makedirs(logs, exist_ok=True)
    for n in range(rounds):
        idle = idle_guests if n < IDLE_ROUNDS else 0
        for side, hv in which if n % 2 == 0 else which[::-1]:
            say(f"round {n + 1} of {rounds}: {side}")
            log = os.path.join(logs, f"bench-{side}-{n}.log")
            try:
                for name, (value, unit) in sides.one_boot(side, hv, log, f"{settings} IDLE_GUESTS={idle}", slow).items():
                    rows.add(name, unit, side, value)
            except sides.Failed as e:
                say(f"left out: {e}")
                good = False
            save()
    return good


def measure_paths(rows, which):
    for side, hv in which:
        if hv is None:
            continue
        say(f"path lengths: {side}")
        for op, counts in pathlen.measure(hv, side).items():
            rows.add(f"path/{op}", "instructions", side, counts["instructions"], exact=True)
            flushes = sum(counts[c] for c in ("cr3", "cr4", "invlpg", "invpcid"))
            if flushes:
                rows.add(f"path/{op}", "TLB flushes", side, flushes, exact=True)


def measure_trips(rows, hv, settings):
    """One boot with the counter on; it is not to disturb the timed ones."""
    say("round trips")
    log = os.path.join(machine.ROOT, "build", "logs", "bench-trips.log")
    settings += " GUESTS= IDLE_GUESTS=0 ROUND_TRIPS=1"
    got = sides.one_boot("ours", hv, log, settings, machine.how_busy(), hvargs="count_round_trips")
    for name, (value, unit) in got.items():
        if name.startswith("trips/"):
            rows.add(name, unit, "ours", value)


def measure_part(rows, name, hv, peer, rounds, folder):
    """Scripts of their own, which write rows: the life cycle, disks, network."""
    say(name)
    path = os.path.join(folder, name + ".json")
    if os.path.exists(path):
        os.unlink(path)
    done = subprocess.run([sys.executable, os.path.join(HERE, name + ".py"), "--hv", hv, "--peer", peer,
                           "--rounds", str(rounds), "--json", path])
    if done.returncode:
        say(f"{name} did not get to its end")
    if os.path.exists(path):
        with open(path) as f:
            rows.extend(json.load(f))


def measure_store(rows, peer, rounds):
    """The stores run side by side in one dom0, on the real Xen."""
    say("stores")
    settings = store.settings(["--hv", peer])
    for n in range(rounds):
        for who, figure, clients, value, unit in store.one_round(n, settings, machine.how_busy()):
            side = STORE_SIDES.get(who)
            if side:
                rows.add(f"store/{figure}, {clients} clients", unit, side, value,
                         "less" if unit in store.COSTS else "more")


def git(*args):
    return subprocess.run(["git", "-C", machine.ROOT, *args], capture_output=True, text=True).stdout.strip()


def about(a, rounds, settings):
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    qemu = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True).stdout.split("\n")[0]
    dirty = " with changes" if git("status", "--porcelain", "-uno") else ""
    return {
        "Commit": git("log", "-1", "--format=%h %cs %s") + dirty,
        "Repeat": f"make bench{' QUICK=1' if a.quick else ''} ROUNDS={rounds}",
        "Rounds": f"{rounds}, interleaved; a cell is the median [quartiles] of one value a round",
        "Counts as": "better or worse only where the quartile ranges do not overlap; same otherwise",
        "Machine": f"{sides.CPUS} CPUs, cpu=max,-smap, disk cache=unsafe; dom0 {sides.DOM0_MIB} MiB of "
                   f"{sides.HOST_MIB}, bare {sides.DOM0_MIB}",
        "Settings": settings,
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
    p.add_argument("--quick", action="store_true", help="under five minutes")
    p.add_argument("--only", help=f"comma-separated parts of {', '.join(PARTS)}")
    p.add_argument("--add", action="append", default=[], metavar="FILE", help="more rows, a JSON list")
    p.add_argument("--out", default=os.path.join(machine.ROOT, "build", "bench"))
    a = p.parse_args()
    preset = QUICK if a.quick else FULL
    rounds, hv, peer = a.rounds or preset["rounds"], os.path.abspath(a.hv), os.path.abspath(a.peer)
    which = [("bare", None), ("ours", hv)]
    if os.path.exists(peer):
        which.insert(1, ("peer", peer))
    else:
        say(f"no {peer}: only our own figures")
    parts = a.only.split(",") if a.only else QUICK_PARTS if a.quick else PARTS
    rows, begin, complete = Rows(), time.monotonic(), True

    def save():
        took = f"{(time.monotonic() - begin) / 60:.0f} minutes"
        result = {"title": "Paravane and its peer",
                  "about": {**about(a, rounds, preset["settings"]), "Took": took}, "rows": list(rows.rows.values())}
        report.write(result, a.out)
        return result

    try:
        if "paths" in parts:
            measure_paths(rows, which)
        if "sides" in parts:
            complete = measure_sides(rows, which, rounds, preset["settings"], preset["idle_guests"], save)
        if "trips" in parts:
            measure_trips(rows, hv, preset["settings"])
        for part in ("lifecycle", "block", "network"):
            if part in parts and os.path.exists(peer):
                measure_part(rows, part, hv, peer, min(rounds, 3), a.out)
        if "store" in parts and os.path.exists(peer):
            measure_store(rows, peer, min(rounds, 3))
    except (sides.Failed, pathlen.Broken) as e:
        say(f"stopped: {e}")
        complete = False
    for path in a.add:
        with open(path) as f:
            rows.extend(json.load(f))
    print(report.markdown(save()))
    say(f"{os.path.relpath(a.out)}/report.html, .md, .json")
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
