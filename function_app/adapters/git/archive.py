"""The files of a commit as one archive that depends on nothing but the files.

The tree is read as it is stored: no checkout and no `git archive`, so that no filter, hook or
attribute of the repository changes, hides or runs anything, and the same files have one digest.
"""

import io
import posixpath
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from dulwich.objects import Blob, ObjectID, parse_tree

from function_app.adapters.git.objects import Objects, content, tree, tree_of
from function_app.errors import ContractError

_FILE, _PROGRAM, _LINK, _SUBMODULE, _FOLDER = 0o100644, 0o100755, 0o120000, 0o160000, 0o040000
_OLD_FILE = 0o100664  # written by very old versions of git
_LONGEST_PATH = 1024
_ID_BYTES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    path: str
    mode: int
    blob: ObjectID


def write_archive(
    objects: Objects, commit: str, output: BinaryIO, max_bytes: int, *, max_files: int
) -> None:
    """Write a tar archive of the files; ContractError when one of them is not accepted."""
    entries = _entries(objects, commit, max_files)
    contents = _contents(objects, entries, max_bytes)
    _check_links(entries, contents)
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as files:
        for entry, text in zip(entries, contents, strict=True):
            member = tarfile.TarInfo(entry.path)
            member.mode = 0o755 if entry.mode == _PROGRAM else 0o644
            if entry.mode == _LINK:
                member.type, member.linkname = tarfile.SYMTYPE, text.decode()
                files.addfile(member)
            else:
                member.size = len(text)
                files.addfile(member, io.BytesIO(text))


def _entries(objects: Objects, commit: str, max_files: int) -> list[_Entry]:
    entries = []
    for number, entry in enumerate(_walked(objects, tree_of(objects, commit), b"")):
        # Folders count: a few trees that hold each other often are more than anybody can walk.
        if number >= max_files:
            raise ContractError(
                f"The commit holds more than {max_files} files and folders. "
                "Remove files that are not code."
            )
        if entry.mode != _FOLDER:
            entries.append(entry)
    if not entries:
        raise ContractError("The commit holds no files.")
    _check_unique([entry.path for entry in entries])
    return sorted(entries, key=lambda entry: entry.path)


def _walked(objects: Objects, name: ObjectID, above: bytes) -> Iterator[_Entry]:
    for own, mode, object_id in parse_tree(tree(objects, name), _ID_BYTES):
        if mode == _SUBMODULE:
            continue  # another repository; only the named one is read
        path = _checked(above + own)
        if mode not in (_FILE, _OLD_FILE, _PROGRAM, _LINK, _FOLDER):
            raise ContractError(f"The commit holds {path[:80]!r} of unknown mode {mode:06o}.")
        yield _Entry(path=path, mode=mode, blob=ObjectID(object_id))
        if mode == _FOLDER:
            yield from _walked(objects, ObjectID(object_id), above + own + b"/")


def _checked(name: bytes) -> str:
    try:
        path = name.decode()
    except UnicodeDecodeError as error:
        raise ContractError(f"The file name {name[:80]!r} is not UTF-8. Rename it.") from error
    parts = path.split("/")
    if (
        path.startswith("/")
        or len(path) > _LONGEST_PATH
        or "\\" in path
        or any(ord(sign) < 32 for sign in path)
        or any(part in ("", ".", "..") or part.lower() == ".git" for part in parts)
    ):
        raise ContractError(f"The file name {path[:80]!r} is not accepted. Rename it.")
    return path


def _check_unique(paths: list[str]) -> None:
    known = set(paths)
    if len(known) != len(paths):
        raise ContractError("The commit names one file twice. It was not made by git.")
    for path in paths:
        parent = posixpath.dirname(path)
        while parent:
            if parent in known:
                raise ContractError(f"{parent!r} is a file and a folder. It was not made by git.")
            parent = posixpath.dirname(parent)


def _contents(objects: Objects, entries: list[_Entry], max_bytes: int) -> list[bytes]:
    """Return each entry's bytes, in order."""
    contents = []
    size = 0
    for entry in entries:
        text = content(objects, entry.blob, Blob.type_num)
        if text is None:
            raise ContractError(f"The repository lacks the content of {entry.path!r}. Push again.")
        size += len(text)
        if size > max_bytes:
            raise ContractError(
                f"The commit holds more than {max_bytes / 1e6:.0f} MB; at {entry.path[:80]!r} "
                "it was too much. Keep data and models out of the repository."
            )
        contents.append(text)
    return contents


def _check_links(entries: list[_Entry], contents: list[bytes]) -> None:
    """Raise ContractError when a link leads out of the tree.

    A link may climb only before it descends: then each step stays inside, also through other links.
    """
    for entry, text in zip(entries, contents, strict=True):
        if entry.mode != _LINK:
            continue
        target = text.decode(errors="replace")
        parts = target.split("/")
        climbs = 0
        while climbs < len(parts) and parts[climbs] in ("..", "."):
            climbs += 1
        up = parts[:climbs].count("..")
        depth = entry.path.count("/")
        bad = "\0" in target or "\\" in target or not target or target.startswith("/")
        if bad or up > depth or ".." in parts[climbs:] or ".git" in parts:
            raise ContractError(
                f"The link {entry.path!r} leads to {target[:80]!r}, out of the repository. "
                "Replace it by a file."
            )
