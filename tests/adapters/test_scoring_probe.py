"""A failing smoke test names the status and the body of the answers that failed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from function_app.adapters.local.reach.processes import free_port
from function_app.adapters.scoring_service.scoring_probe import REQUESTS, ask
from function_app.domain.release.release import ReleasePolicy, judge_smoke
from function_app.domain.release.serving import Image, SmokeReport
from tests.azure_servers.base import Answer, Request, Server

GOLDEN = {"data": [[1.0], [2.0]], "result": [10.0, 20.0]}
HEALTHY = Answer(content={"status": "ok", "image": "sha256:aa"})
RIGHT = Answer(content={"result": [10.0, 20.0]})


@contextmanager
def service(score: Callable[[Request], Answer], health: Answer = HEALTHY) -> Iterator[str]:
    def respond(request: Request) -> Answer:
        if request.path == "/healthz":
            return health
        # As every service must: nothing without the platform's own secret or a key.
        if request.headers.get("x-probe-key") != "secret":
            return Answer(status=401)
        return score(request)

    with Server(respond) as server:
        yield server.url


def reported(answer: Answer) -> SmokeReport:
    with service(lambda _: answer) as url:
        return ask(url, GOLDEN, "secret")


def test_right_answers_have_no_detail() -> None:
    report = reported(RIGHT)

    assert (report.failures, report.largest_difference, report.detail) == (0, 0.0, "")


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (
            Answer(status=500, content={"error": {"code": "MODEL_FAILED", "message": "no bmi"}}),
            "HTTP 500 MODEL_FAILED: no bmi.",
        ),
        (Answer(status=500, content={"error": "no bmi"}), 'HTTP 500 {"error": "no bmi"}.'),
        (Answer(status=502, body=b"<h1>Bad\n gateway</h1>"), "HTTP 502 <h1>Bad gateway</h1>."),
        (Answer(status=404), "HTTP 404 an empty body."),
        (Answer(body=b"hello"), "HTTP 200 hello."),
        (Answer(content=[1, 2]), "HTTP 200 [1, 2]."),
        (Answer(content={"result": [1.0]}), "HTTP 200 without 2 numbers in `result`: "),
        (Answer(content={"prediction": 1}), "HTTP 200 without 2 numbers in `result`: "),
        (Answer(content={"result": ["a", "b"]}), "in `result` that is not a finite number: "),
        (Answer(body=b'{"result": [10.0, NaN]}'), "in `result` that is not a finite number: "),
        (Answer(drop=True), "RemoteProtocolError: Server disconnected"),
    ],
)
def test_an_answer_that_cannot_be_compared_is_a_failure_with_its_status_and_body(
    answer: Answer, detail: str
) -> None:
    report = reported(answer)

    assert report.failures == REQUESTS
    assert report.largest_difference is None
    assert report.detail.startswith(detail) or detail in report.detail


def test_causes_are_named_once_the_most_frequent_first() -> None:
    asked: list[Request] = []

    def score(request: Request) -> Answer:
        asked.append(request)
        if len(asked) % 5 == 0:
            return Answer(status=503, body=b"busy")
        return Answer(status=500, body=b"broken") if len(asked) % 2 else RIGHT

    with service(score) as url:
        report = ask(url, GOLDEN, "secret")

    assert report.detail == "HTTP 500 broken. HTTP 503 busy."
    assert (report.failures, report.largest_difference) == (12, 0.0)


def test_a_long_body_is_cut_and_a_secret_is_left_out() -> None:
    long = reported(Answer(status=500, body=b"x" * 100_000))
    secret = reported(Answer(status=500, body=b"https://x/y?sig=abc123&se=1 failed"))

    assert len(long.detail) < 500
    assert "abc123" not in secret.detail
    assert "failed" in secret.detail


def test_a_service_that_cannot_be_reached_is_named() -> None:
    report = ask(f"http://127.0.0.1:{free_port()}", GOLDEN, "secret")

    assert report.failures == REQUESTS
    assert "ConnectError" in report.detail


def test_health_that_is_none_is_named() -> None:
    with service(lambda _: RIGHT, Answer(status=503, body=b"starting")) as url:
        report = ask(url, GOLDEN, "secret")

    assert (report.failures, report.served_digest) == (0, "")
    assert report.detail == "GET /healthz: HTTP 503 starting."


def test_a_service_that_answers_without_a_key_does_not_pass() -> None:
    with Server(lambda r: HEALTHY if r.path == "/healthz" else RIGHT) as server:
        report = ask(server.url, GOLDEN, "secret")

    assert (report.failures, report.answers_without_key) == (0, True)
    image = Image(model="m", version="1", digest="sha256:aa", uri="u")
    judged = judge_smoke(report, image, ReleasePolicy(approvers=("ada",)))
    assert not judged.passed
    assert "answers requests without a key" in judged.reasons[0]


LABELLED = {
    "data": [[1.0, "a"]],
    "result": ["yes"],
    "probabilities": [{"no": 0.25, "yes": 0.75}],
}


@pytest.mark.parametrize(
    ("content", "difference", "detail"),
    [
        ({"result": ["yes"], "probabilities": [{"no": 0.25, "yes": 0.75}]}, 0.0, ""),
        ({"result": ["yes"], "probabilities": [{"no": 0.5, "yes": 0.5}]}, 0.25, ""),
        (
            {"result": ["no"], "probabilities": [{"no": 0.25, "yes": 0.75}]},
            None,
            "HTTP 200 with 'no' in `result`, where the offline model answers 'yes'.",
        ),
        ({"result": ["yes"]}, None, "without the probability of each label"),
        ({"result": ["yes"], "probabilities": [{"no": 1}]}, None, "without the probability"),
        ({"result": ["yes"], "probabilities": [0.25]}, None, "without the probability"),
        ({"result": []}, None, "HTTP 200 without 1 labels in `result`"),
    ],
)
def test_labels_and_probabilities_are_compared(
    content: dict[str, object], difference: float | None, detail: str
) -> None:
    with service(lambda _: Answer(content=content)) as url:
        report = ask(url, LABELLED, "secret")

    assert report.largest_difference == difference
    assert detail in report.detail
