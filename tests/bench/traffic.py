"""What block.py and network.py share: boots of one side each, rounds interleaved."""
import os
import re
import tempfile

import rounds
import machine
from rounds import Figure

# side -> (image, tool): ours against the peer is what counts, the mixed ones tell why.
SIDES = {"ours": ("hv", "pvn"), "peer": ("peer", "xl"), "ours-kernel": ("hv", "xl"), "peer-pvn": ("peer", "pvn")}


def scratch_disk():
    fd, path = tempfile.mkstemp(prefix="scratch-", suffix=".img", dir=os.path.join(machine.ROOT, "build"))
    os.ftruncate(fd, 512 << 20)
    os.close(fd)
    return path


def per_operation(figures, what, secs, work):
    """With dom0's time in units of 10 ms as microseconds for each operation that
    the guest made meanwhile: work(phase, {name: value}) has (its name, how many
    a second, the unit), or None."""
    values = {f.name.removeprefix(what + "-"): f.value for f in figures}
    got = []
    for f in figures:
        phase = f.name.removeprefix(what + "-cpu-")
        if phase == f.name:
            got.append(f)
        elif done := work(phase, values):
            name, rate, unit = done
            got.append(Figure(f"{what}-dom0-cpu-{name}", unit, "less", f.value * 1e4 / (rate * secs)))
    return got


def one_boot(hv, env, log, better, limit, icount=False):
    """The figures of one boot; better(name) is the (unit, better) of one."""
    slow = 1 if icount else machine.how_busy()
    job, scratch = rounds.job_disk("traffic-dom0.sh", {**env, "SLOW": slow}, {"files": rounds.JOB_FILES}), scratch_disk()
    extra = ["-nic", "none", "-drive", f"file={scratch},if=none,id=scratch,format=raw,cache=unsafe",
             "-device", "virtio-blk-pci,drive=scratch"]

    def figure(line):
        b = re.match(r"BENCH (\S.*) (-?\d+)$", line)
        return Figure(f"{env['WHAT']}-{b[1]}", *better(b[1]), int(b[2])) if b else None

    m = machine.quick_boot(log, hv, job=job, dom0_mem=1024, smp=1 if icount else 2, mem=4096, icount=icount,
                           extra=extra)
    try:
        return rounds.gather(m, figure, min(limit, 1200 if icount else 240 * slow))
    finally:
        m.close()
        os.unlink(job)
        os.unlink(scratch)


def part(what, hv, peer, better, work, figures, secs=2, sides=("ours", "peer"), icount=False, only="", **env):
    """Of both sides; `secs` of each figure, which stands for SECS in `figures`; those with `only` in their name."""
    images = {"hv": hv, "peer": peer}
    figures = " ".join(f.replace("SECS", str(secs)) for f in figures if only in f)
    env = {"WHAT": what, "SECS": secs, "FIGURES": figures, **env}

    def boot(side, n, limit):
        image, tool = SIDES[side]
        log = rounds.log_of("traffic", what, side, n)
        try:
            got = one_boot(images[image], {**env, "TOOL": tool}, log, better, limit, icount)
        except rounds.Failed as e:
            raise rounds.Failed(e, per_operation(e.found, what, secs, work)) from None
        return per_operation(got, what, secs, work)
    return rounds.Part(what, list(sides), boot, 120)


def main(doc, make):
    """A part as a command; `make` is its part()."""
    p = rounds.arguments(doc)
    p.add_argument("--secs", type=int, default=4, help="of each figure")
    p.add_argument("--only", default="", help="the figures with that in their name")
    p.add_argument("--sides", default="ours,peer", help=f"of {', '.join(SIDES)}")
    p.add_argument("--variants", default="", help="options of our backend to compare within a boot: 'A|B'")
    p.add_argument("--repeat", type=int, default=2, help="each variant, in a boot")
    p.add_argument("--icount", action="store_true",
                   help="on one CPU, an instruction a nanosecond: what it takes without flushes and waiting; --secs 1 will do")
    a = p.parse_args()
    rounds.alone(make(*rounds.images(a), secs=a.secs, sides=a.sides.split(","), icount=a.icount, only=a.only, VARIANTS=a.variants,
                      REPEAT=a.repeat), a)
