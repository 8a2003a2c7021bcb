"""Runs over HTTP: the state of one, its log, and the reports that it wrote."""

import asyncio
from typing import TypedDict

from function_app.domain.lineage.environment import RunEnvironment, described
from function_app.domain.text.figures import figure
from function_app.domain.text.redaction import redact
from function_app.domain.training import Run, RunStatus, is_run_id
from function_app.errors import ContractError, NotFoundError
from function_app.triggers.invocation import Done, Invocation, Request

MAX_TAIL = 100_000
# Bytes of a log that one answer holds; a longer log is cut at its beginning.
MAX_LOG = 4 * 1024 * 1024
# Unreviewed code wrote these files: a browser must take them for neither a page nor a script.
_UNTRUSTED = {"Content-Security-Policy": "sandbox; default-src 'none'"}
# A page of this app's own code shows cells of a file that arrived: it has styles, and runs nothing.
PLAIN_PAGE = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
MEDIA_TYPES = {"xml": "text/xml", "html": "text/html", "svg": "image/svg+xml"}


class RunCode(TypedDict):
    """The code of a run: its version, and the commit that has it."""

    version: str
    commit: str


class RunView(TypedDict):
    """A run. `metrics_by` is `training` or `platform`, or None while there are no metrics.

    `figures` has the metrics as texts, rounded as in reasons and in evidence.
    `environment` has the inputs of a training beside rows, code and parameters, by name.
    """

    run_id: str
    model: str
    status: RunStatus
    detail: str
    dataset_version: str
    metrics: dict[str, float]
    metrics_by: str | None
    figures: dict[str, str]
    tags: dict[str, str]
    environment: dict[str, str]
    code: RunCode | None
    output_uri: str


async def get_run_state(invocation: Invocation, request: Request) -> Done[RunView]:
    """Show one run: its status, figures, data version and code."""
    run_id = _run_id(request)
    run = await asyncio.to_thread(invocation.ports.jobs.get, run_id)
    if run.status is RunStatus.UNKNOWN:
        raise _no_run(run_id)
    environment = await asyncio.to_thread(invocation.ports.jobs.environment, run_id)
    return Done(content=_view(run, environment))


async def get_run_log(invocation: Invocation, request: Request) -> Done[bytes]:
    """Show the last lines of a run's log; empty while the run has printed nothing."""
    run_id, tail = _run_id(request), _tail(request)
    content = await asyncio.to_thread(invocation.ports.jobs.log, run_id, MAX_LOG)
    if tail is not None:
        content = b"".join(content.splitlines(keepends=True)[-tail:])
    headers = {**_UNTRUSTED, "Cache-Control": "no-store"}
    text = redact(content.decode("utf-8", "replace")).encode()
    return Done(content=text, media_type="text/plain", headers=headers)


async def get_report(invocation: Invocation, request: Request) -> Done[bytes]:
    """Show a report of a run of checks or of a preparation, or a plot of an evaluation."""
    run_id, name = _run_id(request), request.route["name"]
    content = await asyncio.to_thread(invocation.ports.jobs.report, run_id, name)
    policy = {"Content-Security-Policy": PLAIN_PAGE} if name.endswith(".html") else _UNTRUSTED
    return Done(
        content=redact(content.decode("utf-8", "replace")).encode(),
        media_type=MEDIA_TYPES.get(name.rpartition(".")[2], "text/plain"),
        headers={**policy, "Cache-Control": "private, max-age=3600"},
    )


def _view(run: Run, environment: RunEnvironment | None) -> RunView:
    code: RunCode | None = None
    if run.code:
        code = {"version": run.code.version, "commit": run.code.commit}
    return {
        "run_id": run.run_id,
        "model": run.model,
        "status": run.status,
        "detail": redact(run.detail),
        "dataset_version": run.dataset_version,
        "metrics": run.metrics,
        # The source of the figures: the training itself, or the platform on held-out rows.
        "metrics_by": ("training" if run.reported else "platform") if run.metrics else None,
        "figures": {name: figure(value) for name, value in run.metrics.items()},
        "tags": run.tags,
        "environment": described(environment) if environment else {},
        "code": code,
        # The query is left out, because the signature of an address would be a secret.
        "output_uri": run.output_uri.partition("?")[0],
    }


def _run_id(request: Request) -> str:
    run_id = request.route["run_id"]
    if not is_run_id(run_id):
        raise _no_run(run_id)
    return run_id


def _tail(request: Request) -> int | None:
    text = request.query.get("tail", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= MAX_TAIL:
        raise ContractError(f"tail={text[:20]!r}: expected a number of lines, 1 to {MAX_TAIL}.")
    return int(text)


def _no_run(run_id: str) -> NotFoundError:
    return NotFoundError(f"There is no run {run_id[:80]!r}. GET /api/status lists runs.")
