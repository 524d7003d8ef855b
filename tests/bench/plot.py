"""Plots as SVG text, to stand in a page without anything from elsewhere."""
import html
import math

from stats import ratio, verdict

COLOURS = {"better": "#0a7d32", "worse": "#b3261e", "same": "#888"}
LEFT, WIDTH, RIGHT, LINE = 260, 520, 60, 22


def ticks(lo, hi):
    return [t for t in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if lo <= t <= hi]


def ratios(rows, side="ours", reference="peer"):
    """A dot with its spread for each row's ratio, on a logarithmic scale around
    1; left is better where less is. Empty when nothing can be compared."""
    dots = []
    for r in rows:
        a, b = r["samples"].get(side), r["samples"].get(reference)
        found = ratio(a, b) if a and b else None
        if found and found[0] > 0:
            dots.append((r["label"], found, COLOURS[verdict(r, side, reference) or "same"]))
    if not dots:
        return ""
    lo = min(0.5, min(d[1][0] for d in dots)) * 0.9
    hi = max(2, max(d[1][2] for d in dots)) * 1.1

    def x(value):
        return LEFT + WIDTH * math.log(value / lo) / math.log(hi / lo)

    height = LINE * (len(dots) + 2)
    out = [f"<svg viewBox='0 0 {LEFT + WIDTH + RIGHT} {height}' width='{LEFT + WIDTH + RIGHT}' "
           "xmlns='http://www.w3.org/2000/svg' font-size='13' font-family='sans-serif'>"]
    for t in ticks(lo, hi):
        out.append(f"<line x1='{x(t):.1f}' x2='{x(t):.1f}' y1='{LINE}' y2='{height - LINE}' "
                   f"stroke='{'#333' if t == 1 else '#ddd'}'/>"
                   f"<text x='{x(t):.1f}' y='{height - 5}' text-anchor='middle'>{t:g}</text>")
    for i, (label, (low, mid, high), colour) in enumerate(dots):
        y = LINE * (i + 1.5)
        out.append(f"<text x='{LEFT - 8}' y='{y + 4}' text-anchor='end'>{html.escape(label)}</text>"
                   f"<line x1='{x(low):.1f}' x2='{x(high):.1f}' y1='{y}' y2='{y}' stroke='{colour}' stroke-width='3' "
                   "stroke-opacity='.4'/>"
                   f"<circle cx='{x(mid):.1f}' cy='{y}' r='5' fill='{colour}'><title>{mid:.2f}</title></circle>"
                   f"<text x='{LEFT + WIDTH + 8}' y='{y + 4}' fill='{colour}'>{mid:.2f}</text>")
    out.append(f"<text x='{LEFT}' y='14' fill='#555'>{html.escape(side)} / {html.escape(reference)}, "
               "median and what the quartiles allow</text></svg>")
    return "".join(out)
