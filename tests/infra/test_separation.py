"""Code that nobody merged yet can read and change as little as it needs."""

from function_app.adapters.azure.jobs.run_specs import CHECKS, OUTPUTS, log_uri, output_uri
from function_app.adapters.azure.reach.workspace import datastore_path
from infra.check.roles import read_rows
from tests.infra.conftest import ROOT

READER, WRITER = "Storage Blob Data Reader", "Storage Blob Data Contributor"


def roles_of(identity: str) -> set[tuple[str, str]]:
    return {(r.role, r.scope) for r in read_rows(ROOT / "infra") if r.identity == identity}


def test_a_check_reads_its_inputs_and_writes_its_reports_and_sees_no_data_and_no_model() -> None:
    assert roles_of("checks") == {
        ("AcrPull", "registry"),
        (WRITER, "mlStorage"),
        (READER, "checksInputsContainer"),
        (WRITER, "checksContainer"),
    }


def test_trainings_write_no_container_but_that_of_versions() -> None:
    scopes = {scope for role, scope in roles_of("training") if role == WRITER}

    assert scopes == {"mlStorage", "versionsContainer"}


def test_every_run_that_trains_or_evaluates_writes_where_its_role_lets_it() -> None:
    rows = [r for r in read_rows(ROOT / "infra") if r.identity == "training" and r.writes_below]
    [below] = [datastore_path(row.writes_below) for row in rows]

    for kind in set(OUTPUTS) - {CHECKS}:
        assert output_uri("run", kind).startswith(below)
        assert log_uri("run", kind).startswith(below)


def test_whoever_deploys_can_change_no_evidence_and_raise_no_event() -> None:
    writable = {scope for role, scope in roles_of("deployer") if "Contributor" in role}

    assert writable == {"dataContainer", "deadLetterContainer"}
    assert ("Durable Task Data Reader", "taskHub") in roles_of("deployer")


def test_the_app_writes_no_data_that_landed_no_log_of_predictions_and_no_report() -> None:
    writable = {s for role, s in roles_of("app") if role == WRITER}

    assert writable == {"versionsContainer", "checksInputsContainer"}
