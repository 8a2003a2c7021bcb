"""The release to which a roll-back returns: the one that production served before the champion."""

from collections.abc import Sequence
from datetime import UTC, datetime

from function_app.domain.release.authorization import Change, ChangeKind, ChangeState
from function_app.domain.release.release import ReleaseRecord
from function_app.domain.release.serving import Image

# The number of the promotion, and a time that orders the promotions of version 0.1.0, which
# numbered no changes: their number is 0.
_Moment = tuple[int, datetime]
_NUMBERED = datetime.min.replace(tzinfo=UTC)


def release_before(
    champion: Image | None, promoted: Sequence[ReleaseRecord], changes: Sequence[Change]
) -> ReleaseRecord | None:
    """Return the release that was promoted last before the champion, None when there is none.

    `promoted` are the releases that decisions promoted and no person rolled back, `changes` the
    model's changes of production. The order of the promotions decides, because a version's name
    need not be a number, and an older version may be promoted after a newer one. Without a
    champion, or with one that no release explains, the last promoted release is returned.
    """
    moments = {record.release.release_id: _promoted_at(record, changes) for record in promoted}
    serving = [record for record in promoted if record.image and record.image.is_same(champion)]
    began = max((moments[record.release.release_id] for record in serving), default=None)
    earlier = [
        record
        for record in promoted
        if record not in serving and (began is None or moments[record.release.release_id] < began)
    ]
    return max(earlier, key=lambda record: moments[record.release.release_id], default=None)


def _promoted_at(record: ReleaseRecord, changes: Sequence[Change]) -> _Moment:
    """Return when the release was promoted; two moments compare in the order of promotion."""
    numbers = [
        change.number
        for change in changes
        if change.kind is ChangeKind.PROMOTION
        and change.cause == record.release.release_id
        and change.state is ChangeState.DONE
    ]
    return (max(numbers), _NUMBERED) if numbers else (0, record.updated_at)
