"""Faults of published promotion gates, written by hand into ours; each has a name.

The sources: the templates of Azure's mlops-v2 set `deploy_flag=1` a line before its test; Google's
Vertex sample reads the champion's evaluation from the challenger; AWS's sample discards the metric
and reports a failure as a success; MLOpsPython of 2019 promotes on any exception, and takes 10000
for a missing metric. The other names are faults that are easy to write.
"""

from dataclasses import dataclass

from tests.mutants.subjects import ROOT

_APPROVAL = "function_app/domain/release/approval.py"
_RELEASE = "function_app/domain/release/release.py"
_AUTHORIZATION = "function_app/domain/release/authorization.py"
_GATES = "function_app/domain/gates.py"
_COMPARISON = "platform_jobs/judging/comparison.py"
_JUDGING = "function_app/services/judging.py"
_OF_GATES = ("tests/domain/test_gate_limits.py", "tests/domain/test_gates.py")
_OF_COMPARISON = ("tests/platform_jobs/test_comparison.py",)
_OF_JUDGING = ("tests/activities/test_judging.py",)
_OF_STALE = (
    "tests/activities/test_stale_verdicts.py",
    "tests/activities/test_second_judging_plans.py",
)
_OF_RELEASE = ("tests/domain/test_release_states.py", "tests/domain/test_release.py")
_OF_APPROVAL = ("tests/domain/test_approval.py",)
_OF_AUTHORIZATION = ("tests/domain/test_authorization.py", "tests/domain/test_orders.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A fault: `before`, which the file has exactly once, becomes `after`."""

    name: str
    path: str
    before: str
    after: str
    tests: tuple[str, ...]

    def apply(self) -> str:
        """Return the file's text with the fault; ValueError unless `before` occurs once."""
        text = (ROOT / self.path).read_text(encoding="utf-8")
        if text.count(self.before) != 1:
            count = text.count(self.before)
            raise ValueError(f"{self.path} has {self.before!r} {count} times; adapt {self.name!r}.")
        return text.replace(self.before, self.after)


NAMED = (
    Named(
        name="NaN passes the smoke test",
        path=_RELEASE,
        before="elif not report.largest_difference <= policy.smoke_tolerance:",
        after="elif report.largest_difference > policy.smoke_tolerance:",
        tests=_OF_RELEASE,
    ),
    Named(
        name="a failed request is reported and then counts as a success (AWS)",
        path=_RELEASE,
        before="if reasons:\n        return GateResult(passed=False",
        after="if reasons:\n        return GateResult(passed=True",
        tests=_OF_RELEASE,
    ),
    Named(
        name="a deployment without any answer passes",
        path=_RELEASE,
        before="if report.requests == 0 or report.failures:",
        after="if report.failures:",
        tests=_OF_RELEASE,
    ),
    Named(
        name="an approval of another image counts",
        path=_APPROVAL,
        before="            self.image_digest,\n            self.evidence_hash,\n        ) == (record.release.release_id, record.image.digest, record.evidence_hash)",
        after="            self.evidence_hash,\n        ) == (record.release.release_id, record.evidence_hash)",
        tests=_OF_APPROVAL,
    ),
    Named(
        name="a person counts once for each name",
        path=_APPROVAL,
        before="first.setdefault(canonical(decision.decided_by, rules.people), decision)",
        after="first.setdefault(decision.decided_by, decision)",
        tests=_OF_APPROVAL,
    ),
    Named(
        name="an approval outweighs a rejection",
        path=_APPROVAL,
        before="next((d for d in given if d.verdict is Verdict.REJECT), None)",
        after="None",
        tests=_OF_APPROVAL,
    ),
    Named(
        name="an approval of a person who is no approver now authorises a promotion",
        path=_APPROVAL,
        before="if approves and allowed and decision.names(record):",
        after="if approves and decision.names(record):",
        tests=_OF_APPROVAL,
    ),
    Named(
        name="an author approves the own version",
        path=_APPROVAL,
        before="if approves and not rules.may_approve(person, record.authors):",
        after="if approves and not rules.may_approve(person, ()):",
        tests=_OF_APPROVAL,
    ),
    Named(
        name="a promotion needs no record of an approved release",
        path=_AUTHORIZATION,
        before="if record is None or record.status is not ReleaseStatus.IN_PROGRESS:",
        after="if record is None:",
        tests=_OF_AUTHORIZATION,
    ),
    Named(
        name="an order does not expire",
        path=_AUTHORIZATION,
        before="if now - order.ordered_at > ORDER_LIFE:",
        after="if False:",
        tests=_OF_AUTHORIZATION,
    ),
    Named(
        name="the comparison is reversed",
        path=_GATES,
        before="    if low > needed:",
        after="    if low < needed:",
        tests=_OF_GATES,
    ),
    Named(
        name="the flag to promote is set a line before its test (mlops-v2)",
        path=_GATES,
        before="        return verdict is Verdict.PROMOTE, ()",
        after="        return True, ()",
        tests=_OF_GATES,
    ),
    Named(
        name="any failure of the comparison promotes (MLOpsPython 2019)",
        path=_GATES,
        before="        return _rejected(redact(comparison.refused))",
        after="        return GateResult(passed=True, reasons=(redact(comparison.refused),))",
        tests=_OF_GATES,
    ),
    Named(
        name="the margin has no scale",
        path=_GATES,
        before="return self.needed_share() * max(champion_loss, 0.0)",
        after="return self.needed_share()",
        tests=_OF_GATES,
    ),
    Named(
        name="the policy's confidence is ignored",
        path=_GATES,
        before="round(1.0 - self.confidence, _LEVEL_DIGITS)",
        after="round(1.0 - 0.95, _LEVEL_DIGITS)",
        tests=_OF_GATES,
    ),
    Named(
        name="figures that are not finite are compared",
        path=_GATES,
        before="if not all(math.isfinite(value) for value in known if value is not None):",
        after="if False:",
        tests=_OF_GATES,
    ),
    Named(
        name="the metric is computed and then discarded (AWS)",
        path=_GATES,
        before="    verdict = combine(findings)",
        after="    verdict = Verdict.PROMOTE",
        tests=_OF_GATES,
    ),
    Named(
        name="a champion without a loss is taken for a very bad one (MLOpsPython)",
        path=_GATES,
        before="    if champion_loss is None or fault:\n        yield _compare_with_bar(loss, policy, fault)",
        after="    if champion_loss is None or fault:\n        yield _compare_with_bar(min(loss, policy.bar), policy, fault)",
        tests=_OF_GATES,
    ),
    Named(
        name="every comparison spends the whole budget",
        path=_GATES,
        before="return level_of(look, budget) if look else budget",
        after="return budget",
        tests=_OF_GATES,
    ),
    Named(
        name="a champion that answered other rows is compared",
        path=_COMPARISON,
        before="if champion is not None and len(champion) != len(actual):",
        after="if False:",
        tests=_OF_COMPARISON,
    ),
    Named(
        name="the champion's losses are read from the challenger (Google)",
        path=_COMPARISON,
        before='_losses(chosen, actual, champion, "champion")',
        after='_losses(chosen, actual, challenger, "champion")',
        tests=_OF_COMPARISON,
    ),
    Named(
        name="the gain has the wrong sign",
        path=_COMPARISON,
        before="[theirs - ours for theirs, ours in",
        after="[ours - theirs for theirs, ours in",
        tests=_OF_COMPARISON,
    ),
    Named(
        name="the level of the policy is not used",
        path=_COMPARISON,
        before="chosen.interval(actual, gains, level)",
        after="chosen.interval(actual, gains, LEVEL)",
        tests=_OF_COMPARISON,
    ),
    Named(
        name="the champion is never given to the evaluation",
        path=_JUDGING,
        before="submit_evaluation(run_id, run, preparation, champion, policy, tags, look)",
        after="submit_evaluation(run_id, run, preparation, None, policy, tags, look)",
        tests=_OF_JUDGING,
    ),
    Named(
        name="comparisons are not counted",
        path=_JUDGING,
        before="looks.count(ports.rows, run.model, comparison) if champion else 0",
        after="0",
        tests=_OF_JUDGING,
    ),
    Named(
        name="a verdict about a former champion promotes",
        path=_JUDGING,
        before="if present in (champion_of(first), version.version):",
        after="if champion_of(first) or present == version.version:",
        tests=_OF_STALE,
    ),
    Named(
        name="a rejection against the present champion promotes",
        path="function_app/records/ledger/verdicts.py",
        before="(v := find(rows, key)) is not None and v.passed",
        after="(v := find(rows, key)) is not None",
        tests=_OF_STALE,
    ),
    Named(
        name="an approval of evidence about a champion that was replaced meanwhile promotes",
        path=_JUDGING,
        before="    if shown == valid:",
        after="    if valid is not None:",
        tests=_OF_STALE,
    ),
    Named(
        name="a superseded release spends error on a second judging",
        path=_JUDGING,
        before="if (newer := ports.ledger.successor(release.release_id)) is not None:",
        after="if (newer := None) is not None:",
        tests=_OF_STALE,
    ),
)
