"""Tar archives whose bytes depend on names and content alone."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

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


def pack_compressed(files: Mapping[str, bytes]) -> bytes:
    """Return a gzipped tar archive; the same files give the same bytes."""
    return gzip.compress(pack(files), mtime=0)


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


def sha256(content: bytes) -> str:
    """Return the digest as hex digits."""
    return hashlib.sha256(content).hexdigest()
