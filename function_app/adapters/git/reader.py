"""The program that reads a repository: one request on stdin, one answer on stdout.

process.py starts it; it knows nothing of the app but the content of the request.
"""

import base64
import json
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dulwich.errors import GitProtocolError, NotGitRepository

from function_app.adapters.git.archive import write_archive
from function_app.adapters.git.objects import Objects, Repository, contains, has_files, people_of
from function_app.adapters.git.question import Question, read_question, write_error
from function_app.adapters.git.remote import RemoteRepository, ServerError
from function_app.errors import ContractError, MlopsError, NotFoundError, PlatformError

_COMMIT = re.compile(r"[0-9a-f]{40}")
# The depths to which a branch is fetched in search of a commit.
_DEPTHS = (50, 500, 5_000)


def fetch(question: Question, repository: Repository) -> str:
    """Store the commit's files at the path of the request."""
    if question.branch:
        _check_on_branch(question, repository)
    with _faults("fetch the commit", question):
        objects = repository.commit(question.commit)
    objects = objects or _search(question, repository)
    if objects is None:
        raise NotFoundError(f"{_named(question)} is not there. Was it pushed?")
    with Path(question.archive).open("wb") as output:
        write_archive(
            objects, question.commit, output, question.max_bytes, max_files=question.max_files
        )
    Path(question.people).write_text(json.dumps(people_of(objects, question.commit)))
    return question.commit


def confirm(question: Question, repository: Repository) -> str:
    """Return the commit when the branch or the pull request has it, else raise NotFoundError."""
    if question.branch:
        _check_on_branch(question, repository)
        return question.commit
    # Hosts write a `/head` at once, but `/merge` late, and other servers have neither.
    for ref in (ref for ref in question.refs if ref.endswith("/head")):
        tip = _tip(question, repository, ref)
        if tip == question.commit or (tip and _contains(question, repository, ref)):
            return question.commit
        if tip:
            raise NotFoundError(f"{_named(question)} is not in {ref}. Was it pushed away?")
    with _faults("fetch the commit", question):
        objects = repository.commit(question.commit)
    if (objects or _search(question, repository)) is None:
        raise NotFoundError(f"{_named(question)} is not there. Was it pushed?")
    return question.commit


def supersedes(question: Question, repository: Repository) -> str | None:
    """Return the newer commit that the branch or the proposal has instead, if any."""
    for ref in question.refs:
        tip = _tip(question, repository, ref)
        if tip not in (None, question.commit) and _contains(question, repository, ref):
            return tip
    return None


def head(question: Question, repository: Repository) -> str | None:
    """Return the commit that the branch has now."""
    return _tip(question, repository, question.refs[0])


def _check_on_branch(question: Question, repository: Repository) -> None:
    """Refuse a commit that the branch does not have.

    Hosts hand out commits of anybody's fork under the name of the original repository.
    """
    ref = question.refs[0]
    tip = _tip(question, repository, ref)
    if tip is None:
        raise NotFoundError(f"{question.address.url} has no branch {question.branch!r} any more.")
    if tip != question.commit and not _contains(question, repository, ref):
        raise NotFoundError(
            f"{_named(question)} is not on branch {question.branch!r}. Was it pushed away?"
        )


def _tip(question: Question, repository: Repository, ref: str) -> str | None:
    with _faults("list the branches", question):
        tip = repository.tip(ref)
        if tip and not _COMMIT.fullmatch(tip):
            raise ServerError(
                f"It names commits like {tip[:50]!r}.", "Give a repository whose names are SHA-1."
            )
        return tip


def _contains(question: Question, repository: Repository, ref: str) -> bool:
    """Return whether the commit is on the branch; no file is fetched if the server can filter."""
    for depth in _DEPTHS:
        with _faults("read the branch", question):
            branch = repository.branch(ref, depth, files=False)
        if branch is None:
            return False
        if contains(branch, question.commit):
            return True
        if branch.is_whole:
            return False
    return False


