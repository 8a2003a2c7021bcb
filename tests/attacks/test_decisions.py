"""Attacks on the decision endpoint."""

from tests.attacks.attack import attack
from tests.attacks.targets import Target, ask, error_of, named_by, waiting


@attack(
    point=2,
    does="approves with an invented token",
    answer="401 UNAUTHENTICATED; the release waits on",
    log="audit: refusal, approve, UNAUTHENTICATED",
    before="refused",
)
def test_an_invented_token_decides_nothing(target: Target) -> None:
    record = waiting(target, "101")
    path = f"/api/releases/{record.release.release_id}/approve"

    answer = ask(target, "POST", path, token="x", json=named_by(record))

    assert error_of(answer) == (401, "UNAUTHENTICATED")
    shown = target.api.get(f"/api/releases/{record.release.release_id}")
    assert shown["decision"] is None
