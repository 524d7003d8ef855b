#!/usr/bin/env python3
"""pvstored beside Debian's xenstored and oxenstored in one dom0: each round boots
it once on the real Xen (--hv) and measures all three, by the socket, the kernel's
ring and a guest's ring, and a bare echo server; rounds begin with another daemon
each. Ours is measured on this host without a hypervisor as well, where a million
nodes take seconds. Medians with quartiles over the rounds.

Times are of an emulated machine: what counts is the ratio, and only where the
quartiles do not overlap ("same" otherwise). With --icount an instruction is a
nanosecond on a machine of one CPU, whatever else the host does: client, kernel
and daemon together, the same each time, so one round is enough."""
import argparse
import os
import re
import time
import types

import rounds
import machine
import store_host
from stats import differ, number, quartiles

DAEMONS = ["ours", "xenstored", "oxenstored"]
COSTS = ("us", "us-each", "ms", "bytes")  # less is better
PLACES = {"socket": "", "/dev/xen/xenbus": "-kernel-ring", "guest's ring": "-guest-ring"}

# Round trips of one of each: nothing that answers one request at a time can do more
# than the echo server's rate over this.
TRIPS = {"read": 1, "write": 1, "directory": 1, "tx-5-writes": 7, "tx-shared-parent": 7, "tx-shared-node": 4}


def parse(line):
    b = re.match(r"BENCH (\S+) (\S+) (\d+) ([0-9.]+) (\S+)$", line.strip())
    return (b[1], b[2], int(b[3]), float(b[4]), b[5]) if b else None


def job_disk(order, a, slow):
    build = os.path.join(machine.ROOT, "build")
    files = [os.path.join(build, f) for f in ("bin/pvstored", "bin/pvstore", "tests/machine/job/bench_store")]
    return rounds.job_disk("store-dom0.sh", {
        "SLOW": slow, "SECS": a.secs, "NODES": a.nodes, "ORDER": " ".join(order),
        "RINGS": "" if a.no_rings else 1, "GUEST": "" if a.no_guest else 1}, {"files": files})


def one_round(n, a, limit):
    """[(daemon, figure, clients, value, unit)] of one boot; rounds.Failed has those
    that there were."""
    order = DAEMONS[n % 3:] + DAEMONS[:n % 3]
    slow = 1 if a.icount else machine.how_busy()
    job = job_disk(order, a, slow)
    m = machine.quick_boot(rounds.log_of("bench-store", n), a.hv, job=job, dom0_mem=2048, smp=1 if a.icount else 2,
                           mem=4096, icount=a.icount, extra=["-nic", "none"])
    try:
        return rounds.gather(m, parse, min(limit, a.limit * slow))
    finally:
        m.close()
        os.unlink(job)


# Who stands for which side in the common report.
SIDES = {"ours": "ours", "xenstored": "peer", "oxenstored": "oxenstored"}


def as_figures(found):
    return [rounds.Figure(f"store/{figure}, {clients} client{'s' * (clients > 1)}", unit,
                          "less" if unit in COSTS or figure.endswith("-aborts") else "more", value, SIDES[who])
            for who, figure, clients, value, unit in found if who in SIDES]


def part(peer, secs=0.25, nodes=10000):
    """For the common report: the sockets, all three daemons in each boot, and stores
    no larger than fit into its time; main() fills them further."""
    settings = types.SimpleNamespace(hv=peer, secs=secs, nodes=nodes, limit=400, icount=False, no_rings=True,
                                     no_guest=True)

    def boot(_, n, limit):
        try:
            return as_figures(one_round(n, settings, limit))
        except rounds.Failed as e:
            raise rounds.Failed(e, as_figures(e.found)) from None
    return rounds.Part("store", ["all"], boot, 240)


def cell(values):
    if not values:
        return "-"
    lo, mid, hi = quartiles(values)
    return f"{number(mid)} [{number(lo)}, {number(hi)}]"


