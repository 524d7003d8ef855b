"""The whole Debian boots from its own disk: GRUB (BIOS and UEFI, pc and q35) by
the entry that Debian's update-grub made, systemd to its end, a root shell on hvc0;
apt and xl work there."""
import hashlib
import os
import subprocess
import threading

import machine
from verdict import Fail

INSTALL = r"""
/lib/systemd/systemd-udevd --daemon; udevadm trigger -c add -s block; udevadm settle
rm -f /boot/xen*
gzip -c /run/job/hypervisor > /boot/xen-4.17-paravane.gz
mount -o remount,rw / && update-grub && grep -A12 'with Xen hypervisor' /boot/grub/grub.cfg &&
    grep -q 'multiboot2.*/boot/xen-4.17-paravane.gz' /boot/grub/grub.cfg && echo INSTALL-OK
udevadm control --exit
"""
# On the job disk, run from the shell that autologin gives.
CHECK = r"""
. /run/job/lib.sh
fail() { echo "WHOLE-FAIL $*"; exit 1; }
systemctl is-system-running --wait > /tmp/state
case $(cat /tmp/state) in running) ;; *) systemctl --failed --no-legend; fail "systemd is $(cat /tmp/state)" ;; esac
[ "$(cat /sys/hypervisor/type)" = xen ] || fail "not on the hypervisor"
[ "$(findmnt -no FSTYPE /)" = ext4 ] && [ -b /dev/disk/by-label/dom0root ] || fail "no root disk by udev"
dpkg-deb -b /run/job/pkg /tmp/paravane-hello.deb > /dev/null && apt-get install -qq -y /tmp/paravane-hello.deb > /tmp/apt 2>&1 &&
    dpkg -s paravane-hello > /dev/null || { tail -3 /tmp/apt; fail "apt-get install"; }
xl list > /tmp/list || fail "xl list: is the toolstack's service up?"
if [ "$GUEST" = 1 ]; then
    mkdir -p $guest_logs
    for p in $(pidof xenconsoled); do kill "$p"; done
    sleep 1
    xenconsoled --log=guest --log-dir=$guest_logs
    touch /run/xen-is-up
    guest_create whole vcpus=2 kernel=/boot/vmlinuz-$(uname -r) 'ramdisk="/srv/guest/guest-initrd"' job='echo "GUEST-SAYS $(nproc)"'
    guest_wait whole 'GUEST-SAYS 2' 90
    guest_wait_gone whole 30
fi
echo WHOLE-OK
"""
lock = threading.Lock()


def installed_disk(ctx, log):
    """A copy-on-write disk with the hypervisor installed the way a package would:
    a file in /boot and update-grub. Made once per image."""
    base = os.path.join(machine.IMAGE, "disk.img")
    with open(ctx.hv, "rb") as f:
        hv = f.read()
    stamp = hashlib.sha256(hv + str(os.stat(base).st_mtime_ns).encode() + INSTALL.encode()).hexdigest()[:16]
    disk = os.path.join(machine.ROOT, "build", "tests", f"installed-{stamp}.qcow2")
    with lock:
        if os.path.exists(disk):
            return disk
        folder = os.path.dirname(disk)
        os.makedirs(folder, exist_ok=True)
        for old in os.listdir(folder):
            if old.startswith("installed-"):
                os.unlink(os.path.join(folder, old))
        new = os.path.join(folder, "new.qcow2")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, new], check=True)
        disk_job = machine.job_disk({"run.sh": INSTALL, "hypervisor": hv})
        # On the bare machine: what is tested is the boot that follows.
        m = machine.Machine(log.replace(".log", "-install.log"), kernel=os.path.join(machine.IMAGE, "vmlinuz"),
                            modules=(os.path.join(machine.IMAGE, "quick-initrd"),), append="console=ttyS0 quiet panic=-1",
                            mem=1024, disk=new, snapshot=False, job=disk_job, extra=["-nic", "none"])
        try:
            i, _ = m.wait("INSTALL-OK", 200 * ctx.slow)
            if i is None or m.wait_end(60 * ctx.slow) != "poweroff":
                raise Fail(f"update-grub did not make the entry, see {m.log_path}; last lines: " + " | ".join(m.tail(2)))
        finally:
            m.close()
            os.unlink(disk_job)
        os.rename(new, disk)
        return disk


def boots(mach, uefi, guest):
    def run(ctx, log):
        disk = installed_disk(ctx, log)
        with open(os.path.join(os.path.dirname(os.path.abspath(machine.__file__)), "lib.sh")) as f:
            lib = f.read()
        disk_job = machine.job_disk({"lib.sh": lib, "run.sh": f"export SLOW={ctx.slow} GUEST={int(guest)}\n" + CHECK,
                        "pkg/DEBIAN/control": "Package: paravane-hello\nVersion: 1\nArchitecture: all\n"
                        "Maintainer: nobody <nobody@localhost>\nDescription: shows that apt works\n"})
        m = machine.Machine(log, machine=mach, uefi=uefi, mem=2048, disk=disk, job=disk_job,
                            extra=["-nic", "user,model=virtio-net-pci"])
        try:
            i, _ = m.wait(r"root@dom0:.*[#$]", 240 * ctx.slow, prompt=True)
            if i is None:
                raise Fail("no root shell; last lines: " + " | ".join(m.tail(2)))
            ctx.report.say(f"      {os.path.basename(log)[:-4]}: a root shell after {m.now():.0f} s")
            m.send("mkdir -p /run/job; mount -o ro LABEL=job /run/job; bash /run/job/run.sh; systemctl poweroff\n")
            i, v = m.wait(r"WHOLE-(OK|FAIL) ?(.*)", 300 * ctx.slow, after=i)
            if i is None:
                raise Fail("no verdict from the shell; last lines: " + " | ".join(m.tail(2)))
            if v[1] != "OK":
                raise Fail(v[2])
            if m.wait_end(120 * ctx.slow) != "poweroff":
                raise Fail(f"systemctl poweroff: {m.ended or 'the machine goes on'}")
        finally:
            m.close()
            os.unlink(disk_job)
    return run


def cases(_ctx):
    return [("uefi-q35", boots("q35", True, True), dict(secs=130)),
            # The other pairs. (GRUB on BIOS is also what boot-from-iso boots by.)
            ("bios-pc", boots("pc", False, True), dict(secs=120, soak=True)),
            ("bios-q35", boots("q35", False, True), dict(secs=120, soak=True)),
            ("uefi-pc", boots("pc", True, True), dict(secs=130, soak=True))]
