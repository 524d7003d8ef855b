#!/usr/bin/env python3
"""Guests' network by pvnetd on Paravane and by netback on the real Xen: TCP
streams, round trips, small datagrams, from a guest to dom0, from guest to guest
on one bridge, from dom0 to a guest; the same stock guests, rounds interleaved.
cpu-... is how long dom0 was busy meanwhile, in units of 10 ms."""
import traffic


def better(name):
    if name.startswith("cpu-"):
        return "10ms", "less"
    if "rtt" in name:
        return name.rsplit("-", 1)[1], "less"
    return ("MB/s" if name.endswith("MBps") else "1/s"), "more"


def part(hv, peer, **how):
    return traffic.part("network", hv, peer, better, **how)


if __name__ == "__main__":
    traffic.main(__doc__, part)
