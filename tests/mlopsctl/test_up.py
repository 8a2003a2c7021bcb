import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from mlopsctl.doctor import examine
from mlopsctl.reach import state_folder
from mlopsctl.reach.local_host import (
    STALL_SECONDS,
    HostError,
    LocalHost,
    PortTakenError,
    named_port,
)
from mlopsctl.reach.state_folder import StateError, prepare, rotate, running_host, stop_processes
from tests.funchost.conftest import until
from tests.made_once import prepare as prepare_state
from tests.mlopsctl.conftest import ROOT, Up
from tests.patience import PATIENCE

StartUp = Callable[..., Up]


def run(*arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "MLOPS_STATE": str(state), "MLOPS_URL": "", "MLOPS_ENGINE": ""}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def files(state: Path) -> dict[str, int]:
    """Return the content of the app's own log and the inodes of its folders."""
    return {
        "host.log": len((state / "host.log").read_bytes().split(b"---- started")),
        "inode": (state / "host.log").stat().st_ino,
    }


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Path]:
    """Return a state with a process that serves, as production does: it holds its lock."""
    folder = tmp_path / "state" / "processes"
    folder.mkdir(parents=True)
    prepare_state(tmp_path / "state")
    shell = (
        'exec 9>"$0/production-x.lock"; flock 9; echo $$ > "$0/production-x.pid"; exec sleep 600'
    )
    process = subprocess.Popen(["bash", "-c", shell, str(folder)], start_new_session=True)
    until(lambda: (folder / "production-x.pid").exists(), "the service")
    yield tmp_path / "state"
    process.kill()
    process.wait()


