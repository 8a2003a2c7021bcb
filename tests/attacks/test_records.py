"""Attacks on the activities that change production, over the stored records of each platform."""

from dataclasses import replace

import pytest

from function_app.activities import releases
from function_app.domain.reconciliation import FindingKind
from function_app.domain.release.release import ReleaseStatus
from function_app.errors import NotAuthorisedError
from function_app.ports import Ledger, Rows
from tests.activities.law_bench import Bench, image, release
from tests.attacks.attack import SAME, attack

EVIL = "sha256:" + "e" * 64


@pytest.fixture
def bench(stores: tuple[Ledger, Rows]) -> Bench:
    return Bench(*stores)


@attack(
    point=2,
    does="lets image A be approved, and lets the same release build image B",
    answer="the release waits for a decision about B; promote_challenger refuses A and B",
    log="promote_challenger refused, NOT_AUTHORISED",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_an_approval_promotes_no_image_but_the_one_it_names(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.approve("1")
    other = replace(image("1"), digest=EVIL)
    waiting = bench.ask("1", other)

    assert releases.settle_approval(bench.ports, release("1")).decision is None
    assert waiting.status is ReleaseStatus.AWAITING_APPROVAL
    for built in (image("1"), other):
        with pytest.raises(NotAuthorisedError):
            bench.promote("1", built)
    assert bench.production.calls == []
    assert "promote_challenger refused, NOT_AUTHORISED" in caplog.text


@attack(
    point=1,
    does="stops a release between its approval and its promotion, and lets it go on after a newer "
    "version was promoted",
    answer="promote_challenger refuses; production serves the newer version",
    log="promote_challenger refused, NOT_AUTHORISED",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_an_old_approval_downgrades_nothing(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.approve("1")
    bench.pass_time(minutes=1)
    bench.bring_up("2")

    with pytest.raises(NotAuthorisedError):
        bench.promote("1")
    assert bench.production.served == image("2")
    assert "promote_challenger refused, NOT_AUTHORISED" in caplog.text


@attack(
    point=1,
    does="promotes an approved digest from a registry of the attacker's own",
    answer="the image comes from the app's own store",
    log="none: the address of the input is not read",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_an_approved_digest_comes_from_the_app_s_own_store(bench: Bench) -> None:
    bench.approve("1")
    bench.promote("1", image("1", uri=f"evil.example/x@{EVIL}"))

    assert bench.production.served == image("1")


@pytest.mark.parametrize("waits", [False, True])
@attack(
    point=1,
    does="puts another image into production out of band, also while a release waits",
    answer="the next comparison reports it; no replica of it is started",
    log="finding: production changed out of band",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_champion_that_no_decision_explains_is_reported(bench: Bench, waits: bool) -> None:
    bench.bring_up("1")
    if waits:
        bench.ask("2")
    bench.production.served, bench.production.ready = image("1", digest=EVIL), 0

    assert FindingKind.FOREIGN_CHAMPION in [finding.kind for finding in bench.findings()]
    assert bench.production.repaired == 0
