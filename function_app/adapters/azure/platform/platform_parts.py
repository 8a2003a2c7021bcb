"""Parts of the Azure platform: each is read, created or updated, and removed by itself.

A part that cannot be read is never taken for absent: only Azure's own "not found" means that. A
part without this app's mark is never removed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from function_app.domain.platform import EnsuredPart, PartState, PlannedPart
from function_app.errors import AttemptError

# The tag of everything that this app makes.
MARK, PLATFORM = "mlops", "platform"
_UNDER_WAY = ("creating", "updating", "accepted", "provisioning", "resizing", "scaling", "deleting")


class Elsewhere(Enum):
    """The result of `find` for a resource that infra/ owns and that this app may not read."""

    ELSEWHERE = "elsewhere"


ELSEWHERE = Elsewhere.ELSEWHERE
Resource = TypeVar("Resource")
Given = TypeVar("Given", contravariant=True)


class Fixed(str):
    """A difference that Azure cannot change in an existing resource."""


class Part(Protocol[Resource]):
    """A resource of Azure that must exist before the first event."""

    @property
    def name(self) -> str: ...

    def find(self) -> Resource | Elsewhere | None:
        """Return the existing resource, None when there is none."""

    def differences(self, resource: Resource) -> list[str]:
        """Return the differences from the settings; `Fixed` when Azure cannot change it."""

    def describe(self) -> str:
        """Return a short description of the resource."""

    def make(self, resource: Resource | None) -> None:
        """Begin to create the resource, to update `resource`, or to make a failed one again."""

    def state_of(self, resource: Resource) -> str:
        """Return Azure's provisioning state of the resource."""

    def is_ours(self, resource: Resource) -> bool:
        """Return whether this app made it."""

    def delete(self, resource: Resource) -> None:
        """Begin to remove it."""


class SteadyPart(Generic[Resource]):
    """The answers of a resource that has no settings to compare and no state of provisioning."""

    def differences(self, resource: Resource) -> list[str]:
        return []

    def state_of(self, resource: Resource) -> str:
        return "Succeeded"


AnyPart = Part[Any]  # parts of several kinds


@runtime_checkable
class Refusing(Protocol[Given]):
    """A part that this app does not always make or change."""

    def refusal(self, resource: Given | None) -> str:
        """Return why `make` refuses, "" when it does not; `resource` as `make` takes it."""


@dataclass(frozen=True, slots=True)
class PartKeeper(Generic[Resource]):
    """Ensures one part: reads it and makes it when it is missing, without waiting."""

    part: Part[Resource]

    def plan(self) -> PlannedPart:
        """Return the change that `ensure` would make; change nothing."""
        name, resource = self.part.name, self.part.find()
        if resource is None:
            detail = f"Would make {self.part.describe()}."
            if refusal := self._refusal(None):
                detail = f"Cannot make {self.part.describe()}: {refusal}"
            return PlannedPart(part=name, state=PartState.ABSENT, detail=detail)
        if resource is ELSEWHERE:
            detail = f"Not checked: {self.part.describe()}"
            return PlannedPart(part=name, state=PartState.ELSEWHERE, detail=detail)
        differences = self.part.differences(resource)
        if differences:
            detail = _planned(differences, self._refusal(resource))
            return PlannedPart(part=name, state=PartState.DIFFERENT, detail=detail)
        return PlannedPart(part=name, state=PartState.PRESENT, detail=self.part.describe())

    def _refusal(self, resource: Resource | None) -> str:
        return self.part.refusal(resource) if isinstance(self.part, Refusing) else ""

    def ensure(self) -> EnsuredPart:
        """Make the part or find it; not ready while Azure is at it.

        AttemptError when making it failed; it is being made again then.
        """
        name, resource = self.part.name, self.part.find()
        if resource is None:
            self.part.make(None)
            return EnsuredPart(part=name, detail=f"Makes {self.part.describe()}.", ready=False)
        if resource is ELSEWHERE:
            return EnsuredPart(part=name, detail=f"Not checked: {self.part.describe()}")
        state = self.part.state_of(resource).lower()
        if state in _UNDER_WAY:
            return EnsuredPart(part=name, detail=f"It is {state}.", ready=False)
        if state in ("failed", "canceled"):
            # Azure repairs a resource whose creation failed by a repetition of the same request.
            self.part.make(resource)
            text = f"{self.part.describe()} was {state}. The portal shows why; it is made again."
            raise AttemptError("azure", f"make {name}", text)
        differences = self.part.differences(resource)
        if differences:
            self.part.make(resource)
            detail = f"Changes {'; '.join(differences)}."
            return EnsuredPart(part=name, detail=detail, ready=False)
        return EnsuredPart(part=name, detail=self.part.describe())

    def remove(self) -> str:
        """Remove the part when this app made it; return a sentence about the result."""
        name, resource = self.part.name, self.part.find()
        if resource is None:
            return f"There is no {name}."
        if resource is ELSEWHERE or not self.part.is_ours(resource):
            return f"{name} stays: this app did not make it."
        self.part.delete(resource)
        return f"{self.part.describe()} is being removed."


def _planned(differences: list[str], refusal: str) -> str:
    """Return the sentences about the changes that `ensure` would make, or why it makes none."""
    fixed = [text for text in differences if isinstance(text, Fixed)]
    if not fixed and refusal:
        return f"Cannot change {'; '.join(differences)}: {refusal}"
    if not fixed:
        return f"Would change {'; '.join(differences)}."
    # A fixed difference stops every change, because the other changes would hide it.
    text = f"Cannot change {'; '.join(fixed)}: Azure fixes that at the creation."
    return f"{text} Correct the setting, or remove the part and create it again."


def get_or_none(get: Callable[[], Resource]) -> Resource | None:
    """Return the result of `get`, None when it raises NotFoundError."""
    from function_app.errors import NotFoundError

    try:
        return get()
    except NotFoundError:
        return None
