"""The recorder of a training's environment, as a script of its own."""

import json
import os
import platform
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "platform_jobs" / "run_environment.py"


def record(folder: Path, *words: str, **environ: str) -> dict[str, str]:
    """Return the record of a process with these variables."""
    out, rows = folder / "environment.json", folder / "rows.csv"
    rows.write_text("a,Y\n1,2\n")
    ended = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), "--out", str(out), "--rows", str(rows), *words],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ended.stdout, ended.stderr) == ("", "")
    content: dict[str, str] = json.loads(out.read_text())
    return content


def test_the_record_names_every_input(tmp_path: Path) -> None:
    given = ("--lock", "a" * 64, "--code", "b" * 64, "--command", "sh model.sh")
    content = record(tmp_path, *given, OMP_NUM_THREADS="1")

    assert content["python"] == f"CPython {platform.python_version()}"
    assert content["system"].startswith(f"{platform.system()} {platform.machine()}")
    assert content["cpu"]
    assert content["threads"] == "1"
    assert (content["lock"], content["code"]) == ("a" * 64, "b" * 64)
    assert content["command"] == "sh model.sh"
    assert len(content["packages"]) == 64
    assert content["rows"] == sha256(b"a,Y\n1,2\n").hexdigest()
    assert "numpy openblas" in content["blas"]
    assert "scipy openblas" in content["blas"]
    again = record(tmp_path, *words(content), OMP_NUM_THREADS="1")
    assert content == {**again, "begun_at": content["begun_at"]}


def words(content: dict[str, str]) -> list[str]:
    return [f"--{name}={content[name]}" for name in ("lock", "code", "command")]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the kernels are those of x86_64")
def test_another_kernel_of_the_library_is_another_input(tmp_path: Path) -> None:
    kernels = {
        name: record(tmp_path, OPENBLAS_CORETYPE=name)["blas"] for name in ("Nehalem", "Haswell")
    }

    assert all(name in blas for name, blas in kernels.items()), kernels


def test_threads_that_nothing_fixes_are_unknown(tmp_path: Path) -> None:
    assert record(tmp_path)["threads"] == ""
