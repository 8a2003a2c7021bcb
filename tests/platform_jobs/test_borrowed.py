"""The check of a copied project's imports reads files that anybody may have pushed."""

from pathlib import Path

import pytest

from platform_jobs.errors import ContractError
from platform_jobs.models.borrowed import check_imports


@pytest.fixture
def code(tmp_path: Path) -> Path:
    for project in ("original", "copy"):
        (tmp_path / project).mkdir()
        for name in ("__main__", "data"):
            (tmp_path / project / f"{name}.py").touch()
    return tmp_path


def test_an_import_of_the_original_s_module_is_refused(code: Path) -> None:
    (code / "copy" / "__main__.py").write_text("from original import data\n")

    with pytest.raises(ContractError, match=r"imports original\.data"):
        check_imports(code, "copy")


def test_a_file_that_is_nested_too_deeply_to_parse_breaks_no_check(code: Path) -> None:
    (code / "copy" / "deep.py").write_text("x = " + "-" * 50_000 + "1\n")

    check_imports(code, "copy")
