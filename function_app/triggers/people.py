"""Who sends a request, and whether that person may do it."""

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
    project = desk.projects.get(model)
    desk.attempt.model = model
    if project is None:
        raise NotFoundError(f"mlops.toml names no model {model[:60]!r}.")
    if person not in project.release.approvers:
        raise RefusedError(f"{person} is not an approver of {model}.", code="NOT_AN_APPROVER")
