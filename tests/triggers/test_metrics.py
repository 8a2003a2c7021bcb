"""Prometheus' text: families with their types, names and values."""

import re

from function_app.triggers.metrics import Figures, exposition

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


def test_labels_are_escaped() -> None:
    text = exposition({"mlops_x": ("X", [({"a": 'b"\\\n'}, 1)])})

    assert text.splitlines()[-1] == 'mlops_x{a="b\\"\\\\\\n"} 1'
