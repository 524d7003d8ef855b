#!/usr/bin/env python3
"""Run machine tests under QEMU; see README.md in tests/.

usage: run.py [options] [PATTERN...]     a test runs if a PATTERN is in its name
"""
import argparse
import collections
import concurrent.futures
import importlib.util
import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import boots
import machine
from verdict import Fail, Skip

HERE = os.path.dirname(os.path.abspath(__file__))
LOGS = os.path.join(machine.ROOT, "build", "logs")
BUILT = os.path.join(machine.ROOT, "build", "tests", "machine")
PATIENCE = 3             # a host may become busy; time not used costs nothing
FAILURE_LINES = 15       # of its log, said with a failure at the end
BOOT_SECS = 150          # hypervisor's entry to dom0's job, on a loaded host


class Case:
    """One test: `name` is a folder under tests/machine (and @boot), `run` does it."""

    def __init__(self, name, secs=60, only=None, soak=False, func=None, env=None):
        self.name, self.secs, self.only, self.soak, self.func = name, secs, only, soak, func


class Group:
    """What one worker does at a stretch: cases of one boot, or one Python case."""

    def __init__(self, name, cases, boot=None):
        self.name, self.cases, self.boot = name, cases, boot
        self.log = os.path.join(LOGS, name.replace("/", "-") + ".log")


def last_lines(log):
    if not log or not os.path.exists(log):
        return []
    with open(log, errors="replace") as f:
        return [line.rstrip() for line in collections.deque(f, FAILURE_LINES)]


class Report:
    def __init__(self, record=None):
        self.lock = threading.Lock()
        self.counts = dict(passed=0, failed=0, skipped=0)
        self.failures = []
        self.start = time.monotonic()
        self.record = record

    def say(self, text):
        with self.lock:
            print(f"[{time.monotonic() - self.start:4.0f} s] {text}", flush=True)

    def verdict(self, name, verdict, secs=None, reason="", log=None, cpu=None):
        """`cpu`: the processor time that it took, in seconds."""
        took = [f"{secs:.0f} s"] if secs is not None else []
        took += [f"CPU {cpu:.0f} s"] if cpu is not None else []
        took = f" ({', '.join(took)})" if took else ""
        with self.lock:
            key = {"pass": "passed", "skip": "skipped"}.get(verdict, "failed")
            self.counts[key] += 1
            line = f"{verdict:5} {name}{took}" + (f": {reason}" if reason else "")
            if key == "failed":
                line += f" [{os.path.relpath(log, machine.ROOT)}]" if log else ""
                self.failures.append((line, last_lines(log)))
            print(f"[{time.monotonic() - self.start:4.0f} s] {line}", flush=True)
        if self.record:
            self.record(name, verdict, reason)

    def say_failures(self):
        """Once more at the end, each with what its machine had said last."""
        for line, said in self.failures:
            print(line, *("    " + x for x in said), sep="\n")

    def closing(self):
        c = self.counts
        return f"{c['passed']} passed, {c['failed']} failed" + (f", {c['skipped']} skipped" if c["skipped"] else "")


def headers(path):
    """The `# key: value` lines in a case's first comment."""
    found = {}
    with open(path) as f:
        for line in f:
            if not line.startswith("#"):
                break
            if m := re.match(r"# (on|soak-on|secs|long|only|soak): *(.*)", line):
                found[m[1]] = m[2].split()
    return found


