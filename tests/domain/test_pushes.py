"""Hooks of code hosts; shapes as in GitHub's and Azure DevOps' documentation, values are ours."""

from typing import Any

import pytest

from function_app.domain.envelopes import read_envelope
from function_app.domain.event_types import read_event
from function_app.domain.events.events import CodeProposed, CodePushed, NothingToDo
from function_app.domain.webhooks.hook_setup import check_ping
from function_app.domain.webhooks.pushes import NO_COMMIT, read_devops, read_github
from function_app.errors import ContractError

COMMIT = "9d1c6c1e1d6f0a6f1d0f9a8b7c6d5e4f3a2b1c0d"
REPOSITORY = {"full_name": "org/models", "clone_url": "https://github.com/org/models.git"}
PUSH: dict[str, Any] = {
    "ref": "refs/heads/main",
    "before": "1" * 40,
    "after": COMMIT,
    "created": False,
    "deleted": False,
    "forced": False,
    "commits": [{"id": COMMIT, "added": ["a.py"], "modified": ["training/x.py"], "removed": []}],
    "pusher": {"name": "grace"},
    "repository": REPOSITORY,
}
PULL: dict[str, Any] = {
    "action": "opened",
    "number": 7,
    "pull_request": {
        "number": 7,
        "head": {"sha": COMMIT, "ref": "better", "repo": {"clone_url": "https://evil/x.git"}},
        "base": {"ref": "main", "repo": REPOSITORY},
        "user": {"login": "eve"},
    },
}
DEVOPS: dict[str, Any] = {
    "subscriptionId": "0",
    "notificationId": 3,
    "id": "03c164c2-8912-4d5e-8009-3707d5f83734",
    "eventType": "git.push",
    "publisherId": "tfs",
    "resource": {
        "commits": [{"commitId": COMMIT, "comment": "x"}],
        "refUpdates": [
            {"name": "refs/heads/main", "oldObjectId": "1" * 40, "newObjectId": COMMIT},
            {"name": "refs/heads/gone", "oldObjectId": COMMIT, "newObjectId": NO_COMMIT},
            {"name": "refs/tags/v1", "oldObjectId": NO_COMMIT, "newObjectId": COMMIT},
        ],
        "repository": {"id": "r", "remoteUrl": "https://dev.azure.com/org/p/_git/models"},
        "pushedBy": {"uniqueName": "grace@example.com"},
    },
}
DEVOPS_PULL: dict[str, Any] = {
    **DEVOPS,
    "eventType": "git.pullrequest.created",
    "resource": {
        "pullRequestId": 9,
        "status": "active",
        "sourceRefName": "refs/heads/better",
        "targetRefName": "refs/heads/main",
        "lastMergeSourceCommit": {"commitId": COMMIT},
        "createdBy": {"uniqueName": "eve@example.com"},
        "repository": DEVOPS["resource"]["repository"],
    },
}


def domain_event(found: Any) -> Any:
    assert isinstance(found, list)
    assert len(found) == 1
    return read_event(read_envelope(found[0]))


def test_a_github_push_names_branch_commit_and_files() -> None:
    assert domain_event(read_github("push", "guid", PUSH)) == CodePushed(
        repository="https://github.com/org/models.git",
        branch="main",
        commit=COMMIT,
        paths=("a.py", "training/x.py"),
        author="grace",
    )


def test_a_redelivery_is_the_same_event() -> None:
    assert read_github("push", "guid", PUSH) == read_github("push", "guid", {**PUSH})


@pytest.mark.parametrize(
    "change",
    [
        {"forced": True},
        {"commits": []},
        {"commits": [{"id": COMMIT}]},
        {"commits": [{"added": [f"{n}" for n in range(4000)], "modified": [], "removed": []}]},
        {"commits": PUSH["commits"] * 2048},
    ],
)
def test_file_lists_that_may_not_be_whole_are_unknown(change: dict[str, Any]) -> None:
    assert domain_event(read_github("push", "guid", {**PUSH, **change})).paths is None


