"""Check a change of a model's code, publish it, and ask for a training.

1. Fetch the commit, unless its branch has a newer one that contains it.  2. Post the commit status
"pending".  3. Run lint, tests and, for a pull request, the training on the reference data, apart
from everything else.  4. Judge the reference data and the coverage.  5. Publish the code of a push;
a pull request ends here.  6. Post the final commit status, and request a training.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from function_app import steps
from function_app.domain.change.change import Bundle, CheckReport, CodeVersion
from function_app.domain.change.integration import (
    ChangeRequest,
    ChangeStatus,
    ChecksRequest,
    IntegrationOutcome,
    IntegrationResult,
    Publication,
    ReferenceCheck,
    TrainingOrder,
    checks_id,
    report_link,
)
from function_app.domain.requests import RunId
from function_app.domain.stories.outcomes import INTEGRATE, StoryEnd, change_facts
from function_app.domain.text.figures import figures
from function_app.domain.text.payload_limits import cap_reasons
from function_app.domain.training import RunStatus
from function_app.orchestrators.shared.clean_up import reasons_of, tolerate
from function_app.orchestrators.shared.runs import finish_run, unfinished
from function_app.orchestrators.shared.trail import Trail
from function_app.steps.context import Story, StoryContext

# The checks have a time limit of their own and end with a report; the margin is for its failure.
MARGIN = timedelta(minutes=2)
_STATES = {
    IntegrationOutcome.PUBLISHED: "success",
    IntegrationOutcome.CHECKED: "success",
    IntegrationOutcome.REJECTED: "failure",
    IntegrationOutcome.FAILED: "error",
}


@dataclass(slots=True)
class _Seen:
    """The isolation at which the checks ran, "" before they ended."""

    isolation: str = ""


def integrate_change(ctx: StoryContext, request: ChangeRequest) -> Story[IntegrationResult]:
    trail, seen = Trail(ctx), _Seen()
    try:
        result = yield from _integrate(ctx, trail, request, seen)
    except Exception as fault:
        result = _end(request, IntegrationOutcome.FAILED, reasons_of(fault))
    notification = _post_status(ctx, request, result, seen)
    trouble = yield from tolerate("The code host did not take the commit status.", notification)
    result = replace(result, reasons=(*result.reasons, *trouble))
    trail.show(result.outcome.value, reason=" ".join(result.reasons))
    end = StoryEnd(
        instance_id=ctx.instance_id,
        story=INTEGRATE,
        model=request.model,
        outcome=result.outcome.value,
        reasons=result.reasons,
        facts=change_facts(request.change),
    )
    yield from steps.record_outcome(ctx, end)
    return result


def _integrate(
    ctx: StoryContext, trail: Trail, request: ChangeRequest, seen: _Seen
) -> Story[IntegrationResult]:
    change = request.change
    trail.show("fetching code", commit=change.commit, repository=change.repository)
    fetched = yield from steps.fetch_change(ctx, change)
    if fetched.newer:
        return _stale(request, fetched.newer)
    if fetched.bundle is None:
        return _end(request, IntegrationOutcome.REJECTED, (fetched.refused,))

    run_id = checks_id(request.model, request.cause)
    yield from steps.tell_change(ctx, _status(ctx, request, "pending", "The checks run."))
    trail.show("checking code", run_id=run_id, commit=change.commit)
    report = yield from _check(ctx, trail, request, run_id, fetched.bundle)
    if isinstance(report, str):
        return _end(request, IntegrationOutcome.FAILED, (report,))
    links = {name: report_link(run_id, name) for name in report.files}
    seen.isolation = report.isolation

    trail.show("checking reference data", run_id=run_id)
    check = ReferenceCheck(model=request.model, policy=request.policy.data)
    data = yield from steps.check_reference_data(ctx, check)
    reasons = (*_objections(report, request), *(() if data.passed else data.reasons))
    if reasons:
        return _end(request, IntegrationOutcome.REJECTED, reasons, links)
    passed = tuple(f"{result.name}: {result.detail}" for result in report.results)
    if change.proposal:
        return _end(request, IntegrationOutcome.CHECKED, passed, links)

    trail.show("publishing code", commit=change.commit)
    publication = Publication(model=request.model, change=change, bundle=fetched.bundle)
    published = yield from steps.publish_code(ctx, publication)
    if published.code is None:
        return _stale(request, published.newer, links)
    if request.policy.auto_train:
        trail.show("requesting training", code=published.code.version)
        order = TrainingOrder(code=published.code, cause=request.cause)
        yield from steps.request_training(ctx, order)
    return _end(request, IntegrationOutcome.PUBLISHED, passed, links, published.code)


def _check(
    ctx: StoryContext, trail: Trail, request: ChangeRequest, run_id: str, bundle: Bundle
) -> Story[CheckReport | str]:
    """Return the report of the checks, or the reason that there is none."""
    asked = ChecksRequest(
        run_id=run_id,
        model=request.model,
        bundle=bundle,
        plan=request.policy.plan,
        instance_id=ctx.instance_id,
    )
    policy = request.policy
    yield from steps.submit_checks(ctx, asked)
    ended = yield from finish_run(
        ctx,
        trail,
        "checking code",
        run_id,
        lambda: steps.submit_checks(ctx, asked),
        policy.timeout + MARGIN,
        policy.poll_interval,
    )
    if ended.status is not RunStatus.COMPLETED:
        return unfinished(ended)
    return (yield from steps.read_checks(ctx, RunId(run_id=run_id)))


def _objections(report: CheckReport, request: ChangeRequest) -> tuple[str, ...]:
    """Return the objections to the change, in the order of the checks."""
    reasons = [f"{result.name}: {result.detail}" for result in report.results if not result.passed]
    if not report.results:
        reasons.append("No check ran.")
    floor = request.policy.min_coverage
    if floor > 0 and (report.coverage is None or report.coverage < floor):
        measured = () if report.coverage is None else (report.coverage,)
        *shares, least = figures(*measured, floor)
        said = f"{shares[0]} %" if shares else "unknown"
        reasons.append(f"coverage: {said} of the lines; at least {least} % are needed.")
    return tuple(reasons)


def _post_status(
    ctx: StoryContext, request: ChangeRequest, result: IntegrationResult, seen: _Seen
) -> Story[None]:
    state = _STATES.get(result.outcome)
    if state is None:
        return  # a newer commit has its own status
    detail = result.reasons[0] if state != "success" else "Every check passed."
    if seen.isolation:
        # The strength alone, and first: a code host cuts a long status at its end.
        detail = f"[isolation: {seen.isolation.partition(':')[0]}] {detail}"
    link = next((link for name, link in result.reports.items() if name == "tests.log"), "")
    yield from steps.tell_change(ctx, _status(ctx, request, state, detail, link))


def _status(
    ctx: StoryContext, request: ChangeRequest, state: str, detail: str, link: str = ""
) -> ChangeStatus:
    return ChangeStatus(
        model=request.model,
        change=request.change,
        state=state,
        detail=detail,
        link=link or f"/api/status/{ctx.instance_id}",
    )


def _stale(
    request: ChangeRequest, newer: str, links: dict[str, str] | None = None
) -> IntegrationResult:
    reason = f"{request.change.branch} has the newer commit {newer}, which contains this one."
    return _end(request, IntegrationOutcome.STALE, (reason,), links)


def _end(
    request: ChangeRequest,
    outcome: IntegrationOutcome,
    reasons: tuple[str, ...],
    links: dict[str, str] | None = None,
    code: CodeVersion | None = None,
) -> IntegrationResult:
    return IntegrationResult(
        outcome=outcome,
        reasons=cap_reasons(reasons),
        commit=request.change.commit,
        code=code,
        reports=links or {},
    )
