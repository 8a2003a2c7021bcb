"""Activities that change production; each checks the stored decisions and orders first."""

from function_app import steps
from function_app.domain.release.release import Release
from function_app.domain.release.serving import Rollout
from function_app.domain.requests import Champion, Promotion, RollBack, RolledBack
from function_app.ports import Ports
from function_app.services import orders, promotions


@steps.get_champion.activity
def get_champion(ports: Ports, release: Release) -> Champion:
    """Return the image that production serves, read back from production."""
    return Champion(image=ports.production.champion(release.model))


@steps.promote_challenger.activity
def promote_challenger(ports: Ports, promotion: Promotion) -> Rollout:
    """Move production's traffic to the image, or return the state of that rollout.

    NotAuthorisedError when no stored approval names the release, this image and its evidence, or
    when a person cancelled the release.
    """
    return promotions.promote(ports, promotion)


@steps.roll_back_production.activity
def roll_back_production(ports: Ports, request: RollBack) -> RolledBack:
    """Return the traffic to the former image; return the image that production serves then.

    The ledger alone decides on the image: the image of the order that the request names, or the
    former champion of the release whose own promotion failed. NotAuthorisedError when the order is
    unknown or void, or when its person may not order it now.
    """
    if request.restores is not None and not request.order:
        return promotions.take_back(ports, request.restores)
    return orders.carry_out(ports, request.model, request.order)
