#!/usr/bin/env python3
"""A guest's disk by pvblkd on Paravane and by blkback on the real Xen: the same
virtio disk in dom0 below (past dom0's page cache on both sides), the same stock
guest, rounds interleaved. Operations a second; 1-MiB ones are MB/s as well.
dom0-cpu-... is how long dom0 was busy for each."""
import traffic

FIGURES = ["read,4096,1,SECS,random", "write,4096,1,SECS,random", "read,4096,32,SECS,random",
           "write,4096,32,SECS,random", "read,1048576,4,SECS", "write,1048576,4,SECS"]


def better(_):
    return "op/s", "more"


def work(phase, values):
    """For traffic.per_operation()."""
    what, size, depth, _, *order = phase.split(",")
    name = f"{order[0] if order else 'sequential'}-{what}-{int(size) >> 10}k-d{depth}"
    return (name, values[name], "us/op") if values.get(name) else None


def part(hv, peer, **how):
    return traffic.part("block", hv, peer, better, work, FIGURES, **how)


if __name__ == "__main__":
    traffic.main(__doc__, part)