@pytest.mark.parametrize(
    ("kind", "hook"),
    [
        ("push", {**PUSH, "ref": "refs/tags/v1"}),
        ("push", {**PUSH, "deleted": True, "after": NO_COMMIT}),
        ("pull_request", {**PULL, "action": "closed"}),
        ("issues", {}),
    ],
)
def test_a_hook_without_code_needs_nothing(kind: str, hook: dict[str, Any]) -> None:
    assert isinstance(read_github(kind, "guid", hook), NothingToDo)


def test_a_pull_request_is_read_from_the_repository_that_it_wants_to_change() -> None:
    assert domain_event(read_github("pull_request", "guid", PULL)) == CodeProposed(
        repository="https://github.com/org/models.git",
        branch="main",
        commit=COMMIT,
        number="7",
        author="eve",
    )


@pytest.mark.parametrize("person", [7, "grace", ["grace"], None, {"name": None}])
def test_a_person_of_another_shape_is_left_out(person: Any) -> None:
    pull = {**PULL, "pull_request": {**PULL["pull_request"], "user": person}}
    devops = {**DEVOPS, "resource": {**DEVOPS["resource"], "pushedBy": person}}

    assert domain_event(read_github("push", "d", {**PUSH, "pusher": person})).author == ""
    assert domain_event(read_github("pull_request", "d", pull)).author == ""
    assert domain_event(read_devops(devops)).author == ""


def test_a_devops_push_is_an_event_for_each_branch_with_a_commit() -> None:
    assert domain_event(read_devops(DEVOPS)) == CodePushed(
        repository="https://dev.azure.com/org/p/_git/models",
        branch="main",
        commit=COMMIT,
        author="grace@example.com",
    )


def test_a_devops_pull_request_is_a_proposal() -> None:
    event = domain_event(read_devops(DEVOPS_PULL))

    assert (event.number, event.branch, event.commit) == ("9", "main", COMMIT)
    done = {**DEVOPS_PULL, "resource": {**DEVOPS_PULL["resource"], "status": "completed"}}
    assert isinstance(read_devops(done), NothingToDo)


@pytest.mark.parametrize(
    ("read", "field"),
    [
        (lambda: read_github("push", "g", {**PUSH, "after": 5}), "after"),
        (lambda: read_github("push", "g", {**PUSH, "repository": None}), "repository"),
        (lambda: read_github("pull_request", "g", {**PULL, "pull_request": 1}), "pull_request"),
        (lambda: read_devops({**DEVOPS, "resource": []}), "resource"),
        (lambda: read_devops({"resource": {}}), "eventType"),
    ],
)
def test_a_hook_of_another_shape_is_refused_with_the_field(read: Any, field: str) -> None:
    with pytest.raises(ContractError, match=field):
        read()


