"""Commits and trees as git stores them, wherever they lie."""

import re
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from dulwich.objects import Commit, ObjectID, Tree

from function_app.errors import ContractError

_ROLES = (b"author", b"committer")
_AUTHOR = re.compile(rb"(?:author|committer) [^\n]*<([^<>\n]{1,254})> [0-9]+ [+-][0-9]+")
_TRAILER = re.compile(rb"^co-authored-by:[^\n<]*<([^<>\n]{1,254})>", re.IGNORECASE | re.MULTILINE)
MOST_PEOPLE = 12


class Objects(Protocol):
    """The objects of a repository, by their names."""

    def get_raw(self, name: ObjectID, /) -> tuple[int, bytes]: ...

    def __contains__(self, name: ObjectID, /) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """The newest commits of a branch; `is_whole` when there are no older ones elsewhere."""

    objects: Objects
    tip: str
    is_whole: bool


class Repository(Protocol):
    """A repository on this machine or on a server."""

    def tip(self, ref: str) -> str | None: ...

    def commit(self, commit: str) -> Objects | None: ...

    def branch(self, ref: str, depth: int, *, files: bool) -> Branch | None: ...


def tree_of(objects: Objects, commit: str) -> ObjectID:
    """Return the name of the commit's tree, or raise ContractError when it is no commit."""
    trees = _named(objects, ObjectID(commit.encode()), b"tree")
    if len(trees) != 1:
        raise ContractError(f"{commit[:12]} is not a commit. Give the name of a commit.")
    return trees[0]


def people_of(objects: Objects, commit: str) -> list[tuple[str, str]]:
    """Return ("author" or "committer", e-mail address) for each person whom the commit names.

    A trailer `Co-authored-by` names an author, too. The maker of a commit chooses these texts.
    """
    text = content(objects, ObjectID(commit.encode()), Commit.type_num) or b""
    head, _, message = text.partition(b"\n\n")
    people = [
        (role, _AUTHOR.fullmatch(line))
        for line in head.split(b"\n")
        for role in _ROLES
        if line.startswith(role + b" ")
    ]
    people += [(b"author", line) for line in _TRAILER.finditer(message)]
    named = ((role.decode(), match[1].decode(errors="replace")) for role, match in people if match)
    return [(role, address.strip()) for role, address in named if address.strip()][:MOST_PEOPLE]


def has_files(objects: Objects, commit: str) -> bool:
    """Return whether the commit is there with its tree."""
    return ObjectID(commit.encode()) in objects and tree_of(objects, commit) in objects


def contains(branch: Branch, commit: str) -> bool:
    """Return whether the commit is the branch's tip or before it."""
    sought = ObjectID(commit.encode())
    if sought not in branch.objects:
        return False
    ahead = deque([ObjectID(branch.tip.encode())])
    seen = set(ahead)
    while ahead:
        name = ahead.popleft()
        if name == sought:
            return True
        if name in branch.objects:  # else the history was cut here
            parents = set(_named(branch.objects, name, b"parent")) - seen
            seen |= parents
            ahead.extend(parents)
    return False


def content(objects: Objects, name: ObjectID, kind: int) -> bytes | None:
    """Return an object's bytes; None when it is not there, or is something else."""
    try:
        type_number, text = objects.get_raw(name)
    except KeyError:
        return None
    return text if type_number == kind else None


def tree(objects: Objects, name: ObjectID) -> bytes:
    """Return a tree's bytes."""
    text = content(objects, name, Tree.type_num)
    if text is None:
        raise ContractError(f"The repository lacks the folder {name.decode()[:12]}. Push again.")
    return text


def _named(objects: Objects, commit: ObjectID, field: bytes) -> list[ObjectID]:
    """Return the values of a field of the commit's header, such as its parents."""
    head = (content(objects, commit, Commit.type_num) or b"").partition(b"\n\n")[0]
    lines = [line.split(b" ") for line in head.split(b"\n")]
    return [ObjectID(line[1]) for line in lines if line[0] == field and len(line) == 2]
