#!/usr/bin/env python3
"""Guests' network by pvnetd on Paravane and by netback on the real Xen: TCP
streams, round trips, small datagrams, from a guest to dom0, from guest to guest
on one bridge, from dom0 to a guest; the same stock guests, rounds interleaved.
dom0-cpu-... is how long dom0 was busy for a round trip, a MB, a datagram."""
import traffic

FIGURES = [f"{place}-{what}" for place in ("dom0", "guest") for what in ("rtt", "stream-1", "stream-4", "udp")] + \
    ["from-dom0-stream-1"]


def better(name):
    if "rtt" in name:
        return name.rsplit("-", 1)[1], "less"
    return ("MB/s" if name.endswith("MBps") else "1/s"), "more"


def work(phase, values):
    """For traffic.per_operation()."""
    if rtt := values.get(f"{phase}-ns"):
        return phase, 1e9 / rtt, "us/trip"
    for unit, name in (("us/MB", f"{phase}-MBps"), ("us/packet", f"{phase}-pps")):
        if rate := values.get(name):
            return phase, rate, unit
    return None


def part(hv, peer, **how):
    return traffic.part("network", hv, peer, better, work, FIGURES, **how)


if __name__ == "__main__":
    traffic.main(__doc__, part)
