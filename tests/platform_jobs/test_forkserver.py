"""A forked command behaves as one of its own process does, and its libraries are imported once."""

import gzip
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from platform_jobs.errors import ContractError
from platform_jobs.models.apart import Apart
from platform_jobs.models.libraries import find_libraries
from platform_jobs.models.models import KilledError, Project
from sandbox.command import command
from sandbox.forkserver import ForkServer
from sandbox.levels import BY_NAME, LIMITS
from sandbox.probe import find_level

SPY = """
import json, os, pathlib, random, sys, tempfile
import numpy
from . import helper

words = dict(zip(sys.argv[2::2], sys.argv[3::2]))
facts = {
    "words": sys.argv[1:],
    "module": __name__,
    "spec": __spec__.name,
    "helper": helper.__name__,
    "folder": os.getcwd(),
    "path": os.path.samefile(sys.path[0], os.getcwd()),
    "home": os.environ.get("HOME"),
    "temporary": tempfile.gettempdir(),
    "rows": sorted(os.listdir(words["--data"])),
    "files": sorted(os.listdir("/proc/self/fd")),
    "hash": hash("a word") if os.environ.get("PYTHONHASHSEED") else None,
    "user": os.getuid(),
    "group": os.getpgid(0) == os.getpid(),
    "state": os.path.exists("STATE"),
    "rights": [line for line in open("/proc/self/status") if line.startswith(("Cap", "NoNew"))],
    "app": sorted(name for name in sys.modules if name.startswith("sandbox")),
}
(pathlib.Path(words["--out"]) / "facts.json").write_text(json.dumps(facts))
(pathlib.Path(words["--out"]) / "drawn.json").write_text(json.dumps([random.random(), numpy.random.rand()]))
"""

SPY_WORDS = [sys.executable, "-m", "spy", "train"]


@pytest.fixture(params=["strongest", LIMITS])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    level = find_level().level
    if request.param == LIMITS:
        level = BY_NAME[LIMITS]
    elif level.name == LIMITS or level.tool == "bwrap":
        pytest.skip(f"the strongest isolation of this machine is {level.name}")
    code, state = tmp_path / "code", tmp_path / "state"
    (code / "spy").mkdir(parents=True)
    (code / "spy" / "helper.py").touch()
    write(code, SPY.replace("STATE", str(state / "secret")))
    state.mkdir()
    (state / "secret").touch()
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "rows.csv").touch()
    apart = Apart(level.name, (state,))
    return Project(name="The spy", code=code, module="spy", timeout=600, apart=apart)


def write(code: Path, text: str) -> None:
    (code / "spy" / "__main__.py").write_text(text, encoding="utf-8")


def train(project: Project, name: str) -> Path:
    rows, out = project.code.parent / "rows", project.code.parent / name
    for folder in (out, out.with_suffix(".tmp")):
        folder.mkdir()
    project.train(rows, out, out.with_suffix(".tmp"))
    return out


