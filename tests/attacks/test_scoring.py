"""Attacks on production: callers without a key, with another's, and with the platform's switches."""

import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from function_app.adapters.azure.production.kubernetes.exposure import (
    CERTIFICATE,
    INTERNAL_BALANCER,
    Exposure,
    exposure_of,
    ingress,
    service,
)
from function_app.adapters.azure.production.kubernetes.manifests import METRICS_PORT
from function_app.adapters.azure.production.kubernetes.pod_access import network_policy
from function_app.adapters.azure.production.replicas import Replicas
from function_app.adapters.azure.staging.container_groups import describe_group
from function_app.adapters.azure.staging.tls_proxy import make_certificate, trust
from function_app.adapters.local.keys import LocalKeys
from function_app.adapters.scoring_service.scoring_keys import PROBE_KEY, digest_of
from function_app.domain.release.serving import Image
from function_app.errors import ConfigError, PlatformError
from function_app.ports import Production
from tests.attacks.attack import ONLY, attack, no_equivalent, same_code
from tests.azure_servers.azure import Azure, azure
from tests.azure_servers.base import Answer, Server
from tests.azure_servers.storage import identity, tls
from tests.azure_servers.tls import Tls
from tests.contracts.benches import azure_bench, local_bench, train
from tests.funchost.conftest import until
from tests.scoring.keys import AS_PROBE, CALLER, KEYS
from tests.scoring.service import serving

__all__ = ["azure", "identity", "tls"]
ROW = {"data": [[0.0] * 10]}
NONE = "none: the service keeps no access log, so that no credential can get into it"
IMAGE = Image(
    model="diabetes", version="1", digest=f"sha256:{'a' * 64}", uri=f"r/m@sha256:{'a' * 64}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Production of this machine: its address, its keys and its state folder."""

    url: str
    keys: LocalKeys
    state: Path
    production: Production

    def caller(self, name: str = "diabetes.header") -> dict[str, str]:
        """Return the header of a caller's key, as the user's own folder has it."""
        text = (self.state / "user" / name).read_text()
        title, _, value = text.strip().partition(": ")
        return {title: value}

    def ask(self, headers: Any = None, path: str = "/score", **more: Any) -> httpx.Response:
        return httpx.post(f"{self.url}{path}", json=ROW, headers=headers, **more)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Open]:
    state = tmp_path_factory.mktemp("production")
    with local_bench(state, model) as bench:
        image = bench.image("1")
        bench.reach(lambda: bench.production.promote("release-diabetes-1", image, 1))
        url = bench.production.endpoint("diabetes")
        assert url is not None
        keys = LocalKeys(state, state / "user")
        made = Open(url=url, keys=keys, state=state, production=bench.production)
        assert made.ask(made.caller()).status_code == 200, "the right key opens"
        yield made


def refused(answer: httpx.Response) -> bool:
    """Return whether this is a 401 with a challenge and a message with the remedy."""
    assert answer.status_code == 401, (answer.status_code, answer.text)
    assert answer.headers["www-authenticate"].startswith("Bearer realm=")
    error = answer.json()["error"]
    return bool(error["code"] == "UNAUTHENTICATED" and error["message"])


@pytest.mark.parametrize(
    "path", ["/score", "/score?code=x", "//score", "/score/", "/%73core", "/SCORE", "/x"]
)
@attack(
    point=9,
    does="asks production for a prediction without a key, by several spellings of the address",
    answer="401 with WWW-Authenticate, before the body is read",
    log=NONE,
    before="succeeded",
    azure=same_code("scoring"),
    by="trial",
)
def test_production_answers_nobody_without_a_key(production: Open, path: str) -> None:
    assert refused(production.ask(path=path))


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Bearer wrong")],
        [("Authorization", "Bearer")],
        [("Authorization", "Basic d3Jvbmc6d3Jvbmc=")],
        [("Authorization", "Bearer schl\xfcssel".encode())],
        [("Authorization", b"Bearer \xff\xfe\x80")],
        [("Authorization", "Bearer " + "a" * 7000)],
        [("X-Probe-Key", "wrong")],
        [("X-Probe-Key", "")],
        [("X-Probe-Key", "schl\xfcssel".encode())],
    ],
)
@attack(
    point=9,
    does="sends a wrong, empty, foreign-scheme, overlong or non-ASCII credential to production",
    answer="401, never 500",
    log=NONE,
    before="succeeded",
    azure=same_code("scoring"),
    by="trial",
)
def test_wrong_credentials_are_refused(production: Open, headers: Any) -> None:
    assert refused(production.ask(headers))


@attack(
    point=9,
    does="sends a right key beside a wrong one, in two Authorization headers or with a wrong "
    "X-Probe-Key",
    answer="401: a request has one credential",
    log=NONE,
    before="absent",
    azure=same_code("scoring"),
)
def test_a_right_key_beside_a_wrong_one_is_refused(production: Open) -> None:
    [(name, right)] = production.caller().items()

    twice = production.ask([(name, right), (name, "Bearer wrong")])
    beside = production.ask({name: right, PROBE_KEY: "wrong"})

    assert refused(twice)
    assert refused(beside)


