"""Files that are written whole, and the digest of a folder."""

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

from platform_jobs.errors import ContractError

# Of a model folder; a file with holes may claim any size.
MOST_BYTES = 8 << 30
MOST_FILES, MOST_LEVELS = 20_000, 32


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
    lines = (f"{digest}  {name}\n" for name, digest in file_digests(folder).items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def file_digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder, as hex digits, in the order of the names."""
    digests = {}
    for path in sorted(folder.rglob("*"), key=lambda p: p.relative_to(folder).as_posix()):
        if path.is_file():
            digests[path.relative_to(folder).as_posix()] = file_digest(path)
    return digests


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_plain(
    folder: Path, *, most_bytes: int = MOST_BYTES, most_files: int = MOST_FILES
) -> None:
    """Raise ContractError when a folder holds more than files and folders, or too much.

    A symbolic link would let the platform read another file in the name of the model; a named pipe
    would let it wait for ever. The limits of number and depth keep later readers, which recurse,
    from failing; a name with control characters would forge lines of logs.
    """
    # Azure ML makes no folder for a training that wrote no file.
    size, count, waiting = 0, 0, [(folder, 1)] if folder.is_dir() else []
    while waiting:
        parent, level = waiting.pop()
        for path in parent.iterdir():
            name, status = path.relative_to(folder).as_posix(), path.lstat()
            if not name.isprintable():
                # Bytes that are no UTF-8 arrive as surrogates, which are not printable either.
                text = f"The name {ascii(name)[:200]} has signs that cannot be printed."
                raise ContractError(f"{text} Name files by printable UTF-8.")
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "a special file"
                raise ContractError(f"{name} is {kind}. Write files and folders only.")
            if stat.S_ISDIR(status.st_mode):
                if level > MOST_LEVELS:
                    text = f"Folders are nested in more than {MOST_LEVELS} levels."
                    raise ContractError(f"{text} Write a flatter folder.")
                waiting.append((path, level + 1))
            size, count = size + status.st_size, count + 1
            if count > most_files:
                text = f"There are more than {most_files} files and folders."
                raise ContractError(f"{text} Write fewer, such as one archive.")
    if size > most_bytes:
        text = f"The files have {size >> 20} MiB; at most {most_bytes >> 20} MiB are taken."
        raise ContractError(f"{text} Write a smaller model.")


def has_files(folder: Path) -> bool:
    """Return whether a folder exists and holds a file, at any depth."""
    return any(path.is_file() for path in folder.rglob("*"))
