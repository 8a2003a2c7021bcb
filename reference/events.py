"""docs/reference/events.md: every type of event that the app takes."""

from function_app.domain import event_types as types
from function_app.domain.webhooks.webhook_sources import BUILD_TYPES, CODE_TYPES
from reference.markdown import table

_HEAD = """\
# Events

`POST /api/events` takes the Event Grid schema and CloudEvents 1.0 (structured, binary and batched),
one event or up to 100. Names of fields in `data` may have upper or lower case. An event is stored
before it is acknowledged, compared with the platform's own records, and claimed once by its cause.
[Webhooks and events](../how-to/webhooks.md) describes what is verified, and how to sign events.

This page is written by `python -m reference`.
"""
# Type: fields of `data` (optional ones with a question mark), and the effect.
EVENTS: dict[str, tuple[str, str]] = {
    types.BLOB_CREATED: (
        "`api`, `url`, `eTag`, `contentLength`?, `sequencer`?; the blob is in `subject`",
        "Starts `train_model` when the path is below the `prefix` of a model. Events of calls that "
        "leave a blob incomplete are ignored.",
    ),
    types.BLOB_RENAMED: (
        "`destinationUrl`, `sequencer`; the new name is in `subject`",
        "Like a created blob under its new name (Data Lake, SFTP).",
    ),
    types.DIRECTORY_RENAMED: (
        "`sequencer`; the folder is in `subject`",
        "Like a created blob for each file in the folder.",
    ),
    types.MODEL_REGISTERED: (
        "`modelName`, `modelVersion`, `modelTags`?",
        "Starts `release_model` for a version that this app registered.",
    ),
    types.MODEL_DEPLOYED: (
        "`serviceName`, `modelIds`?",
        "Starts a reconciliation, which reports a deployment that no release explains.",
    ),
    types.RUN_COMPLETED: ("`runId`, `runTags`?", "Wakes the story that waits for this run."),
    types.RUN_STATUS_CHANGED: (
        "`runId`, `runStatus`, `runTags`?",
        "Wakes the story that waits for this run when the run has ended.",
    ),
    types.DATASET_DRIFT_DETECTED: (
        "`dataDriftName`, `runId`, `driftCoefficient`?",
        "Asks for a retraining, within the model's budget.",
    ),
    types.IMAGE_PUSHED: (
        "`target` with `repository`, `tag`, `digest`",
        "Wakes the release that waits for this image.",
    ),
    types.CODE_PUSHED: (
        "`repository`, `ref`, `commit`, `changedPaths`?, `actor`?, `contributors`?",
        "Starts `integrate_change`, which checks and publishes the code and then trains on it.",
    ),
    types.CODE_PROPOSED: (
        "`repository`, `ref`, `commit`, `number`, `actor`?",
        "Starts `integrate_change`, which checks the pull request and publishes nothing.",
    ),
    types.TRAINING_REQUESTED: (
        "`model`, `requestId`, `dataUri`?, `codeVersion`?, `callerRunId`?, `buildId`?, `buildUri`?",
        "Starts `train_model`. The same `requestId` is one training.",
    ),
    types.DRIFT_DETECTED: (
        "`model`, `reportId`, `reason`",
        "Asks for a retraining, within the model's budget.",
    ),
}


def describe() -> str:
    """Return the whole page; KeyError when a type of event has no description here."""
    rows = [
        (f"`{kind}`", *EVENTS[kind], ", ".join(_senders(kind))) for kind in sorted(types.READERS)
    ]
    return "\n".join([_HEAD, *table(("type", "fields of `data`", "effect", "senders"), rows)])


def _senders(kind: str) -> list[str]:
    senders = ["the Event Grid topic, `POST /api/events`"]
    if kind in CODE_TYPES:
        senders.append("GitHub, Azure DevOps")
    if kind in BUILD_TYPES:
        senders.append("webhook sources by default")
    else:
        senders.append("webhook sources whose `types` name it")
    return senders
