"""The whole Debian boots from its own disk: GRUB (BIOS and UEFI, pc and q35) by
the entry that Debian's update-grub made, systemd to its end, a root shell on hvc0;
apt and xl work there."""
import hashlib
import os
import threading

import machine
import whole

# (Of update-grub's entries only the one that is booted: it takes long to make one.)
INSTALL = r"""
chmod -x /etc/grub.d/{05_debian_theme,10_linux,30_*,4*} && echo GRUB_DISABLE_RECOVERY=true >> /etc/default/grub.d/zz-machine.cfg &&
gzip -c /run/job/hypervisor > /boot/xen-4.17-paravane.gz && update-grub && grep -A12 'with Xen hypervisor' /boot/grub/grub.cfg
"""
# On the job disk, run from the shell that autologin gives.
CHECK = r"""
. /run/job/lib.sh
fail() { echo "VERDICT-FAIL $*"; exit 1; }
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
echo VERDICT-OK
"""
lock = threading.Lock()


def installed_disk(ctx, log):
    """A copy-on-write disk with the hypervisor installed the way a package would:
    a file in /boot and update-grub. Made once per image."""
    base = os.path.join(machine.IMAGE, "disk.img")
    with open(ctx.hv, "rb") as f:
        hv = f.read()
    stamp = hashlib.sha256(hv + str(os.stat(base).st_mtime_ns).encode() + (whole.BEGIN + INSTALL).encode()).hexdigest()[:16]
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
        whole.install(ctx, log, new, INSTALL, {"hypervisor": hv})
        os.rename(new, disk)
        return disk


def boots(mach, uefi, guest):
    def run(ctx, log):
        disk = installed_disk(ctx, log)
        with open(os.path.join(os.path.dirname(os.path.abspath(machine.__file__)), "lib.sh")) as f:
            lib = f.read()
        with open(os.path.join(machine.ROOT, "build", "tests", "machine", "job", "await"), "rb") as f:
            await_program = f.read()
        whole.boot(ctx, log, disk, f"export GUEST={int(guest)}\n" + CHECK,
                   {"lib.sh": lib, "files/await": await_program, "pkg/DEBIAN/control": "Package: paravane-hello\nVersion: 1\nArchitecture: all\n"
                    "Maintainer: nobody <nobody@localhost>\nDescription: shows that apt works\n"},
                   machine=mach, uefi=uefi)
    return run


def cases(_ctx):
    return [("uefi-q35", boots("q35", True, True), dict(secs=300)),
            # The other pairs. (GRUB on BIOS is also what boot-from-iso boots by.)
            ("bios-pc", boots("pc", False, True), dict(secs=120, soak=True)),
            ("bios-q35", boots("q35", False, True), dict(secs=120, soak=True)),
            ("uefi-pc", boots("pc", True, True), dict(secs=130, soak=True))]
