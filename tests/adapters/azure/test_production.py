"""Production on AKS: traffic that moves only to what is available, and back."""

from dataclasses import replace

import pytest

from function_app.domain.serving import Image, Rollout, Serving
from function_app.errors import AttemptError, ConfigError, PlatformError
from tests.azure_servers.arm import Fault
from tests.azure_servers.azure import Azure
from tests.azure_servers.base import Answer
from tests.azure_servers.cluster import OLD, TODAY


@pytest.fixture(autouse=True, params=[TODAY, OLD], ids=["a cluster of today", "one of 2020"])
def _versions(azure: Azure, request: pytest.FixtureRequest) -> None:
    azure.cluster.versions = request.param


def image(version: str, mark: str = "a") -> Image:
    digest = "sha256:" + mark * 63 + version[-1]
    return Image(
        model="diabetes",
        version=version,
        digest=digest,
        uri=f"registry.azurecr.io/diabetes@{digest}",
    )


def promoted(azure: Azure, challenger: Image, replicas: int = 2) -> Rollout:
    """Ask as a story does, with the cluster's controllers at work in between."""
    rollout = Rollout(done=False)
    for _ in range(6):
        rollout = azure.production().promote(
            f"release-diabetes-{challenger.version}", challenger, replicas
        )
        if rollout.deployment:
            return rollout
        azure.cluster.settle()
    raise AssertionError(rollout.detail)


def rolled_back(azure: Azure, former: Image | None) -> Rollout:
    for _ in range(6):
        rollout = azure.production().roll_back("diabetes", former)
        if rollout.done:
            return rollout
        azure.cluster.settle()
    raise AssertionError(rollout.detail)


def selector(azure: Azure) -> str:
    return str(azure.cluster.objects["services", "diabetes"]["spec"]["selector"]["version"])


def replicas(azure: Azure) -> dict[str, int]:
    return {
        name: found["spec"]["replicas"]
        for (kind, name), found in azure.cluster.objects.items()
        if kind == "deployments"
    }


def test_a_model_that_was_never_promoted_has_no_champion(azure: Azure) -> None:
    assert azure.production().champion("diabetes") is None
    assert azure.production().endpoint("diabetes") is None


def test_a_promoted_image_is_the_champion_at_the_address_of_the_load_balancer(
    azure: Azure,
) -> None:
    deployment = promoted(azure, image("1")).deployment

    assert deployment is not None
    assert deployment.endpoint == "http://10.1.0.7"
    assert deployment.image == image("1")
    assert azure.production().champion("diabetes") == image("1")
    assert azure.production().endpoint("diabetes") == "http://10.1.0.7"


def test_promoting_twice_changes_nothing_the_second_time(azure: Azure) -> None:
    first = promoted(azure, image("1"))
    before = {key: found["metadata"]["generation"] for key, found in azure.cluster.objects.items()}

    second = promoted(azure, image("1"))

    after = {key: found["metadata"]["generation"] for key, found in azure.cluster.objects.items()}
    assert second == first
    assert after == before


def test_no_traffic_moves_before_every_replica_is_available(azure: Azure) -> None:
    promoted(azure, image("1"))
    azure.cluster.broken.add(image("2").uri)

    waiting = azure.production().promote("release-diabetes-2", image("2"), 2)
    azure.cluster.settle()
    still = azure.production().promote("release-diabetes-2", image("2"), 2)

    assert (waiting.deployment, still.deployment) == (None, None)
    assert still.detail == "0 of 2 replicas of version 2 are available."
    assert azure.production().champion("diabetes") == image("1")


