"""A fork server that several processes share, its end, and the end of its clients."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from function_app.adapters.local.jobs.jobs import LIBRARIES
from function_app.adapters.local.jobs.run_environment import run_environ
from platform_jobs.errors import ContractError
from platform_jobs.models.apart import Apart
from platform_jobs.models.models import Project
from sandbox.command import command
from sandbox.forkserver import Forked, SharedForks, SharedForkServer
from sandbox.levels import BY_NAME, LIMITS
from sandbox.probe import find_level
from tests.funchost.conftest import until
from tests.patience import PATIENCE

MEMORY_KIB = 8 * 1024 * 1024
HANGING = "import signal; print('begun', flush=True); signal.pause()"
# A client that starts the command of the file `words` and waits for its end.
CLIENT = """
import json, pathlib, sys
from sandbox.forkserver import SharedForks
forked = SharedForks(pathlib.Path(sys.argv[1])).start(json.loads(pathlib.Path(sys.argv[2]).read_text()))
print(forked.stdout.readline().decode().strip(), forked.pid, flush=True)
forked.wait()
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks such commands")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SharedForkServer]:
    # Longer than the address of a socket may be.
    folder = tmp_path / ("a" * 120)
    folder.mkdir()
    made = SharedForkServer(folder / "forks.sock", ("numpy",), dict(os.environ), MEMORY_KIB)
    yield made
    made.close()


def words(tmp_path: Path, code: str, level: str = LIMITS) -> list[str]:
    folder = tmp_path / "code"
    folder.mkdir(exist_ok=True)
    (folder / "job.py").write_text(code)
    return command([sys.executable, "-m", "job"], level=BY_NAME[level], folder=folder)


def level_of(level: str) -> str:
    name = find_level().level.name if level == "strongest" else level
    if BY_NAME[name].tool == "bwrap":
        pytest.skip("bubblewrap executes each command anew")
    return name


def begin(server: SharedForkServer, given: list[str], kept: tuple[int, ...] = ()) -> Forked:
    forked = SharedForks(server.path).start(given, kept)
    assert forked is not None
    return forked


def finish(forked: Forked) -> tuple[int, bytes]:
    assert forked.stdout is not None
    with forked.stdout:
        return forked.wait(PATIENCE), forked.stdout.read()


def ends(pid: int | None) -> None:
    assert pid is not None
    until(lambda: not Path(f"/proc/{pid}/cmdline").exists(), f"process {pid} to end")


@pytest.mark.parametrize("level", ["strongest", LIMITS])
def test_commands_of_a_shared_server_inherit_its_libraries(
    server: SharedForkServer, tmp_path: Path, level: str
) -> None:
    name = level_of(level)
    assert server.start()
    first = server.pid
    assert server.start()

    code = "import sys; print('numpy' in sys.modules); sys.exit(7)"
    assert finish(begin(server, words(tmp_path, code, name))) == (7, b"True\n")
    assert server.pid == first
    assert (server.path.stat().st_mode & 0o777) == 0o600


def test_the_libraries_of_runs_start_no_thread_so_that_they_can_be_forked(tmp_path: Path) -> None:
    server = SharedForkServer(tmp_path / "forks.sock", LIBRARIES, run_environ(), MEMORY_KIB)
    server.start()

    code = "import sys; print(len({'pandas', 'pyarrow', 'sklearn', 'skops'} & sys.modules.keys()))"
    assert finish(begin(server, words(tmp_path, code))) == (0, b"4\n")
    server.close()


def test_a_folder_that_takes_no_socket_costs_a_run_its_fork_only(tmp_path: Path) -> None:
    server = SharedForkServer(tmp_path / "gone" / "forks.sock", (), {}, MEMORY_KIB)

    assert not server.start()
    assert not server.start()
    assert SharedForks(server.path).start(words(tmp_path, "")) is None


def test_nothing_is_forked_where_no_server_listens(
    server: SharedForkServer, tmp_path: Path
) -> None:
    assert SharedForks(server.path).start(words(tmp_path, "")) is None

    server.start()
    finish(begin(server, words(tmp_path, "")))
    server.close()
    assert SharedForks(server.path).start(words(tmp_path, "")) is None
    ends(server.pid)


