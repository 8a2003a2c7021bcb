"""Reads a repository in a process of its own, which may be ended at any time.

That process unpacks pushed content of strangers: when this takes too long or too much memory, only
that process ends. It needs nothing but this Python; there is no git in Azure.
"""

import json
import os
import signal
import subprocess
import sys

from function_app.adapters.git.question import Question, read_error, write_question
from function_app.errors import PlatformError

_PROGRAM = "function_app.adapters.git.reader"
# The variables of this app that the process gets: its start and the network, no settings.
_PASSED_ON = (
    *("PATH", "LANG", "SYSTEMROOT", "LD_LIBRARY_PATH", "PYTHONHOME"),
    *("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)


def ask(question: Question) -> str | None:
    """Return the commit that the process read; PlatformError or the error that it reported."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-s", "-S", "-m", _PROGRAM],
        cwd=question.folder,
        env=_environ(question),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    where = question.address.host or "this machine"
    try:
        # Through a pipe: arguments and environment are visible to others.
        answer, complaint = process.communicate(write_question(question), question.timeout_seconds)
    except subprocess.TimeoutExpired as error:
        raise PlatformError(
            "git",
            f"{question.task} from {where}",
            f"It took longer than {question.timeout_seconds:.0f} seconds. Try again, or "
            "raise MLOPS_GIT_TIMEOUT_SECONDS.",
        ) from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode or not answer:
        raise PlatformError(
            "git",
            f"{question.task} from {where}",
            f"The process that reads ended with {process.returncode} ({_last(complaint)}). "
            "Give the host more memory, or keep data out of the repository.",
        )
    reply = json.loads(answer)
    if "error" in reply:
        raise read_error(reply["error"])
    commit: str | None = reply["found"]
    return commit


def _last(complaint: bytes) -> str:
    """Return the last line of the output; a known error is reported as JSON instead."""
    lines = complaint.decode(errors="replace").strip().splitlines() or ["it said nothing"]
    return lines[-1][:200]


def _environ(question: Question) -> dict[str, str]:
    environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # The same packages as this process has, wherever its host put them.
    paths = [os.path.abspath(path) for path in sys.path]
    return environ | {"PYTHONPATH": os.pathsep.join(paths), "HOME": question.folder, "LC_ALL": "C"}
