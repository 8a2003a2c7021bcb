"""Repositories of the models' code, read by dulwich; the same on both platforms.

Nothing is checked out, so that no code of a repository can run. The fetched packs are deleted once
the files are stored.
"""

import json
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from function_app.adapters.git.address import Address, read_address
from function_app.adapters.git.process import ask
from function_app.adapters.git.question import Question
from function_app.adapters.git.statuses import post_status
from function_app.domain.change.change import Bundle, Change
from function_app.domain.people.authorship import Role, make_authors
from function_app.errors import ContractError, NotFoundError
from function_app.settings.git import GitSettings
from sandbox.trees import remove_tree

_COMMIT = re.compile(r"[0-9a-f]{40}")
_NUMBER = re.compile(r"[0-9]{1,12}")


class GitSources:
    """Fetches commits by their name and keeps their files as bundles."""

    def __init__(
        self, folder: Path, store: Callable[[bytes, str], Bundle], settings: GitSettings
    ) -> None:
        self._folder, self._store, self._settings = folder, store, settings

    def fetch(self, change: Change) -> Bundle:
        with self._question("fetch", change.repository, _refs(change)) as question:
            _check_commit(change.commit)
            branch = "" if change.proposal else change.branch
            ask(replace(question, commit=change.commit, branch=branch))
            bundle = self._store(Path(question.archive).read_bytes(), change.commit)
            people = json.loads(Path(question.people).read_text(encoding="utf-8"))
        roles = {"author": Role.WROTE, "committer": Role.COMMITTED}
        return replace(bundle, authors=make_authors((roles[role], name) for role, name in people))

    def supersedes(self, change: Change) -> str | None:
        with self._question("supersedes", change.repository, _refs(change)) as question:
            _check_commit(change.commit)
            return ask(replace(question, commit=change.commit))

    def confirm(self, change: Change) -> None:
        with self._question("confirm", change.repository, _refs(change)) as question:
            _check_commit(change.commit)
            branch = "" if change.proposal else change.branch
            ask(replace(question, commit=change.commit, branch=branch))

    def head(self, repository: str, branch: str) -> str:
        with self._question("head", repository, (_branch_ref(branch),)) as question:
            tip = ask(question)
        if tip is None:
            raise NotFoundError(f"{question.address.url} has no branch {branch!r}. Push it.")
        return tip

    def post_status(self, change: Change, model: str, state: str, detail: str, link: str) -> bool:
        address = self._address(change.repository)
        return post_status(address, self._settings, change.commit, model, state, detail, link)

    def _address(self, repository: str) -> Address:
        address = read_address(repository)
        if address.protocol == "ssh" and not self._settings.ssh_key:
            raise ContractError(
                f"{address.host} is to be reached by ssh, and there is no key. Set "
                "MLOPS_GIT_SSH_KEY to its file, or give an https:// address."
            )
        return address

    @contextmanager
    def _question(self, task: str, repository: str, refs: tuple[str, ...]) -> Iterator[Question]:
        address, settings = self._address(repository), self._settings
        self._folder.mkdir(parents=True, exist_ok=True)
        made = tempfile.mkdtemp(prefix="fetch-", dir=self._folder)
        try:
            yield Question(
                task=task,
                address=address,
                refs=refs,
                token=settings.token(address.host),
                ca_file=settings.ca_file,
                ssh_key=settings.ssh_key,
                ssh_known_hosts=settings.ssh_known_hosts,
                timeout_seconds=settings.timeout_seconds,
                max_bytes=settings.max_bytes,
                max_files=settings.max_files,
                max_memory=settings.max_memory,
                folder=made,
            )
        finally:
            remove_tree(Path(made))


def _refs(change: Change) -> tuple[str, ...]:
    """Return the refs under which a server may have the commit."""
    if not change.proposal:
        return (_branch_ref(change.branch),)
    if not _NUMBER.fullmatch(change.proposal):
        raise ContractError(
            f"proposal: {change.proposal[:40]!r} is not a number of a pull request."
        )
    kinds = ("refs/pull/{}/head", "refs/pull/{}/merge", "refs/merge-requests/{}/head")
    return tuple(kind.format(change.proposal) for kind in kinds)


def _branch_ref(branch: str) -> str:
    if not branch or set(branch) & set(" \t\n~^:?*[\\") or ".." in branch or "@{" in branch:
        raise ContractError(f"branch: {branch[:80]!r} is not a name of a branch.")
    return f"refs/heads/{branch}"


def _check_commit(commit: str) -> None:
    if not _COMMIT.fullmatch(commit):
        raise ContractError(f"commit: {commit[:80]!r} is not a full name of a commit: 40 signs.")
