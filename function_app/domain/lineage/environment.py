"""The environment of a training: inputs beside rows, code and parameters that change its bytes.

OpenBLAS adds numbers in another order on another kind of CPU, and with another number of threads on
large data, so that the last digits of a model differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from function_app.domain.codec import load
from function_app.domain.text.plain_text import one_line
from function_app.errors import ContractError

_LONGEST = 300  # characters of an input; the code of a job may have written it

# One thread: more threads add partial sums in another order. Hashes are fixed because a set's order
# depends on them.
PINNED = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnvironment:
    """The environment of a training as its machine reported it; "" for an unknown input.

    `lock` is the digest of the locked packages, `packages` that of the installed ones. `code` is
    the digest of this app's own module when the training took no published version. `rows` is the
    digest of the rows that the training got. `command` has the words that trained. `begun_at` is
    the begin of the training.
    """

    python: str = ""
    system: str = ""
    cpu: str = ""
    blas: str = ""
    threads: str = ""
    lock: str = ""
    packages: str = ""
    code: str = ""
    rows: str = ""
    command: str = ""
    begun_at: datetime | None = None


# The names of the inputs in sentences. The order is that of the likely causes of other bytes.
INPUTS: Mapping[str, str] = {
    "rows": "training's rows",
    "lock": "lock of the packages",
    "packages": "installed packages",
    "code": "code of this app",
    "command": "command of the training",
    "python": "Python",
    "blas": "BLAS kernel",
    "cpu": "kind of CPU",
    "threads": "number of threads",
    "system": "operating system",
}
_DIGESTS = ("rows", "lock", "packages", "code")


def read_environment(content: Mapping[str, object] | None) -> RunEnvironment | None:
    """Return the environment of a record; None without one, or when it is garbled."""
    if not content:
        return None
    plain = {
        name: one_line(value)[:_LONGEST] if isinstance(value, str) else value
        for name, value in content.items()
    }
    try:
        return load(RunEnvironment, plain)
    except ContractError:
        return None


def described(environment: RunEnvironment) -> dict[str, str]:
    """Return the known inputs by name."""
    inputs = ((name, str(getattr(environment, name))) for name in INPUTS)
    return {name: value for name, value in inputs if value}


def differences(before: RunEnvironment, now: RunEnvironment) -> tuple[str, ...]:
    """Return a sentence for each input whose value is known for both trainings and differs."""
    return tuple(
        f"The {words} differs: {_shown(name, old)} then, {_shown(name, new)} now."
        for name, words in INPUTS.items()
        if (old := getattr(before, name)) and (new := getattr(now, name)) and old != new
    )


def unknown_inputs(before: RunEnvironment, now: RunEnvironment) -> tuple[str, ...]:
    """Return the words of the inputs that cannot be compared."""
    both = (before, now)
    return tuple(
        words for name, words in INPUTS.items() if not all(getattr(one, name) for one in both)
    )


def _shown(name: str, value: str) -> str:
    return value[:12] if name in _DIGESTS else value