def test_a_promotion_is_not_done_while_requests_still_reach_the_former_version(
    azure: Azure,
) -> None:
    promoted(azure, image("1"))
    azure.production().promote("release-diabetes-2", image("2"), 2)
    azure.cluster.settle()
    azure.cluster.endpoints_lag = True
    moving = azure.production().promote("release-diabetes-2", image("2"), 2)
    azure.cluster.settle()

    still = azure.production().promote("release-diabetes-2", image("2"), 2)
    azure.cluster.endpoints_lag = False
    azure.cluster.settle()
    done = azure.production().promote("release-diabetes-2", image("2"), 2)

    assert (moving.deployment, still.deployment) == (None, None)
    assert "still moves" in still.detail
    assert done.deployment is not None


def test_a_rollout_that_makes_no_progress_is_an_error_that_says_what_the_pods_say(
    azure: Azure,
) -> None:
    promoted(azure, image("1"))
    azure.cluster.broken.add(image("2").uri)
    azure.production().promote("release-diabetes-2", image("2"), 2)
    azure.cluster.exceed_deadline("m-diabetes-2")

    with pytest.raises(
        PlatformError,
        match=r"ProgressDeadlineExceeded.*unauthorized.*ImagePullBackOff.*ModuleNotFoundError",
    ) as caught:
        azure.production().promote("release-diabetes-2", image("2"), 2)
    assert str(caught.value).count("ImagePullBackOff") == 1, "two replicas say the same"
    assert azure.production().champion("diabetes") == image("1")


def test_a_rollout_that_failed_is_reported_once_and_the_next_request_starts_other_pods(
    azure: Azure,
) -> None:
    promoted(azure, image("1"))
    azure.cluster.broken.add(image("2").uri)
    azure.production().promote("release-diabetes-2", image("2"), 2)
    azure.cluster.exceed_deadline("m-diabetes-2")
    template = azure.cluster.objects["deployments", "m-diabetes-2"]["spec"]["template"]
    with pytest.raises(AttemptError):
        azure.production().promote("release-diabetes-2", image("2"), 2)
    assert template == azure.cluster.objects["deployments", "m-diabetes-2"]["spec"]["template"]

    azure.cluster.broken.clear()
    again = azure.production().promote("release-diabetes-2", image("2"), 2)
    anew = azure.cluster.objects["deployments", "m-diabetes-2"]["spec"]["template"]
    polled = azure.production().promote("release-diabetes-2", image("2"), 2)

    assert template != anew, "a template that changes nothing starts no pods"
    assert template["spec"] == anew["spec"]
    assert (again.done, polled.done) == (False, False)
    assert anew == azure.cluster.objects["deployments", "m-diabetes-2"]["spec"]["template"]
    assert promoted(azure, image("2")).deployment is not None
    assert azure.production().champion("diabetes") == image("2")


def test_a_second_failure_of_a_rollout_is_reported_too(azure: Azure) -> None:
    azure.cluster.broken.add(image("1").uri)
    for _ in range(2):
        assert not azure.production().promote("release-diabetes-1", image("1"), 2).done
        azure.cluster.exceed_deadline("m-diabetes-1")
        with pytest.raises(AttemptError, match="ProgressDeadlineExceeded"):
            azure.production().promote("release-diabetes-1", image("1"), 2)


def test_production_whose_replicas_are_gone_says_why_and_is_started_again(azure: Azure) -> None:
    promoted(azure, image("1"))
    assert azure.production().serving("diabetes") == Serving(image=image("1"), replicas=2, ready=2)
    azure.cluster.broken.add(image("1").uri)
    azure.cluster.settle()
    azure.cluster.exceed_deadline("m-diabetes-1")

    down = azure.production().serving("diabetes")
    azure.production().repair("diabetes")
    azure.cluster.broken.clear()
    azure.cluster.settle()

    assert down is not None
    assert (down.replicas, down.ready) == (2, 0)
    assert "ImagePullBackOff" in down.detail
    assert azure.production().serving("diabetes") == Serving(image=image("1"), replicas=2, ready=2)


