"""The files of a commit as one archive that depends on nothing but the files.

The tree is read as it is stored: no checkout and no `git archive`, so that no filter, hook or
attribute of the repository changes, hides or runs anything, and the same files have one digest.
"""

import io
import posixpath
import tarfile
from dataclasses import dataclass

from function_app.adapters.git_commands import Git
from function_app.errors import ContractError
from function_app.git_settings import GitSettings

_FILE, _PROGRAM, _LINK, _SUBMODULE = "100644", "100755", "120000", "160000"
_OLD_FILE = "100664"  # written by very old versions of git
_LONGEST_PATH = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    path: str
    mode: str
    blob: str


def archive(git: Git, commit: str, settings: GitSettings) -> bytes:
    """Return a tar archive, or raise ContractError when it holds what is not accepted."""
    entries = _entries(git, commit, settings)
    contents = _contents(git, entries)
    _check_links(entries, contents)
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as files:
        for entry, content in zip(entries, contents, strict=True):
            member = tarfile.TarInfo(entry.path)
            member.mode = 0o755 if entry.mode == _PROGRAM else 0o644
            if entry.mode == _LINK:
                member.type, member.linkname = tarfile.SYMTYPE, content.decode()
                files.addfile(member)
            else:
                member.size = len(content)
                files.addfile(member, io.BytesIO(content))
    return output.getvalue()


def _entries(git: Git, commit: str, settings: GitSettings) -> list[_Entry]:
    listed = git.must("ls-tree", "-r", "-z", "-l", "--full-tree", commit)
    entries: list[_Entry] = []
    size = 0
    for line in listed.split(b"\0"):
        if not line:
            continue
        facts, _, name = line.partition(b"\t")
        mode, kind, blob, length = facts.decode().split()
        if mode == _SUBMODULE or kind != "blob":
            continue  # another repository; only the named one is read
        if mode not in (_FILE, _OLD_FILE, _PROGRAM, _LINK):
            raise ContractError(f"The commit holds {name[:80]!r} of unknown mode {mode}.")
        entries.append(_Entry(path=_checked(name), mode=mode, blob=blob))
        size += int(length) if length != "-" else 0
        if len(entries) > settings.max_files:
            raise ContractError(
                f"The commit holds more than {settings.max_files} files. Take out what is not code."
            )
        if size > settings.max_bytes:
            raise ContractError(
                f"The commit holds more than {settings.max_bytes / 1e6:.0f} MB; at {name[:80]!r} "
                "it was too much. Keep data and models out of the repository."
            )
    if not entries:
        raise ContractError("The commit holds no files.")
    _check_unique([entry.path for entry in entries])
    return sorted(entries, key=lambda entry: entry.path)


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


def _contents(git: Git, entries: list[_Entry]) -> list[bytes]:
    """Return each entry's bytes, in order."""
    asked = "".join(f"{entry.blob}\n" for entry in entries).encode()
    stream = io.BytesIO(git.must("cat-file", "--batch", feed=asked))
    contents = []
    for entry in entries:
        header = stream.readline().decode().split()
        if len(header) != 3 or header[1] != "blob":
            raise ContractError(f"The repository lacks the content of {entry.path!r}. Push again.")
        contents.append(stream.read(int(header[2])))
        stream.read(1)
    return contents


def _check_links(entries: list[_Entry], contents: list[bytes]) -> None:
    """Let no link lead out of the tree.

    A link may climb only before it descends: then each step stays inside, also through other links.
    """
    for entry, content in zip(entries, contents, strict=True):
        if entry.mode != _LINK:
            continue
        target = content.decode(errors="replace")
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
