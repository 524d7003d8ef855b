#!/usr/bin/env python3
"""The tiny guest on Paravane and on the real Xen, with each side's backends: the
time of its own until its first line and the time until that is on its console,
the memory it takes, its TCP to dom0 and to another one of it. network.py has the
same of stock guests. Rounds interleaved.

With --icount first-line-us is thousands of instructions, the same every time."""
import traffic

FIGURES = [f"{place}-{what}" for place in ("dom0", "guest") for what in ("rtt", "stream-1", "stream-4")] + \
    ["from-dom0-stream-1"]


def better(name):
    return ("MB/s", "more") if name.endswith("MBps") else (name.rsplit("-", 1)[1], "less")


def part(hv, peer, **how):
    return traffic.part("tiny", hv, peer, better, lambda phase, values: None, FIGURES, **how)


if __name__ == "__main__":
    traffic.main(__doc__, part)
