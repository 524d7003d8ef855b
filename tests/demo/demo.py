#!/usr/bin/env python3
"""`make demo`: our hypervisor, our host domain in a ramdisk, two guests, files by
HTTP between them; the story itself is story.sh."""
import argparse
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "machine"))
import machine

LIMIT = 300              # seconds for all of it; a loaded host gets more
EVENT = r"(DOM0-INIT|DEMO|DEMO-OK|DEMO-FAIL|JOB-END)\b(?!-) ?(.*)"


def tell(m, slow, say):
    """Pass on what the console tells until it ends; True when the story ends well."""
    ok, end, at, told = False, time.monotonic() + LIMIT * slow, 0, time.monotonic()
    while time.monotonic() < end:
        i, v = m.wait(EVENT, 10, after=at)
        if i is None:
            if m.ended:
                break
            if time.monotonic() - told > 9:
                say("  ...")
                told = time.monotonic()
            continue
        at, told = i + 1, time.monotonic()
        if v[1] == "DOM0-INIT":
            say(f"the hypervisor is up and dom0's kernel has started its init after {m.lines[i][0]:.1f} s")
        elif v[1] == "DEMO":
            say(v[2])
        elif v[1] == "DEMO-FAIL":
            say(f"FAILED: {v[2]}")
        elif v[1] == "DEMO-OK":
            ok = True
        else:
            break
    return ok


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--hv", default=machine.default_hv())
    p.add_argument("--initrd", default=os.path.join(machine.ROOT, "build", "demo-initrd"))
    p.add_argument("--log", default=os.path.join(machine.ROOT, "build", "logs", "demo.log"))
    p.add_argument("--shell", action="store_true", help="no story: a shell in this dom0 on this terminal")
    p.add_argument("--gdb", metavar="PORT", type=int, help="--shell, and the dom0's /dev/ttyS1 is this port here")
    a = p.parse_args()
    os.makedirs(os.path.dirname(a.log), exist_ok=True)
    rel, slow, start = os.path.relpath(a.log, machine.ROOT), machine.how_busy(), time.monotonic()

    def say(text):
        print(f"[{time.monotonic() - start:5.1f} s] {text}", flush=True)

    a.shell |= a.gdb is not None
    args = f"console=hvc0 panic=-1 quiet slow={slow}" + (" shell" if a.shell else "")
    line = ["-serial", f"tcp:127.0.0.1:{a.gdb},server=on,wait=off"] if a.gdb else []
    kernel = os.path.join(machine.IMAGE, "vmlinuz")
    boot = dict(kernel=os.path.abspath(a.hv), append=machine.HVARGS + " dom0_mem=768M,max:768M", machine="q35",
                modules=(f"{kernel} {args}", a.initrd), mem=2048, disk=False, extra=["-nic", "none"] + line)
    if a.shell:
        print("A shell in the demo's dom0; try: pvn --help. Ctrl-A x ends the machine.", flush=True)
        if a.gdb:
            print(f"For gdb here: pvn run -g /dev/ttyS1 ... there, target remote :{a.gdb} here.", flush=True)
        return machine.Machine(None, stdio=True, **boot).proc.wait()

    say(f"booting {os.path.relpath(a.hv, machine.ROOT)} with a dom0 of {os.path.getsize(a.initrd) >> 20} MiB under QEMU "
        f"(no acceleration; the console goes to {rel})")
    m = machine.Machine(a.log, **boot)
    try:
        ok = tell(m, slow, say)
        if ok and m.wait_end(60 * slow) != "poweroff":
            say("FAILED: the machine did not power off")
            ok = False
        elif not ok:
            say(f"FAILED ({m.ended or 'no end'}); the last lines on the console:")
            for line in m.tail(8):
                print("    " + line)
    finally:
        m.close()
    say(f"{'all is well' if ok else 'the demo FAILED'}; the whole console is in {rel}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