def test_production_that_somebody_scaled_to_zero_is_scaled_back(azure: Azure) -> None:
    promoted(azure, image("1"))
    azure.cluster.objects["deployments", "m-diabetes-1"]["spec"]["replicas"] = 0
    azure.cluster.settle()

    down = azure.production().serving("diabetes")
    azure.production().repair("diabetes")

    assert down is not None
    assert (down.replicas, down.ready) == (2, 0)
    assert replicas(azure) == {"m-diabetes-1": 2}


def test_a_model_that_was_never_promoted_has_nothing_to_repair(azure: Azure) -> None:
    assert azure.production().serving("diabetes") is None
    azure.production().repair("diabetes")
    assert azure.cluster.objects == {}


def test_a_rollout_fails_with_its_reason_also_when_no_log_can_be_read(azure: Azure) -> None:
    azure.cluster.broken.add(image("1").uri)
    azure.production().promote("release-diabetes-1", image("1"), 2)
    azure.cluster.exceed_deadline("m-diabetes-1")
    azure.cluster.faults.append(Fault(method="GET", path="/log", answer=Answer(status=403)))

    with pytest.raises(PlatformError, match=r"ImagePullBackOff.*What else its pods say cannot be"):
        azure.production().promote("release-diabetes-1", image("1"), 2)


def test_the_former_version_runs_until_the_next_promotion_and_goes_to_sleep_then(
    azure: Azure,
) -> None:
    promoted(azure, image("1"))
    promoted(azure, image("2"))
    after_two = replicas(azure)
    promoted(azure, image("3"))

    assert after_two == {"m-diabetes-1": 2, "m-diabetes-2": 2}
    assert replicas(azure) == {"m-diabetes-1": 0, "m-diabetes-2": 2, "m-diabetes-3": 2}
    assert ("horizontalpodautoscalers", "m-diabetes-1") not in azure.cluster.objects


def test_the_oldest_versions_are_deleted_in_time(azure: Azure) -> None:
    for number in range(1, 10):
        promoted(azure, image(str(number)))

    assert sorted(replicas(azure)) == [f"m-diabetes-{number}" for number in range(3, 10)]


def test_a_roll_back_is_one_move_of_the_traffic_to_a_version_that_still_runs(
    azure: Azure,
) -> None:
    promoted(azure, image("1"))
    promoted(azure, image("2"))

    moving = azure.production().roll_back("diabetes", image("1"))
    served = selector(azure)
    rollout = rolled_back(azure, image("1"))

    assert not moving.done
    assert served == "1"
    assert rollout.deployment is not None
    assert azure.production().champion("diabetes") == image("1")
    assert replicas(azure) == {"m-diabetes-1": 2, "m-diabetes-2": 0}


def test_a_roll_back_to_a_version_that_sleeps_wakes_it_first(azure: Azure) -> None:
    for number in ("1", "2", "3"):
        promoted(azure, image(number))

    azure.production().roll_back("diabetes", image("1"))
    served = selector(azure)
    rolled_back(azure, image("1"))

    assert served == "3"
    assert selector(azure) == "1"
    assert replicas(azure)["m-diabetes-1"] == 2


def test_a_roll_back_to_a_version_that_is_gone_makes_it_of_its_image(azure: Azure) -> None:
    promoted(azure, image("1"))
    promoted(azure, image("2"), replicas=3)
    del azure.cluster.objects["deployments", "m-diabetes-1"]

    rolled_back(azure, image("1"))

    assert azure.production().champion("diabetes") == image("1")
    assert replicas(azure)["m-diabetes-1"] == 3


def test_a_roll_back_to_nothing_serves_nothing_and_keeps_the_address(azure: Azure) -> None:
    promoted(azure, image("1"))

    assert rolled_back(azure, None) == Rollout()
    assert rolled_back(azure, None) == Rollout()
    assert azure.production().champion("diabetes") is None
    assert azure.production().endpoint("diabetes") is None
    assert replicas(azure) == {"m-diabetes-1": 0}
    assert ("services", "diabetes") in azure.cluster.objects
    assert promoted(azure, image("1")).deployment is not None