def load_groups(ctx):
    """Every test there is, in groups that share a boot."""
    by_boot = {b: [] for b in boots.BOOTS}
    groups = []
    for folder in sorted(os.listdir(HERE)):
        script = os.path.join(HERE, folder, "run.sh")
        module = os.path.join(HERE, folder, "test.py")
        if os.path.exists(script):
            h = headers(script)
            secs = h.get("long") if ctx.soak else None
            secs = int((secs or h.get("secs", ["60"]))[0])
            for key in "on", "soak-on":
                for b in h.get(key, []):
                    by_boot[b].append(Case(f"{folder}@{b}", secs, h.get("only", [None])[0],
                                           "soak" in h or key == "soak-on"))
        if os.path.exists(module):
            spec = importlib.util.spec_from_file_location(folder.replace("-", "_"), module)
            mod = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(mod)
            for name, func, opts in mod.cases(ctx):
                name = f"{folder}@{name}" if name else folder
                groups.append(Group(name, [Case(name, func=func, **opts)]))
    for b, cases in by_boot.items():
        if cases:
            # A boot that only the soak takes ends only there.
            cases.append(Case(f"dom0-{boots.boot(b)['ends']}s@{b}", soak=all(c.soak for c in cases)))
            groups.append(Group(f"boot-{b}", cases, boot=b))
    # Long ones first: the last to end is then a short one.
    return sorted(groups, key=lambda g: -sum(c.secs for c in g.cases))


def select(groups, patterns, soak, peer, report):
    for g in groups:
        keep = []
        for c in g.cases:
            if patterns and not any(p in c.name or p == g.name for p in patterns):
                continue
            if c.soak and not soak:
                continue
            if c.only == "paravane" and peer:
                if report:
                    report.verdict(c.name, "skip", reason="a claim about Paravane alone")
                continue
            keep.append(c)
        g.cases = keep
    return [g for g in groups if g.cases]


def write_job(folder, g, cases, env, ends):
    shutil.copy(os.path.join(HERE, "lib.sh"), folder)
    os.makedirs(os.path.join(folder, "cases"))
    if os.path.isdir(os.path.join(BUILT, "job")):
        shutil.copytree(os.path.join(BUILT, "job"), os.path.join(folder, "files"))
    with open(os.path.join(folder, "run.sh"), "w") as f:
        f.write(". /run/job/lib.sh\n")
        for k, v in env.items():
            f.write(f"export {k}={v}\n")
        for c in cases:
            src = c.name.split("@")[0]
            dst = os.path.join(folder, "cases", c.name)
            shutil.copytree(os.path.join(HERE, src), dst)
            f.write(f"case_run {c.name} {c.secs}\n")
        f.write(f"echo {ends} > /run/end\n")


def memory_available_mib():
    with open("/proc/meminfo") as f:
        return int(re.search(r"MemAvailable: *(\d+)", f.read())[1]) // 1024


def image_of(build, ctx):
    """Our image, or what another compiler or DEBUG=1 made of it; a given one stays.
    A boot of the peer is one whatever was given."""
    if build == "peer":
        hv = os.path.join(machine.ROOT, "build", "peer", "xen.elf")
        if not os.path.exists(hv):
            raise RuntimeError(f"{hv} is not there: run `make peer`")
        return hv
    if not build or ctx.hv != os.path.abspath(os.path.join(machine.ROOT, "build", "paravane.elf")):
        return ctx.hv
    hv = os.path.join(machine.ROOT, "build", build, "paravane.elf")
    if not os.path.exists(hv):
        raise RuntimeError(f"{hv} is not there: run `make hypervisor-builds`")
    return hv


def run_boot(g, ctx):
    """Boot once, run the group's cases, take their verdicts off the console."""
    b = boots.boot(g.boot)
    report = ctx.report
    if b["mem"] > memory_available_mib() - 1024:
        for c in g.cases:
            report.verdict(c.name, "skip", reason=f"{b['mem']} MiB of memory are not free on this host")
        return
    cases = [c for c in g.cases if not c.name.startswith("dom0-" + b["ends"])]
    env = dict(CPUS=b["smp"], MEM=b["mem"], DOM0_MEM=b["dom0_mem"] or b["mem"] // 2, BOOT=g.boot,
               MACHINE=b["machine"], HOST_TIME=int(time.time()), SLOW=ctx.slow, **ctx.env)
    work = tempfile.mkdtemp(prefix="pv-job-")
    job = m = None
    try:
        write_job(work, g, cases, env, b["ends"])
        job = machine.disk_of(work)

        def scratch(name):
            path = os.path.join(work, name + ".img")
            with open(path, "wb") as f:
                f.truncate(64 << 20)
            return path

        extra = ["-nic", "none"] + (boots.device_args(b["machine"], scratch) if b["devices"] else [])
        m = machine.quick_boot(g.log, image_of(b["build"], ctx), job=job, dom0_kernel=b["dom0_kernel"], dom0_mem=b["dom0_mem"],
                               machine=b["machine"], smp=b["smp"], mem=b["mem"], icount=b["icount"], extra=extra, gdb=ctx.gdb,
                               hvargs=f"{b['hvargs']} {ctx.hvargs}".strip())
        watch_boot(g, m, cases, ctx, b["ends"])
    finally:
        if m:
            m.close()
        if job:
            os.unlink(job)
        shutil.rmtree(work, ignore_errors=True)