def test_a_forked_command_finds_what_a_command_of_its_own_process_finds(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    alone = train(project, "alone")
    with project.forked() as forked:
        first, second = train(forked, "first"), train(forked, "second")

    expected = json.loads((alone / "facts.json").read_text().replace("alone", "first"))
    assert json.loads((first / "facts.json").read_text()) == expected
    assert expected["hash"] is not None
    assert project.apart is not None
    if BY_NAME[project.apart.level].isolated:
        assert "CapEff:\t0000000000000000\n" in expected["rights"]
    assert len({(out / "drawn.json").read_text() for out in (alone, first, second)}) == 3


def test_a_forked_command_is_really_forked(project: Project) -> None:
    write(
        project.code,
        "import sys\nassert 'numpy' in sys.modules, 'numpy is not there'\nimport numpy",
    )

    with pytest.raises(ContractError, match="numpy is not there"):
        train(project, "alone")
    with project.forked() as forked:
        train(forked, "forked")


@pytest.mark.parametrize("name", ["sandbox", "joblib"])
def test_a_forked_command_imports_the_modules_of_its_own_code(project: Project, name: str) -> None:
    (project.code / f"{name}.py").write_text("OWN = True\n")
    write(project.code, f"import {name}\nassert {name}.OWN\nif False:\n    import sklearn")

    train(project, "alone")
    with project.forked() as forked:
        train(forked, "forked")


@pytest.mark.parametrize(
    "held", ["open(words['--out'] + '/text', 'w')", "gzip.open(words['--out'] + '/text', 'wt')"]
)
def test_a_forked_command_writes_the_files_that_it_leaves_open(project: Project, held: str) -> None:
    write(
        project.code,
        "import gzip, sys\nfrom . import helper\nwords = dict(zip(sys.argv[2::2], sys.argv[3::2]))\n"
        f"def unused(): pass\nhelper.file = {held}\nhelper.file.write('all of it')",
    )

    with project.forked() as forked:
        text = (train(forked, "forked") / "text").read_bytes()

    assert (gzip.decompress(text) if text.startswith(b"\x1f\x8b") else text) == b"all of it"


@pytest.mark.parametrize(
    "end",
    [
        "from concurrent.futures import ThreadPoolExecutor\n"
        "helper.pool = ThreadPoolExecutor(1)\nhelper.pool.submit(int).result()",
        "import sys\nsys.stdout = None",
        "import sys\nsys.stdout.close()",
    ],
    ids=["idle thread", "no stream", "closed stream"],
)
def test_a_forked_command_ends_well_where_a_command_of_its_own_process_does(
    project: Project, end: str
) -> None:
    write(project.code, f"from . import helper\n{end}")

    train(project, "alone")
    with project.forked() as forked:
        train(forked, "forked")


def test_a_command_runs_by_itself_when_its_server_has_ended(project: Project) -> None:
    write(
        project.code, "import sys\nassert 'numpy' not in sys.modules\nif False:\n    import numpy"
    )
    with project.forked() as forked:
        with pytest.raises(ContractError, match="AssertionError"):
            train(forked, "forked")
        assert isinstance(forked.server, ForkServer)
        forked.server.close()
        train(forked, "alone")


@pytest.mark.parametrize(
    ("code", "last"),
    [
        ("raise ValueError('no rows')", "exit code 1: ValueError: no rows"),
        ("import sys; sys.exit('no rows')", "exit code 1: no rows"),
        ("import sys; sys.exit(7)", "exit code 7: It wrote nothing."),
        ("import sys; print('so far'); sys.exit(True)", "exit code 1: so far"),
        ("import os; os._exit(9)", "exit code 9: It wrote nothing."),
        ("def f(", "exit code 1: SyntaxError: '(' was never closed"),
        (
            "import atexit, sys; atexit.register(print, 'at the end'); sys.exit(2)",
            "exit code 2: at the end",
        ),
    ],
)
def test_a_forked_command_fails_as_a_command_of_its_own_process_does(
    project: Project, code: str, last: str
) -> None:
    write(project.code, f"import numpy\n{code}")

    with pytest.raises(ContractError) as alone:
        train(project, "alone")
    with project.forked() as server, pytest.raises(ContractError) as forked:
        train(server, "forked")

    assert last in str(alone.value)
    assert str(forked.value) == str(alone.value)


def test_a_forked_command_that_crashes_or_hangs_is_reported_and_others_go_on(
    project: Project,
) -> None:
    with project.forked() as forked:
        write(project.code, "import os; os.kill(os.getpid(), 11)")
        with pytest.raises(KilledError) as crash:
            train(forked, "crash")
        write(project.code, "import signal; signal.pause()")
        with pytest.raises(ContractError, match=r"train ran longer than 0\.5 seconds"):
            train(replace(forked, timeout=0.5), "hanging")
        write(project.code, SPY)
        assert (train(forked, "other") / "facts.json").is_file()

    assert crash.value.number == signal.SIGSEGV


def test_no_forked_command_outlives_its_server(project: Project) -> None:
    write(project.code, "import signal; print('begun', flush=True); signal.pause()")
    assert project.apart is not None
    out = project.code.parent / "out"
    out.mkdir()
    words = [*SPY_WORDS, "--data", str(project.code.parent / "rows"), "--out", str(out)]
    with project.apart.server((), {}) as server:
        begun = server.start(project.apart.wrap(words, project.code, (), out))
        assert begun is not None
        assert begun.stdout is not None
        assert begun.stdout.readline() == b"begun\n"

    # The pipe ends when every process that holds it has ended.
    assert begun.stdout.read() == b""
    assert begun.wait() == -signal.SIGKILL
    begun.stdout.close()


def test_other_commands_than_python_modules_are_not_forked(project: Project) -> None:
    assert project.apart is not None
    with project.apart.server((), {}) as server:
        words = project.apart.wrap(["/bin/true"], project.code, (), project.code.parent)
        assert server.start(words) is None


def test_bubblewrap_starts_each_command_by_itself() -> None:
    level = BY_NAME["bubblewrap"]
    with ForkServer(level, (), {}) as server:
        assert server.start(command(SPY_WORDS, level=level, folder=Path("/"))) is None


def test_the_libraries_of_a_project_are_those_that_it_imports_at_once(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "skops.py").touch()
    (tmp_path / "mine" / "__main__.py").write_text(
        "import numpy as np, tensorflow\n"
        "from sklearn.linear_model import Ridge\n"
        "from .sklearn import own\n"
        "import skops.io\n"
        "try:\n    import scipy.stats\nexcept ImportError:\n    pass\n"
        "def late():\n    import pandas\n"
    )
    (tmp_path / "mine" / "broken.py").write_text("def f(")

    assert find_libraries(tmp_path, "mine") == ("numpy", "scipy.stats", "sklearn.linear_model")
    assert find_libraries(tmp_path, "skops") == ()
    assert find_libraries(tmp_path, "gone") == ()
