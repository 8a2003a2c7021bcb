"""Authentication and authorisation of the person who sends a request."""

from function_app.domain.project import ModelProject, project_of
from function_app.domain.release.authorization import ChangeKind
from function_app.errors import RefusedError
from function_app.triggers.invocation import Invocation, Request


def identify(invocation: Invocation, request: Request) -> str:
    """Return the person whose token the request carries, or raise RefusedError."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    # Tokens are ASCII: libraries fail in different ways on other characters.
    is_token = scheme.lower() == "bearer" and token.isascii()
    if not is_token:
        raise RefusedError("Send your token as `Authorization: Bearer <token>`.")
    person = invocation.ports.approvers.identify(token.strip())
    if person is None:
        raise RefusedError(
            "The app knows no person with this token. It was replaced or revoked, has expired, or "
            "belongs to another app. Ask the owner of the app for a new one; on one machine: "
            "`mlopsctl token issue NAME`."
        )
    invocation.attempt.person = person
    return person


def find_person(invocation: Invocation, request: Request) -> str:
    """Return the person whose token the request carries, "" for a request without a token.

    RefusedError for a token of no person: a person who sends a token wants to be identified.
    """
    return identify(invocation, request) if "authorization" in request.headers else ""


def find_sender(invocation: Invocation, request: Request) -> str:
    """Return the person whose token the request carries, "" for any other request.

    Event sources may send tokens of their own; these name no person, and their events are taken.
    """
    try:
        return find_person(invocation, request)
    except RefusedError:
        return ""


def check_approver(invocation: Invocation, person: str, model: str) -> None:
    """Raise NotFoundError for an unknown model, RefusedError for a person who is no approver."""
    if not _project(invocation, model).approval_rules().is_approver(person):
        raise RefusedError(f"{person} is not an approver of {model}.", code="NOT_AN_APPROVER")


def check_operator(invocation: Invocation, person: str, model: str, kind: ChangeKind) -> None:
    """Raise NotFoundError for an unknown model, RefusedError for a person who may not order this.

    Approvers and operators may roll back; only operators may take production down.
    """
    if not _project(invocation, model).production_rules().may_order(kind, person):
        raise RefusedError(f"{person} is not an operator of {model}.", code="NOT_AN_OPERATOR")


def _project(invocation: Invocation, model: str) -> ModelProject:
    invocation.attempt.model = model
    return project_of(invocation.projects, model)
