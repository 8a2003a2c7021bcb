"""The next attempt of a failed story, under an id that follows from the first.

The id of attempt n+1 derives from attempt n, so that two calls start one attempt.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from function_app import names
from function_app.domain.change.integration import ChangeRequest, integration_id
from function_app.domain.codec import load
from function_app.domain.project import ModelProject
from function_app.domain.release.release import Release, next_attempt
from function_app.domain.routing import Start
from function_app.domain.stories.views import StoryView
from function_app.domain.training import TrainingRequest, run_id
from function_app.errors import ConflictError, NotFoundError

EVENT_TYPE = "Mlops.RetryRequested"
_DONE = ("registered", "promoted", "published", "checked")
_REPLACED = ("superseded", "stale")


def next_start(view: StoryView, argument: Any, projects: Mapping[str, ModelProject]) -> Start:
    """Return the start of the next attempt of an ended story, by the present rules of mlops.toml.

    ConflictError when there is nothing to retry, NotFoundError when mlops.toml lost the model.
    """
    instance_id, outcome = view["instance_id"], view["outcome"]
    if outcome in _DONE:
        text = f"{instance_id} has succeeded: {outcome}. There is nothing to retry."
        raise ConflictError(text, code="NOTHING_TO_RETRY")
    if outcome in _REPLACED:
        text = f"{instance_id} is {outcome}: a newer one replaced it. Retry that one."
        raise ConflictError(text, code="NOTHING_TO_RETRY")
    match view["story"]:
        case names.TRAIN_MODEL:
            return _training(instance_id, load(TrainingRequest, argument), projects)
        case names.RELEASE_MODEL:
            return _release(instance_id, load(Release, argument), projects)
        case names.INTEGRATE_CHANGE:
            return _change(instance_id, load(ChangeRequest, argument), projects)
    raise ConflictError(
        f"{instance_id} is a {view['story']}. Trainings, releases and changes of code can be "
        "retried; the app repeats the others by itself.",
        code="NOT_RETRYABLE",
    )


def _training(former: str, request: TrainingRequest, projects: Mapping[str, ModelProject]) -> Start:
    cause = _new_cause(request.cause)
    policy = _project(request.model, projects).training_policy()
    return Start(
        story=names.TRAIN_MODEL,
        instance_id=run_id(request.model, cause),
        cause=cause,
        subject=former,
        content=cause,
        argument=replace(request, cause=cause, policy=policy),
    )


def _release(former: str, release: Release, projects: Mapping[str, ModelProject]) -> Start:
    policy = _project(release.model, projects).release_policy()
    attempt = replace(next_attempt(release), policy=policy)
    return Start(
        story=names.RELEASE_MODEL,
        instance_id=attempt.release_id,
        cause=_new_cause(former),
        subject=former,
        content=attempt.release_id,
        argument=attempt,
    )


def _change(former: str, request: ChangeRequest, projects: Mapping[str, ModelProject]) -> Start:
    cause, project = _new_cause(request.cause), _project(request.model, projects)
    rules = project.code
    policy = request.policy
    if rules is not None:
        policy = project.change_policy(rules, dry_run=bool(request.change.proposal))
    return Start(
        story=names.INTEGRATE_CHANGE,
        instance_id=integration_id(request.model, cause),
        cause=cause,
        subject=former,
        content=request.change.commit,
        argument=replace(request, cause=cause, policy=policy),
    )


def _new_cause(cause: str) -> str:
    return hashlib.sha256(f"retry\0{cause}".encode()).hexdigest()[:32]


def _project(model: str, projects: Mapping[str, ModelProject]) -> ModelProject:
    project = projects.get(model)
    if project is None:
        raise NotFoundError(f"mlops.toml names no model {model[:60]!r} any more. Add it.")
    return project
