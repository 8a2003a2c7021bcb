"""Who may approve a release: approvers of now, and no author of it where duties are separate."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from function_app.domain.authorship import Authors, people_of
from function_app.domain.people import People, canonical, distinct

OWN_AUTHOR = "approved by its own author"


class Separation(StrEnum):
    """Whether authors may not approve: `auto` separates from two approvers on."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRules:
    """The rules of a model for approvals as mlops.toml has them now; never frozen with a release.

    `approvers` are names as mlops.toml writes them.
    """

    approvers: tuple[str, ...] = ()
    required: int = 1
    separation: Separation = Separation.AUTO
    people: People

    @property
    def separate(self) -> bool:
        """Whether an author is refused as an approver."""
        if self.separation is Separation.AUTO:
            return len(distinct(self.approvers, self.people)) > 1
        return self.separation is Separation.ON

    def is_approver(self, person: str) -> bool:
        """Return whether this person is an approver now, under any of the person's names."""
        return canonical(person, self.people) in distinct(self.approvers, self.people)

    def is_author(self, person: str, authors: Authors) -> bool:
        """Return whether this person is an author, under any of the person's names."""
        return canonical(person, self.people) in people_of(authors, self.people)

    def may_approve(self, person: str, authors: Authors) -> bool:
        """Return whether an approval of this person counts now."""
        own = self.separate and self.is_author(person, authors)
        return self.is_approver(person) and not own

    def eligible(self, authors: Authors) -> tuple[str, ...]:
        """Return the approvers whose approval counts, as mlops.toml writes them."""
        return tuple(name for name in self.approvers if self.may_approve(name, authors))

    def counted(self, approvers: Iterable[str], authors: Authors) -> tuple[str, ...]:
        """Return the distinct people among these whose approvals count now."""
        return distinct((p for p in approvers if self.may_approve(p, authors)), self.people)

    def remark(self, person: str, authors: Authors) -> str:
        """Return the remark that belongs to an approval of this person, "" when there is none."""
        return OWN_AUTHOR if self.is_author(person, authors) else ""

    def outlook(self, authors: Authors) -> tuple[str, ...]:
        """Return sentences for the evidence about authors among the approvers."""
        own = [name for name in self.approvers if self.is_author(name, authors)]
        if not own:
            return ()
        named = " and ".join(own)
        if not self.separate:
            return (f"{named} may approve although an author: it is then {OWN_AUTHOR}.",)
        left = self.eligible(authors)
        if len(distinct(left, self.people)) >= self.required:
            return (f"{named} cannot approve it as an author; {' or '.join(left)} can.",)
        return (
            f"{named} cannot approve it as an author, so that {len(left)} of "
            f"{self.required} required approvers remain. Name another approver in mlops.toml, or "
            "set separation_of_duties = false.",
        )


def of_approvals(given: int, required: int) -> str:
    """Return how far a release is approved, such as "1 of 2 approvals"."""
    return f"{given} of {required} approvals"
