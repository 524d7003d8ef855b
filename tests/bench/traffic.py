"""What block.py and network.py share: boots of one side each, rounds interleaved."""
import argparse
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

# side -> (image, tool): ours against the peer is what counts, the mixed ones tell why.
SIDES = {"ours": ("hv", "pvn"), "peer": ("peer", "xl"), "ours-kernel": ("hv", "xl"), "peer-pvn": ("peer", "pvn")}


def job_disk(env):
    work = tempfile.mkdtemp(prefix="pv-traffic-")
    try:
        shutil.copy(os.path.join(HERE, "..", "machine", "lib.sh"), work)
        shutil.copytree(os.path.join(machine.ROOT, "build", "tests", "machine", "job"), os.path.join(work, "files"))
        with open(os.path.join(HERE, "traffic-dom0.sh")) as f, open(os.path.join(work, "run.sh"), "w") as out:
            out.write("".join(f"export {k}='{v}'\n" for k, v in env.items()) + f.read())
        return machine.disk_of(work)
    finally:
        shutil.rmtree(work)


def one_boot(hv, env, log):
    """{figure: [values]} of one boot."""
    slow = machine.how_busy()
    job = job_disk({**env, "SLOW": slow})
    fd, scratch = tempfile.mkstemp(prefix="scratch-", suffix=".img", dir=os.path.join(machine.ROOT, "build"))
    os.ftruncate(fd, 512 << 20)
    os.close(fd)
    extra = ["-nic", "none", "-drive", f"file={scratch},if=none,id=scratch,format=raw,cache=unsafe",
             "-device", "virtio-blk-pci,drive=scratch"]
    m = machine.quick_boot(log, hv, job=job, dom0_mem=1024, smp=2, mem=4096, extra=extra)
    try:
        end, v = m.wait(r"BENCH-(OK|FAIL)(.*)", 600 * slow)
        if end is None or v[1] != "OK":
            raise SystemExit(f"no end{v[2] if v else ''}, see {log}")
        found = {}
        for _, line in m.lines[:end]:
            if b := re.match(r"BENCH (\S.*) (-?\d+)$", line.strip()):
                found.setdefault(b[1], []).append(int(b[2]))
        return found
    finally:
        m.close()
        os.unlink(job)
        os.unlink(scratch)


def rows(hv, peer, rounds, sides, env, better, say=lambda text: None):
    """[{name, unit, better, samples: {side: [values]}}] of interleaved rounds."""
    logs = os.path.join(machine.ROOT, "build", "logs")
    os.makedirs(logs, exist_ok=True)
    table = {}
    for n in range(rounds):
        for side in sides if n % 2 == 0 else sides[::-1]:
            image, tool = SIDES[side]
            say(f"round {n + 1} of {rounds}: {side}")
            log = os.path.join(logs, f"traffic-{env['WHAT']}-{side}-{n}.log")
            for name, values in one_boot({"hv": hv, "peer": peer}[image], {**env, "TOOL": tool}, log).items():
                unit, way = better(name)
                row = table.setdefault(name, {"name": f"{env['WHAT']}-{name}", "unit": unit, "better": way,
                                              "samples": {s: [] for s in sides}})
                row["samples"][side] += values
    return list(table.values())


def settings(env, secs=4):
    return {k: v.replace("SECS", str(secs)) for k, v in env.items()} | {"SECS": str(secs)}


def show(row):
    text = f"{row['name']:44} {row['unit']:6}"
    medians = []
    for side, values in row["samples"].items():
        if not values:
            continue
        lo, mid, hi = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
        medians.append(mid)
        text += f"  {side} {mid:9.0f} [{lo:.0f}, {hi:.0f}]"
    if len(medians) > 1 and min(medians) > 0:
        ratio = medians[0] / medians[1] if row["better"] == "more" else medians[1] / medians[0]
        text += f"  {ratio:.2f} times as good"
    print(text)


def main(doc, env, better):
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--hv", default=machine.default_hv())
    p.add_argument("--peer", default=os.path.join(machine.ROOT, "build", "peer", "xen.elf"),
                   help="the real Xen's ELF image (make peer)")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--secs", type=int, default=4, help="of each figure")
    p.add_argument("--sides", default="ours,peer", help=f"of {', '.join(SIDES)}")
    p.add_argument("--variants", default="", help="options of our backend to compare within a boot: 'A|B'")
    p.add_argument("--repeat", type=int, default=2, help="each variant, in a boot")
    p.add_argument("--json", help="add the rows to those of this file, so that rounds may be run one by one")
    a = p.parse_args()
    env = settings(env, a.secs) | {"VARIANTS": a.variants, "REPEAT": str(a.repeat)}
    table = rows(os.path.abspath(a.hv), os.path.abspath(a.peer), a.rounds, a.sides.split(","), env, better,
                 lambda t: print(t, flush=True))
    if a.json:
        if os.path.exists(a.json):
            with open(a.json) as f:
                old = {row["name"]: row for row in json.load(f)}
            for row in table:
                for side, values in old.pop(row["name"], {"samples": {}})["samples"].items():
                    row["samples"][side] = values + row["samples"].get(side, [])
            table += old.values()
        with open(a.json, "w") as f:
            json.dump(table, f, indent=1)
    for row in table:
        show(row)
