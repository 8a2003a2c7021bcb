"""The report of a data check: an HTML page without other files and scripts, and a plot."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from platform_jobs.checking.dates import day_of

Content = dict[str, Any]
WIDTH, HEIGHT = 240, 80
# Columns that the table of figures shows.
MOST_ROWS = 500
# Columns of the plot of distances, the height of each in pixels, and the letters of its name.
MOST_BARS, BAR, LONGEST_NAME = 40, 18, 24
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}"
    "td,th{border:1px solid #bbb;padding:.2rem .6rem;text-align:left}"
    "figure{display:inline-block;margin:.5rem}li.fault{color:#a00}li.shift{color:#850}"
    ".old{fill:#999;opacity:.6}.new{fill:none;stroke:#06c;stroke-width:2}"
)


def page(content: Content) -> str:
    """Return the page for the content of prepared.json, with `histograms` when there are any.

    Names and cells come from the file, so that every text is escaped.
    """
    profile = content["profile"]
    parts = [f"<p>{escape(content['refused'])}</p>"] if content["refused"] else []
    if profile is not None:
        parts += _body(content, profile)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Data check</title>'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}</style></head><body><h1>Data check</h1>{''.join(parts)}</body></html>\n"
    )


def drift_plot(columns: Sequence[Content]) -> str:
    """Return an SVG with a bar for each column: how far its histogram is from the reference data's.

    The distance is the total variation, half the sum of the differences of all shares: 0 for equal
    histograms, 1 for disjoint ones. The columns with the largest distance are first; `columns` is
    not empty.
    """
    distances = [
        (0.5 * sum(abs(a - b) for a, b in zip(c["reference"], c["new"], strict=True)), c["name"])
        for c in columns
    ]
    distances = sorted(distances, key=lambda one: -one[0])[:MOST_BARS]
    height = BAR * len(distances) + 56
    title = "Distance of each column from the reference data"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 {height}" width="480" '
        f'height="{height}" font-family="sans-serif" font-size="11">',
        f'<title>{title}</title><rect width="480" height="{height}" fill="white"/>',
        f'<text x="240" y="18" text-anchor="middle" font-size="13">{title}</text>',
        '<text x="240" y="34" text-anchor="middle">total variation of histograms, 0 to 1</text>',
    ]
    for index, (distance, name) in enumerate(distances):
        y = 44 + BAR * index
        shown = "".join(sign if sign.isprintable() else "\ufffd" for sign in name)[:LONGEST_NAME]
        parts.append(
            f'<text x="154" y="{y + 11}" text-anchor="end">{escape(shown)}</text>'
            f'<rect x="160" y="{y}" width="{260 * distance:.1f}" height="{BAR - 4}" '
            f'fill="steelblue"/><text x="{166 + 260 * distance:.1f}" y="{y + 11}">'
            f"{distance:.3f}</text>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _body(content: Content, profile: Content) -> Iterable[str]:
    check = content.get("check") or {"rows": 0, "reference_rows": 0, "findings": []}
    yield f"<p>{profile['rows']} rows, {len(profile['columns'])} columns. "
    if check["rows"]:
        yield f"{check['rows']} rows were compared with {check['reference_rows']} earlier rows."
    else:
        yield "No rows were compared with earlier rows."
    yield "</p>"
    yield _listed("Faults of the form", (("fault", text) for text in profile["faults"]))
    yield _listed("Findings", ((f["severity"], _with_p(f)) for f in check["findings"]))
    yield _listed("Notes on the form", (("note", text) for text in profile["notes"]))
    yield _figures(profile, content.get("reference"))
    yield _dates(profile, content.get("reference"))
    if columns := content.get("histograms"):
        yield "<h2>Distributions</h2><p>Grey: the reference data. Blue: this file.</p>"
        yield from map(_histogram, columns)


def _with_p(finding: Content) -> str:
    p = finding["p"]
    return str(finding["text"]) if p is None else f"{finding['text']} (p = {p:.2g})"


def _listed(title: str, items: Iterable[tuple[str, str]]) -> str:
    texts = [f'<li class="{escape(kind)}">{escape(text)}</li>' for kind, text in items]
    return f"<h2>{title}</h2><ul>{''.join(texts)}</ul>" if texts else ""


def _figures(profile: Content, reference: Content | None) -> str:
    before = {column["name"]: column for column in reference["columns"]} if reference else {}
    rows = []
    for column in [one for one in profile["columns"] if "earliest" not in one][:MOST_ROWS]:
        old = before.get(column["name"], {})
        cells = [column["name"], column["missing"]]
        cells += [_number(one.get(name)) for name in ("mean", "std") for one in (column, old)]
        rows.append("".join(f"<td>{escape(str(cell))}</td>" for cell in cells))
    head = ("column", "no number", "mean", "before", "deviation", "before")
    titles = "".join(f"<th>{title}</th>" for title in head)
    lines = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<h2>Columns</h2><table><tr>{titles}</tr>{lines}</table>"


def _dates(profile: Content, reference: Content | None) -> str:
    """Return the table of the columns of dates, "" without any."""
    before = {column["name"]: column for column in reference["columns"]} if reference else {}
    rows = []
    for column in [one for one in profile["columns"] if "earliest" in one][:MOST_ROWS]:
        old = before.get(column["name"], {})
        cells = [column["name"], column["missing"]]
        cells += [one.get(name, "") for name in ("earliest", "latest") for one in (column, old)]
        rows.append("".join(f"<td>{escape(str(cell))}</td>" for cell in cells))
    head = ("column", "no date", "earliest", "before", "latest", "before")
    titles = "".join(f"<th>{title}</th>" for title in head)
    lines = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<h2>Dates</h2><table><tr>{titles}</tr>{lines}</table>" if rows else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _histogram(column: Content) -> str:
    old, new = column["reference"], column["new"]
    most, step = max(*old, *new, 1e-9), WIDTH / len(old)
    bars = "".join(
        f'<rect class="old" x="{index * step:.1f}" width="{step:.1f}" '
        f'y="{HEIGHT * (1 - share / most):.1f}" height="{HEIGHT * share / most:.1f}"/>'
        for index, share in enumerate(old)
    )
    points = " ".join(
        f"{x:.1f},{HEIGHT * (1 - share / most):.1f}"
        for index, share in enumerate(new)
        for x in (index * step, (index + 1) * step)
    )
    name = escape(column["name"])
    shown = day_of if column.get("is_date") else _number
    return (
        f'<figure><svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{name}">{bars}'
        f'<polyline class="new" points="{points}"/></svg><figcaption>{name}: '
        f"{shown(column['low'])} to {shown(column['high'])}</figcaption></figure>"
    )
