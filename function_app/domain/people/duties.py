"""Approvers of a release: those in mlops.toml now, without authors if duties are separate."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from function_app.domain.people.authorship import Authors, has_known_cause, people_of
from function_app.domain.people.people import People, canonical, distinct

OWN_AUTHOR = "approved by its own author"
START_AGAIN = (
    "Start the training with a person's token, such as `mlopsctl train <model> --as <name>`."
)


class Separation(StrEnum):
    """The rule whether authors may approve: `auto` separates from two approvers on."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class UnknownAuthor(StrEnum):
    """The approval of a version without a known author where duties are separate.

    `record` says so in the evidence. `second` needs one approver more, so that not all of them can
    be the unknown person. `refuse` takes no approval.
    """

    RECORD = "record"
    SECOND = "second"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRules:
    """The rules of a model for approvals as mlops.toml has them now; never frozen with a release.

    `approvers` are names as mlops.toml writes them.
    """

    approvers: tuple[str, ...] = ()
    required: int = 1
    separation: Separation = Separation.AUTO
    unknown_author: UnknownAuthor = UnknownAuthor.RECORD
    people: People

    @property
    def separate(self) -> bool:
        """True when an author is refused as an approver."""
        if self.separation is Separation.AUTO:
            return len(distinct(self.approvers, self.people)) > 1
        return self.separation is Separation.ON

    def is_approver(self, person: str) -> bool:
        """Return whether this person is an approver now, under any of the person's names."""
        return canonical(person, self.people) in distinct(self.approvers, self.people)

    def is_author(self, person: str, authors: Authors) -> bool:
        """Return whether this person is an author, under any of the person's names."""
        return canonical(person, self.people) in people_of(authors, self.people)

    def is_unknown(self, authors: Authors) -> bool:
        """Return whether duties are separate and each approver may be the unknown author."""
        return self.separate and not has_known_cause(authors)

    def refuses(self, authors: Authors) -> bool:
        """Return whether no approval counts, because the version has no known author."""
        return self.unknown_author is UnknownAuthor.REFUSE and self.is_unknown(authors)

    def required_of(self, authors: Authors) -> int:
        """Return the number of distinct approvers that a version of these authors needs."""
        more = self.unknown_author is UnknownAuthor.SECOND and self.is_unknown(authors)
        return self.required + 1 if more else self.required

    def may_approve(self, person: str, authors: Authors) -> bool:
        """Return whether an approval of this person counts now."""
        own = self.separate and self.is_author(person, authors)
        return self.is_approver(person) and not own and not self.refuses(authors)

    def eligible(self, authors: Authors) -> tuple[str, ...]:
        """Return the approvers whose approval counts, spelled as in mlops.toml."""
        return tuple(name for name in self.approvers if self.may_approve(name, authors))

    def counted(self, approvers: Iterable[str], authors: Authors) -> tuple[str, ...]:
        """Return the distinct people among these whose approvals count now."""
        return distinct((p for p in approvers if self.may_approve(p, authors)), self.people)

    def remark(self, person: str, authors: Authors) -> str:
        """Return the remark that belongs to an approval of this person, "" when there is none."""
        return OWN_AUTHOR if self.is_author(person, authors) else ""

    def outlook(self, authors: Authors) -> tuple[str, ...]:
        """Return sentences for the evidence about authors among the approvers."""
        return (*self._unknown(authors), *self._own(authors))

    def _unknown(self, authors: Authors) -> tuple[str, ...]:
        if not self.is_unknown(authors):
            return ()
        unknown = (
            "The person who caused this version is unknown, so that any approver may be its author"
        )
        if self.unknown_author is UnknownAuthor.REFUSE:
            return (f'{unknown}; unknown_author = "refuse" takes no approval. {START_AGAIN}',)
        if self.unknown_author is UnknownAuthor.SECOND:
            count = self.required_of(authors)
            return (f"{unknown}; {count} distinct approvers must approve it.",)
        return (f'{unknown}; unknown_author = "record" accepts the approval of any approver.',)

    def _own(self, authors: Authors) -> tuple[str, ...]:
        own = [name for name in self.approvers if self.is_author(name, authors)]
        if not own:
            return ()
        named = " and ".join(own)
        if not self.separate:
            return (f"{named} may approve although an author: it is then {OWN_AUTHOR}.",)
        left = self.eligible(authors)
        if len(distinct(left, self.people)) >= self.required_of(authors):
            return (f"{named} cannot approve it as an author; {' or '.join(left)} can.",)
        return (
            f"{named} cannot approve it as an author, so that {len(left)} of "
            f"{self.required_of(authors)} required approvers remain. Name another approver in "
            "mlops.toml, or set separation_of_duties = false.",
        )


def of_approvals(given: int, required: int) -> str:
    """Return the progress of an approval, such as "1 of 2 approvals"."""
    return f"{given} of {required} approvals"