def times(mine, theirs, unit):
    """How many times better; "same" where the quartiles overlap."""
    if not mine or not theirs:
        return ""
    mid, tmid = quartiles(mine)[1], quartiles(theirs)[1]
    if not mid or not tmid:
        return ""
    ratio = tmid / mid if unit in COSTS else mid / tmid
    return f"{ratio:.2f}x" if differ(mine, theirs) else f"{ratio:.2f}x same"


def echo_limit(samples, name, clients):
    """What a bare echo server allows: its rate over the round trips of one of these."""
    if name == "pipelined-reads":
        return samples("echo", "echo-pipelined", clients)
    return [e / TRIPS[name] for e in samples("echo", "echo", clients)] if name in TRIPS else []


def rows(got, place, suffix):
    def samples(who, name, clients):
        return [g[3] for g in got if g[:3] == (who, name, clients)]

    names = dict.fromkeys((name, clients, unit) for who, name, clients, _, unit in got
                          if who in [d + suffix for d in DAEMONS] and not name.endswith("-cpu"))
    for name, clients, unit in names:
        v = {d: samples(d + suffix, name, clients) for d in DAEMONS}
        echo = [] if suffix else echo_limit(samples, name, clients)
        both = [] if name.endswith("-aborts") else [times(v["ours"], v[d], unit) for d in DAEMONS[1:]]
        worst = min((b for b in both if b), key=lambda b: float(b.split("x")[0]), default="")
        better = max((v[d] for d in DAEMONS[1:]), key=lambda x: quartiles(x)[1] if x else 0)
        print(f"| {place} | {name} | {clients} | {' | '.join(cell(v[d]) for d in DAEMONS)} | {cell(echo)} | {unit} | "
              f"{worst} | {times(v['ours'], echo, unit)} | {times(echo, better, unit)} |")


def table(got, host):
    columns = ("where", "figure", "clients", "ours", "xenstored", "oxenstored", "echo's limit", "unit",
               "ours to the better daemon", "ours to the limit", "limit to the better daemon")
    print("\n| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns))
    for place, suffix in PLACES.items():
        rows(got, place, suffix)
    rows(host, "this host", "")


def settings(*args):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--hv", help="the real Xen's ELF image (build/peer/xen.elf of `make peer`)")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--secs", type=float, default=.3, help="per point")
    p.add_argument("--nodes", type=int, default=40000, help="fill each store up to so many")
    p.add_argument("--limit", type=int, default=400, help="seconds a round may take")
    p.add_argument("--from", dest="first", type=int, default=0, help="begin with this round (its order)")
    p.add_argument("--icount", action="store_true", help="count instructions instead of time; --secs 0.05 will do")
    p.add_argument("--no-guest", action="store_true", help="no guest's ring")
    p.add_argument("--no-rings", action="store_true", help="the sockets alone")
    p.add_argument("--no-host", action="store_true", help="nothing of this host without a hypervisor")
    p.add_argument("--again", action="store_true", help="only the table, of rounds that were run")
    a = p.parse_args(*args)
    if not a.hv and not a.again:
        p.error("--hv, or --again")
    return a


def host_round(n, a):
    """Ours on this host, with a million nodes; kept for --again."""
    path = rounds.log_of("bench-store-host", n)
    if not a.again:
        got = store_host.one_round(a.secs, 1000000)
        with open(path, "w") as f:
            f.writelines("BENCH " + " ".join(map(str, g)) + "\n" for g in got)
    return figures_in(path)


def figures_in(path):
    with open(path, errors="replace") as f:
        return list(filter(None, map(parse, f)))


def main():
    a = settings()
    got, host = [], []
    begun = time.monotonic()
    for n in range(a.first, a.first + a.rounds):
        print(f"[{time.monotonic() - begun:4.0f} s] round {n + 1}", flush=True)
        if a.again:
            got += figures_in(rounds.log_of("bench-store", n))
        else:
            try:
                got += one_round(n, a, 1e9)
            except rounds.Failed as e:
                print(f"round {n + 1}: {e}", flush=True)
                got += e.found
        if not (a.no_host or a.icount):
            host += host_round(n, a)
    print(f"[{time.monotonic() - begun:4.0f} s] medians [quartiles] of {a.rounds} rounds")
    table(got, host)


if __name__ == "__main__":
    main()
