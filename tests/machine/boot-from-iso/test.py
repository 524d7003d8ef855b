"""GRUB loads the hypervisor, the distribution's vmlinuz and an initramfs from a
grub-mkrescue ISO by Multiboot 2, with BIOS and with UEFI firmware; dom0 comes up."""
import base64
import gzip
import os
import shutil
import subprocess
import tempfile
import threading

import machine
from verdict import Fail

JOB = 'echo "ISO-DOM0 $(cat /sys/hypervisor/type) $(nproc) CPUs"; sync'
CFG = """set timeout=0
serial --unit=0 --speed=115200
terminal_output console serial
menuentry iso {{
    multiboot2 /boot/hypervisor {hvargs}
    module2 /boot/vmlinuz placeholder console=hvc0 quiet job={job}
    module2 /boot/initrd
}}
"""
lock = threading.Lock()


def make_iso(ctx, out):
    with tempfile.TemporaryDirectory() as tmp:
        os.makedirs(os.path.join(tmp, "boot", "grub"))
        shutil.copy(ctx.hv, os.path.join(tmp, "boot", "hypervisor"))
        shutil.copy(os.path.join(machine.IMAGE, "vmlinuz"), os.path.join(tmp, "boot"))
        shutil.copy(os.path.join(machine.IMAGE, "guest-initrd"), os.path.join(tmp, "boot", "initrd"))
        with open(os.path.join(tmp, "boot", "grub", "grub.cfg"), "w") as f:
            f.write(CFG.format(hvargs="placeholder " + machine.HVARGS, job=base64.b64encode(JOB.encode()).decode()))
        subprocess.run(["grub-mkrescue", "-o", out, tmp], check=True, capture_output=True)


def boots(mach, uefi):
    def run(ctx, log):
        with tempfile.TemporaryDirectory() as tmp:
            iso = os.path.join(tmp, "boot.iso")
            make_iso(ctx, iso)
            m = machine.Machine(log, machine=mach, uefi=uefi, mem=1024, disk=False,
                                extra=["-cdrom", iso, "-nic", "none"])
            try:
                i, v = m.wait(r"ISO-DOM0 (\w+) (\d+) CPUs", 150 * ctx.slow)
                if i is None:
                    raise Fail("dom0 did not come up; last lines: " + " | ".join(m.tail(2)))
                if v[1] != "xen" or v[2] != "2":
                    raise Fail("unexpected: " + v[0])
                if m.wait_end(60 * ctx.slow) != "poweroff":
                    raise Fail(f"no power-off but {m.ended}")
            finally:
                m.close()
    return run


def cases(_ctx):
    return [("bios-pc", boots("pc", False), dict(secs=60)), ("uefi-q35", boots("q35", True), dict(secs=70))]