def serves(state: Path) -> bool:
    try:
        os.kill(int((state / "processes" / "production-x.pid").read_text()), 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{(state / 'processes' / 'production-x.pid').read_text().strip()}/stat")
    return " Z " not in status.read_text()


def test_any_start_on_a_running_state_is_refused_and_changes_nothing(
    start_up: StartUp, service: Path
) -> None:
    url = start_up(service).announced()["url"]
    before = files(service)

    second, demo = run("mlopsctl", "up", state=service), run("mlopsctl", "demo", state=service)
    by_hand = run(
        "funchost", "start", "--port", "0", "--state", str(service / "funchost"), state=service
    )

    for refused in (second, demo):
        assert refused.returncode == 1
        assert f"runs already at {url}" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert (by_hand.returncode, f"runs already at {url}" in by_hand.stderr) == (1, True)
    assert httpx.get(f"{url}/api/status").status_code == 200
    assert serves(service)
    assert files(service) == before


def test_up_on_the_state_of_a_host_that_was_started_by_hand_is_refused(service: Path) -> None:
    command = [sys.executable, "-m", "funchost", "start", "--port", "0"]
    environ = {**os.environ, "MLOPS_STATE": str(service)}
    process = subprocess.Popen(
        [*command, "--state", str(service / "funchost")],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # Also while that host still starts.
    until(lambda: state_folder.has_host(service) or process.poll() is not None, "the lock", 60)

    refused = run("mlopsctl", "up", state=service)

    assert refused.returncode == 1
    found = running_host(service)
    assert found is not None
    assert f"runs already at {found['url']}" in refused.stderr
    assert process.poll() is None
    assert serves(service)
    process.terminate()
    process.wait(PATIENCE)


def test_two_starts_at_once_run_one_app_and_the_other_prints_its_address(
    start_up: StartUp, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    both = [start_up(state), start_up(state)]
    until(lambda: any(one.process.poll() is not None for one in both), "one to be refused", 100)
    (loser,) = [one for one in both if one.process.poll() is not None]
    (winner,) = [one for one in both if one.process.poll() is None]

    code, said = loser.ended()
    url = winner.announced()["url"]

    assert (code, f"runs already at {url}" in said) == (1, True)
    assert httpx.get(f"{url}/api/status").status_code == 200
    log = (state / "host.log").read_text()
    # A start whose port another process took meanwhile is repeated at another port.
    assert log.count("---- started") - log.count("funchost cannot start") == 1


def test_a_host_that_fails_to_start_ends_nothing_that_serves(
    service: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (service / "no-projects.toml").write_text("")
    monkeypatch.setenv("MLOPS_PROJECTS", str(service / "no-projects.toml"))

    ended = run("mlopsctl", "up", state=service)

    assert ended.returncode == 1
    assert "names no model" in ended.stderr
    assert "Traceback" not in ended.stderr.split("Its log")[0]
    assert serves(service)


def test_nothing_is_ended_while_a_host_uses_the_state(service: Path) -> None:
    lock = service / "funchost" / "lock"
    lock.parent.mkdir()
    holder = subprocess.Popen(
        ["bash", "-c", 'exec 9>"$0"; flock 9; echo held; exec sleep 600', str(lock)],
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    holder.stdout.readline()

    assert stop_processes(service) == 0
    assert serves(service)

    holder.kill()
    holder.communicate()
    assert stop_processes(service) == 1
    assert not serves(service)


def test_down_ends_what_the_app_serves_below_another_host(service: Path) -> None:
    ended = run("mlopsctl", "down", state=service)

    assert (ended.returncode, "is stopped" in ended.stdout) == (0, True)
    assert not serves(service)


def test_a_killed_host_ends_up_with_its_reason_and_leaves_production_alone(
    start_up: StartUp, service: Path
) -> None:
    first = start_up(service)
    first.announced()

    first.kill_host()
    code, said = first.ended()

    assert code == 1
    assert "signal 9" in said
    assert "`make up` starts the host again" in said
    assert serves(service)
    again = start_up(service)
    assert httpx.get(again.announced()["url"] + "/api/status").status_code == 200
    log = (service / "host.log").read_text()
    # A start whose port another process took meanwhile is repeated at another port.
    assert log.count("---- started") - log.count("funchost cannot start") == 2
    assert log.count("listening on") == 2


def test_a_host_whose_up_was_killed_is_named_and_stopped_by_down(
    start_up: StartUp, service: Path
) -> None:
    first = start_up(service)
    url = first.announced()["url"]
    first.process.kill()
    first.process.wait()

    code, said = start_up(service).ended()
    assert (code, f"runs already at {url}" in said) == (1, True)
    assert "mlopsctl down" in said

    ended = run("mlopsctl", "down", state=service)

    assert ended.returncode == 0
    assert running_host(service) is None
    assert not serves(service)
    assert "No app runs" in run("mlopsctl", "down", state=service).stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_also_during_the_start(
    start_up: StartUp, tmp_path: Path, number: signal.Signals
) -> None:
    state = tmp_path / "state"
    one = start_up(state)
    until(lambda: (state / "host.log").exists(), "the host to start", 60)

    one.process.send_signal(number)
    code, said = one.ended()

    assert (code, "Traceback" in said) == (0, False)
    assert not state_folder.has_host(state)


def test_a_named_port_that_is_in_use_is_not_replaced(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        ended = run("mlopsctl", "up", "--port", str(port), state=tmp_path / "state")

    assert ended.returncode == 1
    assert f"Port {port} cannot be used: Address already in use" in ended.stderr
    assert not (tmp_path / "state" / "host.log").exists()


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield int(other.getsockname()[1])


def test_a_named_port_is_the_one_that_is_used(taken: int) -> None:
    assert named_port(0) == 0, "the host chooses"
    with pytest.raises(HostError, match=f"Port {taken} cannot be used"):
        named_port(taken)


def test_a_port_that_another_program_took_in_the_meantime_is_replaced_unless_it_was_named(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("SMALL_LOG", str(tmp_path / "small.log"))
    app = ROOT / "tests" / "funchost" / "apps" / "small"
    with pytest.raises(PortTakenError, match="Address already in use"):
        LocalHost(app, tmp_path / "named", taken).start()
    host = LocalHost(app, tmp_path / "usual", taken, say=said.append, is_named=False)

    host.start()

    try:
        assert httpx.get(host.url).status_code == 200
        assert host.url != f"http://127.0.0.1:{taken}"
        assert said[-1] == f"Port {taken} is in use, so the app listens on {host.url}."
    finally:
        host.stop()


def test_make_passes_the_port_on() -> None:
    command = ["make", "-n", "-s", "--no-print-directory", "up", "PORT=8123"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert said.strip().endswith("mlopsctl up --port 8123")


def test_a_file_as_state_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("mine")

    for state in (path, path / "below"):
        for command in ("up", "demo"):
            ended = run("mlopsctl", command, state=state)
            assert ended.returncode == 1
            assert "a file is in its path" in ended.stderr
            assert "Traceback" not in ended.stderr
        (finding,) = [one for one in examine(None, ROOT, state, "") if one["what"] == "state"]
        assert not finding["ok"]
        assert f"{path} is a file. Give --state a folder" in finding["detail"]
    assert path.read_text() == "mine"


def mounted(folder: Path, options: str) -> None:
    """Mount a file system in memory, or skip: not every machine lets a test do so."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let tests mount a file system")


@pytest.mark.parametrize(
    ("options", "text"),
    [("ro", "Read-only file system"), ("size=8m", "MiB left"), ("size=4k,nr_inodes=1", "space")],
)
def test_a_state_that_cannot_be_written_is_named(tmp_path: Path, options: str, text: str) -> None:
    folder = tmp_path / "mounted"
    mounted(folder, options)
    try:
        for command in ("up", "demo"):
            ended = run("mlopsctl", command, state=folder)
            assert ended.returncode == 1
            assert text in ended.stderr
            assert str(folder) in ended.stderr
            assert "--state" in ended.stderr
            assert "Traceback" not in ended.stderr
        with pytest.raises(StateError):
            prepare(folder / "below")
        (finding,) = [one for one in examine(None, ROOT, folder, "") if one["what"] == "state"]
        assert finding["ok"] == (options != "ro")
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_log_is_rotated_and_none_of_it_is_lost(tmp_path: Path) -> None:
    log = tmp_path / "host.log"
    with log.open("ab") as host:
        for number in range(8):
            host.write(f"line {number}\n".encode())
            host.flush()
            rotate(log, limit=7)
        host.write(b"line 8\n")

    kept = [tmp_path / "host.log", *(tmp_path / f"host.log.{n}" for n in range(1, 6))]
    assert [path.read_text() for path in kept] == [f"line {n}\n" for n in range(8, 2, -1)]
    assert not (tmp_path / "host.log.6").exists()


def test_a_start_without_progress_is_given_up_and_one_with_progress_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "python"
    fake.write_text(
        "#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8; do echo step $i; sleep 0.2; done\nexec sleep 600\n"
    )
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    state, said = tmp_path / "state", list[str]()
    now, seen = [0.0], [""]

    def clock() -> float:
        """Let a hundred seconds pass before each line, and ten at a time after the last one."""
        log = (state / "host.log").read_text() if (state / "host.log").exists() else ""
        if log != seen[0]:
            seen[0] = log
            now[0] += 100
        elif "step 8" in log:
            now[0] += 10
        return now[0]

    host = LocalHost(ROOT, state, 1, say=said.append, clock=clock)

    with pytest.raises(HostError, match="no progress") as failed:
        host.start()

    assert STALL_SECONDS > 100
    assert "step 8" in str(failed.value)
    assert any("Waiting for the host to listen" in line for line in said)
    assert host.process is not None
    assert host.process.poll() is not None
