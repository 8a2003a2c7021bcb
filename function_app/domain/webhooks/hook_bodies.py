"""The fields of the hooks that `pushes` and `hook_setup` read, for the OpenAPI document.

Code hosts send many more fields, which the app ignores. Shapes: see `pushes`.
"""

from typing import Literal, NotRequired, TypedDict


class GitHubRepository(TypedDict):
    """A repository of GitHub by its address for `git clone`."""

    clone_url: str


class GitHubPusher(TypedDict):
    """The person who pushed."""

    name: NotRequired[str]


class GitHubPerson(TypedDict):
    """The author or committer of a commit."""

    email: NotRequired[str | None]
    username: NotRequired[str | None]


class GitHubCommit(TypedDict):
    """A commit of a push with its people and the paths that it changed."""

    author: NotRequired[GitHubPerson]
    committer: NotRequired[GitHubPerson]
    added: NotRequired[list[str]]
    modified: NotRequired[list[str]]
    removed: NotRequired[list[str]]


class GitHubPush(TypedDict):
    """GitHub's `push`. Pushes of tags and deletions of branches are ignored."""

    ref: str
    after: str
    repository: GitHubRepository
    before: NotRequired[str]
    deleted: NotRequired[bool]
    forced: NotRequired[bool]
    pusher: NotRequired[GitHubPusher]
    commits: NotRequired[list[GitHubCommit]]


class GitHubHead(TypedDict):
    """The newest commit of a pull request."""

    sha: str


class GitHubBase(TypedDict):
    """The branch that a pull request changes."""

    ref: str
    repo: GitHubRepository


class GitHubUser(TypedDict):
    """The author of a pull request."""

    login: NotRequired[str]


class GitHubProposal(TypedDict):
    """A pull request of GitHub."""

    head: GitHubHead
    base: GitHubBase
    number: NotRequired[int]
    user: NotRequired[GitHubUser]


class GitHubPullRequest(TypedDict):
    """GitHub's `pull_request`. The app acts when one is opened, reopened, updated or ready."""

    action: str
    pull_request: GitHubProposal
    number: NotRequired[int]


class GitHubHookSettings(TypedDict):
    """The settings of a hook, with the kinds of events that GitHub sends to it."""

    events: NotRequired[list[str]]


class GitHubPing(TypedDict):
    """GitHub's `ping`, by which the app checks the settings of a new hook."""

    zen: str
    hook: NotRequired[GitHubHookSettings]
    repository: NotRequired[GitHubRepository]


class DevOpsRepository(TypedDict):
    """A repository of Azure DevOps by its address for `git clone`."""

    remoteUrl: str


class DevOpsPerson(TypedDict):
    """The person who pushed, or the author of a pull request."""

    uniqueName: NotRequired[str]


class DevOpsAuthor(TypedDict):
    """The author or committer of a commit."""

    email: NotRequired[str | None]


class DevOpsCommit(TypedDict):
    """A commit of a push with its people."""

    author: NotRequired[DevOpsAuthor]
    committer: NotRequired[DevOpsAuthor]


class DevOpsUpdate(TypedDict):
    """A branch or tag before and after a push."""

    name: str
    newObjectId: str
    oldObjectId: NotRequired[str]


class DevOpsPushed(TypedDict):
    """The content of a push."""

    repository: DevOpsRepository
    refUpdates: list[DevOpsUpdate]
    pushedBy: NotRequired[DevOpsPerson]
    commits: NotRequired[list[DevOpsCommit]]


class DevOpsPush(TypedDict):
    """Azure DevOps' `git.push`."""

    id: str
    eventType: Literal["git.push"]
    resource: DevOpsPushed
    notificationId: NotRequired[int]


class DevOpsCommitId(TypedDict):
    """The newest commit of a pull request."""

    commitId: str


class DevOpsProposal(TypedDict):
    """A pull request of Azure DevOps. The app ignores one that is not `active`."""

    repository: DevOpsRepository
    targetRefName: str
    lastMergeSourceCommit: DevOpsCommitId
    status: NotRequired[str]
    pullRequestId: NotRequired[int]
    createdBy: NotRequired[DevOpsPerson]


class DevOpsPullRequest(TypedDict):
    """Azure DevOps' `git.pullrequest.created` and `git.pullrequest.updated`."""

    id: str
    eventType: Literal["git.pullrequest.created", "git.pullrequest.updated"]
    resource: DevOpsProposal
    notificationId: NotRequired[int]


HOOKS: tuple[type, ...] = (
    GitHubPush,
    GitHubPullRequest,
    GitHubPing,
    DevOpsPush,
    DevOpsPullRequest,
)
