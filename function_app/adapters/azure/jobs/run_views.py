"""A job of Azure ML as one of our runs."""

from typing import TYPE_CHECKING

from function_app.adapters.azure.jobs.run_specs import (
    CODE,
    COMMIT,
    DATASET,
    JOB,
    KIND,
    MODEL,
    OUTPUTS,
    TRAINING,
    output_uri,
)
from function_app.adapters.stops import Stop
from function_app.domain.change.change import CodeVersion
from function_app.domain.training import Run, RunStatus, run_of_attempt
from function_app.records.submissions import Submission

if TYPE_CHECKING:
    from azure.ai.ml.entities import Job

INSTANCE = "instance_id"
# Azure ML writes these words with varying case. A word that is not here is one of a run under way:
# every story has a deadline.
_ENDED = {
    "completed": RunStatus.COMPLETED,
    "failed": RunStatus.FAILED,
    "canceled": RunStatus.FAILED,
    "cancelled": RunStatus.FAILED,
    # The node or its network failed; the code of the run did not decide this state.
    "notresponding": RunStatus.INTERRUPTED,
}
_OPEN = (RunStatus.RUNNING, RunStatus.INTERRUPTED)
_DETAILS = {
    "failed": "Azure ML reports that it failed.",
    "canceled": "A person cancelled it in Azure ML.",
    "cancelled": "A person cancelled it in Azure ML.",
    "notresponding": "Its node does not answer Azure ML any more.",
    "paused": "It is paused in Azure ML.",
}


def read_status(word: str | None, *, stop: Stop | None) -> tuple[RunStatus, str]:
    """Return the status of a run and its reason; `stop` is why this app stopped it, if it did."""
    word = (word or "").replace("_", "").lower()
    status = _ENDED.get(word, RunStatus.RUNNING)
    # The run counts as ended from the request on, because nodes may take minutes to stop.
    if stop is not None and (word.startswith("cancel") or status in _OPEN):
        return stop
    return status, _DETAILS.get(word, "")


def read_run(job: "Job", *, stop: Stop | None, code_uri: str, submitted: Submission | None) -> Run:
    """Return the run that a job of the SDK is, as this app submitted it.

    The code in a job may write the job's tags. They count only where this app stored nothing: for
    a run of an earlier version, and for one of other people, which no story waits for.
    """
    status, detail = read_status(job.status, stop=stop)
    link = getattr(job, "studio_url", None)
    if detail and link:
        detail = f"{detail} See {link}"
    run_id, _ = run_of_attempt(str(job.name))
    known = submitted or _unrecorded(job, run_id, code_uri)
    tags = {**known.tags, JOB: str(job.name)} if job.name != run_id else dict(known.tags)
    return Run(
        run_id=run_id,
        model=known.model,
        status=status,
        dataset_version=known.dataset_version,
        output_uri=output_uri(run_id, known.kind if known.kind in OUTPUTS else TRAINING),
        detail=detail,
        tags=tags,
        code=known.code,
        owner=_owner(job),
    )


def _unrecorded(job: "Job", run_id: str, code_uri: str) -> Submission:
    tags = {str(name): str(value) for name, value in (job.tags or {}).items()}
    # No story is woken and no run is cancelled because of a tag that anybody may have written.
    tags.pop(INSTANCE, None)
    code = None
    if digest := tags.get(CODE):
        code = CodeVersion(
            model=tags.get(MODEL, ""),
            version=digest,
            uri=code_uri,
            commit=tags.get(COMMIT, ""),
        )
    return Submission(
        run_id=run_id,
        kind=tags.get(KIND, TRAINING),
        model=tags.get(MODEL, ""),
        dataset_version=tags.get(DATASET, ""),
        tags=tags,
        code=code,
    )


def _owner(job: "Job") -> str:
    """Return the name of the person who submitted a job, "" for the identity of an app."""
    made = getattr(job, "creation_context", None)
    is_person = str(getattr(made, "created_by_type", "") or "").lower() == "user"
    return str(getattr(made, "created_by", "") or "") if is_person else ""
