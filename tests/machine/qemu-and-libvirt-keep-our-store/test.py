"""Debian's QEMU, xl, xenconsoled and libvirt are clients of our store and stay
connected while it is killed: disks by QEMU go on, further ones come and go, guests
that are being made are made, and each hears of a guest's end."""
import os
import shutil
import subprocess
import tempfile

import machine
from verdict import Fail, Skip

HERE = os.path.dirname(os.path.abspath(__file__))
MORE = os.path.join(machine.ROOT, "build", "more")
PACKAGES = ["qemu-system-xen", "libvirt-daemon", "libvirt-daemon-driver-xen", "libvirt-clients"]
SECS, SECS_EACH = 150, 25  # and for each kill


def nr_kills(ctx):
    return int(ctx.env.get("KILLS", 20))


def job_disk(ctx):
    work = tempfile.mkdtemp(prefix="pv-job-")
    try:
        shutil.copy(os.path.join(HERE, "..", "lib.sh"), work)
        for program in "pvstored", "pvstore":
            shutil.copy(os.path.join(machine.ROOT, "build", "bin", program), work)
        shutil.copytree(os.path.join(MORE, "tree"), os.path.join(work, "more"), symlinks=True)
        with open(os.path.join(HERE, "dom0.sh")) as f, open(os.path.join(work, "run.sh"), "w") as out:
            out.write(f"export SLOW={ctx.slow} KILLS={nr_kills(ctx)}\n" + f.read())
        return machine.disk_of(work)
    finally:
        shutil.rmtree(work)


def secs(ctx):
    return SECS + SECS_EACH * nr_kills(ctx)


def keep(ctx, log):
    fetched = subprocess.run([os.path.join(machine.ROOT, "tests", "image", "more.sh"),
                              os.path.join(machine.IMAGE, "tree"), MORE, *PACKAGES], capture_output=True, text=True)
    if fetched.returncode:
        raise Skip(fetched.stdout.strip().split("\n")[-1])
    job = job_disk(ctx)
    m = machine.quick_boot(log, ctx.hv, job=job, dom0_mem=1024, mem=3072, extra=["-nic", "none"])
    try:
        _, v = m.wait(r"VERDICT-(OK|FAIL) ?(.*)", secs(ctx) * ctx.slow)
        if not v:
            raise Fail("no verdict; last lines: " + " | ".join(m.tail(2)))
        if v[1] != "OK":
            raise Fail(v[2])
    finally:
        m.close()
        os.unlink(job)


def cases(ctx):
    return [("", keep, dict(secs=secs(ctx), soak=True))]
