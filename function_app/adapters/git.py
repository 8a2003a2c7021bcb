"""Repositories of the models' code, read by git; the same on both platforms.

A commit is fetched into a bare repository that is thrown away: nothing is checked out, so nothing
of the repository can run.
"""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from function_app.adapters.git_address import Address, read_address
from function_app.adapters.git_archive import archive
from function_app.adapters.git_commands import Ended, Git
from function_app.adapters.git_statuses import post_status
from function_app.domain.change import Bundle, Change
from function_app.errors import ContractError, NotFoundError, PlatformError
from function_app.git_settings import GitSettings

# How far back a branch is read in search of a commit.
_DEPTHS = (50, 500, 5_000)
_REFUSED = re.compile(
    r"not our ref|unadvertised object|couldn't find remote ref|no such remote ref|"
    r"remote does not contain|did not send all necessary objects|not valid: is it a shallow",
    re.IGNORECASE,
)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9]{1,12}")


class GitSources:
    """Fetches commits by their name and keeps their files as bundles."""

    def __init__(
        self, folder: Path, keep: Callable[[bytes, str], Bundle], settings: GitSettings
    ) -> None:
        self._folder, self._keep, self._settings = folder, keep, settings

    def fetch(self, change: Change) -> Bundle:
        address = self._address(change.repository)
        _check_commit(change.commit)
        with self._opened(address) as git:
            if not change.proposal:
                self._check_on_branch(git, address, change)
            fetched = git.remote(*_FETCH, "--depth=1", "origin", change.commit)
            if fetched.code and not self._search(git, address, change, fetched):
                raise NotFoundError(f"{_named(change)} is not there. Was it pushed?")
            return self._keep(archive(git, change.commit, self._settings), change.commit)

    def supersedes(self, change: Change) -> str | None:
        address = self._address(change.repository)
        _check_commit(change.commit)
        with self._opened(address) as git:
            for ref in _refs(change):
                tip = _tip(git, address, ref)
                if tip in (None, change.commit):
                    continue
                if self._contains(address, ref, tip, change.commit):
                    return tip
        return None

    def head(self, repository: str, branch: str) -> str:
        address = self._address(repository)
        with self._opened(address) as git:
            tip = _tip(git, address, _branch_ref(branch))
        if tip is None:
            raise NotFoundError(f"{address.url} has no branch {branch!r}. Push it.")
        return tip

    def tell(self, change: Change, model: str, state: str, detail: str, link: str) -> bool:
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
    def _opened(self, address: Address) -> Iterator[Git]:
        self._folder.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix="fetch-", dir=self._folder))
        try:
            git = Git(made / "repository.git", address, self._settings)
            git.init()
            yield git
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def _check_on_branch(self, git: Git, address: Address, change: Change) -> None:
        """Refuse a commit that the branch does not have.

        Hosts hand out commits of anybody's fork under the name of the original repository.
        """
        ref = _branch_ref(change.branch)
        tip = _tip(git, address, ref)
        if tip is None:
            raise NotFoundError(f"{address.url} has no branch {change.branch!r} any more.")
        if tip != change.commit and not self._contains(address, ref, tip, change.commit):
            raise NotFoundError(
                f"{_named(change)} is not on branch {change.branch!r}. Was it pushed away?"
            )

    def _contains(self, address: Address, ref: str, tip: str, commit: str) -> bool:
        """Tell whether the commit is the tip or before it, reading no files where that is known.

        In a repository of its own: one that was filtered would take the commit for whole.
        """
        with self._opened(address) as git:
            for depth in _DEPTHS:
                ended = git.remote(*_FETCH, "--filter=tree:0", f"--depth={depth}", "origin", ref)
                if ended.code:
                    raise _fault(address, "read the branch", ended)
                if git.run("merge-base", "--is-ancestor", commit, tip).code == 0:
                    return True
                if not _is_shallow(git):
                    return False
        return False

    def _search(self, git: Git, address: Address, change: Change, refused: Ended) -> bool:
        """Look for the commit in the history of its branch: old servers send tips only."""
        if not _REFUSED.search(refused.text):
            raise _fault(address, "fetch the commit", refused)
        for ref in _refs(change):
            for depth in (1, *_DEPTHS):
                ended = git.remote(*_FETCH, f"--depth={depth}", "origin", ref)
                if ended.code and _REFUSED.search(ended.text):
                    break
                if ended.code:
                    raise _fault(address, "fetch the branch", ended)
                if git.run("cat-file", "-e", f"{change.commit}^{{tree}}").code == 0:
                    return True
                if not _is_shallow(git):
                    break
        return False


_FETCH = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head")


def _is_shallow(git: Git) -> bool:
    return git.must("rev-parse", "--is-shallow-repository").strip() == b"true"


def _tip(git: Git, address: Address, ref: str) -> str | None:
    ended = git.remote("ls-remote", "--quiet", "origin", ref)
    if ended.code:
        raise _fault(address, "list the branches", ended)
    for line in ended.output.decode(errors="replace").splitlines():
        commit, _, name = line.partition("\t")
        if name == ref and _COMMIT.fullmatch(commit):
            return commit
    return None


def _refs(change: Change) -> tuple[str, ...]:
    """Return under which names a server may have the commit."""
    if not change.proposal:
        return (_branch_ref(change.branch),)
    if not _NUMBER.fullmatch(change.proposal):
        raise ContractError(f"proposal: {change.proposal[:40]!r} is no number of a pull request.")
    kinds = ("refs/pull/{}/head", "refs/pull/{}/merge", "refs/merge-requests/{}/head")
    return tuple(kind.format(change.proposal) for kind in kinds)


def _branch_ref(branch: str) -> str:
    if not branch or set(branch) & set(" \t\n~^:?*[\\") or ".." in branch or "@{" in branch:
        raise ContractError(f"branch: {branch[:80]!r} is no name of a branch.")
    return f"refs/heads/{branch}"


def _check_commit(commit: str) -> None:
    if not _COMMIT.fullmatch(commit):
        raise ContractError(f"commit: {commit[:80]!r} is no full name of a commit.")


def _named(change: Change) -> str:
    return f"Commit {change.commit[:12]} of {change.repository}"


def _fault(address: Address, operation: str, ended: Ended) -> PlatformError:
    text = ended.text
    advice = "Look at the address in mlops.toml and at the network."
    if re.search(r"could not read Username|Authentication failed|403|401|Permission denied", text):
        host = address.host or "the repository"
        advice = f"{host} wants a valid token: set MLOPS_GIT_TOKEN_<HOST>."
    elif "redirect" in text.lower():
        advice = "It has moved: give its new address, with .git at the end where the host wants it."
    return PlatformError("git", f"{operation} of {address.url}", f"{text} {advice}")
