"""Hooks of code hosts, converted to this app's events: one for each branch or pull request.

Shapes: GitHub documentation, "Webhook events and payloads" (push, pull_request); Azure DevOps
documentation, "Service hooks events" (git.push, git.pullrequest.created and .updated).
"""

from collections.abc import Iterable, Mapping

from function_app.domain.event_types import CODE_PROPOSED, CODE_PUSHED
from function_app.domain.events.events import NothingToDo
from function_app.domain.webhooks.hook_setup import answer_test
from function_app.errors import ContractError

NO_COMMIT = "0" * 40
# GitHub lists at most 2048 commits, and cuts the lists of files of large pushes.
MOST_COMMITS, MOST_PATHS = 2000, 3000
# Names of people in one event; the code host's pusher stands beside them.
MOST_CONTRIBUTORS = 12
_PUSHED = "git.push"
_PULL_REQUESTS = ("git.pullrequest.created", "git.pullrequest.updated")
_PROPOSED = frozenset({"opened", "reopened", "synchronize", "ready_for_review"})
Event = dict[str, object]


def read_github(kind: str, delivery: str, hook: Mapping[str, object]) -> list[Event] | NothingToDo:
    """Return the events of a GitHub webhook; a redelivery has the same delivery id."""
    if kind == "push":
        return _read_push(delivery, hook)
    if kind == "pull_request":
        return _read_pull_request(delivery, hook)
    return NothingToDo(reason=f"{kind} is neither push nor pull_request.")


def _read_push(delivery: str, hook: Mapping[str, object]) -> list[Event] | NothingToDo:
    ref, after = _text(hook, "ref"), _text(hook, "after")
    if not ref.startswith("refs/heads/"):
        return NothingToDo(reason=f"{ref} is not a branch.")
    if hook.get("deleted") or after == NO_COMMIT:
        return NothingToDo(reason=f"{ref} was deleted.")
    content = {
        "repository": _text(_part(hook, "repository"), "clone_url"),
        "ref": ref,
        "commit": after,
        "before": str(hook.get("before") or ""),
        "changedPaths": _changed_paths(hook),
        "actor": _actor(hook, "pusher", "name"),
        "contributors": _contributors(hook.get("commits"), ("email", "username")),
    }
    return [_event(delivery, "github", CODE_PUSHED, f"{content['repository']}/{ref}", content)]


def _contributors(commits: object, keys: tuple[str, ...]) -> list[str] | None:
    """Return the names of all authors and committers of these commits, newest first.

    None when there are none. The repository names the people of the newest commit; a push may have
    more commits.
    """
    names: dict[str, None] = {}
    for commit in reversed(commits) if isinstance(commits, list) else ():
        for role in ("author", "committer"):
            person = commit.get(role) if isinstance(commit, dict) else None
            texts = [person.get(key) for key in keys] if isinstance(person, Mapping) else []
            names |= {
                name.strip(): None for name in texts if isinstance(name, str) and name.strip()
            }
    return list(names)[:MOST_CONTRIBUTORS] or None


def _changed_paths(hook: Mapping[str, object]) -> list[str] | None:
    """Return the files that changed, or None when the lists may not be whole."""
    commits = hook.get("commits")
    if hook.get("forced") or not isinstance(commits, list) or not 0 < len(commits) < MOST_COMMITS:
        return None
    paths: set[str] = set()
    for commit in commits:
        for key in ("added", "modified", "removed"):
            listed = commit.get(key) if isinstance(commit, dict) else None
            if not isinstance(listed, list):
                return None
            paths |= {str(path) for path in listed}
    return sorted(paths) if 0 < len(paths) < MOST_PATHS else None


def _read_pull_request(delivery: str, hook: Mapping[str, object]) -> list[Event] | NothingToDo:
    action, request = _text(hook, "action"), _part(hook, "pull_request")
    if action not in _PROPOSED:
        return NothingToDo(reason=f"After {action} there is nothing to check.")
    head, base = _part(request, "head"), _part(request, "base")
    content = {
        "repository": _text(_part(base, "repo"), "clone_url"),
        "ref": f"refs/heads/{_text(base, 'ref')}",
        "commit": _text(head, "sha"),
        "number": str(request.get("number") or hook.get("number") or ""),
        "actor": _actor(request, "user", "login"),
    }
    subject = f"{content['repository']}/pull/{content['number']}"
    return [_event(delivery, "github", CODE_PROPOSED, subject, content)]


