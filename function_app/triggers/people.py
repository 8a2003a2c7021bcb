"""Who sends a request, and whether that person may do it."""

from function_app.domain.authorization import ChangeKind
from function_app.domain.project import ModelProject
from function_app.errors import NotFoundError, RefusedError
from function_app.triggers.desk import Desk, Request


def identify(desk: Desk, request: Request) -> str:
    """Return the person whose token the request carries, or raise RefusedError."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    person = desk.ports.approvers.identify(token.strip()) if scheme.lower() == "bearer" else None
    if person is None:
        raise RefusedError("Send your token as `Authorization: Bearer <token>`.")
    desk.attempt.person = person
    return person


def check_approver(desk: Desk, person: str, model: str) -> None:
    """Raise NotFoundError for an unknown model, RefusedError for a person who does not approve."""
    if person not in _project(desk, model).release.approvers:
        raise RefusedError(f"{person} is not an approver of {model}.", code="NOT_AN_APPROVER")


def check_operator(desk: Desk, person: str, model: str, kind: ChangeKind) -> None:
    """Raise NotFoundError for an unknown model, RefusedError for a person who may not order this.

    Approvers and operators may roll back; only operators may take production down.
    """
    if not _project(desk, model).production_rules().may_order(kind, person):
        raise RefusedError(f"{person} is not an operator of {model}.", code="NOT_AN_OPERATOR")


def _project(desk: Desk, model: str) -> ModelProject:
    project = desk.projects.get(model)
    desk.attempt.model = model
    if project is None:
        raise NotFoundError(f"mlops.toml names no model {model[:60]!r}.")
    return project