def test_a_number_that_came_again_with_another_image_is_rolled_out(azure: Azure) -> None:
    promoted(azure, image("1"))

    waiting = azure.production().promote("release-diabetes-1", image("1", "b"), 2)
    rollout = promoted(azure, image("1", "b"))

    assert waiting.deployment is None
    assert rollout.deployment is not None
    assert azure.production().champion("diabetes") == image("1", "b")


def test_a_champion_whose_deployment_somebody_deleted_is_an_error_and_not_none(
    azure: Azure,
) -> None:
    promoted(azure, image("1"))
    del azure.cluster.objects["deployments", "m-diabetes-1"]

    with pytest.raises(PlatformError, match="is gone"):
        azure.production().champion("diabetes")


def test_a_namespace_that_is_gone_is_not_taken_for_no_champion(azure: Azure) -> None:
    azure.cluster.namespace = "elsewhere"

    with pytest.raises(PlatformError, match="no namespace models"):
        azure.production().champion("diabetes")


def test_who_may_not_read_the_namespace_is_told_which_role_helps(azure: Azure) -> None:
    denied = Answer(status=403, content={"message": 'services "diabetes" is forbidden'})
    azure.cluster.faults.append(Fault(method="GET", path="/services/", answer=denied))

    with pytest.raises(PlatformError, match=r"forbidden.*RBAC Writer"):
        azure.production().champion("diabetes")


def test_a_busy_cluster_is_asked_again(azure: Azure) -> None:
    busy = Answer(status=429, content={}, headers={"Retry-After": "1"})
    azure.cluster.faults += [
        Fault(method="GET", path="/services/", answer=busy),
        Fault(method="PATCH", path="/deployments/", answer=Answer(status=503)),
    ]

    assert promoted(azure, image("1")).deployment is not None


