"""The order of promotions decides to which release a roll-back returns."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from function_app.domain.release.authorization import Change, ChangeKind, ChangeState
from function_app.domain.release.release import Release, ReleasePolicy, ReleaseRecord, ReleaseStatus
from function_app.domain.release.roll_back import release_before
from function_app.domain.release.serving import Image

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def image(version: str) -> Image:
    digest = "sha256:" + version.encode().hex().rjust(64, "0")
    return Image(model="m", version=version, digest=digest, uri=f"own.example/m@{digest}")


def record(version: str, suffix: str = "", hours: int = 0) -> ReleaseRecord:
    release_id = f"release-m-{version}{suffix}"
    policy = ReleasePolicy(approvers=("ada",))
    return ReleaseRecord(
        release=Release(release_id=release_id, model="m", version=version, policy=policy),
        status=ReleaseStatus.PROMOTED,
        updated_at=NOW + timedelta(hours=hours),
        image=image(version),
    )


def promotion(number: int, of: ReleaseRecord) -> Change:
    return Change(
        number=number,
        kind=ChangeKind.PROMOTION,
        cause=of.release.release_id,
        by="ada",
        begun_at=NOW,
        image=of.image,
        state=ChangeState.DONE,
    )


@pytest.mark.parametrize("versions", [("9", "10", "11"), ("10", "9", "2"), ("v9", "v10", "blue")])
def test_the_order_of_promotions_decides_and_not_the_names_of_versions(
    versions: tuple[str, str, str],
) -> None:
    records = [record(version) for version in versions]
    changes = [promotion(number, of) for number, of in enumerate(records, 1)]
    shuffled = [records[1], records[2], records[0]]

    assert release_before(records[2].image, shuffled, changes) is records[1]
    assert release_before(records[1].image, shuffled, changes) is records[0]
    assert release_before(records[0].image, shuffled, changes) is None


def test_a_version_that_was_promoted_again_returns_to_the_one_that_it_replaced() -> None:
    first, second, again = record("1"), record("2"), record("1", "-try2")
    changes = [promotion(1, first), promotion(2, second), promotion(3, again)]

    assert release_before(again.image, [first, second, again], changes) is second


def test_a_promotion_that_was_taken_back_does_not_count() -> None:
    first, second, third = record("1"), record("2"), record("3")
    failed = replace(promotion(4, first), state=ChangeState.TAKEN_BACK)
    changes = [promotion(1, first), promotion(2, second), promotion(3, third), failed]

    assert release_before(third.image, [first, second, third], changes) is second


@pytest.mark.parametrize("champion", [None, image("foreign")])
def test_without_a_champion_that_a_release_explains_the_last_promoted_release_is_returned(
    champion: Image | None,
) -> None:
    first, second = record("2"), record("1")
    changes = [promotion(1, first), promotion(2, second)]

    assert release_before(champion, [first, second], changes) is second
    assert release_before(champion, [], changes) is None


def test_releases_of_version_0_1_0_come_before_numbered_ones_in_the_order_of_their_times() -> None:
    old, older, new = record("7", hours=2), record("8", hours=1), record("9")

    assert release_before(new.image, [old, older, new], [promotion(1, new)]) is old
    assert release_before(old.image, [old, older, new], [promotion(1, new)]) is older
