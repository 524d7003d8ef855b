#!/usr/bin/env python3
"""`make run`: the whole Debian dom0 on this terminal. Ctrl-A x ends QEMU."""
import argparse
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "machine"))
import machine


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--hv", default=machine.default_hv())
    p.add_argument("--mem", type=int, default=4096)
    p.add_argument("--smp", type=int, default=2)
    p.add_argument("--keep", metavar="FILE", help="keep changes in FILE (qcow2, made if missing)")
    a = p.parse_args()
    disk = True
    if a.keep:
        disk = os.path.abspath(a.keep)
        if not os.path.exists(disk):
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b",
                            os.path.join(machine.IMAGE, "disk.img"), disk], check=True)
    print("Booting Debian on the hypervisor: a root shell appears in half a minute or so.\n"
          "  Try: xl info; xl create /etc/paravane/guest.cfg; xl console guest\n"
          "  Ctrl-A x ends the machine" + ("" if a.keep else "; nothing on its disk is kept (--keep)") + ".\n", flush=True)
    kernel = os.path.join(machine.IMAGE, "vmlinuz")
    initrd = os.path.join(machine.IMAGE, "initrd.img")
    m = machine.Machine(None, kernel=os.path.abspath(a.hv), stdio=True, machine="q35", smp=a.smp, mem=a.mem,
                        append=machine.HVARGS + " dom0_mem=1024M,max:1024M",
                        modules=(f"{kernel} root=LABEL=dom0root ro console=hvc0 quiet", initrd),
                        disk=disk, snapshot=not a.keep, extra=["-nic", "user,model=virtio-net-pci"])
    try:
        return m.proc.wait()
    finally:
        m.close()


if __name__ == "__main__":
    sys.exit(main())
