#!/usr/bin/env python3
"""The benchmark's rounds without a machine: whose turn it is, what a boot that
goes wrong costs, when there is no time for one more, and a report of what is left."""
import os
import re
import sys
import types

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "bench"))
import report
import rounds
from rounds import Failed, Figure, Part, Rows


def run(parts, nr_rounds, minutes=None):
    rows, left_out = Rows(), []
    rounds.run(parts, nr_rounds, rows, rounds.Clock(minutes), left_out)
    return rows, left_out


def value(n):
    return Figure("row", "ns", "less", n)


def test_every_other_round_is_in_the_opposite_order():
    turns = []

    def boot(side, n, limit):
        turns.append((n, side))
        return [value(n)]
    rows, left_out = run([Part("p", ["peer", "ours"], boot)], 3)
    assert turns == [(0, "peer"), (0, "ours"), (1, "ours"), (1, "peer"), (2, "peer"), (2, "ours")], turns
    assert rows.list()[0]["samples"] == {"peer": [0, 1, 2], "ours": [0, 1, 2]} and not left_out


def test_a_failed_boot_costs_what_it_had_still_to_say():
    def boot(side, n, limit):
        if side == "peer" and n == 1:
            raise Failed("no end", [value(n)])
        if side == "peer" and n == 2:
            raise KeyError("a fault of the harness")
        return [value(n), Figure("last", "ns", "less", n)]
    rows, left_out = run([Part("p", ["peer", "ours"], boot), Part("q", ["ours"], boot)], 3)
    first, last = rows.list()
    assert first["samples"] == {"peer": [0, 1], "ours": [0, 0, 1, 1, 2, 2]}, first
    assert last["samples"] == {"peer": [0], "ours": [0, 0, 1, 1, 2, 2]}, last
    assert len(left_out) == 2 and "no end" in left_out[0] and "KeyError" in left_out[1], left_out


def test_no_boot_begins_that_would_not_end_in_time():
    begun = []
    long = Part("long", ["ours"], lambda *a: begun.append("long") or [], secs=61)
    short = Part("short", ["ours"], lambda *a: begun.append("short") or [value(1)], secs=1)
    rows, left_out = run([long, short], 2, minutes=1)
    assert begun == ["short", "short"] and len(left_out) == 2 and "no time" in left_out[0], (begun, left_out)


def test_a_part_stops_after_its_own_rounds():
    rows, _ = run([Part("exact", ["ours"], lambda side, n, limit: [value(n)], rounds=1)], 5)
    assert rows.list()[0]["samples"] == {"ours": [0]}


def test_rounds_beyond_enough_come_last_if_there_is_time():
    turns = []
    slow = Part("slow", ["ours"], lambda side, n, limit: turns.append(("slow", n)) or [], enough=1)
    quick = Part("quick", ["ours"], lambda side, n, limit: turns.append(("quick", n)) or [])
    run([slow, quick], 2)
    assert turns == [("slow", 0), ("quick", 0), ("quick", 1), ("slow", 1)], turns
    _, left_out = run([Part("long", ["ours"], None, secs=61, enough=0)], 1, minutes=1)
    assert not left_out


def machine(*lines, ended=None):
    """One that has said all it will."""
    m = types.SimpleNamespace(lines=[(0.0, line) for line in lines], ended=ended, log_path="log")

    def wait(pattern, timeout, after=0):
        return next(((i, v) for i, (_, line) in enumerate(m.lines) if i >= after and (v := re.search(pattern, line))),
                    (None, None))
    m.wait = wait
    return m


def number(line):
    b = re.match(r"BENCH row (\d+)$", line)
    return value(int(b[1])) if b else None


def test_figures_are_gathered_until_the_end():
    idle = []
    got = rounds.gather(machine("BENCH row 1", "BENCH-IDLE", "noise", "BENCH row 2", "BENCH-OK", "BENCH row 3"), number,
                        1, lambda: idle.append(1))
    assert [f.value for f in got] == [1, 2] and idle == [1]


def test_what_a_failed_machine_had_said_stays():
    for m in (machine("BENCH row 1", "BENCH-FAIL no guest"), machine("BENCH row 1", ended="reset")):
        try:
            rounds.gather(m, number, 1)
        except Failed as e:
            assert [f.value for f in e.found] == [1] and ("no guest" in str(e) or "reset" in str(e)), e
        else:
            assert False, "it passed"


def test_a_report_shows_rows_that_one_side_lacks():
    rows, _ = run([Part("p", ["ours"], lambda side, n, limit: [value(n + 1)])], 2)
    text = report.markdown({"title": "t", "about": {}, "rows": rows.list()})
    assert "| row | ns | 1.5 [1.25, 1.75] |" in text, text
    assert report.page({"title": "t", "about": {}, "rows": rows.list()})


if __name__ == "__main__":
    failed = 0
    for name, test in [(n, t) for n, t in globals().items() if n.startswith("test_")]:
        try:
            test()
            print(f"[       OK ] {name}")
        except AssertionError as e:
            failed = 1
            print(f"[  FAILED  ] {name}\n{e}")
    sys.exit(failed)
