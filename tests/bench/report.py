#!/usr/bin/env python3
"""Rows of figures as a report that stands alone: JSON, Markdown, HTML with plots.

  report.py build/bench/report.json    write the other two anew from a JSON
"""
import html
import json
import os
import sys

import plot
from stats import number, quartiles, ratio, verdict

SIDES = ("bare", "peer", "ours")
SECTIONS = [
    ("dom0/", "In dom0", "Two CPUs, 1 GiB; bare is the same kernel on the machine itself."),
    ("guest1/", "In a PV guest with one vCPU", "TSC read natively on both sides."),
    ("guest2/", "In a PV guest with two vCPUs", "TSC read natively on both sides."),
    ("guest1-tsc-default/", "The same guest as `xl` makes it", "The peer then traps reads of the TSC; Paravane "
     "publishes a stable clock, so its guests read it themselves."),
    ("host/", "The host", ""),
    ("block-", "A guest's disk", "`pvblkd` on Paravane against `blkback` on the peer."),
    ("network-", "Guests' network", "`pvnetd` on Paravane against `netback` on the peer."),
    ("store/", "The store", "`pvstored` beside Debian's daemons in one dom0; the column peer is the C xenstored."),
    ("lifecycle-", "Life cycle", "`pvn` on Paravane against `xl` on the peer, guest with a disk and a card."),
    ("counted/", "The same micro benchmarks in instructions", "Of kernel and hypervisor together, on one CPU, whatever "
     "else the host does; page-table switches and flushes cost nothing here."),
    ("path/", "Path lengths", "Instructions of the hypervisor for one operation, counted, not timed: exact."),
    ("trips/", "Round trips without a hypercall", "Share of user-to-kernel round trips in which dom0's kernel made "
     "no hypercall and none of its instructions trapped. Only Paravane can tell."),
    ("", "Others", ""),
]


def sections(rows):
    """[(title, note, rows)], each row in the first section whose prefix it has."""
    left = list(rows)
    for prefix, title, note in SECTIONS:
        here = [r for r in left if r["name"].startswith(prefix)]
        left = [r for r in left if not r["name"].startswith(prefix)]
        if here:
            yield title, note, [dict(r, label=r["name"][len(prefix):]) for r in here]


def sides_of(rows):
    known = [s for s in SIDES if any(r["samples"].get(s) for r in rows)]
    return known + sorted({s for r in rows for s in r["samples"]} - set(SIDES))


def cell(values):
    if not values:
        return ""
    lo, mid, hi = quartiles(values)
    return number(mid) if lo == hi else f"{number(mid)} [{number(lo)}, {number(hi)}]"


def ratio_cell(row, reference):
    a, b = row["samples"].get("ours"), row["samples"].get(reference)
    r = ratio(a, b) if a and b else None
    if not r:
        return ""
    return f"{r[1]:.2f}" if r[0] == r[2] else f"{r[1]:.2f} [{r[0]:.2f}, {r[2]:.2f}]"


def table(rows):
    """Header and lines of cells."""
    sides = sides_of(rows)
    header = ["", "unit"] + sides
    compared = "ours" in sides and "peer" in sides
    if compared:
        header += ["ours / peer", ""]
    lines = []
    for r in rows:
        line = [r["label"], r["unit"]] + [cell(r["samples"].get(s)) for s in sides]
        if compared:
            line += [ratio_cell(r, "peer"), verdict(r, "ours", "peer")]
        lines.append(line)
    return header, lines


def markdown(report):
    out = [f"# {report['title']}", ""]
    out += [f"- {k}: {v}" for k, v in report["about"].items()]
    for title, note, rows in sections(report["rows"]):
        header, lines = table(rows)
        out += ["", f"## {title}", ""] + ([note, ""] if note else [])
        out += ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
        out += ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join(out) + "\n"


STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}.better{color:#0a7d32;font-weight:600}.worse{color:#b3261e;font-weight:600}
.same{color:#777}dt{font-weight:600;float:left;clear:left;width:9em}dd{margin-left:10em}svg{max-width:100%}"""


def page(report):
    e = html.escape
    out = [f"<!doctype html><meta charset=utf-8><title>{e(report['title'])}</title><style>{STYLE}</style>",
           f"<h1>{e(report['title'])}</h1><dl>"]
    out += [f"<dt>{e(k)}</dt><dd>{e(v)}</dd>" for k, v in report["about"].items()]
    out.append("</dl>")
    for title, note, rows in sections(report["rows"]):
        header, lines = table(rows)
        out.append(f"<h2>{e(title)}</h2><p>{e(note)}</p>")
        out.append(plot.ratios(rows))
        out.append("<table><tr>" + "".join(f"<th>{e(h)}</th>" for h in header) + "</tr>")
        for line in lines:
            cells = "".join(f"<td class='{e(c)}'>{e(c)}</td>" if c in ("better", "worse", "same") else
                            f"<td>{e(c)}</td>" for c in line)
            out.append(f"<tr>{cells}</tr>")
        out.append("</table>")
    return "\n".join(out) + "\n"


def write(report, folder):
    """report.json, .md and .html in `folder`."""
    os.makedirs(folder, exist_ok=True)
    for name, text in (("json", json.dumps(report, indent=1) + "\n"), ("md", markdown(report)), ("html", page(report))):
        with open(os.path.join(folder, "report." + name), "w") as f:
            f.write(text)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1]) as f:
        write(json.load(f), os.path.dirname(sys.argv[1]))
