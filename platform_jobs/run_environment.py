"""Writes the inputs of a run beside its rows, code and parameters.

`python run_environment.py --out FILE` runs in the environment of a training, beside it. The script
imports neither this package nor NumPy, because both would take longer than a small training.
"""

import argparse
import ctypes
import hashlib
import json
import os
import platform
import re
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

# Wheels keep the BLAS beside the package; conda keeps one for all in the environment's `lib`.
_WHEELS = ("numpy.libs", "scipy.libs", "numpy/.dylibs", "scipy/.dylibs")
_LIBRARY = re.compile(r"lib(scipy_)?openblas[^/]*\.(so|dylib)[0-9.]*|libmkl_rt\.so[0-9.]*")
_DISTRIBUTION = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)\.dist-info")
# The first of these variables that is set is the number of threads.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# A virtual machine may hide the name of the model, so that its numbers are recorded, too.
_CPU = ("model name", "cpu family", "model", "stepping", "CPU implementer", "CPU part")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--lock", default="", help="digest of the lock of the packages")
    parser.add_argument("--code", default="", help="digest of the code that trains")
    parser.add_argument("--command", default="", help="the words that train")
    parser.add_argument("--rows", type=Path, required=True, help="the file that it trains on")
    given = parser.parse_args(arguments)
    content = {**describe(), "lock": given.lock, "code": given.code, "command": given.command}
    content["rows"] = digest(given.rows)
    part = given.out.with_name(f".{given.out.name}.tmp")
    part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    part.replace(given.out)
    return 0


def digest(path: Path) -> str:
    """Return the SHA-256 of a file as hex digits, "" when it cannot be read."""
    with suppress(OSError), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return ""


def describe() -> dict[str, str]:
    """Return the inputs by name, "" for an input that this machine does not show.

    `packages` is the SHA-256 of the sorted lines `name==version` of the installed packages, `blas`
    the kernels that each linear algebra library selects on this CPU, `begun_at` the time in UTC.
    """
    libc = " ".join(platform.libc_ver()).strip()
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()} {libc}".strip(),
        "cpu": cpu_kind(),
        "blas": "; ".join(_kernels()),
        "threads": next((t for name in _THREADS if (t := os.environ.get(name))), ""),
        "packages": _packages(Path(sysconfig.get_path("purelib"))),
        "begun_at": datetime.now(UTC).isoformat(),
    }


def cpu_kind() -> str:
    """Return the name of the CPU's model with the numbers of its family, model and stepping."""
    facts: dict[str, str] = {}
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        for line in text.partition("\n\n")[0].splitlines():
            name, _, value = line.partition(":")
            facts[name.strip()] = value.strip()
    numbers = (f"{name.removeprefix('cpu ')} {facts[name]}" for name in _CPU[1:] if name in facts)
    return " ".join((facts.get(_CPU[0]) or platform.processor(), *numbers)).strip()


def _packages(folder: Path) -> str:
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    matches = (_DISTRIBUTION.fullmatch(name) for name in names)
    lines = [f"{match['name']}=={match['version']}\n" for match in matches if match]
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest() if lines else ""


def _kernels() -> Iterator[str]:
    """Yield `package library version kernel` of each BLAS that NumPy and SciPy would load."""
    try:
        # A package of the training's environment, which comes with scikit-learn.
        threadpool_info = import_module("threadpoolctl").threadpool_info
    except ImportError:
        return
    packages = Path(sysconfig.get_path("purelib"))
    folders = [packages / name for name in _WHEELS] + [Path(sys.prefix) / "lib"]
    for folder in folders:
        names = sorted(os.listdir(folder)) if folder.is_dir() else []
        for name in names:
            if _LIBRARY.fullmatch(name):
                # A library selects its kernel while it is loaded.
                with suppress(OSError):
                    ctypes.CDLL(str(folder / name))
    for library in sorted(threadpool_info(), key=lambda library: str(library["filepath"])):
        owner = Path(library["filepath"]).parent.name.partition(".")[0]
        facts = (library["internal_api"], library["version"], library.get("architecture"))
        yield f"{owner} {' '.join(str(fact) for fact in facts if fact)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
