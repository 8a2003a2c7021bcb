"""Files that are written whole, and the digest of a folder."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file atomically: a reader finds the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.tmp")
    unfinished.write_text(json.dumps(content) + "\n", encoding="utf-8")
    os.replace(unfinished, path)


def folder_digest(folder: Path) -> str:
    """Return the SHA-256 over the names and digests of all files below a folder, as hex digits.

    It is the digest of the text that `sha256sum` prints for the files, sorted by name; the function
    app computes the same one from the files that it packs into an image.
    """
    lines = []
    for path in sorted(folder.rglob("*"), key=lambda p: p.relative_to(folder).as_posix()):
        if path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            lines.append(f"{digest}  {path.relative_to(folder).as_posix()}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def has_files(folder: Path) -> bool:
    """Tell whether a folder exists and holds a file, at any depth."""
    return any(path.is_file() for path in folder.rglob("*"))
