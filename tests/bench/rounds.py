"""What all parts of the benchmark share: the job disk of a boot, what the boot
says, rows of it, and rounds in which each side's boot has its turn."""
import argparse
import collections
import json
import os
import re
import shutil
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "machine")]
import machine
from stats import number, quartiles

TESTS = os.path.join(machine.ROOT, "build", "tests")
JOB_FILES = os.path.join(TESTS, "machine", "job")

# One value of a row; better is "less" or "more". A boot that measures several
# sides says whose it is; exact is what comes out the same every time.
Figure = collections.namedtuple("Figure", "name unit better value side exact", defaults=(None, False))

# boot(side, n, limit) has the figures of one boot of a side in round n, which may
# take `limit` seconds, or raises Failed. `secs` is what the first one is thought to
# take, `rounds` the most that make sense; those from `enough` on are run when all
# else is done, if there is time.
Part = collections.namedtuple("Part", "name sides boot secs rounds enough", defaults=(180, 1000, 1000))


class Failed(Exception):
    """A boot without a good end; `found` is what it had measured by then."""

    def __init__(self, why, found=()):
        super().__init__(why)
        self.found = list(found)


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def log_of(*words):
    folder = os.path.join(machine.ROOT, "build", "logs")
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, "-".join(map(str, words)) + ".log")


def job_disk(script, env, folders):
    """The disk with `script` as its job, `env` set for it, and folders {name:
    source, or the files in it}. The caller removes it."""
    work = tempfile.mkdtemp(prefix="pv-bench-")
    try:
        shutil.copy(os.path.join(HERE, "..", "machine", "lib.sh"), work)
        for name, source in folders.items():
            if isinstance(source, str):
                shutil.copytree(source, os.path.join(work, name))
                continue
            os.mkdir(os.path.join(work, name))
            for file in source:
                shutil.copy(file, os.path.join(work, name))
        with open(os.path.join(HERE, script)) as f, open(os.path.join(work, "run.sh"), "w") as out:
            out.write("".join(f"export {k}='{v}'\n" for k, v in env.items()) + f.read())
        return machine.disk_of(work)
    finally:
        shutil.rmtree(work)


def gather(m, parse, limit, idle=None):
    """What `parse` makes of the lines until BENCH-OK, where it makes something;
    `idle` is called when the machine says BENCH-IDLE. Failed has what there was
    until then, if there is another end."""
    end, at, why = time.monotonic() + limit, -1, None
    while why is None:
        at, v = m.wait(r"BENCH-(OK|FAIL|IDLE)(.*)", max(1, end - time.monotonic()), after=at + 1)
        if at is None:
            why = f"the machine ended: {m.ended}" if m.ended else f"no end in {limit:.0f} s"
        elif v[1] == "IDLE" and idle:
            idle()
        elif v[1] != "IDLE":
            why = v[2].strip() or "it failed" if v[1] == "FAIL" else ""
    found = [f for f in (parse(line.strip()) for _, line in m.lines[:at]) if f]
    if why:
        raise Failed(f"{why}, see {os.path.relpath(m.log_path)}", found)
    return found


class Rows:
    """Rows {name, unit, better, samples: {side: [values]}}, in the order in which
    they were first seen."""

    def __init__(self):
        self.rows = {}

    def add(self, side, figure):
        row = self.rows.setdefault((figure.name, figure.unit), {
            "name": figure.name, "unit": figure.unit, "better": figure.better, "samples": {}})
        if figure.exact:
            row["exact"] = True
        row["samples"].setdefault(side, []).append(figure.value)

    def extend(self, rows):
        """With those of a file; samples of the same row are joined."""
        for row in rows:
            mine = self.rows.setdefault((row["name"], row["unit"]), {**row, "samples": {}})
            for side, values in row["samples"].items():
                mine["samples"].setdefault(side, []).extend(values)

    def list(self):
        return list(self.rows.values())

    def read(self, path):
        with open(path) as f:
            self.extend(json.load(f))

    def write(self, path):
        with open(path, "w") as f:
            json.dump(self.list(), f, indent=1)

    def show(self):
        for row in self.rows.values():
            text, medians = f"{row['name']:48} {row['unit']:6}", []
            for side, values in row["samples"].items():
                lo, mid, hi = quartiles(values)
                medians.append(mid)
                text += f"  {side} {number(mid)} [{number(lo)}, {number(hi)}] of {len(values)}"
            if len(medians) == 2 and min(medians) > 0:
                text += f"  {medians[0] / medians[1]:.2f}"
            print(text)


class Clock:
    """Whether there is time for one more boot, by what the like of it took."""

    def __init__(self, minutes):
        self.end = time.monotonic() + minutes * 60 if minutes else None
        self.took = {}

    def left(self):
        return self.end - time.monotonic() if self.end else 1e9

    def fits(self, part, side):
        return self.took.get((part.name, side), part.secs) < self.left()

    def ran(self, part, side, secs):
        key = part.name, side
        self.took[key] = max(self.took.get(key, 0), secs)


def run(parts, nr_rounds, rows, clock, left_out, keep=lambda: None):
    """All parts' first round, then the second, and so on, every other one in the
    opposite order; `keep` after each boot. What goes wrong costs what that boot
    had still to say and nothing else; `left_out` gets a text for it."""
    def miss(text):
        say(f"left out: {text}")
        left_out.append(text)

    turns = [(n, part) for n in range(nr_rounds) for part in parts if n < part.rounds]
    for more in (False, True):
        for n, part in turns:
            if (n >= part.enough) != more:
                continue
            for side in part.sides if n % 2 == 0 else part.sides[::-1]:
                what = f"{part.name}, round {n + 1}, {side}"
                if not clock.fits(part, side):
                    if not more:
                        miss(f"{what}: no time")
                    continue
                begin = time.monotonic()
                try:
                    found = part.boot(side, n, clock.left())
                except Failed as e:
                    miss(f"{what}: {e}")
                    found = e.found
                except Exception as e: # a fault of ours, or of the host; the rows so far stay
                    traceback.print_exc()
                    miss(f"{what}: {e!r}")
                    found = []
                for figure in found:
                    rows.add(figure.side or side, figure)
                secs = time.monotonic() - begin
                clock.ran(part, side, secs)
                say(f"{what}: {secs:.0f} s")
                keep()


def arguments(doc):
    """What every part takes that is run alone."""
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--hv", default=machine.default_hv())
    p.add_argument("--peer", default=os.path.join(machine.ROOT, "build", "peer", "xen.elf"),
                   help="the real Xen's ELF image (make peer)")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--json", help="add the rows to those of this file, so that rounds may be run one by one")
    return p


def images(a):
    return os.path.abspath(a.hv), os.path.abspath(a.peer)


def alone(part, a):
    """One part as a command; exits."""
    rows, left_out = Rows(), []
    if a.json and os.path.exists(a.json):
        rows.read(a.json)
    run([part], a.rounds, rows, Clock(None), left_out, lambda: a.json and rows.write(a.json))
    rows.show()
    sys.exit(bool(left_out))
