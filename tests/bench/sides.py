"""The three machines that are compared, and one boot of each: the same kernel
file, disk, CPUs and memory, bare, on the real Xen and on Paravane."""
import os
import re
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "machine"))
import machine

CPUS, HOST_MIB, DOM0_MIB = 2, 4096, 1024
FIRST_LINE = r"^\((XEN|PV)\)|Paravane"          # the hypervisor has begun
HANDED_OVER = r"boot code and modules freed|Freed \d+kB init memory"
IDLE_SECONDS = 10


class Failed(Exception):
    pass


def job_disk(settings):
    """The disk with dom0.sh as its job, the programs and `settings` (shell)."""
    work = tempfile.mkdtemp(prefix="pv-bench-")
    try:
        shutil.copy(os.path.join(HERE, "..", "machine", "lib.sh"), work)
        shutil.copytree(os.path.join(machine.ROOT, "build", "tests", "machine", "job"), os.path.join(work, "files"))
        shutil.copytree(os.path.join(machine.ROOT, "build", "tests", "bench", "compile"), os.path.join(work, "compile"))
        with open(os.path.join(HERE, "dom0.sh")) as f, open(os.path.join(work, "run.sh"), "w") as out:
            out.write(settings + "\n" + f.read())
        return machine.disk_of(work)
    finally:
        shutil.rmtree(work)


def start(side, hv, log, job, hvargs):
    if side == "bare":
        append = "console=ttyS0 panic=-1 quiet"
        return machine.Machine(log, kernel=os.path.join(machine.IMAGE, "vmlinuz"), append=append, smp=CPUS,
                               mem=DOM0_MIB, modules=(os.path.join(machine.IMAGE, "quick-initrd"),), job=job,
                               extra=["-nic", "none"])
    return machine.quick_boot(log, hv, job=job, dom0_mem=DOM0_MIB, smp=CPUS, mem=HOST_MIB, hvargs=hvargs,
                              extra=["-nic", "none"])


def cpu_seconds(pid):
    """CPU time of a process so far, what the whole emulated machine used."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle_use(m):
    """Host CPUs' worth that the idle machine takes, in per cent of one."""
    time.sleep(2)
    before = cpu_seconds(m.proc.pid)
    time.sleep(IDLE_SECONDS)
    return (cpu_seconds(m.proc.pid) - before) * 100 / IDLE_SECONDS


def boot_times(m, side, init):
    """{row: (value, unit)} of the way to dom0's init."""
    begin = next(t for t, line in m.lines if re.search(FIRST_LINE, line))
    over = next((t for t, line in m.lines if re.search(HANDED_OVER, line)), None)
    got = {"host/first-line-to-dom0-init": (m.lines[init][0] - begin, "s")}
    if over is not None:
        got["host/own-boot"] = (over - begin, "s")
    return got


def one_boot(side, hv, log, settings, slow, hvargs=""):
    """{row: (value, unit)} of one boot of a side."""
    job = job_disk(f"export SLOW={slow} SIDE={side} {settings}")
    m = start(side, hv, log, job, hvargs)
    got = {}
    try:
        init, _ = m.wait(r"DOM0-INIT", 200 * slow)
        if init is None:
            raise Failed(f"{side}: no dom0, see {log}")
        if side != "bare":
            got.update(boot_times(m, side, init))
        at = init
        while True:
            at, v = m.wait(r"BENCH-(OK|FAIL|IDLE)(.*)", 900 * slow, after=at + 1)
            if at is None or v[1] == "FAIL":
                raise Failed(f"{side}: no end{v[2] if v else ''}, see {log}")
            if v[1] == "OK":
                break
            got["host/idle-of-16-guests"] = (idle_use(m), "% of a CPU")
        for _, line in m.lines[init:at]:
            if b := re.match(r"BENCH (\S+) (-?[\d.]+) (.+)$", line.strip()):
                got[b[1]] = (float(b[2]), b[3])
        return got
    finally:
        m.close()
        os.unlink(job)
