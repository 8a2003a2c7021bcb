"""Attacks on production by way of the platform that it lies in."""

import pytest

from tests.attacks.attack import SAME, attack
from tests.attacks.targets import Target, ask, error_of, keys


@attack(
    point=1,
    does="takes a part of the platform away, such as the workspace in which production lies, with "
    "a stolen function key or the master key",
    answer="401 UNAUTHENTICATED; 403 NOT_AN_OPERATOR for a person who may not take production down",
    log="audit: refusal, remove part",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize("key", ["master", "host", "delete_part"])
def test_no_key_removes_a_part_of_the_platform(target: Target, key: str) -> None:
    known = keys(target)
    part = target.api.get("/api/platform")["parts"][0]["part"]

    answer = ask(
        target,
        "DELETE",
        f"/api/platform/{part}",
        key=known.get(key) or known["functions"][key],
        params={"sure": part},
    )

    assert error_of(answer) == (401, "UNAUTHENTICATED")