@attack(
    point=9,
    does="asks production with a key of another model, or with the platform's secret of staging",
    answer="401: a key opens one model's production, a secret one deployment",
    log=NONE,
    before="absent",
    azure=same_code("scoring"),
)
def test_keys_of_other_models_and_of_staging_open_nothing(production: Open) -> None:
    production.keys.ensure("other")
    staging = production.keys.staging_secret("release-diabetes-1")
    foreign = production.keys.production_secret("other")

    assert refused(production.ask(production.caller("other.header")))
    assert refused(production.ask({PROBE_KEY: staging}))
    assert refused(production.ask({PROBE_KEY: foreign}))
    assert refused(production.ask({"Authorization": f"Bearer {staging}"}))


@pytest.mark.parametrize("path", ["/metrics", "/-/champion"])
@attack(
    point=9,
    does="reads figures and the server's state through production's door with a caller's key",
    answer="401: both take the platform's own secret",
    log=NONE,
    before="succeeded",
    azure=same_code("scoring"),
    by="trial",
)
def test_figures_and_state_are_not_the_callers(production: Open, path: str) -> None:
    answer = httpx.get(f"{production.url}{path}", headers=production.caller())
    secret = {PROBE_KEY: production.keys.production_secret("diabetes")}

    assert answer.status_code == 401
    assert httpx.get(f"{production.url}{path}", headers=secret).status_code == 200


@attack(
    point=9,
    does="tells the local server of production to start its replicas again",
    answer="401: the route takes the platform's own secret",
    log=NONE,
    before="succeeded",
    azure=no_equivalent("replicas are started again by the cluster; no such route exists."),
    by="trial",
)
def test_a_stranger_does_not_steer_the_server(production: Open) -> None:
    answer = httpx.post(f"{production.url}/-/retry", headers=production.caller())

    assert answer.status_code == 401


@attack(
    point=9,
    does="sends a right key in the address, where logs would keep it",
    answer="401, and no file of the platform has the key",
    log=NONE,
    before="absent",
    azure=same_code("scoring"),
)
def test_a_key_in_the_address_is_refused_and_not_logged(production: Open) -> None:
    key = production.caller()["Authorization"].removeprefix("Bearer ")

    answer = production.ask(path=f"/score?code={key}&access_token={key}")

    assert refused(answer)
    assert "addresses are logged" in answer.json()["error"]["message"]
    files = [p for p in production.state.rglob("*") if p.is_file() and "user" not in p.parts]
    assert [p for p in files if key.encode() in p.read_bytes()] == []


@attack(
    point=9,
    does="reads the state folder and the user's folder as another local user",
    answer="both are closed to others; the state folder has digests, no caller's key",
    log="none: the operating system refuses",
    before="absent",
    azure=no_equivalent("keys lie in Key Vault and their digests in a secret of the cluster."),
)
def test_keys_lie_where_only_their_owner_reads_them(production: Open) -> None:
    stored = production.keys.file("diabetes")
    header = production.state / "user" / "diabetes.header"
    key = production.caller()["Authorization"].removeprefix("Bearer ")

    for path in (stored, header, production.state / "secrets" / "probe"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert json.loads(stored.read_text())["keys"]["primary"] == digest_of(key)


@attack(
    point=9,
    does="uses a key that was rotated twice since it was issued",
    answer="401; after one rotation it still works, so that callers can change over",
    log=NONE,
    before="absent",
    azure=same_code("scoring"),
)
def test_a_key_that_was_rotated_twice_is_refused(production: Open) -> None:
    first = production.caller()
    production.production.rotate_keys("diabetes")
    second = production.caller()
    assert second != first
    until(lambda: production.ask(second).status_code == 200, "the new key")
    assert production.ask(first).status_code == 200

    production.production.rotate_keys("diabetes")
    third = production.caller()

    until(lambda: production.ask(third).status_code == 200, "the third key")
    assert production.ask(second).status_code == 200
    assert refused(production.ask(first))


@attack(
    point=9,
    does="keeps rows out of the prediction log and chooses the prediction id with a caller's key",
    answer="200, logged, under an id of the service's own",
    log="the prediction log has the row",
    before="succeeded",
    azure=same_code("scoring"),
    by="trial",
)
def test_only_the_platform_switches_the_log_and_chooses_the_id(model: Path, tmp_path: Path) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    switches = {"X-Prediction-Log": "off", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}

    with serving(model, {"PREDICTION_LOG": str(tmp_path)}) as client:
        stranger = client.post("/score", json=ROW, headers=switches)
        platform = client.post("/score", json=ROW, headers={**switches, **AS_PROBE})

    own = stranger.headers["x-prediction-id"]
    assert (stranger.status_code, own == trace) == (200, False)
    assert platform.headers["x-prediction-id"] == trace
    logged = [x for p in tmp_path.glob("*/*.jsonl") for x in p.read_text().splitlines()]
    assert [json.loads(line)["id"] for line in logged] == [own]


@attack(
    point=9,
    does="starts the service without keys, so that it would answer anybody",
    answer="exit code 2, with the setting to add",
    log="scoring: no keys. SCORING_KEYS_FILE names a file …",
    before="succeeded",
    azure=same_code("scoring"),
    by="trial",
)
def test_a_service_without_keys_does_not_start(model: Path) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "scoring", "--model", str(model), "--port", "1"]
    for environ in ({}, {"SCORING_KEYS": "{}x"}, {"SCORING_KEYS": '{"keys": {"a": "key"}}'}):
        ended = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=600)
        assert ended.returncode == 2, ended.stderr
        assert "SCORING_KEYS" in ended.stderr
    assert KEYS
    assert CALLER


