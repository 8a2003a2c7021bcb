"""`mlopsctl evidence` fetches the files that the evidence names, and refuses a changed one."""

import hashlib

import pytest

from function_app.domain.lineage.evidence_files import describe_files
from mlopsctl.reach.client import ApiError
from mlopsctl.versions.evidence import fetch
from tests.domain.test_lineage import VERSION

CONTENTS = {"data-report.html": b"<p>442 rows</p>", "data-report.json": b"{}"}
PATHS = {f"/api/models/diabetes/versions/3/evidence/{name}": name for name in CONTENTS}
DIGESTS = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
SENTENCES = ("On held-out rows: mse 3000.", *describe_files(VERSION, DIGESTS))


def test_each_file_that_the_evidence_names_is_fetched() -> None:
    files = fetch(lambda path: CONTENTS[PATHS[path]], SENTENCES)

    assert {file.name: file.content for file in files} == CONTENTS
    assert {file.name: file.sha256 for file in files} == DIGESTS


def test_a_file_that_was_changed_is_refused_with_both_digests() -> None:
    with pytest.raises(ApiError, match="Do not approve") as refused:
        fetch(lambda path: b"<p>forged</p>", SENTENCES)

    assert refused.value.code == "CHANGED"
    assert DIGESTS["data-report.html"] in refused.value.message
    assert hashlib.sha256(b"<p>forged</p>").hexdigest() in refused.value.message


def test_evidence_without_files_fetches_nothing() -> None:
    assert fetch(lambda path: pytest.fail("nothing is named"), SENTENCES[:1]) == []
