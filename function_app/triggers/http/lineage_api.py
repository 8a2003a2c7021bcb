"""The lineage of a version over HTTP: from the event to the model."""

import asyncio
from typing import TypedDict

from function_app import names
from function_app.domain.codec import dump
from function_app.domain.lineage.chain import Known, Link, chain
from function_app.domain.lineage.evidence_files import (
    FILES,
    MODEL_CARD,
    evaluation_of,
    file_path,
    kind_of,
    names_of,
)
from function_app.domain.lineage.reproduction import ReproductionRequest, reproduction_id
from function_app.domain.project import project_of
from function_app.domain.text.identifiers import VERSION
from function_app.domain.training import is_own
from function_app.errors import NotFoundError
from function_app.records.ledger import verdicts
from function_app.services import judging, lineage
from function_app.triggers.bodies import NoFields, read_body
from function_app.triggers.http.reports import PLAIN_PAGE
from function_app.triggers.http.watches import StoryStarted
from function_app.triggers.invocation import Accepted, Done, Invocation, Request

MEDIA_TYPES = {
    "html": "text/html",
    "json": "application/json",
    "md": "text/markdown",
    "svg": "image/svg+xml",
}


class LineageView(TypedDict):
    """A version with the links from its event to its model, in this order.

    `own` is False for a version that another tool registered. `model_card` is the path of the card
    about the comparison that is valid now.
    """

    model: str
    version: str
    own: bool
    model_card: str
    links: list[Link]


async def post_reproduction(invocation: Invocation, request: Request) -> Accepted[StoryStarted]:
    """Train a version again and compare both models, unless that is under way; register nothing."""
    read_body(request, NoFields)
    model, version = _named(invocation, request)
    project = invocation.projects[model]
    # Refused before a story starts: a version that does not exist has no inputs.
    await asyncio.to_thread(invocation.ports.registry.get, model, version)
    instance_id = reproduction_id(model, version)
    story = await invocation.stories.find(instance_id)
    if story is None or story["ended"]:
        policy = project.training_policy()
        # A finished id starts again; its runs are named by the time of the request.
        asked = ReproductionRequest(
            model=model,
            version=version,
            cause=invocation.ports.clock.now().strftime("%Y%m%dt%H%M%S"),
            target=policy.data.target,
            gate=policy.gate,
            timeout=policy.timeout,
            poll_interval=policy.poll_interval,
            max_trainings=policy.max_trainings,
            group=policy.data.group,
        )
        await invocation.stories.start(names.REPRODUCE_MODEL, instance_id, dump(asked))
    return Accepted(content={"instance_id": instance_id})


async def get_lineage(invocation: Invocation, request: Request) -> Done[LineageView]:
    """Show the event, data, commit, parameters, lock, run and model behind a version."""
    model, version = _named(invocation, request)
    known, card = await asyncio.to_thread(_known, invocation, model, version)
    content: LineageView = {
        "model": model,
        "version": known.version.version,
        "own": is_own(known.version),
        "model_card": card,
        "links": chain(known),
    }
    return Done(content=content)


async def get_evidence_file(invocation: Invocation, request: Request) -> Done[bytes]:
    """Show a file behind the evidence of a version, unchanged: the evidence has its SHA-256."""
    model, version = _named(invocation, request)
    name = request.route["name"]
    content = await asyncio.to_thread(_attached, invocation, model, version, name)
    if content is None:
        known = ", ".join(FILES)
        text = f"{model} {version} has no file {name[:80]!r}. It may have {known}."
        raise NotFoundError(text)
    return Done(
        content=content,
        media_type=MEDIA_TYPES[name.rpartition(".")[2]],
        headers={"Content-Security-Policy": PLAIN_PAGE, "Cache-Control": "private, max-age=3600"},
    )


def _attached(invocation: Invocation, model: str, version: str, name: str) -> bytes | None:
    """Return a file that is attached to an own version; None without one of this name.

    A version without an attached card gets one from its present records.
    """
    ports = invocation.ports
    registered, kind = ports.registry.get(model, version), kind_of(name)
    content = ports.registry.attached(registered, name) if kind and is_own(registered) else None
    if content is None and kind == MODEL_CARD:
        evaluation = evaluation_of(registered, name)
        if name == MODEL_CARD or verdicts.find(ports.rows, evaluation) is not None:
            return lineage.card_of(ports, registered, evaluation).encode()
    return content


def _named(invocation: Invocation, request: Request) -> tuple[str, str]:
    """Return the model and the version that a request names; NotFoundError for an unknown model."""
    model, version = request.route["model"], request.route["version"]
    project_of(invocation.projects, model)
    if not VERSION.accepts(version):
        raise NotFoundError(f"{model} has no version {version[:64]!r}. See the registry.")
    return model, version


def _known(invocation: Invocation, model: str, version: str) -> tuple[Known, str]:
    """Return the records of a version, and the path of its card about the present comparison."""
    ports = invocation.ports
    registered = ports.registry.get(model, version)
    evaluation = judging.shown_if_known(ports, registered) if is_own(registered) else ""
    card = names_of(registered, evaluation)[MODEL_CARD]
    return lineage.known(ports, registered), file_path(model, registered.version, card)
