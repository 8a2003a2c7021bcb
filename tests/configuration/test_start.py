"""The app refuses to start with the text of the check; `mlopsctl config check` needs no app."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from configuration.project_file import ProjectFileError, read_project_file
from function_app.errors import ConfigError
from function_app.settings.settings import read_projects, read_settings
from mlopsctl.commands.config import check_before_start
from tests.configuration.project_files import MODEL, ROOT
from tests.mlopsctl import invocation

WRONG = MODEL.replace("confidence =", "confidnce =").replace("replicas = 2", "replicas = 0")
PROBLEMS = [
    "models.sugar.gate.confidnce = 0.95: unknown key. Did you mean `confidence`?",
    "models.sugar.release.replicas = 0: it must be a whole number, at least 1 and at most 1_000.",
]


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.toml"
    path.write_text(WRONG)
    return path


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def check(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return invocation.run("config", "check", *words, environ=environ)


def test_the_app_refuses_with_every_problem(wrong: Path) -> None:
    with pytest.raises(ProjectFileError) as told:
        read_project_file(wrong, ROOT)
    with pytest.raises(ConfigError) as refused:
        read_projects(wrong)

    assert refused.value.message == str(told.value)
    assert told.value.problems == PROBLEMS


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[models.x\n", "it is not TOML: "),
        (b"a = 1\na = 2\n", "The line is `a = 2`. An earlier line defines the same name"),
        (b"[a]\nx = 1\n[a]\n", "The line is `[a]`. An earlier line defines the same name"),
        (b"a =\n", "The line is `a =`.\n"),
        (b"a = 'x", "(at end of document).\n"),
        (b"a = " + b"9" * 5000, "it has a number of more than 4,300 digits."),
        (b"a = " + b"[" * 3000 + b"]" * 3000, "its lists or tables are nested too deeply."),
        (b"\xff\xfe[", "it is not UTF-8. Save it as UTF-8."),
        (None, "it cannot be read (No such file or directory). Set MLOPS_PROJECTS, or restore it."),
    ],
)
def test_an_invalid_toml_file_is_reported(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "mlops.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ProjectFileError, match=r"mlops\.toml has 1 problem:") as told:
        read_project_file(path, ROOT)

    assert says in str(told.value)


def test_a_mark_of_byte_order_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "mlops.toml"
    path.write_text(MODEL, encoding="utf-8-sig")

    assert list(read_projects(path)) == ["sugar"]


def test_the_host_prints_the_problems_and_no_traceback(wrong: Path, tmp_path: Path) -> None:
    words = ("funchost", "start", "--port", "0", "--app", str(ROOT), "--state", str(tmp_path / "s"))

    ended = run(*words, MLOPS_PROJECTS=str(wrong), MLOPS_STATE=str(tmp_path / "m"))

    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    for problem in PROBLEMS:
        assert problem in ended.stderr
    last = ended.stderr.strip().splitlines()[-8:]
    assert any(PROBLEMS[0] in line for line in last)


def test_up_refuses_before_a_host_starts(wrong: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"

    ended = run("mlopsctl", "up", MLOPS_PROJECTS=str(wrong), MLOPS_STATE=str(state))

    assert ended.returncode == 1
    assert PROBLEMS[1] in ended.stderr
    assert not state.exists()


def test_config_check_lists_the_problems(wrong: Path) -> None:
    ended = check(str(wrong))

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[1:3] == [f"  {problem}" for problem in PROBLEMS]


def test_config_check_for_scripts(wrong: Path) -> None:
    ended = check("--json", MLOPS_PROJECTS=str(wrong), MLOPS_STAT="x")

    report = json.loads(ended.stdout)
    assert ended.returncode == 1
    assert report["problems"] == PROBLEMS
    assert report["warnings"] == [
        "The variable MLOPS_STAT has no effect. Did you mean MLOPS_STATE?"
    ]


def test_config_check_of_a_right_file() -> None:
    ended = check(str(ROOT / "mlops.toml"))

    assert ended.returncode == 0, ended.stderr
    assert f"{ROOT / 'mlops.toml'} is valid. Models: diabetes" in ended.stdout


def test_the_check_imports_little() -> None:
    code = (
        "import sys, configuration.project_file, configuration.variables\n"
        "ours = {m.partition('.')[0] for m in sys.modules}\n"
        "print(sorted(ours - set(sys.stdlib_module_names) - {'__main__'}), 'difflib' in ours)"
    )
    ended = subprocess.run(
        # Without the site's own modules, such as those of editable installs.
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )  # fmt: skip

    assert ended.stdout.strip() == "['configuration'] False"


def test_an_empty_variable_names_no_file() -> None:
    assert set(read_settings({"MLOPS_PROJECTS": ""}, ROOT).projects) >= {"diabetes"}
    assert check(MLOPS_PROJECTS="").returncode == 0


def test_the_check_before_a_start_takes_an_empty_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_PROJECTS", "")

    check_before_start()
