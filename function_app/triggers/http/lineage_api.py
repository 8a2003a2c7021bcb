"""The lineage of a version over HTTP: from the event to the model."""

import asyncio
from typing import TypedDict

from function_app import names
from function_app.domain.codec import dump
from function_app.domain.lineage.chain import Known, Link, chain, known_run
from function_app.domain.lineage.reproduction import ReproductionRequest, reproduction_id
from function_app.domain.project import project_of
from function_app.domain.text.identifiers import VERSION
from function_app.domain.training import is_own
from function_app.errors import NotFoundError
from function_app.records.ledger.lineage import Lineage
from function_app.triggers.bodies import NoFields, read_body
from function_app.triggers.http.watches import StoryStarted
from function_app.triggers.invocation import Accepted, Done, Invocation, Request


class LineageView(TypedDict):
    """A version with the links from its event to its model, in this order.

    `own` is False for a version that another tool registered.
    """

    model: str
    version: str
    own: bool
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
            cause=invocation.ports.clock.now().strftime("%Y%m%dT%H%M%S"),
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
    known = await asyncio.to_thread(_known, invocation, model, version)
    content: LineageView = {
        "model": model,
        "version": known.version.version,
        "own": is_own(known.version),
        "links": chain(known),
    }
    return Done(content=content)


def _named(invocation: Invocation, request: Request) -> tuple[str, str]:
    """Return the model and the version that a request names; NotFoundError for an unknown model."""
    model, version = request.route["model"], request.route["version"]
    project_of(invocation.projects, model)
    if not VERSION.accepts(version):
        raise NotFoundError(f"{model} has no version {version[:64]!r}. See the registry.")
    return model, version


def _known(invocation: Invocation, model: str, version: str) -> Known:
    """Read what the app has about a version, each part once."""
    ports = invocation.ports
    registered = ports.registry.get(model, version)
    if not is_own(registered):
        # A foreign version may name any run: nothing is read in its name.
        return Known(version=registered)
    lineage = Lineage(ports.ledger, ports.inbox)
    code = registered.code
    return Known(
        version=registered,
        module=invocation.projects[model].training,
        run=known_run(ports.jobs.get(registered.run_id)) if registered.run_id else None,
        environment=ports.jobs.environment(registered.run_id) if registered.run_id else None,
        origin=lineage.origin(model, registered.version),
        code=lineage.code(model, code.version) if code else None,
    )
