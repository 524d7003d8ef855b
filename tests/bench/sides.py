"""The three machines that are compared, and one boot of each: the same kernel
file, disk, CPUs and memory, bare, on the real Xen and on Paravane."""
import os
import re
import time

import rounds
import machine
from rounds import Failed, Figure

CPUS, HOST_MIB, DOM0_MIB = 2, 4096, 1024
FIRST_LINE = r"^\((XEN|PV)\)|Paravane"          # the hypervisor has begun
HANDED_OVER = r"boot code and modules freed|Freed \d+kB init memory"
IDLE_SECONDS = 10


def start(side, hv, log, job, hvargs, icount):
    common = dict(job=job, smp=1 if icount else CPUS, icount=icount, extra=["-nic", "none"])
    if side == "bare":
        append = "console=ttyS0 panic=-1 quiet"
        return machine.Machine(log, kernel=os.path.join(machine.IMAGE, "vmlinuz"), append=append, mem=DOM0_MIB,
                               modules=(os.path.join(machine.IMAGE, "quick-initrd"),), **common)
    return machine.quick_boot(log, hv, dom0_mem=DOM0_MIB, mem=HOST_MIB, hvargs=hvargs, **common)


def idle_use(m):
    """Host CPUs' worth that the idle machine takes, in per cent of one."""
    time.sleep(2)
    before = m.cpu()
    time.sleep(IDLE_SECONDS)
    return (m.cpu() - before) * 100 / IDLE_SECONDS


def boot_times(m, init):
    """Of the way to dom0's init."""
    begin = next(t for t, line in m.lines if re.search(FIRST_LINE, line))
    over = next((t for t, line in m.lines if re.search(HANDED_OVER, line)), None)
    got = [Figure("host/first-line-to-dom0-init", "s", "less", m.lines[init][0] - begin)]
    if over is not None:
        got.append(Figure("host/own-boot", "s", "less", over - begin))
    return got


def figure(line):
    b = re.match(r"BENCH (\S+) (-?[\d.]+) (.+)$", line)
    return Figure(b[1], b[3], "less", float(b[2])) if b else None


def counted(figures):
    """What micro says where an instruction is a nanosecond; not of what waits."""
    return [Figure("counted/" + f.name, "instructions", "less", f.value, exact=True) for f in figures
            if f.unit == "ns" and "timer" not in f.name]


def one_boot(side, hv, log, env, limit, hvargs="", icount=False):
    """The figures of one boot of a side; `env` is dom0.sh's."""
    slow = 1 if icount else machine.how_busy()
    job = rounds.job_disk("dom0.sh", {**env, "SLOW": slow, "SIDE": side},
                          {"files": rounds.JOB_FILES, "compile": os.path.join(rounds.TESTS, "bench", "compile")})
    m = start(side, hv, log, job, hvargs, icount)
    got = []
    try:
        init, _ = m.wait(r"DOM0-INIT", min(limit, 120 * slow))
        if init is None:
            raise Failed(f"no dom0, see {os.path.relpath(log)}")
        if side != "bare":
            got += boot_times(m, init)
        return got + rounds.gather(m, figure, min(limit, 400 * slow), lambda: got.append(
            Figure("host/idle-of-16-guests", "% of a CPU", "less", idle_use(m))))
    except Failed as e:
        raise Failed(e, got + e.found) from None
    finally:
        m.close()
        os.unlink(job)
