"""Folders of foreign code are removed without recursion, because they may be nested deeply."""

import os
import subprocess
from pathlib import Path

import pytest

from platform_jobs.scratch import scratch_folder
from sandbox.trees import remove_tree

ROOT = Path(__file__).parents[2]
LEVELS = 1500
# A folder that MLflow itself fills, and the function that all others call.
OWN_FOLDERS = {"function_app/adapters/local/jobs/mlflow_client.py", "sandbox/trees.py"}


def nest(folder: Path) -> None:
    """Make folders in each other, step by step: the whole path is longer than the kernel takes."""
    place = os.open(folder, os.O_RDONLY)
    for _ in range(LEVELS):
        os.mkdir("d", dir_fd=place)
        inner = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(place)


def test_a_deep_tree_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "written"
    folder.mkdir()
    nest(folder)

    remove_tree(folder)

    assert not folder.exists()


@pytest.mark.parametrize("fails", [False, True])
def test_a_scratch_folder_is_removed_however_deep_a_model_nests_folders(
    tmp_path: Path, fails: bool
) -> None:
    kept: list[Path] = []
    try:
        with scratch_folder(tmp_path) as folder:
            kept.append(folder)
            nest(folder)
            if fails:
                raise ValueError("the model failed")
    except ValueError:
        assert fails

    assert not kept[0].exists()


def test_the_app_and_its_jobs_remove_no_tree_by_recursion() -> None:
    words = ["git", "grep", "-l", "shutil.rmtree(\\|rmtree,", "--"]
    words += ["function_app", "checks", "sandbox", "platform_jobs", "scoring"]
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)

    assert set(found.stdout.split()) <= OWN_FOLDERS
