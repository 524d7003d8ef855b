#!/usr/bin/env python3
"""`make demo`: a Debian dom0 on the hypervisor, two guests, files by HTTP between them."""
import argparse
import os
import re
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "machine"))
import machine

LIMIT = 600              # seconds for all of it; a loaded host gets more


def job_disk():
    work = tempfile.mkdtemp(prefix="pv-demo-")
    try:
        shutil.copy(os.path.join(HERE, "..", "machine", "lib.sh"), work)
        shutil.copy(os.path.join(HERE, "dom0.sh"), os.path.join(work, "run.sh"))
        with open(os.path.join(work, "lib.sh"), "a") as f:
            f.write(f"export SLOW={machine.how_busy()}\n")
        return machine.disk_of(work)
    finally:
        shutil.rmtree(work)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--hv", default=machine.default_hv())
    hv = os.path.abspath(p.parse_args().hv)
    logs = os.path.join(machine.ROOT, "build", "logs")
    os.makedirs(logs, exist_ok=True)
    log = os.path.join(logs, "demo.log")
    rel = os.path.relpath(log, machine.ROOT)
    start = time.monotonic()

    def say(text):
        print(f"[{time.monotonic() - start:5.1f} s] {text}", flush=True)

    say(f"booting {os.path.relpath(hv, machine.ROOT)} with Debian as dom0 under QEMU "
        f"(no acceleration; the console goes to {rel})")
    job = job_disk()
    m = machine.quick_boot(log, hv, job=job, dom0_mem=1024, dom0_kernel="vmlinuz", machine="q35",
                           extra=["-nic", "none"])
    ok, end, at, told = False, time.monotonic() + LIMIT * machine.how_busy(), 0, time.monotonic()
    try:
        while time.monotonic() < end:
            i, v = m.wait(r"(DOM0-INIT|DEMO|DEMO-OK|DEMO-FAIL|JOB-END)\b(?!-) ?(.*)", 10, after=at)
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
            elif v[1] == "JOB-END":
                break
        if ok and m.wait_end(60 * machine.how_busy()) != "poweroff":
            say("FAILED: the machine did not power off")
            ok = False
        elif not ok:
            say(f"FAILED ({m.ended or 'no end'}); the last lines on the console:")
            for line in m.tail(8):
                print("    " + line)
    finally:
        m.close()
        os.unlink(job)
    say(f"{'all is well' if ok else 'the demo FAILED'}; the whole console is in {rel}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
