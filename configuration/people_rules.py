"""Rules of mlops.toml between people and approvers; values of a wrong type are left out."""

from collections.abc import Iterator, Mapping
from typing import Any

from configuration.kinds import Finding, show

Tables = Mapping[str, Any]


def check_people(content: Tables) -> Iterator[Finding]:
    """Yield conflicts between two people, and between the people and a model's approvers."""
    people, models = _tables(content.get("people")), _tables(content.get("models"))
    yield from _check_identities(people)
    yield from _check_approvers_names(people, models)
    for name, model in models.items():
        release = model.get("release")
        if isinstance(release, Mapping):
            yield from _check_release(f"models.{name}.release", release, people)


def _check_identities(people: Mapping[str, Tables]) -> Iterator[Finding]:
    """Yield identities that two people share, because an author could be either of them."""
    owners: dict[str, str] = {}
    for name in people:
        earlier = owners.setdefault(name.lower(), f"people.{name}")
        if earlier != f"people.{name}":
            yield f"people.{name}", f"people.{name}: {earlier} is the same name."
    for name, person in people.items():
        for where, identity in _identities(f"people.{name}", person):
            owner = owners.setdefault(identity.lower(), f"people.{name}")
            if owner != f"people.{name}":
                text = f"{where} = {show(identity)}: {owner} has this name, too. Two people cannot"
                yield where, f"{text} share an identity."


def _check_approvers_names(
    people: Mapping[str, Tables], models: Mapping[str, Tables]
) -> Iterator[Finding]:
    """Yield git names that are another approver's name, because an author would match both."""
    approvers: dict[str, str] = {}
    # The comparison of identities already reports a name that has a table.
    names = {name.lower() for name in people}
    for name, model in models.items():
        listed = _tables({"release": model.get("release")}).get("release", {}).get("approvers")
        for approver in listed if isinstance(listed, list) else []:
            if isinstance(approver, str):
                approvers.setdefault(approver.lower(), f"models.{name}.release.approvers")
    for name, person in people.items():
        for where, identity in _identities(f"people.{name}", person):
            owner = approvers.get(identity.lower())
            if owner and identity.lower() not in names and not where.endswith(".oid"):
                text = f"{owner} has an approver of this name, who is another person."
                yield where, f"{where} = {show(identity)}: {text}"


def _check_release(path: str, release: Tables, people: Mapping[str, Tables]) -> Iterator[Finding]:
    listed = release.get("approvers")
    approvers = [n for n in listed if isinstance(n, str)] if isinstance(listed, list) else []
    if not approvers:
        return
    ids = {
        oid.lower(): name
        for name, person in people.items()
        if isinstance(oid := person.get("oid"), str) and oid
    }
    first: dict[str, int] = {}
    for number, approver in enumerate(approvers):
        name = ids.get(approver.lower(), approver).lower()
        earlier = first.setdefault(name, number)
        # The check of the key itself already reports a repeated name.
        if earlier != number and approvers[earlier].lower() != approver.lower():
            where = f"{path}.approvers[{number}]"
            text = f"it is the person of {path}.approvers[{earlier}]. Name each person once."
            yield where, f"{where} = {show(approver)}: {text}"
    required = release.get("approvals_required", 1)
    if isinstance(required, int) and not isinstance(required, bool) and required > len(first):
        where = f"{path}.approvals_required"
        count = "is 1 approver" if len(first) == 1 else f"are {len(first)} approvers"
        yield where, f"{where} = {show(required)}: there {count}. Name more, or require fewer."


def _identities(path: str, person: Tables) -> Iterator[tuple[str, str]]:
    listed = person.get("git")
    for number, identity in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(identity, str):
            yield f"{path}.git[{number}]", identity
    if isinstance(oid := person.get("oid"), str) and oid:
        yield f"{path}.oid", oid


def _tables(value: object) -> dict[str, Tables]:
    tables = value if isinstance(value, Mapping) else {}
    return {name: table for name, table in tables.items() if isinstance(table, Mapping)}
