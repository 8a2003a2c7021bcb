"""Polls the branches of the models' repositories, because a hook may be missing or lost."""

import asyncio
import logging
from collections.abc import Iterator, Mapping

from function_app.domain.event_types import CODE_PUSHED
from function_app.domain.events.events import repository_key
from function_app.domain.project import ModelProject
from function_app.domain.text.plain_text import one_line
from function_app.errors import MlopsError
from function_app.ports import Ports
from function_app.triggers.invocation import Invocation

LOG = logging.getLogger("mlops.sources")


async def watch_sources(invocation: Invocation) -> None:
    """Publish an event for each branch that has a new commit."""
    await asyncio.to_thread(announce_commits, invocation.ports, invocation.projects)


def announce_commits(ports: Ports, projects: Mapping[str, ModelProject]) -> int:
    """Publish an event for each branch with a new head since the last poll; return their number.

    The head is stored after the event was published: a crash in between publishes it twice, and the
    inbox claims it once. A repository that cannot be read does not stop the others.
    """
    count = 0
    for repository, branch in dict.fromkeys(_watched(projects)):
        name = f"head/{repository_key(repository)}#{branch}"
        try:
            head = ports.sources.head(repository, branch)
            if (ports.ledger.get_record(name) or {}).get("commit") == head:
                continue
            subject = f"repos/{repository_key(repository).strip('/')}/branches/{branch}"
            content: dict[str, object] = {
                "repository": repository,
                "ref": f"refs/heads/{branch}",
                "commit": head,
            }
            ports.events.publish(CODE_PUSHED, subject, content)
            ports.ledger.save_record(name, {"commit": head})
        except MlopsError as error:
            LOG.warning("%s of %s was not polled: %s", branch, repository, one_line(str(error)))
            continue
        count += 1
    return count


def _watched(projects: Mapping[str, ModelProject]) -> Iterator[tuple[str, str]]:
    """Yield the branches that are named in full; patterns are for webhooks."""
    for _, project in sorted(projects.items()):
        if project.code is not None:
            for branch in project.code.branches:
                if "*" not in branch:
                    yield project.code.repository, branch
