"""Findings of the preflight: the subject, the observed fact, and the remedy."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from function_app.errors import MlopsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A question with its answer; `action` is "" when no action is needed."""

    about: str
    seen: str
    action: str = ""

    @property
    def ok(self) -> bool:
        """Return whether the deployment can go on."""
        return not self.action

    def __str__(self) -> str:
        line = f"{'ok ' if self.ok else 'BAD'}  {self.about}: {self.seen}"
        return line if self.ok else f"{line}\n     {self.action}"


Look = Callable[[], Iterable[Finding]]


def run(looks: Iterable[tuple[str, Look]]) -> Iterator[Finding]:
    """Yield the findings of each check; a check that Azure refuses is a bad finding itself."""
    for about, check in looks:
        try:
            yield from check()
        except MlopsError as error:
            action = "Sign in (`az login`) as the deployer, with a role on the subscription."
            yield Finding(about=about, seen=f"could not be checked. {error}", action=action)
