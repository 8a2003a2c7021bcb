"""A change of a model's code: its origin, its checks and their results."""

from dataclasses import dataclass, field

from function_app.domain.people.authorship import Authors, join_authors
from function_app.domain.text import identifiers as ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A commit of a repository; `proposal` is the number of a pull request, "" for a push.

    `branch` is the branch that was pushed to, or the target of the pull request. `author` is the
    code host's login of the person who pushed, `contributors` are the people of the pushed commits
    as the code host names them, and `started_by` are people of mlops.toml who retried the change.
    """

    repository: ids.Repository
    branch: ids.BranchName
    commit: ids.CommitId
    proposal: ids.OrEmpty[ids.Proposal] = ""
    author: ids.Line = ""
    contributors: tuple[str, ...] = ()
    started_by: tuple[ids.Person, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The files of a commit in one archive; `digest` is its SHA-256 as 64 hex digits.

    `authors` are the people of the commit; () for this app's own code.
    """

    digest: ids.Sha256
    uri: ids.Address
    commit: ids.OrEmpty[ids.CommitId]
    authors: Authors = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeVersion:
    """A published version of a model's training and scoring code, used by runs and images.

    `version` is the digest of its bundle, so that the same files are the same version. `authors`
    are all people who ever published these files; a run and a model version do not repeat them.
    """

    model: ids.ModelName
    version: ids.CodeDigest
    uri: ids.OrEmpty[ids.Address]
    commit: ids.OrEmpty[ids.CommitId]
    authors: Authors = ()


def published(model: str, bundle: Bundle, former: CodeVersion | None) -> CodeVersion:
    """Return the version of a bundle; `former` is the version of the same files, None for none.

    The publishers of the same files stay authors of them.
    """
    return CodeVersion(
        model=model,
        version=bundle.digest,
        uri=bundle.uri,
        commit=bundle.commit,
        authors=join_authors(former.authors if former else (), bundle.authors),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPlan:
    """The commands of a check run over a bundle, each as words, in this order.

    `dry_run` walks the training through the contract of a model project, on the reference data or
    the code's own sample, and throws the model away; `target` is the column to predict, `group`
    the column of groups, "" for none. `command` runs the model's commands in the folder `training`;
    () runs the module of this name. `metric` are the options of an own metric, () for none.
    """

    lint: tuple[str, ...]
    tests: tuple[str, ...]
    training: ids.Module
    dry_run: bool
    timeout_seconds: float
    target: str = ""
    words: tuple[str, ...] = ()
    group: str = ""
    command: tuple[str, ...] = ()
    metric: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The result of one check: its name, whether it passed, and a sentence with the reason."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """The result of a check run; `files` are names of stored reports, `coverage` is in percent."""

    results: tuple[CheckResult, ...]
    files: tuple[ids.FileName, ...] = ()
    coverage: float | None = None
    isolation: str = ""
    links: dict[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return bool(self.results) and all(result.passed for result in self.results)
