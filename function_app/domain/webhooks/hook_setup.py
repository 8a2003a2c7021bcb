"""Test hooks of code hosts: each is checked for the settings that later pushes need.

Sources: GitHub documentation, "Webhook events and payloads", ping; Azure DevOps documentation,
"Service hooks events", whose samples the button Test sends, too.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from function_app.domain.events.events import NothingToDo, repository_key
from function_app.errors import ContractError

_WANTED = ("push", "pull_request")
# The repository of Azure DevOps' samples.
_SAMPLE_HOST = "fabrikam"
_NO_REPOSITORY = (
    "No model in mlops.toml has its code in {}. Set `repository` of [models.<name>.code]."
)


def check_ping(hook: Mapping[str, Any], repositories: Iterable[str]) -> None:
    """Raise ContractError when the pushes of a new GitHub hook would be refused or missing.

    `repositories` are the addresses of the models' code. A hook of an organization names none.
    """
    settings, repository = hook.get("hook"), hook.get("repository")
    events = settings.get("events") if isinstance(settings, Mapping) else None
    if isinstance(events, list) and not {*_WANTED, "*"} & {str(event) for event in events}:
        sent = ", ".join(map(str, events))[:200] or "nothing"
        raise ContractError(f"The hook sends {sent}. Let it send push and pull_request.")
    address = repository.get("clone_url") if isinstance(repository, Mapping) else None
    if isinstance(address, str) and not _is_known(address, repositories):
        text = _NO_REPOSITORY.format(address[:200])
        raise ContractError(text, code="UNKNOWN_REPOSITORY")


def answer_test(address: str, repositories: Iterable[str]) -> NothingToDo | None:
    """Return the answer to the sample of Azure DevOps' button Test, None for other payloads.

    ContractError when no hook can ever be accepted, because no model has a repository.
    """
    if not (urlsplit(address).hostname or "").startswith(_SAMPLE_HOST):
        return None
    known = sorted(set(repositories))
    if not known:
        text = _NO_REPOSITORY.format("any repository")
        raise ContractError(text, code="UNKNOWN_REPOSITORY")
    return NothingToDo(
        reason=f"This is Azure DevOps' test with a sample repository. The secret and the form are "
        f"right; hooks of {', '.join(known)[:400]} will be taken."
    )


def _is_known(address: str, repositories: Iterable[str]) -> bool:
    return repository_key(address) in {repository_key(known) for known in repositories}
