"""The machines that the dom0-driven cases run on; `# on:` in a case names them.

Each is one boot of the image's dom0 by its quick init. What differs between
them is on purpose: every CPU count, machine type, memory size, kernel format,
build of ours and way to end is in here at least once. More memory costs time:
what is free gets scrubbed.
"""
import machine

DEFAULTS = dict(machine="pc", smp=2, mem=2048, dom0_mem=1024, dom0_kernel="vmlinux", ends="poweroff",
                devices=False, build=None, hvargs="",
                icount=False)

BOOTS = {
    # The smallest: everything the hypervisor leaves goes to dom0, whose kernel
    # is the distribution's own compressed file.
    "pc1": dict(smp=1, mem=512, dom0_mem=None, dom0_kernel="vmlinuz", ends="reboot"),
    # The toolstack, and guests as Linux sees them, on two machines to be quick.
    "pc2": dict(),
    "q35x2": dict(machine="q35", mem=4096),
    # All CPUs, all devices.
    "q35x4": dict(machine="q35", smp=4, mem=4608, devices=True, build="clang"),
    # The freestanding guests, by our own host domain (it makes one in a moment), with
    # the invariants of the frame table checked at the death of each.
    "guests": dict(devices=True, ends="reboot", build="debug"),
    # Our own host domain: nothing of Debian's toolstack ever runs here.
    "host": dict(),
    # The same on the real Xen: our daemons depend on the ABI alone.
    "peer-host": dict(build="peer", hvargs="bootscrub=0"),
    # One CPU on which an instruction takes a nanosecond: times that are the same
    # whatever else the host does.
    "exact": dict(smp=1, icount=True),
    "big": dict(machine="q35", smp=2, mem=16384, dom0_mem=4096),
}

# Scratch disks and echo services (QEMU joins port 7 of .100 with cat).
DISKS = [("ahci0", "ide-hd,bus={ahci}.0"), ("nvme0", "nvme,serial=nvme0"), ("vd0", "virtio-blk-pci")]
NICS = [("e1000", "10.0.3"), ("virtio-net-pci", "10.0.4")]


def device_args(machine, scratch):
    """QEMU arguments for one of each device; scratch(name) makes a disk file."""
    args = ["-device", "ahci,id=ahci"] if machine == "pc" else []
    for name, device in DISKS:
        args += ["-drive", f"file={scratch(name)},if=none,id={name},format=raw,cache=unsafe",
                 "-device", f"{device.format(ahci='ahci' if machine == 'pc' else 'ide')},drive={name}"]
    for i, (device, net) in enumerate(NICS):
        args += ["-netdev", f"user,id=net{i},net={net}.0/24,guestfwd=tcp:{net}.100:7-cmd:cat",
                 "-device", f"{device},netdev=net{i},mac=52:54:00:00:00:1{i}"]
    return args


def boot(name):
    return {**DEFAULTS, **BOOTS[name]}