def test_pods_have_no_rights_that_a_service_does_not_need(azure: Azure) -> None:
    promoted(azure, image("1"))

    pod = azure.cluster.objects["deployments", "m-diabetes-1"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    policy = azure.cluster.objects["networkpolicies", "diabetes"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["image"] == image("1").uri
    assert "egress" not in policy
    assert policy["policyTypes"] == ["Ingress", "Egress"]


def test_the_load_balancer_is_internal_unless_the_settings_say_else(azure: Azure) -> None:
    promoted(azure, image("1"))
    internal = azure.cluster.objects["services", "diabetes"]
    within = azure.with_settings(cluster_exposure="cluster")

    assert "azure-load-balancer-internal" in str(internal["metadata"]["annotations"])
    assert within.production().endpoint("diabetes") == "http://diabetes.models.svc.cluster.local"


def test_an_image_without_a_digest_is_not_promoted(azure: Azure) -> None:
    by_tag = Image(model="diabetes", version="1", digest="sha256:a", uri="r/diabetes:1")

    with pytest.raises(PlatformError, match="names no digest"):
        azure.production().promote("release-diabetes-1", by_tag, 2)


def test_settings_without_a_cluster_and_a_cluster_that_is_gone_are_told_apart(
    azure: Azure,
) -> None:
    with pytest.raises(ConfigError, match="MLOPS_AZURE_CLUSTER"):
        azure.with_settings(cluster="").production().champion("diabetes")
    with pytest.raises(PlatformError, match="no cluster other"):
        azure.with_settings(cluster="other").production().champion("diabetes")


def test_replicas_send_their_spans_to_the_collector_and_reach_nothing_else(azure: Azure) -> None:
    traced = azure.with_settings(collector="http://collector.observability:4318")

    promoted(traced, image("1"))

    container = next(
        found["spec"]["template"]["spec"]["containers"][0]
        for (kind, _), found in traced.cluster.objects.items()
        if kind == "deployments"
    )
    known = {entry["name"]: entry["value"] for entry in container["env"]}
    assert known["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.observability:4318"
    egress = traced.cluster.objects["networkpolicies", "diabetes"]["spec"]["egress"]
    ports = [(p["protocol"], p["port"]) for way in egress for p in way["ports"]]
    assert ports == [("TCP", 4318), ("UDP", 53), ("TCP", 53)]


def test_replicas_of_a_watched_model_send_their_log_under_an_account_of_their_own(
    azure: Azure,
) -> None:
    logged = azure.with_settings(
        replica_client_id="66666666-6666-6666-6666-666666666666",
        blob_endpoint="https://stdata.blob.core.windows.net/",
    )

    promoted(logged, image("1"))

    template = logged.cluster.objects["deployments", "m-diabetes-1"]["spec"]["template"]
    account = logged.cluster.objects["serviceaccounts", "scoring"]
    known = {e["name"]: e["value"] for e in template["spec"]["containers"][0]["env"]}
    assert template["metadata"]["labels"]["azure.workload.identity/use"] == "true"
    assert template["spec"]["serviceAccountName"] == "scoring"
    assert template["spec"]["automountServiceAccountToken"] is False
    assert account["metadata"]["annotations"] == {
        "azure.workload.identity/client-id": "66666666-6666-6666-6666-666666666666"
    }
    assert known["PREDICTION_LOG"].startswith("/tmp/"), "the only folder that can be written"
    assert known["PREDICTION_LOG_BLOBS"] == (
        "https://stdata.blob.core.windows.net/predictions/diabetes"
    )
    egress = logged.cluster.objects["networkpolicies", "diabetes"]["spec"]["egress"]
    ports = [(p["protocol"], p["port"]) for way in egress for p in way["ports"]]
    assert ports == [("TCP", 443), ("UDP", 53), ("TCP", 53)]


@pytest.mark.parametrize("lacking", ["an identity", "a policy"])
def test_without_an_identity_or_a_policy_replicas_send_nothing(azure: Azure, lacking: str) -> None:
    other = azure.with_settings(replica_client_id="" if lacking == "an identity" else "6" * 36)
    if lacking == "a policy":
        other.projects["diabetes"] = replace(other.projects["diabetes"], drift=None)

    promoted(other, image("1"))

    assert ("serviceaccounts", "scoring") not in other.cluster.objects
    assert "PREDICTION_LOG" not in str(other.cluster.objects["deployments", "m-diabetes-1"])


@pytest.mark.parametrize("collector", ["", "http://collector.observability:4318"])
def test_spans_go_to_application_insights_unless_there_is_a_collector(
    azure: Azure, collector: str
) -> None:
    connection = "InstrumentationKey=k;IngestionEndpoint=https://in.example/"
    traced = azure.with_settings(
        replica_client_id="6" * 36, replica_insights=connection, collector=collector
    )
    traced.projects["diabetes"] = replace(traced.projects["diabetes"], drift=None)

    promoted(traced, image("1"))

    spec = traced.cluster.objects["deployments", "m-diabetes-1"]["spec"]["template"]["spec"]
    known = {e["name"]: e["value"] for e in spec["containers"][0]["env"]}
    egress = traced.cluster.objects["networkpolicies", "diabetes"]["spec"]["egress"]
    assert known.get("APPLICATIONINSIGHTS_CONNECTION_STRING", "") == (
        "" if collector else connection
    )
    assert spec.get("serviceAccountName", "") == ("" if collector else "scoring")
    assert egress[0]["ports"][0]["port"] == (4318 if collector else 443)


def test_the_time_limit_of_a_rollout_is_a_setting(azure: Azure) -> None:
    patient = azure.with_settings(rollout_seconds=1200)

    promoted(patient, image("1"))

    spec = patient.cluster.objects["deployments", "m-diabetes-1"]["spec"]
    probe = spec["template"]["spec"]["containers"][0]["startupProbe"]
    assert spec["progressDeadlineSeconds"] == 1200
    assert probe["periodSeconds"] * probe["failureThreshold"] == 600
