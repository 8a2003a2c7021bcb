"""The requests of production on AKS to its cluster, and the rights of its pods."""

from dataclasses import replace

import pytest

from function_app.domain.release.serving import Image
from function_app.errors import ConfigError, PlatformError
from tests.adapters.azure.production_samples import image, promoted, versions
from tests.azure_servers.arm import Fault
from tests.azure_servers.azure import Azure
from tests.azure_servers.base import Answer

__all__ = ["versions"]


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


def test_missing_access_to_the_namespace_names_the_needed_role(azure: Azure) -> None:
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


def test_an_answer_without_credentials_of_the_cluster_is_an_error_that_names_the_role(
    azure: Azure,
) -> None:
    empty = Answer(content={"kubeconfigs": []})
    azure.arm.faults.append(Fault(method="POST", path="/listClusterUser", answer=empty))

    with pytest.raises(PlatformError, match=r"gives this identity no credentials\. Grant its role"):
        azure.production().champion("diabetes")