OTHERS: dict[str, Any] = {
    "build.complete": {"id": 2, "status": "completed", "result": "succeeded"},
    "ms.vss-pipelines.run-state-changed-event": {"run": {"id": 1}, "pipeline": {"id": 1}},
    "ms.vss-release.deployment-approval-pending-event": {"approval": {"id": 1}},
    "workitem.updated": {"id": 5, "workItemId": 5, "fields": {}},
    "git.pullrequest.merged": {"repository": {}},
    "git.repo.created": None,
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_devops_hook_of_another_kind_is_ignored_with_its_kind(kind: str) -> None:
    found = read_devops({"eventType": kind, "resource": OTHERS[kind]})

    assert found == NothingToDo(reason=f"{kind} is neither a push nor a pull request.")


@pytest.mark.parametrize("kind", ["git.push", "git.pullrequest.created", "git.pullrequest.updated"])
@pytest.mark.parametrize("hook", [{}, {"resource": None}, {"resource": {"pushId": 1, "url": "u"}}])
def test_a_devops_hook_without_details_says_which_setting_to_change(
    kind: str, hook: dict[str, Any]
) -> None:
    found = read_devops({"id": "1", "eventType": kind, **hook})

    assert isinstance(found, NothingToDo)
    assert "Resource details to send" in found.reason


SAMPLE = "https://fabrikam-fiber-inc.visualstudio.com/DefaultCollection/_git/Fabrikam-Fiber-Git"
OURS = "https://dev.azure.com/org/p/_git/models"


def test_the_test_of_devops_is_answered_by_what_later_hooks_need() -> None:
    resource = {**DEVOPS["resource"], "repository": {"remoteUrl": SAMPLE}}
    hook = {**DEVOPS, "resource": resource}

    found = read_devops(hook, [OURS])

    assert isinstance(found, NothingToDo)
    assert OURS in found.reason
    with pytest.raises(ContractError, match="Set `repository`") as caught:
        read_devops(hook, [])
    assert caught.value.code == "UNKNOWN_REPOSITORY"
    assert domain_event(read_devops(DEVOPS, [OURS])).commit == COMMIT


@pytest.mark.parametrize(
    "ping",
    [
        {},
        {"zen": "x", "hook": {"events": ["push", "star"]}, "repository": REPOSITORY},
        {"hook": {"events": ["*"]}, "repository": REPOSITORY},
        {"hook": {"events": ["pull_request"]}, "organization": {"login": "org"}},
    ],
)
def test_a_ping_of_a_hook_that_will_be_taken_is_right(ping: dict[str, Any]) -> None:
    check_ping(ping, ["git@github.com:org/models"])


@pytest.mark.parametrize(
    ("ping", "code", "says"),
    [
        ({"hook": {"events": ["star"]}}, "CONTRACT", "Let it send push and pull_request"),
        ({"hook": {"events": []}}, "CONTRACT", "sends nothing"),
        (
            {"repository": {"clone_url": "https://github.com/org/other.git"}},
            "UNKNOWN_REPOSITORY",
            "https://github.com/org/other.git",
        ),
    ],
)
def test_a_ping_of_a_hook_that_will_be_refused_says_so(
    ping: dict[str, Any], code: str, says: str
) -> None:
    with pytest.raises(ContractError, match=says) as caught:
        check_ping(ping, ["https://github.com/org/models"])
    assert caught.value.code == code


def _commit(author: Any, committer: Any) -> dict[str, Any]:
    lists = {"added": [], "modified": ["a.py"], "removed": []}
    return {"id": COMMIT, "author": author, "committer": committer, **lists}


def test_a_push_names_everybody_whose_commits_it_brings() -> None:
    eve = {"name": "Eve", "email": "eve@example.com", "username": "eve-gh"}
    host = {"name": "GitHub", "email": "noreply@github.com"}
    grace = {"name": "Grace", "email": "grace@example.com"}
    hook = {**PUSH, "commits": [_commit(eve, eve), _commit(grace, host)]}
    devops = {"commits": [{"commitId": COMMIT, "author": eve, "committer": grace}]}

    assert domain_event(read_github("push", "guid", hook)).contributors == (
        "grace@example.com",
        "noreply@github.com",
        "eve@example.com",
        "eve-gh",
    )
    resource = {**DEVOPS["resource"], **devops}
    assert domain_event(read_devops({**DEVOPS, "resource": resource})).contributors == (
        "eve@example.com",
        "grace@example.com",
    )


@pytest.mark.parametrize("person", [7, None, [], "eve", {"email": None}, {"email": ["a"]}])
@pytest.mark.parametrize("commits", [None, 7, [7], [None]])
def test_commits_of_another_shape_name_nobody(person: Any, commits: Any) -> None:
    hook = {**PUSH, "commits": [_commit(person, person)]}

    assert domain_event(read_github("push", "guid", hook)).contributors == ()
    assert (
        domain_event(read_github("push", "guid", {**PUSH, "commits": commits})).contributors == ()
    )
