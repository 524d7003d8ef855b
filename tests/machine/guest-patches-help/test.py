"""Kernels with and without each patch of guest-patches/ boot, work, and each patch
still saves the hypercalls, traps and memory that it says, here and on Xen. The
kernels take long to build: `make guest-kernels` first."""
import os
import subprocess
import sys

import machine
from verdict import Fail, Skip

SCRIPT = os.path.join(machine.ROOT, "tests", "bench", "patches.py")
KERNELS = os.path.join(machine.ROOT, "build", "guest-kernel")
PEER = os.path.join(machine.ROOT, "build", "peer", "xen.elf")
SECS = 900


def help_as_they_say(ctx, log):
    if not os.path.exists(os.path.join(KERNELS, "vmlinux-0")):
        raise Skip("no kernels: `make guest-kernels` builds them")
    args = [sys.executable, SCRIPT, "--hv", ctx.hv, "--rounds", "1", "--timed", "0"]
    if os.path.exists(PEER):
        args += ["--peer", PEER]
    with open(log, "w") as out:
        rc = subprocess.run(args, stdout=out, stderr=out, timeout=SECS * ctx.slow).returncode
    if rc:
        with open(log) as f:
            raise Fail("; ".join(x.strip() for x in f if "NO BENEFIT" in x or "measure" in x) or f"exit {rc}")


def cases(_ctx):
    return [("", help_as_they_say, dict(secs=SECS, only="paravane", soak=True))]
