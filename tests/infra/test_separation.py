"""Code that nobody merged yet can read and change as little as it needs."""

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
