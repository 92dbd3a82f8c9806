"""Which versions of the law stand where: each was published once, or is what one left of another.

A publication replaces the versions that it touches, and what is left of each is recorded again,
by the approval under which it came. So law that was once approved cannot be put in force again,
nor for other days, by a row that names the old approval.
"""

from collections import defaultdict

from verifier.law import VERSIONS, Law
from verifier.report import Report
from verifier.values import Row

Span = tuple[str, str | None]
"""From when to when a version applies, as texts of equal writing; None where it has no end."""
SAME_AS_BEFORE = ("instrument", "kind", "market", "digest", "approval")


def check_remainders(law: Law, report: Report) -> None:
    """Hold every version to be published once, or to be what was left of the one that it names."""
    rows = {row["id"]: row for of_document in law.versions.values() for row in of_document}
    published: defaultdict[str, set[str]] = defaultdict(set)
    left: dict[tuple[str, Span], Row] = {}
    takers: list[Row] = []
    with report.reading(VERSIONS):
        for row in rows.values():
            if row["origin"] is None:
                published[row["approval"]].add(row["recorded_from"])
                takers.append(row)
                continue
            for replaced in row["supersedes"]:
                left[replaced, span_of(row)] = row
            if len(row["supersedes"]) != 1:
                what = "one version that it is left of"
                report.add(VERSIONS, f"version {row['id']}", what, len(row["supersedes"]))
        for approval, moments in sorted(published.items()):
            if len(moments) > 1:
                what = "published at one moment"
                report.add(VERSIONS, f"approval {approval}", what, ", ".join(sorted(moments)))
        for taker in takers:
            check_taken(taker, rows, left, report)
        for (replaced, _), row in left.items():
            what = f"what a publication left of version {replaced}"
            report.add(VERSIONS, f"version {row['id']}", what, "other days, or nothing was left")
        report.count("versions that were published once or are what was left", len(rows))


def check_taken(
    taker: Row, rows: dict[str, Row], left: dict[tuple[str, Span], Row], report: Report
) -> None:
    """Hold what a publication left of each version that it replaced, and take it from `left`."""
    for replaced in taker["supersedes"]:
        before = rows.get(replaced)
        if before is None or before["instrument"] != taker["instrument"]:
            what = f"version {replaced} of its instrument, which it replaces"
            report.add(VERSIONS, f"version {taker['id']}", what, None)
            continue
        origin = before["origin"] or before["id"]
        for span in cut(span_of(before), span_of(taker)):
            row = left.pop((replaced, span), None)
            is_end = taker["digest"] == before["digest"] and span[0] == taker["valid_to"]
            if row is None and is_end:
                continue  # what was ended is recorded again, with its end and nothing after it
            place = f"version {replaced}, of which {span[0]} to {span[1] or 'no end'} was left"
            expected = [before[name] for name in SAME_AS_BEFORE]
            expected += [origin, taker["recorded_from"]]
            found = row and [row[name] for name in (*SAME_AS_BEFORE, "origin", "recorded_from")]
            report.equal(VERSIONS, place, "recorded again as it was,", expected, found)


def span_of(row: Row) -> Span:
    """Return from when to when a version applies."""
    return row["valid_from"], row["valid_to"]


def cut(whole: Span, taken: Span) -> list[Span]:
    """Return what is left of a span where another is taken out, of which it may touch none.

    >>> cut(("2024", None), ("2025", "2026"))
    [('2024', '2025'), ('2026', None)]
    """
    (start, end), (first, last) = whole, taken
    if (end is not None and end <= first) or (last is not None and last <= start):
        return [whole]
    left: list[Span] = []
    if start < first:
        left.append((start, first))
    if last is not None and (end is None or last < end):
        left.append((last, end))
    return left