@attack(
    point=9,
    does="reaches production on AKS from the internet, over plain http",
    answer="there is no such address: the load balancer is internal, a public model has https only",
    log="none: nothing listens there",
    before="succeeded",
    azure=ONLY,
    by="trial",
)
def test_production_on_a_cluster_is_inside_or_behind_tls(azure: Azure) -> None:
    inside = service("models", "diabetes", "1", Exposure(), {})
    public = Exposure(
        public=frozenset({"diabetes"}), domain="models.example.org", certificate="https://v/c"
    )
    behind = service("models", "diabetes", "1", public, {})
    way = ingress("models", "diabetes", public)

    assert inside["metadata"]["annotations"][INTERNAL_BALANCER] == "true"
    assert behind["spec"]["type"] == "ClusterIP"
    assert way["spec"]["tls"][0]["hosts"] == ["diabetes.models.example.org"]
    assert way["metadata"]["annotations"][CERTIFICATE] == "https://v/c"
    [rule] = way["spec"]["rules"]
    assert [(p["path"], p["pathType"]) for p in rule["http"]["paths"]] == [("/score", "Exact")]
    with pytest.raises(ConfigError, match="public = true"):
        exposure_of(replace(azure.settings, cluster_exposure="public"), [])
    with pytest.raises(ConfigError, match="MLOPS_AZURE_PUBLIC_CERTIFICATE"):
        exposure_of(replace(azure.settings, public_domain="models.example.org"), ["diabetes"])


@attack(
    point=9,
    does="reads the callers' keys from the cluster, or figures from outside of it",
    answer="the cluster has digests only; the figures' port is open to the cluster's pods only",
    log="none: the cluster's own audit log has the read",
    before="absent",
    azure=ONLY,
)
def test_a_cluster_holds_no_key_and_shows_figures_to_its_pods_only(
    azure: Azure, model: Path
) -> None:
    bench = azure_bench(azure, model)
    image = bench.image("1")

    bench.reach(lambda: bench.production.promote("release-diabetes-1", image, 1))

    keys = [versions[-1] for versions in azure.vault.secrets.values()]
    assert len(keys) == 3
    stored = json.dumps(list(azure.cluster.objects.values()))
    assert [key for key in keys if key in stored] == []
    assert azure.cluster.objects["secrets", "diabetes-keys"]["data"]["keys.json"]
    ways = network_policy("models", "diabetes", Replicas())["spec"]["ingress"]
    [figures] = [w for w in ways if w["ports"][0]["port"] == METRICS_PORT]
    assert figures["from"] == [{"namespaceSelector": {}}]
    assert bench.production.caller_header("diabetes").startswith("Authorization: Bearer $(az ")


@attack(
    point=9,
    does="reaches staging on its public address over plain http, or stands in for it with another "
    "certificate",
    answer="only TLS is published; a certificate that is not the group's own is refused",
    log="PLATFORM: … shows another certificate than its container group was given.",
    before="succeeded",
    azure=ONLY,
    by="trial",
)
def test_staging_with_a_public_address_speaks_tls_with_its_own_certificate(
    azure: Azure, tls: Tls, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    group = describe_group(azure.settings, "release-diabetes-1", IMAGE, "r", "{}", now)
    assert group.ip_address is not None
    assert [port.port for port in group.ip_address.ports] == [8443]
    assert [container.name for container in group.containers] == ["scoring", "tls"]
    own, other = make_certificate("staging", now), make_certificate("staging", now)
    (tmp_path / "c").write_bytes(own.certificate)
    (tmp_path / "k").write_bytes(own.key)
    files = Tls(ca_file=tmp_path / "c", certificate=tmp_path / "c", key=tmp_path / "k")
    with Server(lambda _: Answer(content={}), files) as server:
        context = trust(server.url, own.fingerprint)
        assert httpx.get(server.url, verify=context).status_code == 200
        with pytest.raises(PlatformError, match="another certificate"):
            trust(server.url, other.fingerprint)
