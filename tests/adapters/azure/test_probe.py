"""Smoke tests of deployments in Azure, over real http."""

import json
from collections.abc import Callable, Iterator

import pytest

from function_app.domain.release.serving import Deployment, Environment, Image
from function_app.domain.training import ModelVersion
from function_app.errors import NotFoundError
from tests.azure_servers.arm import audience
from tests.azure_servers.azure import Azure
from tests.azure_servers.base import Answer, Request, Server
from tests.azure_servers.tls import Tls

GOLDEN = {"data": [[1.0], [2.0]], "result": [10.0, 20.0]}
DIGEST = "sha256:" + "a" * 64
VERSION = ModelVersion(
    model="diabetes",
    version="3",
    run_id="run-3",
    uri="azureml:diabetes:3",
    digest="d",
    evaluation_id="run-3-vs-1",
)
MakeService = Callable[..., Server]


@pytest.fixture
def service() -> Iterator[MakeService]:
    """Start services that answer twice ten times each row, give or take an error."""
    started: list[Server] = []

    def make(
        offset: float = 0.0, headers: dict[str, str] | None = None, tls: Tls | None = None
    ) -> Server:
        def respond(request: Request) -> Answer:
            if request.path == "/healthz":
                return Answer(content={"status": "ok", "image": DIGEST})
            if "x-probe-key" not in request.headers:
                return Answer(status=401)
            rows = json.loads(request.body)["data"]
            result = [row[0] * 10 + offset for row in rows]
            return Answer(content={"result": result}, headers=headers or {})

        started.append(Server(respond, tls))
        return started[-1]

    yield make
    for server in started:
        server.close()


def in_cluster(azure: Azure, server: Server) -> Server:
    """Let the cluster's Service of the model lead to this server."""
    azure.cluster.objects["services", "diabetes"] = {"metadata": {}, "spec": {}}
    azure.cluster.address = f"localhost:{server.port}"
    return server


def deployment(server: Server, runtime: str = "kubernetes") -> Deployment:
    image = Image(model="diabetes", version="3", digest=DIGEST, uri=f"r/diabetes@{DIGEST}")
    return Deployment(
        deployment_id="version-3",
        environment=Environment.PRODUCTION,
        endpoint=server.url,
        image=image,
        runtime=runtime,
    )


def test_a_service_that_answers_like_the_offline_model_differs_by_nothing(
    azure: Azure, service: MakeService
) -> None:
    azure.wrote("runs/run-3-vs-1/evaluation/golden.json", json.dumps(GOLDEN).encode())
    server = in_cluster(azure, service())

    report = azure.probe().smoke_test(deployment(server), VERSION)

    # Through the cluster's API, which keeps the app's token for itself.
    assert [r for r in server.requests if "authorization" in r.headers] == []
    assert not report.answers_without_key

    assert (report.failures, report.largest_difference) == (0, 0.0)
    assert report.served_digest == DIGEST


def test_a_service_of_another_model_differs(azure: Azure, service: MakeService) -> None:
    azure.wrote("runs/run-3-vs-1/evaluation/golden.json", json.dumps(GOLDEN).encode())

    report = azure.probe().smoke_test(deployment(in_cluster(azure, service(offset=0.5))), VERSION)

    assert report.largest_difference == 0.5


def test_an_online_endpoint_is_asked_with_a_token_and_known_by_the_deployment_that_answers(
    azure: Azure, service: MakeService, tls: Tls
) -> None:
    azure.wrote("runs/run-3-vs-1/evaluation/golden.json", json.dumps(GOLDEN).encode())
    right = service(headers={"azureml-model-deployment": "version-3"}, tls=tls)
    wrong = service(headers={"azureml-model-deployment": "version-2"}, tls=tls)

    served = azure.probe().smoke_test(deployment(right, "online endpoint"), VERSION)
    other = azure.probe().smoke_test(deployment(wrong, "online endpoint"), VERSION)

    token = right.requests[0].headers["authorization"].removeprefix("Bearer ")
    assert audience(token) == "https://ml.azure.com"
    assert served.served_digest == DIGEST
    assert other.served_digest == "version-2"
    assert right.asked("GET") == []


def test_a_model_without_golden_rows_is_not_found(azure: Azure, service: MakeService) -> None:
    with pytest.raises(NotFoundError, match=r"golden\.json"):
        azure.probe().smoke_test(deployment(service()), VERSION)


def test_a_service_that_does_not_answer_fails_every_request(azure: Azure) -> None:
    azure.wrote("runs/run-3-vs-1/evaluation/golden.json", json.dumps(GOLDEN).encode())
    with Server(lambda _: Answer(drop=True)) as silent:
        report = azure.probe().smoke_test(deployment(in_cluster(azure, silent)), VERSION)

    assert report.failures == report.requests
    assert report.largest_difference is None
