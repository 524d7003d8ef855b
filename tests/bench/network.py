#!/usr/bin/env python3
"""Guests' network by pvnetd on Paravane and by netback on the real Xen: TCP
streams, round trips, small datagrams, from a guest to dom0, from guest to guest
on one bridge, from dom0 to a guest; the same stock guests, rounds interleaved.
cpu-... is how long dom0 was busy meanwhile, in units of 10 ms."""
import traffic

FIGURES = [f"{place}-{what}" for place in ("dom0", "guest") for what in ("rtt", "stream-1", "stream-4", "udp")] + \
    ["from-dom0-stream-1"]


def better(name):
    if name.startswith("cpu-"):
        return "10ms", "less"
    if "rtt" in name:
        return name.rsplit("-", 1)[1], "less"
    return ("MB/s" if name.endswith("MBps") else "1/s"), "more"


def part(hv, peer, **how):
    return traffic.part("network", hv, peer, better, FIGURES, **how)


if __name__ == "__main__":
    traffic.main(__doc__, part)
