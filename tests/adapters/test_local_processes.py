"""Processes and ports of one machine while other programs start and end at the same time."""

import fcntl
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest

from function_app.adapters.local.reach.processes import Processes, free_port


class Watched(Processes):
    """Tells when `find` has seen that the process left no id yet."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.has_looked = threading.Event()

    def _read(self, name: str, ending: str) -> str:
        found = super()._read(name, ending)
        self.has_looked.set()
        return found


def test_a_process_that_ends_before_it_leaves_its_id_is_not_found(tmp_path: Path) -> None:
    processes = Watched(tmp_path)
    with ThreadPoolExecutor() as threads, (tmp_path / "p.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        finding = threads.submit(processes.find, "p")
        assert processes.has_looked.wait(300)
        fcntl.flock(lock, fcntl.LOCK_UN)

        assert finding.result() is None


class Unlocked(Processes):
    """Frees the lock as soon as `stop` knows whether the group holds it."""

    def __init__(self, folder: Path, lock: IO[str]) -> None:
        super().__init__(folder)
        self.lock = lock
        self.held: list[bool] = []

    def _holds_lock(self, name: str, group: int) -> bool:
        self.held.append(super()._holds_lock(name, group))
        fcntl.flock(self.lock, fcntl.LOCK_UN)
        return self.held[-1]


@pytest.mark.skipif(sys.platform != "linux", reason="Other systems have no /proc.")
@pytest.mark.parametrize("inherits", [False, True])
def test_only_a_group_that_holds_the_lock_is_ended(tmp_path: Path, inherits: bool) -> None:
    with (tmp_path / "p.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Without the lock it is a stranger, to which the system gave the id of an ended group.
        descriptors = (lock.fileno(),) if inherits else ()
        other = subprocess.Popen(
            ["cat"], stdin=subprocess.PIPE, start_new_session=True, pass_fds=descriptors
        )
        (tmp_path / "p.pid").write_text(f"{other.pid}\n")
        processes = Unlocked(tmp_path, lock)

        processes.stop("p")

        assert processes.held == [inherits]
        other.communicate()
        assert other.returncode == (-signal.SIGTERM if inherits else 0)


@pytest.mark.skipif(sys.platform != "linux", reason="Other systems keep no port.")
def test_a_free_port_is_given_to_no_other_program_and_its_service_can_bind_it() -> None:
    port = free_port()

    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()
    # As asyncio's servers do.
    with socket.create_server(("127.0.0.1", port)):
        socket.create_connection(("127.0.0.1", port)).close()