def read_devops(
    hook: Mapping[str, object], repositories: Iterable[str] = ()
) -> list[Event] | NothingToDo:
    """Return the events of an Azure DevOps service hook.

    `repositories` are the addresses of the models' code, by which the sample of the button Test is
    answered.
    """
    kind = _text(hook, "eventType")
    # This check is the first, because hooks of other kinds need not have any field below.
    if kind not in (_PUSHED, *_PULL_REQUESTS):
        return NothingToDo(reason=f"{kind[:80]} is neither a push nor a pull request.")
    resource = hook.get("resource")
    if resource is None or (isinstance(resource, dict) and "repository" not in resource):
        return NothingToDo(
            reason=f"{kind} came without its repository. Set `Resource details to send` of the "
            "service hook to All."
        )
    resource = _part(hook, "resource")
    delivery = f"{_text(hook, 'id')}-{hook.get('notificationId', 0)}"
    repository = _text(_part(resource, "repository"), "remoteUrl")
    if test := answer_test(repository, repositories):
        return test
    if kind == _PUSHED:
        updates = resource.get("refUpdates")
        if not isinstance(updates, list):
            raise ContractError("resource.refUpdates: expected a list.")
        actor = _actor(resource, "pushedBy", "uniqueName")
        contributors = _contributors(resource.get("commits"), ("email",))
        events = [_update(delivery, repository, actor, contributors, each) for each in updates]
        return [e for e in events if e] or NothingToDo(reason="No branch has a new commit.")
    if resource.get("status") not in (None, "active"):
        return NothingToDo(reason=f"The pull request is {resource['status']}.")
    content = {
        "repository": repository,
        "ref": _text(resource, "targetRefName"),
        "commit": _text(_part(resource, "lastMergeSourceCommit"), "commitId"),
        "number": str(resource.get("pullRequestId") or ""),
        "actor": _actor(resource, "createdBy", "uniqueName"),
    }
    subject = f"{repository}/pull/{content['number']}"
    return [_event(delivery, "azure-devops", CODE_PROPOSED, subject, content)]


def _update(
    delivery: str, repository: str, actor: str, contributors: list[str] | None, update: object
) -> Event | None:
    if not isinstance(update, dict):
        raise ContractError("resource.refUpdates: expected objects.")
    ref, commit = _text(update, "name"), _text(update, "newObjectId")
    if not ref.startswith("refs/heads/") or commit == NO_COMMIT:
        return None
    # This hook has no list of files, so that the changed paths are unknown.
    content = {
        "repository": repository,
        "ref": ref,
        "commit": commit,
        "before": str(update.get("oldObjectId") or ""),
        "actor": actor,
        "contributors": contributors,
    }
    identity = f"{delivery}-{commit}"
    return _event(identity, "azure-devops", CODE_PUSHED, f"{repository}/{ref}", content)


def _event(
    delivery: str, source: str, kind: str, subject: str, content: Mapping[str, object]
) -> Event:
    return {
        "specversion": "1.0",
        "id": delivery,
        "source": source,
        "type": kind,
        "subject": subject,
        "data": {key: value for key, value in content.items() if value is not None},
    }


def _actor(hook: Mapping[str, object], key: str, name: str) -> str:
    """Return the name of a person in a hook, "" when the hook has none."""
    person = hook.get(key)
    return str(person.get(name) or "") if isinstance(person, Mapping) else ""


def _part(hook: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = hook.get(key)
    if not isinstance(value, dict):
        raise ContractError(f"{key}: expected an object.")
    return value


def _text(hook: Mapping[str, object], key: str) -> str:
    value = hook.get(key)
    if not isinstance(value, str) or not value:
        raise ContractError(f"{key}: expected text that is not empty.")
    return value
