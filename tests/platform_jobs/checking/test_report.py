"""The report of a data check: one page without other files, and the same content as JSON."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

from platform_jobs.checking.report import drift_plot, page
from platform_jobs.prepare import prepare
from tests.made_once import sample_rows


def report(folder: Path, content: str, reference: Path | None = None) -> str:
    data = folder / "data.csv"
    data.write_text(content, encoding="utf-8")
    prepare(data, "Y", "m", folder / "out", (), reference)
    return (folder / "out" / "report.html").read_text(encoding="utf-8")


def test_the_report_shows_findings_and_a_histogram_of_each_column(tmp_path: Path) -> None:
    header, *rows = sample_rows().read_text().splitlines()
    shifted = [f"{float(row.split(',')[0]) + 0.04},{row.split(',', 1)[1]}" for row in rows]

    html = report(tmp_path, "\n".join([header, *shifted, ""]), sample_rows())

    assert "442 rows were compared with 442 earlier rows." in html
    assert re.search(r'<li class="shift">age: [^<]* \(p = [\d.e-]+\)</li>', html)
    assert html.count("<svg") == html.count("</svg>") == 11
    stored = json.loads((tmp_path / "out" / "report.json").read_text())
    assert len(stored["histograms"]) == 11
    assert all(abs(sum(one["new"]) - 1) < 1e-3 for one in stored["histograms"])
    assert "histograms" not in json.loads((tmp_path / "out" / "prepared.json").read_text())
    plot = ElementTree.fromstring((tmp_path / "out" / "drift.svg").read_text(encoding="utf-8"))
    texts = [element.text for element in plot.iter("{http://www.w3.org/2000/svg}text")]
    # The shifted column is the first one; the other ten have the same rows.
    assert texts[2] == "age"
    assert float(texts[3] or "") > 0.3
    assert texts[5::2] == ["0.000"] * 10


def test_the_plot_of_distances_has_the_total_variation_and_no_markup_of_names() -> None:
    columns = [
        {"name": "near", "reference": [0.5, 0.5, 0.0], "new": [0.5, 0.4, 0.1]},
        {"name": "<b>\x00", "reference": [1.0, 0.0, 0.0], "new": [0.0, 0.0, 1.0]},
    ]

    plot = ElementTree.fromstring(drift_plot(columns))

    texts = [element.text for element in plot.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[2:] == ["<b>\ufffd", "1.000", "near", "0.100"]


def test_data_without_a_reference_has_no_plot_of_distances(tmp_path: Path) -> None:
    report(tmp_path, sample_rows().read_text())

    assert not (tmp_path / "out" / "drift.svg").exists()


def test_the_report_loads_nothing_and_escapes_what_the_file_holds(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    reference = tmp_path / "reference.csv"
    lines = "".join(f"{n},{n % 7}\n" for n in range(100))
    reference.write_text(f"Y,{name}\n{lines}", encoding="utf-8")

    html = report(tmp_path, f"Y,{name}\n{lines}1,<script>\n", reference)

    assert "<img" not in html
    assert "<script" not in html
    assert "&lt;img src=x" in html
    assert not re.search(r"(src|href)=[\"']?http|url\(", html)
    assert "default-src 'none'" in html


def test_the_pictures_are_well_formed(tmp_path: Path) -> None:
    html = report(tmp_path, sample_rows().read_text(), sample_rows())

    for picture in re.findall(r"<svg.*?</svg>", html):
        ElementTree.fromstring(picture)


def test_a_refused_file_has_a_report_with_the_reason() -> None:
    html = page({"refused": "The file is empty. <b>", "profile": None})

    assert "The file is empty. &lt;b&gt;" in html