def wait_verdict(m, c, i, ctx, log):
    """The verdict on c, and on the way those that it gives on cases of its own.
    What a case cannot see from within, the processor time that the machine uses,
    is told by lines HOST-CPU begin, and HOST-CPU below LIMIT CLAIM; what it cannot
    do, type on the serial line, by HOST-TYPE and the bytes in hexadecimal."""
    rx = (rf"VERDICT (?:{re.escape(c.name)} (\w+) (\d+)|(\S+/\S+) (\w+)) ?(.*)|"
          r"HOST-CPU (begin|below (\S+) (\S+/\S+))|HOST-TYPE ([0-9a-f]+)")
    end = time.monotonic() + (c.secs + 90) * ctx.slow
    while True:
        i, v = m.wait(rx, end - time.monotonic(), after=i)
        if not v or v[1]:
            return i, v
        boot = c.name.split("@")[1]
        if v[3]:
            ctx.report.verdict(f"{v[3]}@{boot}", v[4], reason=v[5].strip(), log=log)
        elif v[9]:
            m.send(bytes.fromhex(v[9]).decode())
        elif v[6] == "begin":
            began = m.now(), m.cpu()
        else:
            used = (m.cpu() - began[1]) / (m.now() - began[0])
            ctx.report.verdict(f"{v[8]}@{boot}", "pass" if used < float(v[7]) else "fail",
                               reason=f"the machine used {used:.2f} of the host's CPUs", log=log)
        i += 1


def how_it_stopped(m):
    last = " | ".join(m.tail(2))
    if m.ended == "reset":
        return f"the machine was reset; last lines: {last}"
    if m.ended:
        return f"the machine ended ({m.ended}); last lines: {last}"
    return f"the machine stopped answering; last lines: {last}"


def watch_boot(g, m, cases, ctx, ends):
    report = ctx.report
    report.say(f"boot  {g.name} (log: {os.path.relpath(g.log, machine.ROOT)})")
    slow = ctx.slow
    i, _ = m.wait(r"DOM0-INIT", BOOT_SECS * slow)
    broken = None if i is not None else "dom0 did not reach userspace: " + how_it_stopped(m)
    if not broken:
        report.say(f"      {g.name}: dom0's init after {m.lines[i][0]:.1f} s, CPU {m.cpu():.1f} s")
    for c in cases:
        if broken:
            report.verdict(c.name, "fail", reason=broken, log=g.log)
            continue
        before = m.cpu()
        i, v = wait_verdict(m, c, i, ctx, g.log)
        if v:
            report.verdict(c.name, v[1], int(v[2]), v[5].strip(), g.log, m.cpu() - before)
        else:
            why = how_it_stopped(m)
            report.verdict(c.name, "fail", reason=why, log=g.log)
            broken = f"not run, {c.name} broke the machine"
            i = None
    for c in g.cases:
        if c in cases:
            continue
        if broken:
            report.verdict(c.name, "fail", reason=broken, log=g.log)
            continue
        m.wait(r"JOB-END", 60 * slow)
        ended = m.wait_end(30 * slow)
        good = ended == {"poweroff": "poweroff", "reboot": "reset"}[ends]
        report.verdict(c.name, "pass" if good else "fail",
                       reason="" if good else f"after {ends} in dom0: {how_it_stopped(m)}", log=g.log)
    report.say(f"      {g.name}: {m.cpu():.0f} s of processor time in all")


