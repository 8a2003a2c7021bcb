"""Prometheus' text: families with their types, names and values."""

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from function_app.triggers.metrics import Figures, Sample, exposition

FIGURES: Figures = {
    "mlops_releases": ("Releases", [({"model": "m", "status": "promoted"}, 2)]),
    "mlops_stage_seconds_sum": ("Time", [({"stage": "a"}, 1234567.25), ({"stage": "b"}, 0.5)]),
    "mlops_stage_seconds_count": ("Times", [({"stage": "a"}, 3), ({"stage": "b"}, 1)]),
    "mlops_call_count": ("A figure without a sum", [({}, 7)]),
}


def test_a_sum_and_a_count_are_one_summary_and_the_rest_are_gauges() -> None:
    lines = exposition(FIGURES).splitlines()

    assert [line for line in lines if line.startswith("# TYPE")] == [
        "# TYPE mlops_releases gauge",
        "# TYPE mlops_stage_seconds summary",
        "# TYPE mlops_call_count gauge",
    ]
    begin = lines.index("# TYPE mlops_stage_seconds summary")
    assert lines[begin + 1 : begin + 5] == [
        'mlops_stage_seconds_sum{stage="a"} 1234567.25',
        'mlops_stage_seconds_sum{stage="b"} 0.5',
        'mlops_stage_seconds_count{stage="a"} 3',
        'mlops_stage_seconds_count{stage="b"} 1',
    ]


def test_every_sample_belongs_to_the_family_above_it() -> None:
    family = ""
    for line in exposition(FIGURES).splitlines():
        if line.startswith("# TYPE "):
            family = line.split()[2]
        elif not line.startswith("#"):
            assert re.fullmatch(rf"{family}(_sum|_count)?({{.*}})? \S+", line), line


# The codec cleans control characters before; a line feed would end the line of a sample.
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"], include_characters="\n"),
    max_size=10,
)
LABELS = st.dictionaries(st.sampled_from(["a", "model", "_x1"]), TEXT, max_size=3)
VALUES = st.integers(-(10**15), 10**15) | st.floats(allow_nan=False)
SAMPLES = st.lists(st.tuples(LABELS, VALUES), min_size=1, max_size=4)


@settings(suppress_health_check=list(HealthCheck))
@given(text=st.text('a\\"ü{}#', max_size=10), samples=SAMPLES)
def test_the_librarys_parser_reads_every_figure_as_it_was(text: str, samples: list[Sample]) -> None:
    figures: Figures = {
        "mlops_x": (f"a {text}\\x", samples),
        "mlops_seconds_sum": ("Time", samples),
        "mlops_seconds_count": ("Times", samples),
    }

    gauge, summary = text_string_to_metric_families(exposition(figures))

    assert (gauge.type, gauge.documentation) == ("gauge", f"a {text}\\x")
    assert (summary.name, summary.type) == ("mlops_seconds", "summary")
    assert [(s.labels, s.value) for s in gauge.samples] == samples
    assert [(s.name, s.labels, s.value) for s in summary.samples] == [
        (f"mlops_seconds_{part}", *sample) for part in ("sum", "count") for sample in samples
    ]


def test_labels_are_escaped() -> None:
    text = exposition({"mlops_x": ("X", [({"a": 'b"\\\n'}, 1)])})

    assert text.splitlines()[-1] == 'mlops_x{a="b\\"\\\\\\n"} 1'
