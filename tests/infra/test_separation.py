"""Code that nobody merged yet can read and change as little as it needs."""

from typing import Any

from infra.check.evaluate import Resource, instantiate
from infra.check.functions import text_of_value
from infra.check.program import load
from infra.check.roles import read_rows
from tests.infra.conftest import ROOT

COMPUTES = "Microsoft.MachineLearningServices/workspaces/computes@"
READER, WRITER = "Storage Blob Data Reader", "Storage Blob Data Contributor"


def made() -> list[Resource]:
    """Return what the templates make in development."""
    program, problems = load(ROOT / "infra")
    assert problems == []
    return list(instantiate(program, program.files["dev.bicepparam"], {}).resources())


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


def test_each_compute_has_one_identity_and_the_app_names_the_same_ones() -> None:
    resources = made()

    given = {r.name: _identities(r.body) for r in resources if r.type.startswith(COMPUTES)}
    [settings] = [r.body["properties"] for r in resources if r.name == "appsettings"]
    wanted = {
        str(settings["MLOPS_AZURE_COMPUTE"]): [
            text_of_value(settings["MLOPS_AZURE_COMPUTE_IDENTITY"])
        ],
        str(settings["MLOPS_AZURE_CHECKS_COMPUTE"]): [
            text_of_value(settings["MLOPS_AZURE_CHECKS_IDENTITY"])
        ],
    }
    assert given == wanted
    assert set(given) == {"training", "checks"}
    assert given["training"] != given["checks"]


def _identities(body: Any) -> list[str]:
    return [str(name) for name in body["identity"]["userAssignedIdentities"]]
