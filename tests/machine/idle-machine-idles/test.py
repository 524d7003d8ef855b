"""When no domain has anything to do, the machine's CPUs halt: QEMU hardly runs."""
import os
import tempfile
import time

import machine
from verdict import Fail

SECONDS = 10
LIMIT = 0.5              # CPUs' worth; four that spun would make one per host CPU


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(ctx, log):
    with tempfile.TemporaryDirectory() as tmp:
        with open(os.path.join(tmp, "run.sh"), "w") as f:
            f.write("sleep 3; echo IDLE-NOW; sleep 1000\n")
        job = machine.disk_of(tmp)
    m = machine.quick_boot(log, ctx.hv, job=job, dom0_mem=512, mem=1024, smp=4, extra=["-nic", "none"])
    try:
        if m.wait("IDLE-NOW", 150 * ctx.slow)[0] is None:
            raise Fail("dom0 did not come up; last lines: " + " | ".join(m.tail(2)))
        time.sleep(2)
        before = cpu_seconds(m.proc.pid)
        time.sleep(SECONDS)
        used = (cpu_seconds(m.proc.pid) - before) / SECONDS
        ctx.report.say(f"      the idle machine of 4 CPUs used {used:.2f} host CPUs")
        if used > LIMIT:
            raise Fail(f"it used {used:.2f} host CPUs")
    finally:
        m.close()
        os.unlink(job)


def cases(_ctx):
    return [("", run, dict(secs=40))]
