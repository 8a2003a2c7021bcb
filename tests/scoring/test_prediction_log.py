"""The prediction log never costs a request anything and never holds more than it may."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from scoring.prediction_log import LogRules, PredictionLog, Served, read_rules
from tests.funchost.conftest import until
from tests.patience import PATIENCE
from tests.scoring.keys import AS_PROBE, KEY
from tests.scoring.service import serving

FEATURES = ("age", "sex", "bmi")
SERVED = Served(image="sha256:aa", version="3")


def lines(folder: Path) -> list[dict[str, Any]]:
    """Return every whole line of every segment, oldest first."""
    text = "".join(path.read_text() for path in sorted(folder.glob("*/*")))
    return [json.loads(line) for line in text.splitlines()]


def open_log(folder: Path, **change: Any) -> PredictionLog:
    return PredictionLog(LogRules(folder=folder, **change), FEATURES, SERVED)


def test_a_prediction_is_one_line_with_its_id_image_inputs_and_outputs(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.record("a1", [[1, 2, 3], [4, 5, 6]], [7.0, 8.0])
    log.close()

    [line] = lines(tmp_path)
    assert line.pop("at") > 1e9
    assert line == {
        "id": "a1",
        "image": "sha256:aa",
        "version": "3",
        "columns": ["age", "sex", "bmi"],
        "inputs": [[1, 2, 3], [4, 5, 6]],
        "outputs": [7.0, 8.0],
    }
    assert (log.logged, log.dropped) == (1, 0)
    assert [path.suffix for path in tmp_path.glob("*/*")] == [".jsonl"]


def test_a_line_names_its_caller_and_never_a_key(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.record("a1", [[1, 2, 3]], [7.0], "primary")
    log.close()

    assert lines(tmp_path)[0]["caller"] == "primary"


def test_inputs_that_the_policy_leaves_out_are_nowhere_in_the_log(tmp_path: Path) -> None:
    some, none = open_log(tmp_path / "a", columns=("bmi",)), open_log(tmp_path / "b", columns=())
    for log in (some, none):
        log.record("a1", [[123456, 2, 3]], [7.0])
        log.close()

    assert lines(tmp_path / "a")[0]["inputs"] == [[3]]
    assert "inputs" not in lines(tmp_path / "b")[0]
    assert "123456" not in str(lines(tmp_path / "a") + lines(tmp_path / "b"))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"PREDICTION_LOG_SAMPLE": "1.5"}, "a share from 0 to 1"),
        ({"PREDICTION_LOG_SAMPLE": "much"}, "much"),
        ({"PREDICTION_LOG_INPUTS": "bmi, agee"}, "agee"),
    ],
)
def test_rules_that_are_wrong_are_refused(given: dict[str, str], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        read_rules({"PREDICTION_LOG": "log", **given}, FEATURES)


def test_without_a_folder_nothing_is_logged() -> None:
    assert read_rules({}, FEATURES) is None


def test_a_sample_logs_about_its_share(tmp_path: Path) -> None:
    log = open_log(tmp_path, sample=0.25)
    for number in range(2000):
        log.record(str(number), [[1, 2, 3]], [1.0])
    log.close()

    assert 400 < log.logged < 600
    assert log.dropped == 0
    assert len(lines(tmp_path)) == log.logged


def test_a_full_queue_drops_and_counts_and_never_blocks(tmp_path: Path) -> None:
    blocked = open_log(tmp_path / "log", max_queued_rows=100)
    folder = blocked._segments._folder
    folder.mkdir(parents=True)
    os.mkfifo(folder / "00000001.part")

    for number in range(1000):
        blocked.record(str(number), [[1, 2, 3]], [1.0])
    reader = os.open(folder / "00000001.part", os.O_RDONLY)
    threading.Thread(target=_drain, args=(reader,), daemon=True).start()
    blocked.close()

    assert blocked.logged + blocked.dropped == 1000
    assert blocked.dropped >= 700
    assert blocked.logged >= 100


def _drain(reader: int) -> None:
    while os.read(reader, 65536):
        pass


def test_segments_rotate_by_size_and_the_whole_log_stays_within_its_bound(tmp_path: Path) -> None:
    for _ in range(3):  # three processes one after the other share the bound
        log = open_log(tmp_path, max_segment_bytes=400, max_total_bytes=2_000)
        for number in range(30):
            log.record(f"{number:032d}", [[1.5, 2.5, 3.5]], [7.0])
            until(lambda log=log, n=number: log.logged > n, "the line")
        log.close()

    sizes = [path.stat().st_size for path in tmp_path.glob("*/*")]
    assert sum(sizes) <= 2_000
    assert len(sizes) >= 3
    assert max(sizes) < 600
    assert lines(tmp_path)[-1]["id"] == f"{29:032d}", "the newest stay"
    assert len(list(tmp_path.iterdir())) == 1, "a folder without segments goes"


def test_a_segment_is_finished_by_age_though_nobody_asks_any_more(tmp_path: Path) -> None:
    log = open_log(tmp_path, max_segment_seconds=0.05)
    log.record("a", [[1, 2, 3]], [1.0])

    until(lambda: [p.suffix for p in tmp_path.glob("*/*")] == [".jsonl"], "the finished segment")
    log.close()


def test_a_log_that_cannot_be_written_is_told_once_and_nothing_fails(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "log").write_text("a file where the folder should be")
    log = open_log(tmp_path / "log")
    for number in range(5):
        log.record(str(number), [[1, 2, 3]], [1.0])
        until(lambda n=number: log.dropped > n, "the drop")
    log.close()

    assert (log.logged, log.dropped) == (0, 5)
    assert len(caplog.records) == 1
    assert "Not a directory" in caplog.text


def test_a_full_disk_drops_lines_and_leaves_only_whole_ones_and_half_a_last(tmp_path: Path) -> None:
    # A limit on the size of a file is the smallest full disk: the write ends half-way.
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from scoring.prediction_log import LogRules, PredictionLog, Served\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "log = PredictionLog(LogRules(folder=Path(sys.argv[1])), ['a'], Served(image='i'))\n"
        "for n in range(100): log.record(str(n), [[1.0]], [1.0])\n"
        "log.close()\n"
        "print(log.logged, log.dropped)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )

    logged, dropped = map(int, ended.stdout.split())
    assert logged + dropped == 100
    assert dropped > 0
    assert ended.stderr.count("cannot be written") == 1
    [segment] = tmp_path.glob("*/*")
    assert segment.stat().st_size == 1000
    for line in segment.read_text().splitlines()[:-1]:
        json.loads(line)


def test_the_service_logs_what_it_answers_and_flushes_at_its_end(
    model: Path, tmp_path: Path
) -> None:
    environ = {"IMAGE_DIGEST": "sha256:aa", "PREDICTION_LOG": str(tmp_path)}
    golden = json.loads((model / "golden.json").read_text())
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    with serving(model, environ) as client:
        ask = {"data": golden["data"]}
        traced = client.post(
            "/score",
            json=ask,
            headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01", **AS_PROBE},
        )
        other = client.post("/score", json=ask, headers={"traceparent": "00-nonsense"})
        client.post("/score", json=ask, headers={"X-Prediction-Log": "off", **AS_PROBE})
        client.post("/score", json={"data": []})

        def figures() -> httpx.Response:
            return client.get("/metrics", headers=AS_PROBE)

        until(lambda: "prediction_log_logged_total 2\n" in figures().text, "the lines")
        metrics = figures()

    assert metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "scoring_requests_total 3\n" in metrics.text
    assert "scoring_refused_total 1\n" in metrics.text
    assert "prediction_log_dropped_total 0\n" in metrics.text
    assert traced.headers["x-prediction-id"] == trace
    logged = lines(tmp_path)
    assert [line["id"] for line in logged] == [trace, other.headers["x-prediction-id"]]
    assert logged[0]["inputs"] == golden["data"]
    assert logged[0]["outputs"] == traced.json()["result"]
    assert [line.get("caller") for line in logged] == [None, "primary"]
    assert KEY not in json.dumps(logged)
    assert [path.suffix for path in tmp_path.glob("*/*")] == [".jsonl"]