def _search(question: Question, repository: Repository) -> Objects | None:
    """Return the objects of the commit from the history of its branch, None if it is not there.

    Old servers send the newest commit of a branch only, so that its history is fetched.
    """
    for ref in question.refs:
        for depth in (1, *_DEPTHS):
            with _faults("fetch the branch", question):
                branch = repository.branch(ref, depth, files=True)
            if branch is None:
                break
            if has_files(branch.objects, question.commit):
                return branch.objects
            if branch.is_whole:
                break
    return None


def _open(question: Question) -> Repository:
    """Return the repository; only the modules of its protocol are imported."""
    address, folder = question.address, Path(question.folder)
    if address.protocol == "file":
        from function_app.adapters.git.folder import FolderRepository

        return FolderRepository(address.path)
    if address.protocol == "ssh":
        from function_app.adapters.git.ssh import ssh_client

        client, path = ssh_client(address, question.ssh_key, question.ssh_known_hosts)
        return RemoteRepository(client, path, folder)
    from function_app.adapters.git.http import HttpClient

    return RemoteRepository(HttpClient(address, question.token, question.ca_file), "", folder)


def _named(question: Question) -> str:
    return f"Commit {question.commit[:12]} of {question.address.url}"


@contextmanager
def _faults(operation: str, question: Question) -> Iterator[None]:
    try:
        yield
    except (ServerError, GitProtocolError, NotGitRepository, OSError) as error:
        advice = error.advice if isinstance(error, ServerError) else ""
        if not advice:
            advice = "Check the address in mlops.toml and at the network."
        if "Permission denied" in str(error):
            advice = "Let it be read: by this user, or with the key of MLOPS_GIT_SSH_KEY."
        task = f"{operation} of {question.address.url}"
        raise PlatformError("git", task, f"{_shown(str(error), question)} {advice}") from error


def _shown(text: str, question: Question) -> str:
    """Return an error's text without credentials, on one line."""
    lines = [line.strip() for line in text.strip().splitlines()[-3:]]
    text = re.sub(r"(://)[^/\s@]*@", r"\1", " ".join(lines))[:300]
    if question.token:
        basic = base64.b64encode(f"x-access-token:{question.token}".encode()).decode()
        text = text.replace(question.token, "***").replace(basic, "***")
    return text


_TASKS: dict[str, Callable[[Question, Repository], str | None]] = {
    "fetch": fetch,
    "confirm": confirm,
    "supersedes": supersedes,
    "head": head,
}


def _answered(question: Question) -> dict[str, object]:
    try:
        with _faults("open the repository", question):
            repository = _open(question)
        return {"found": _TASKS[question.task](question, repository)}
    except MlopsError as error:
        return {"error": write_error(error)}
    except MemoryError:
        text = f"Unpacking the commit takes more than {question.max_memory / 1e6:.0f} MB of memory."
        return {"error": write_error(ContractError(f"{text} Keep data out of the repository."))}
    except Exception as error:  # any error that dulwich raises for the bytes of a stranger
        seen = f"{type(error).__name__}: {_shown(str(error), question)}"
        text = f"The answer is not git's protocol ({seen})."
        task = f"read {question.address.url}"
        return {"error": write_error(PlatformError("git", task, f"{text} Check the server."))}


def _limit(question: Question) -> None:
    """End this process at a time limit of its own, because its parent may have died."""
    with suppress(ImportError, AttributeError, ValueError, OSError):  # not every system has them
        import resource

        signal.alarm(int(question.timeout_seconds) + 5)
        # A few kilobytes of a pack can ask for terabytes.
        resource.setrlimit(resource.RLIMIT_DATA, (question.max_memory, question.max_memory))


def main() -> None:
    """Read the request from stdin and print its answer."""
    question = read_question(sys.stdin.buffer.read())
    _limit(question)
    print(json.dumps(_answered(question)))


if __name__ == "__main__":
    main()
