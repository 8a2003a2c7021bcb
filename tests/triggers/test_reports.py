"""Runs over HTTP: their state, their log, and ids that are no ids."""

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from function_app.composition import create_app
from function_app.domain.change.change import CodeVersion
from function_app.domain.lineage.environment import RunEnvironment
from function_app.domain.training import Run, RunStatus
from function_app.errors import ContractError, NotFoundError
from function_app.settings.settings import read_settings
from function_app.triggers.http.reports import MAX_LOG, get_report, get_run_log, get_run_state
from function_app.triggers.invocation import Answer, Invocation, Request

ROOT = Path(__file__).parents[2]
RUN = Run(
    run_id="train-diabetes-a",
    model="diabetes",
    status=RunStatus.FAILED,
    dataset_version="d" * 64,
    output_uri="https://account/runs/a?sig=secret",
    detail="Exit code 1",
    metrics={"mse": 2998.12345},
    tags={"instance_id": "i"},
    code=CodeVersion(model="diabetes", version="v", uri="https://account/x?sig=s", commit="c0ffee"),
)


@dataclass
class OneRun:
    """Jobs that know one run."""

    text: bytes = b"one\ntwo\nthree\n"
    asked: list[str] = field(default_factory=list)

    def get(self, run_id: str) -> Run:
        self.asked.append(run_id)
        return RUN if run_id == RUN.run_id else replace(RUN, status=RunStatus.UNKNOWN)

    def environment(self, run_id: str) -> RunEnvironment | None:
        return RunEnvironment(cpu="Xeon", threads="1") if run_id == RUN.run_id else None

    def log(self, run_id: str, most: int) -> bytes:
        self.asked.append(run_id)
        return self.text[-most:]


def ask(respond: Any, jobs: OneRun, run_id: str = RUN.run_id, **query: str) -> Answer[Any]:
    invocation = cast(Invocation, SimpleNamespace(ports=SimpleNamespace(jobs=jobs)))
    request = Request(
        route={"run_id": run_id, "name": "junit.xml"}, headers={}, body=b"", query=query
    )
    return cast(Answer[Any], asyncio.run(respond(invocation, request)))


def test_a_run_is_shown_without_secrets() -> None:
    content = ask(get_run_state, OneRun()).content

    assert content["status"] == "failed"
    assert (content["metrics"], content["metrics_by"]) == ({"mse": 2998.12345}, "platform")
    assert content["figures"] == {"mse": "2998"}
    assert content["code"] == {"version": "v", "commit": "c0ffee"}
    assert content["environment"] == {"cpu": "Xeon", "threads": "1"}
    assert content["output_uri"] == "https://account/runs/a"
    assert "sig" not in str(content)


@pytest.mark.parametrize(
    ("query", "text"), [({}, b"one\ntwo\nthree\n"), ({"tail": "2"}, b"two\nthree\n")]
)
def test_the_log_is_plain_text_and_can_be_cut_to_its_last_lines(
    query: dict[str, str], text: bytes
) -> None:
    answer = ask(get_run_log, OneRun(), **query)

    assert (answer.content, answer.media_type) == (text, "text/plain")
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_long_log_of_other_bytes_is_cut_and_readable() -> None:
    answer = ask(get_run_log, OneRun(text=b"\xff" * (MAX_LOG + 1)))

    assert len(answer.content.decode()) == MAX_LOG


@pytest.mark.parametrize("tail", ["0", "-1", "x", "1.5", "²", "9" * 30])
def test_a_tail_that_is_no_number_of_lines_is_refused(tail: str) -> None:
    with pytest.raises(ContractError, match="number of lines"):
        ask(get_run_log, OneRun(), tail=tail)


@pytest.mark.parametrize("run_id", ["..", "../x", "a/b", "", "a" * 300, "%2e", "a\n"])
@pytest.mark.parametrize("respond", [get_run_state, get_run_log, get_report])
def test_an_id_that_is_a_path_reaches_no_adapter(respond: Any, run_id: str) -> None:
    jobs = OneRun()

    with pytest.raises(NotFoundError):
        ask(respond, jobs, run_id)
    assert jobs.asked == []


def test_a_run_that_is_unknown_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="api/status"):
        ask(get_run_state, OneRun(), "other")


def test_the_app_has_one_function_for_each_name(tmp_path: Path) -> None:
    functions = create_app(read_settings({"MLOPS_STATE": str(tmp_path)}, ROOT)).get_functions()

    names = [function.get_function_name() for function in functions]
    assert {"get_run", "get_run_state", "get_run_log"} <= set(names)
