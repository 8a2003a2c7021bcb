"""The access of each identity of runs, of the app and of the deployer."""

from function_app.adapters.azure.jobs.run_specs import (
    ANSWERS,
    CHECKS,
    OUTPUTS,
    SAMPLE,
    TRAINING,
    datastore_of,
    output_folder,
)
from function_app.adapters.azure.jobs.submission import target_of
from function_app.settings.azure import AzureSettings, read_azure_settings
from infra.check.roles import read_rows
from tests.azure_servers.access import CONTAINERS, IDENTITIES, Access
from tests.azure_servers.names import NAMES
from tests.infra.conftest import ROOT

READER, WRITER = "Storage Blob Data Reader", "Storage Blob Data Contributor"


def roles_of(identity: str) -> set[tuple[str, str]]:
    return {(r.role, r.scope) for r in read_rows(ROOT / "infra") if r.identity == identity}


def settings() -> AzureSettings:
    return read_azure_settings(NAMES)


def test_a_check_reads_its_inputs_and_writes_its_reports_and_sees_no_data_and_no_model() -> None:
    assert roles_of("checks") == {
        ("AcrPull", "registry"),
        (WRITER, "mlStorage"),
        (READER, "checksInputsContainer"),
        (WRITER, "checksContainer"),
    }


def test_models_code_writes_no_evidence_and_reads_no_held_out_rows() -> None:
    training = Access.of("training")

    assert training.writable == {"runs"}
    assert not training.may_read("evaluations", "runs/prepare-a/prepared/held_out/rows.csv")
    assert not training.may_read("evaluations", "runs/a-vs-1/evaluation/evaluation.json")
    assert not training.may_read("versions", f"datasets/diabetes/{'d' * 64}.csv")
    assert not training.may_read("data", "diabetes/a.csv")
    assert training.may_read("evaluations", "runs/prepare-a/prepared/seen/rows.csv")
    assert training.may_read("versions", f"bundles/{'a' * 64}.tar")


def test_the_judge_writes_evaluations_alone() -> None:
    judge = Access.of("judge")

    assert judge.writable == {"evaluations"}
    assert judge.may_read("runs", "runs/a/model/model.skops")


def test_every_run_writes_where_its_identity_may_and_no_other_identity_may() -> None:
    for kind in OUTPUTS:
        identity = IDENTITIES[target_of(kind, settings()).compute]
        container = CONTAINERS[datastore_of(kind)]
        writers = {name for name in IDENTITIES.values() if Access.of(name).may_write(container)}

        assert writers == {identity}, kind
        assert Access.of(identity).may_read(container, f"{output_folder('run', kind)}/file")


def test_only_models_code_runs_as_the_identity_of_trainings() -> None:
    kinds = {kind for kind in OUTPUTS if target_of(kind, settings()).compute == "training"}

    assert kinds == {TRAINING, SAMPLE, ANSWERS}
    assert target_of(CHECKS, settings()).compute == "checks"


def test_the_deployer_can_change_no_evidence_and_raise_no_event() -> None:
    writable = {scope for role, scope in roles_of("deployer") if "Contributor" in role}

    assert writable == {"dataContainer", "deadLetterContainer"}
    assert ("Durable Task Data Reader", "taskHub") in roles_of("deployer")
    assert not {scope for _, scope in roles_of("deployer")} & {"cluster", "clusterNamespace"}


def test_the_app_writes_no_data_that_landed_and_nothing_that_runs_or_replicas_write() -> None:
    writable = {s for role, s in roles_of("app") if role == WRITER}

    assert writable == {"versionsContainer", "checksInputsContainer"}
