"""Attacks by callers who have nothing but the address of the app."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from function_app.composition import ROUTES
from tests.attacks.attack import SAME, attack
from tests.attacks.targets import Target, ask


@attack(
    point=4,
    does="calls every route of the app without a key, and with a guessed one",
    answer="401 without content; the route is not run",
    log="audit: refusal, WRONG_KEY, for the guessed one",
    before="refused",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize("key", ["", "guessed"])
def test_every_route_asks_for_a_key(target: Target, key: str) -> None:
    def call(route: tuple[str, str]) -> tuple[int, bytes]:
        method, path = route
        answer = ask(target, method, f"/api/{re.sub(r'{[^}]+}', 'x', path)}", key=key)
        return answer.status_code, answer.content

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(call, [(method, path) for method, path, _ in ROUTES]))

    assert set(answers) == {(401, b"")}, list(zip(ROUTES, answers, strict=True))
