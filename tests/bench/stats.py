"""Medians, quartiles, ratios, and when a difference counts.

A row is {name, unit, better, samples: {side: [values]}}; "exact" in one whose
values come out the same every time, so that one is enough."""
import statistics


def quartiles(values):
    """Lower quartile, median, upper quartile."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


def differ(a, b):
    """Do the quartile ranges of two samples lie apart?"""
    (alo, _, ahi), (blo, _, bhi) = quartiles(a), quartiles(b)
    return ahi < blo or bhi < alo


def ratio(a, b):
    """Median of `a` over that of `b` with its spread: (lowest, median, highest)
    that the quartiles allow. None when there is nothing to divide by."""
    (alo, amid, ahi), (blo, bmid, bhi) = quartiles(a), quartiles(b)
    if min(blo, bmid, bhi) <= 0:
        return None
    return alo / bhi, amid / bmid, ahi / blo


def verdict(row, side, reference):
    """better, worse or same; "" when one of the two was not measured."""
    a, b = row["samples"].get(side), row["samples"].get(reference)
    if not a or not b:
        return ""
    if not differ(a, b) or (min(len(a), len(b)) < 2 and not row.get("exact")):
        return "same"
    less = quartiles(a)[1] < quartiles(b)[1]
    return "better" if less == (row["better"] == "less") else "worse"


def number(x):
    """Three digits that count."""
    if abs(x) >= 1000:
        return f"{x:,.0f}"
    return f"{x:.3g}"
