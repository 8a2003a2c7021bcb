"""mypy refuses a story or an activity that does not fit the declaration of its step."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAD = """
from function_app import steps
from function_app.domain.release.release import Release
from function_app.domain.requests import RunId
from function_app.domain.release.serving import Build, Rollout
from function_app.ports import Ports
from function_app.steps.context import Story, StoryContext

"""
STORY = "def tell(ctx: StoryContext, release: Release, run: RunId) -> Story[Build]:\n    "
FITTING = (
    HEAD
    + STORY
    + "return (yield from steps.build_image(ctx, release))\n\n\n"
    + "@steps.build_image.activity\n"
    + "def build_image(ports: Ports, release: Release) -> Build: ...  # type: ignore[empty-body]\n"
)
PLANTED = {
    "wrong_input": (
        STORY + "return (yield from steps.build_image(ctx, run))\n",
        'Argument 2 to "__call__" of "Step" has incompatible type "RunId"; expected "Release"',
    ),
    "wrong_result": (
        STORY + "return (yield from steps.deploy_staging(ctx, release))\n",
        'Incompatible return value type (got "Rollout", expected "Build")',
    ),
    "result_of_none": (
        STORY + "return (yield from steps.remove_staging(ctx, release))\n",
        'Incompatible return value type (got "None", expected "Build")',
    ),
    "activity_with_another_result": (
        "@steps.build_image.activity\n"
        "def build_image(ports: Ports, release: Release) -> Rollout: ...\n",
        'expected "Callable[[Ports, Release], Build]"',
    ),
    "activity_with_another_input": (
        "@steps.build_image.activity\ndef build_image(ports: Ports, run: RunId) -> Build: ...\n",
        'expected "Callable[[Ports, Release], Build]"',
    ),
}


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return mypy's output about every planted module and about a valid one."""
    folder = tmp_path_factory.mktemp("planted")
    (folder / "fitting.py").write_text(FITTING)
    for name, (lines, _) in PLANTED.items():
        (folder / f"{name}.py").write_text(HEAD + lines)
    files = [str(folder / f"{name}.py") for name in (*PLANTED, "fitting")]
    said = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 1, said.stdout + said.stderr
    return said.stdout


@pytest.mark.parametrize("name", PLANTED)
def test_mypy_finds_the_planted_error(complaints: str, name: str) -> None:
    lines = [line for line in complaints.splitlines() if f"{name}.py:" in line]

    assert PLANTED[name][1] in "\n".join(lines), complaints


def test_mypy_accepts_a_story_and_an_activity_that_fit(complaints: str) -> None:
    assert "fitting.py" not in complaints
