"""Runs the commands of a model project, and checks their output."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import IO, TYPE_CHECKING

from platform_jobs.errors import AnswerError, ContractError
from platform_jobs.models.answers import Answers, read_answer_file
from platform_jobs.models.apart import COULD_NOT, Apart
from platform_jobs.models.libraries import find_libraries
from platform_jobs.models.programs import find_program

if TYPE_CHECKING:
    from sandbox.forkserver import Forks

# Characters of a command's last line that a text shows; more would be noise.
_SHORT = 200
_LONGEST_LINE = 64 * 1024
# Seconds that the last output of an ended command may take to arrive.
_DRAIN_SECONDS = 5.0
# Bytes of an answer: for its header, and for each row, which may have columns beside the
# prediction.
_ANSWER_BYTES, _ROW_BYTES = 1 << 20, 4096
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_PASSED_ON_FAMILIES = ("LC_", "PYTHON", "CONDA", "CUDA", "NVIDIA_", "OMP_", "OPENBLAS_", "MKL_")


class KilledError(RuntimeError):
    """A command was killed by a signal: this says nothing about the model."""

    def __init__(self, text: str, number: int) -> None:
        self.number = number
        super().__init__(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A model project: its name in texts, the folder of its code and the module with its commands.

    `command` are the words that run the commands in the folder of that name, () for the module.
    `timeout` limits each command, in seconds. With `apart`, predict runs in the sandbox and sees
    its model and the features only, and train sees its rows only. A `server` forks such commands,
    so that they need not import their libraries again.
    """

    name: str
    code: Path
    module: str
    timeout: float
    command: tuple[str, ...] = ()
    apart: Apart | None = None
    server: "Forks | None" = None

    @contextmanager
    def forked(self) -> Iterator["Project"]:
        """Yield this project with a server that has imported its libraries.

        Only modules are forked: another program imports no library of Python.
        """
        if self.apart is None or self.server is not None or self.command:
            yield self
            return
        libraries = find_libraries(self.code, self.module)
        with self.apart.server(libraries, _command_environ()) as server:
            yield replace(self, server=server)

    def train(self, data: Path, out: Path, scratch: Path | None = None) -> None:
        """Train on the folder `data` into the folder `out`; ContractError when it fails.

        A sandbox puts temporary files into the folder `scratch`.
        """
        words = ("train", "--data", str(data), "--out", str(out))
        self.run(*words, sees=(data,), writes=out, scratch=scratch)

    def predict(
        self, model: Path, data: Path, rows: int, out: Path, labels: Sequence[str] = ()
    ) -> Answers:
        """Return the answers to the rows of the CSV file `data`.

        `labels` are those of the target, () for numbers. The folder of `data` must hold nothing
        else, and the folder of `out` nothing. ContractError when the command fails or its
        answers break the contract; KilledError when a signal ended it.
        """
        out.unlink(missing_ok=True)
        words = ("predict", "--model", str(model), "--data", str(data), "--out", str(out))
        self.run(*words, sees=(model, data.parent), writes=out.parent)
        answer = read_written(out, _ANSWER_BYTES + _ROW_BYTES * rows)
        if answer is None:
            raise ContractError(
                f"{self.name}: predict wrote no file of a size that fits {rows} rows. It must "
                "write --out."
            )
        try:
            return read_answer_file(answer.decode("utf-8-sig"), rows, labels)
        except UnicodeDecodeError:
            raise ContractError(f"{self.name}: predict wrote no UTF-8 text.") from None
        except AnswerError as error:
            raise AnswerError(f"{self.name}: {error}") from None
        except ContractError as error:
            raise ContractError(f"{self.name}: {error}") from None

    def sample(self, out: Path) -> None:
        """Let the project write its sample data; ContractError when it has none."""
        self.run("sample", "--out", str(out))
        if not out.is_file():
            raise ContractError(f"{self.name}: sample wrote no file. It must write --out.")

    def run(
        self,
        *words: str,
        sees: Sequence[Path] = (),
        writes: Path | None = None,
        scratch: Path | None = None,
    ) -> None:
        """Run a command of the project; ContractError, KilledError when it does not end well."""
        try:
            folder, start = find_program(self.code, self.module, self.command)
        except ContractError as error:
            raise ContractError(f"{self.name}: {error}") from None
        name, trains = f"{self.name}: {words[0]}", words[0] == "train"
        self._run([*start, *words], folder, name, sees, writes, scratch, trains)

    def call(
        self, words: Sequence[str], name: str, *, sees: Sequence[Path] = (), writes: Path
    ) -> None:
        """Run a program of the platform that calls this project's code, in the folder of the code.

        `name` is its subject in texts. ContractError, KilledError when it does not end well.
        """
        self._run([*words], self.code, name, sees, writes, None, False)

    def _run(
        self,
        command: list[str],
        folder: Path,
        name: str,
        sees: Sequence[Path],
        writes: Path | None,
        scratch: Path | None,
        trains: bool,
    ) -> None:
        if self.apart is not None and writes is not None:
            sees = (*sees, self.code)
            command = self.apart.wrap(command, folder, sees, writes, scratch, trains=trains)
        code, last = _run(command, folder, self.timeout, self.server)
        if self.apart is not None and code == COULD_NOT:
            raise OSError(f"{name} could not be sandboxed: {last}")
        if code is None:
            raise ContractError(
                f"{name} ran longer than {self.timeout:g} seconds. Make it faster, or raise "
                "`training_run.timeout_seconds` of the model in mlops.toml."
            )
        if code < 0:
            raise KilledError(f"{name} was killed by signal {-code}.", -code)
        if code:
            raise ContractError(f"{name} ended with exit code {code}: {last}")


def _run(
    command: list[str], folder: Path, timeout: float, server: "Forks | None"
) -> tuple[int | None, str]:
    """Return the exit code, None after the time-out, and the last line that the command wrote.

    Each line is passed on at once, so that the log of this job shows where the command stands.
    """
    last = ["It wrote nothing."]

    def pass_on(lines: IO[bytes]) -> None:
        with lines:
            # In pieces: a command that prints without a line feed must not fill the memory.
            while line := lines.readline(_LONGEST_LINE):
                text = line.decode("utf-8", errors="replace")
                sys.stderr.write(text)
                sys.stderr.flush()
                if text.strip():
                    last[0] = text.strip()[:_SHORT]

    process = (server.start(command) if server else None) or subprocess.Popen(
        command,
        cwd=folder,
        env=_command_environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    reader = Thread(target=pass_on, args=(process.stdout,), daemon=True)
    reader.start()
    code: int | None
    try:
        code = process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        code = None
    # A process that the command left behind may hold the pipe open for as long as it lives.
    reader.join(_DRAIN_SECONDS)
    return code, last[0]


def _command_environ() -> dict[str, str]:
    # Unbuffered, so that the error is the last line; else Python writes printed lines after it.
    return {**plain_environ(os.environ), "PYTHONUNBUFFERED": "1"}


def plain_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a model's code, without settings and credentials."""
    return {
        name: text
        for name, text in environ.items()
        if name in _PASSED_ON or name.startswith(_PASSED_ON_FAMILIES)
    }


def read_written(path: Path, most: int) -> bytes | None:
    """Return the content of an answer, None unless it is a regular file of at most `most` bytes.

    A link or a pipe is not followed, because it may lead to files that the model must not read.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(file, "rb") as answer:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_size > most:
            return None
        return answer.read(most)