def test_a_server_that_was_killed_is_started_again(
    server: SharedForkServer, tmp_path: Path
) -> None:
    server.start()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    first = server.pid
    # The owner collects the process.

    def started_again() -> bool:
        server.start()
        return server.pid != first

    until(started_again, "another server")

    assert finish(begin(server, words(tmp_path, "print(1)"))) == (0, b"1\n")


def test_a_command_goes_on_when_the_server_ends_and_ends_on_request(
    server: SharedForkServer, tmp_path: Path
) -> None:
    server.start()
    forked = begin(server, words(tmp_path, HANGING))
    assert forked.stdout is not None
    assert forked.stdout.readline() == b"begun\n"
    server.close()

    with pytest.raises(subprocess.TimeoutExpired):
        forked.wait(0.1)
    forked.terminate()
    assert finish(forked) == (-signal.SIGTERM, b"")
    forked.kill()
    assert forked.wait() == -signal.SIGTERM


@pytest.mark.parametrize("ignores", ["", "signal.signal(15, signal.SIG_IGN); "])
def test_a_command_ends_with_its_client(
    server: SharedForkServer, tmp_path: Path, ignores: str
) -> None:
    server.start()
    code = f"import signal; {ignores}{HANGING}"
    given = tmp_path / "words"
    given.write_text(json.dumps(words(tmp_path, code)))
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(server.path), str(given)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdout is not None
    with client, client.stdout:
        begun, _, pid = client.stdout.readline().partition(" ")
        assert begun == "begun"
        client.kill()
    ends(int(pid))


def test_a_kept_lock_is_held_until_the_command_has_ended(
    server: SharedForkServer, tmp_path: Path
) -> None:
    server.start()
    path = tmp_path / "lock"
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        forked = begin(server, words(tmp_path, HANGING), (lock.fileno(),))
    with path.open("w") as other:
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        forked.kill()
        assert finish(forked)[0] == -signal.SIGKILL
        fcntl.flock(other, fcntl.LOCK_EX)


@pytest.mark.parametrize("level", ["strongest", LIMITS])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_signal_reaches_a_command_that_has_only_just_been_forked(
    tmp_path: Path, number: signal.Signals, level: str
) -> None:
    name = level_of(level)
    (tmp_path / "sitecustomize.py").write_text(
        "import os, time\n"
        "real = os.setsid\n"
        "def setsid():\n"
        "    time.sleep(0.5)  # the processes of a command are slow to become ready\n"
        "    real()\n"
        "os.setsid = setsid\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    server = SharedForkServer(tmp_path / "forks.sock", (), environ, MEMORY_KIB)
    server.start()

    forked = begin(server, words(tmp_path, HANGING, name))
    (forked.kill if number == signal.SIGKILL else forked.terminate)()
    assert finish(forked)[0] == -number
    server.close()


@pytest.mark.parametrize("level", ["strongest", LIMITS])
def test_no_request_to_end_is_lost_between_the_forks_of_a_command(
    server: SharedForkServer, tmp_path: Path, level: str
) -> None:
    given = words(tmp_path, HANGING, level_of(level))
    server.start()

    for step in range(60):
        forked = begin(server, given)
        time.sleep(step / 4000)  # a command has begun after about 5 to 10 ms
        forked.terminate()
        assert finish(forked)[0] == -signal.SIGTERM


def test_libraries_with_threads_are_not_forked_and_not_tried_again(tmp_path: Path) -> None:
    (tmp_path / "threads.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    server = SharedForkServer(tmp_path / "forks.sock", ("threads",), environ, MEMORY_KIB)
    server.start()
    first = server.pid

    assert SharedForks(server.path).start(words(tmp_path, "")) is None
    server.start()
    assert server.pid == first
    server.close()


def test_a_model_is_asked_by_the_shared_server(server: SharedForkServer, tmp_path: Path) -> None:
    code, out = tmp_path / "code", tmp_path / "out"
    code.mkdir()
    out.mkdir()
    (code / "job.py").write_text("import sys\nassert 'numpy' in sys.modules, 'no numpy'")
    alone = Project(name="It", code=code, module="job", timeout=PATIENCE, apart=Apart(LIMITS))
    with pytest.raises(ContractError, match="no numpy"):
        alone.train(code, out)

    server.start()
    apart = Apart(LIMITS, forks=server.path)
    shared = replace(alone, apart=apart, server=apart.shared())
    shared.train(code, out)
    with shared.forked() as forked:
        assert forked is shared
