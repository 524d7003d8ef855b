"""The whole Debian on its own disk: something is installed into it on the bare
machine, GRUB boots it, a job runs in its root shell, and it powers off."""
import os
import subprocess

import machine
from verdict import Fail

# Around an install script: udev for update-grub, and the mark that all went well.
BEGIN = r"""
/lib/systemd/systemd-udevd --daemon; udevadm trigger -c add -s block; udevadm settle
rm -f /boot/xen* /boot/paravane*
mount -o remount,rw / && {
"""
END = r"""
} && grep -q 'multiboot2.*/boot/xen-4.17-paravane.gz' /boot/grub/grub.cfg && echo INSTALL-OK
udevadm control --exit
"""


def failed(m, what):
    return Fail(f"{what}, see {m.log_path}; last lines: " + " | ".join(m.tail(2)))


def install(ctx, log, disk, commands, files):
    """Make `disk`, a copy-on-write child of the image, and run `commands` in it
    with `files` in /run/job; the last of them says whether it went well."""
    base = os.path.join(machine.IMAGE, "disk.img")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, disk], check=True)
    job = machine.job_disk({"run.sh": BEGIN + commands.strip() + END, **files})
    # On the bare machine: what is tested is the boot that follows.
    m = machine.Machine(log.replace(".log", "-install.log"), kernel=os.path.join(machine.IMAGE, "vmlinuz"),
                        modules=(os.path.join(machine.IMAGE, "quick-initrd"),), append="console=ttyS0 quiet panic=-1",
                        mem=1024, disk=disk, snapshot=False, job=job, extra=["-nic", "none"])
    try:
        i, _ = m.wait("INSTALL-OK", 200 * ctx.slow)
        if i is None or m.wait_end(60 * ctx.slow) != "poweroff":
            raise failed(m, "the installation failed")
    finally:
        m.close()
        os.unlink(job)


def boot(ctx, log, disk, script, files, secs=300, **kw):
    """Boot `disk` by GRUB, run `script` in the root shell, power off. The script
    prints VERDICT-OK, or VERDICT-FAIL and why, within `secs`."""
    job = machine.job_disk({"run.sh": f"export SLOW={ctx.slow}\n" + script, **files})
    m = machine.Machine(log, mem=2048, disk=disk, job=job, extra=["-nic", "user,model=virtio-net-pci"], **kw)
    try:
        i, _ = m.wait(r"root@dom0:.*[#$]", 240 * ctx.slow, prompt=True)
        if i is None:
            raise failed(m, "no root shell")
        ctx.report.say(f"      {os.path.basename(log)[:-4]}: a root shell after {m.now():.0f} s")
        m.send("mkdir -p /run/job; mount -o ro LABEL=job /run/job; bash /run/job/run.sh; systemctl poweroff\n")
        i, v = m.wait(r"VERDICT-(OK|FAIL) ?(.*)", secs * ctx.slow, after=i)
        if i is None:
            raise failed(m, "no verdict from the shell")
        if v[1] != "OK":
            raise Fail(v[2])
        if m.wait_end(120 * ctx.slow) != "poweroff":
            raise Fail(f"systemctl poweroff: {m.ended or 'the machine goes on'}")
    finally:
        m.close()
        os.unlink(job)
