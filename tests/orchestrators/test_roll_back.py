import pytest

from function_app import steps
from function_app.domain.release.release import Release, ReleasePolicy
from function_app.domain.release.serving import Image
from function_app.domain.requests import RollBack, RolledBack
from function_app.domain.stories.lane import LaneHolder
from function_app.orchestrators.roll_back import roll_back
from tests.orchestrators.player import Player

FORMER = Image(
    model="m", version="1", digest="sha256:" + "a" * 64, uri="localhost/i@sha256:" + "a" * 64
)
RELEASE = Release(
    release_id="release-m-2", model="m", version="2", policy=ReleasePolicy(approvers=("ada",))
)


@pytest.mark.parametrize(("served", "restored"), [(FORMER, True), (None, False)])
def test_a_release_is_rolled_back_only_when_production_says_so(
    served: Image | None, restored: bool
) -> None:
    host = Player(
        {
            steps.roll_back_production.name: RolledBack(done=True, image=served),
            steps.take_lane.name: LaneHolder(owner="instance-1", ahead=0, inside=True),
        }
    )

    request = RollBack(model="m", former=FORMER, release=RELEASE, by="ada", comment="slow")
    result = host.play(roll_back(host, request))

    assert result.restored is restored
    assert (steps.update_release.name in host.called) is restored
    if restored:
        update = host.arguments[host.called.index(steps.update_release.name)]
        assert update["rolled_back_by"] == "ada"
        assert update["reasons"] == ["ada rolled back to version 1: slow"]
    recorded = host.arguments[-1]
    assert recorded["outcome"] == ("done" if restored else "failed")


def test_a_roll_back_that_cannot_enter_its_lane_gives_up_its_place() -> None:
    """The place may be stored although the answer of take_lane was lost; it would block others."""
    host = Player({steps.take_lane.name: Exception("PLATFORM: the ledger is away")})

    with pytest.raises(Exception, match="the ledger is away"):
        host.play(roll_back(host, RollBack(model="m", former=FORMER, release=RELEASE)))

    assert host.called == [steps.take_lane.name, steps.leave_lane.name]
