"""Tar archives whose bytes depend on names and content alone."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

# Files and folders that no build and no run needs.
_LEFT_OUT = ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache")


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a tar archive; the same files give the same bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def write_compressed(files: Mapping[str, bytes | Path], out: IO[bytes]) -> None:
    """Write a gzipped tar archive; the same files give the same bytes.

    A path stands for the content of a file, which is read piece by piece.
    """
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, content in sorted(files.items(), key=lambda file: file[0]):
            entry = tarfile.TarInfo(name)
            entry.mode = 0o644
            if isinstance(content, bytes):
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
                continue
            entry.size = content.stat().st_size
            with content.open("rb") as file:
                archive.addfile(entry, file)


def read_files(archive: bytes, folder: str) -> dict[str, bytes]:
    """Return the plain files below a folder of an archive, by their path in the archive."""
    contents = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            path = member.name.removeprefix("./")
            if member.isfile() and path.startswith(f"{folder}/"):
                content = files.extractfile(member)
                assert content is not None
                contents[path] = content.read()
    return contents


def read_folder(root: Path, folder: str) -> dict[str, bytes]:
    """Return the files below a folder of this machine, by their path from `root`."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted((root / folder).rglob("*"))
        if path.is_file() and not any(part in _LEFT_OUT for part in path.parts)
    }


def read_module(root: Path, name: str) -> dict[str, bytes]:
    """Return the files of a module: its folder, or its one file with its package if it has one.

    `name` has `/` between its words; {} when there is no such module.
    """
    if (root / name / "__main__.py").is_file() or not (root / f"{name}.py").is_file():
        return read_folder(root, name)
    package = name.rpartition("/")[0]
    if package:
        return read_folder(root, package)
    return {f"{name}.py": (root / f"{name}.py").read_bytes()}


def module_digest(root: Path, module: str) -> str:
    """Return the digest of the archive of a module, as a published version of it would have it."""
    return sha256(pack(read_module(root, module.replace(".", "/"))))


def sha256(content: bytes) -> str:
    """Return the digest as hex digits."""
    return hashlib.sha256(content).hexdigest()
