#!/usr/bin/env python3
"""Guests' network by pvnetd on Paravane and by netback on the real Xen: TCP
streams, round trips, small datagrams, from a guest to dom0, from guest to guest
on one bridge, from dom0 to a guest; the same stock guests, rounds interleaved.
cpu-... is how long dom0 was busy meanwhile, in units of 10 ms."""
import traffic


def better(name):
    if name.startswith("cpu-"):
        return "10ms", "less"
    return ("ns", "less") if "rtt" in name else ("", "more")


ENV = {"WHAT": "network", "FIGURES": ""}


def rows(hv, peer, rounds, say=lambda text: None):
    """For the common report, as lifecycle.py's."""
    return traffic.rows(hv, peer, rounds, ["ours"] + ["peer"] * bool(peer), traffic.settings(ENV), better, say)


if __name__ == "__main__":
    traffic.main(__doc__, ENV, better)
