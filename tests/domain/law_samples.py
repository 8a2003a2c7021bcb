"""Records of a release, its approvals, orders and changes, for tests of the rules about them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from function_app.domain.people.authorship import Author, Role
from function_app.domain.people.people import Person
from function_app.domain.release.approval import Decision, Refusal, Verdict
from function_app.domain.release.authorization import (
    Change,
    ChangeKind,
    ChangeState,
    Order,
    ProductionRules,
)
from function_app.domain.release.release import (
    Release,
    ReleasePolicy,
    ReleaseRecord,
    ReleaseStatus,
)
from function_app.domain.release.serving import Image

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
RELEASE = Release(
    release_id="release-diabetes-2",
    model="diabetes",
    version="2",
    policy=ReleasePolicy(approvers=("ada",)),
)
IMAGE = Image(model="diabetes", version="2", digest="sha256:bb", uri="oci/bb")
OLD = Image(model="diabetes", version="1", digest="sha256:aa", uri="oci/aa")
NEW = Image(model="diabetes", version="10", digest="sha256:cc", uri="oci/cc")
RECORD = ReleaseRecord(
    release=RELEASE,
    status=ReleaseStatus.IN_PROGRESS,
    updated_at=NOW,
    image=IMAGE,
    evidence_hash="ee",
    authors=(Author(role=Role.STARTED, identity="linus"),),
)
ADA = Decision(
    release_id="release-diabetes-2",
    verdict=Verdict.APPROVE,
    decided_by="ada",
    comment="",
    image_digest="sha256:bb",
    evidence_hash="ee",
    decided_at=LATER,
    after=3,
)
GRACE = replace(ADA, decided_by="grace", after=4, decided_at=LATER + timedelta(minutes=5))
PEOPLE = {"ada": Person(git=("ada@example.com",))}
RULES = ProductionRules(approvers=("ada", "grace"), operators=("olga",), replicas=2, people=PEOPLE)
TWO = replace(RULES, required=2)
FIRST = Change(
    number=3,
    kind=ChangeKind.PROMOTION,
    cause="release-diabetes-1",
    by="ada",
    begun_at=NOW,
    image=OLD,
    state=ChangeState.DONE,
)
OWN = replace(FIRST, number=4, cause="release-diabetes-2", image=IMAGE, state=ChangeState.BEGUN)
NEWER = replace(FIRST, number=4, cause="release-diabetes-10", image=NEW, begun_at=LATER)
ORDER = Order(
    order_id="order-1",
    kind=ChangeKind.ROLL_BACK,
    model="diabetes",
    by="olga",
    comment="too slow",
    ordered_at=NOW,
    after=3,
    image=OLD,
)
SHUTDOWN = replace(ORDER, kind=ChangeKind.SHUTDOWN, image=None)


def refused(message: str, code: str = "NOT_AUTHORISED") -> Refusal:
    """Return the refusal of a change of production with this text."""
    return Refusal(code=code, message=message)
