#!/usr/bin/env python3
"""What a kernel developer waits for: from `pvn run` to the shell's prompt, a
breakpoint's round trip as gdb goes it (take it away, step, set it, go on until it
is met again, read the registers), a step; and what `pvn trace` costs a loop of
system calls. A stock kernel on our host domain; one boot, a minute or two."""
import argparse
import os
import re

import rounds
import machine

LIMIT = 400


def figure(line):
    b = re.match(r"BENCH (\S+) ([\d.]+) (\S+)$", line)
    return rounds.Figure(b[1], b[3], "less", float(b[2])) if b else None


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--hv", default=machine.default_hv())
    p.add_argument("--times", type=int, default=10, help="values of each")
    p.add_argument("--json", help="write the rows there, too")
    a = p.parse_args()
    slow = machine.how_busy()
    job = rounds.job_disk("debug-dom0.sh", {"SLOW": slow, "TIMES": a.times}, {
        "files": rounds.JOB_FILES, "bench": [os.path.join(rounds.HERE, "debug-times.py")]})
    m = machine.quick_boot(rounds.log_of("bench", "debug"), os.path.abspath(a.hv), job=job, dom0_mem=1024, mem=3072,
                           extra=["-nic", "none"])
    rows = rounds.Rows()
    try:
        for f in rounds.gather(m, figure, LIMIT * slow):
            rows.add("paravane", f)
    except rounds.Failed as e:
        raise SystemExit(f"the measurement did not get to its end: {e}") from None
    finally:
        m.close()
        os.unlink(job)
    rows.show()
    if a.json:
        rows.write(a.json)


if __name__ == "__main__":
    main()