def run_python(g, ctx):
    c = g.cases[0]
    t0 = time.monotonic()
    machine.spent.seconds = 0
    try:
        c.func(ctx, g.log)
        verdict, reason = "pass", ""
    except Skip as e:
        verdict, reason = "skip", str(e)
    except Fail as e:
        verdict, reason = "fail", str(e)
    ctx.report.verdict(c.name, verdict, time.monotonic() - t0, reason, g.log, machine.spent.seconds)


def run_group(g, ctx):
    try:
        (run_boot if g.boot else run_python)(g, ctx)
    except Exception as e:                       # the test itself is broken
        traceback.print_exc()
        for c in g.cases:
            ctx.report.verdict(c.name, "error", reason=repr(e), log=g.log)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("patterns", nargs="*", metavar="PATTERN")
    p.add_argument("--hv", default=machine.default_hv(), help="hypervisor image (default: $HV or build/paravane.elf)")
    p.add_argument("--hvargs", default="", help="more hypervisor options")
    p.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1)), help="machines at a time")
    p.add_argument("--slow", type=int, default=PATIENCE * machine.how_busy(), help="multiply every timeout by this (default: by the load)")
    p.add_argument("--list", action="store_true", help="name the tests and stop")
    p.add_argument("--soak", action="store_true", help="the long counts too")
    p.add_argument("--debug", action="store_true", help="one machine at a time, its console on this terminal")
    p.add_argument("--gdb", action="store_true", help="--debug, and QEMU waits for gdb on port 1234")
    p.add_argument("--state", help="file of verdicts; tests that passed in it are not run again")
    p.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="variable for the cases")
    ctx = p.parse_args()
    ctx.debug |= ctx.gdb
    ctx.slow *= 100 if ctx.gdb else 1
    ctx.env = dict(s.split("=", 1) for s in ctx.set)
    if ctx.soak:
        ctx.env.setdefault("CYCLES", "1000")
    ctx.hv = os.path.abspath(ctx.hv)
    os.makedirs(LOGS, exist_ok=True)
    ctx.peer = os.path.exists(ctx.hv) and not machine.is_ours(ctx.hv)
    groups = load_groups(ctx)
    if ctx.list:
        for g in select(groups, ctx.patterns, True, False, None):
            print(*[c.name for c in g.cases], sep="\n")
        return 0
    if not os.path.exists(ctx.hv):
        sys.exit(f"{ctx.hv} is not there: run `make hypervisor` or give HV=")
    done, record = {}, None
    if ctx.state:
        done, record = load_state(ctx.state)
    ctx.report = Report(record)
    groups = select(groups, ctx.patterns, ctx.soak, ctx.peer, ctx.report)
    for g in groups:
        g.cases = [c for c in g.cases if done.get(c.name) != "pass"]
    groups = [g for g in groups if g.cases]
    if not groups:
        print("nothing to run: no test has that in its name, or all of them passed before")
    if ctx.debug:
        ctx.jobs = 1
        machine.ECHO = True
    with concurrent.futures.ThreadPoolExecutor(ctx.jobs) as pool:
        list(pool.map(lambda g: run_group(g, ctx), groups))
    ctx.report.say_failures()
    print(ctx.report.closing())
    return 1 if ctx.report.counts["failed"] or not sum(ctx.report.counts.values()) else 0


def load_state(path):
    """Verdicts so far, and a function that adds one and saves."""
    done = {}
    if os.path.exists(path):
        with open(path) as f:
            done = json.load(f)

    def record(name, verdict, _reason):
        done[name] = verdict
        with open(path + ".new", "w") as f:
            json.dump(done, f, indent=1)
        os.replace(path + ".new", path)

    return dict(done), record


if __name__ == "__main__":
    sys.exit(main())
