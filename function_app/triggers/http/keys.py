"""The authentication of production's callers, and the rotation of their keys."""

import asyncio
import shlex
from typing import TypedDict

from function_app.domain.release.authorization import ChangeKind
from function_app.errors import ConflictError
from function_app.triggers.bodies import Comment, read_body
from function_app.triggers.invocation import Done, Invocation, Request
from function_app.triggers.people import check_operator, identify


class Rotation(TypedDict):
    """The header that callers of production send from now on, or the file that has it."""

    model: str
    header: str
    rotated_by: str


async def post_rotation(invocation: Invocation, request: Request) -> Done[Rotation]:
    """Replace the older of a model's two keys; the former first key works until the next time."""
    person, model = identify(invocation, request), request.route["model"]
    read_body(request, Comment)
    # Approvers and operators, as for a roll-back.
    check_operator(invocation, person, model, ChangeKind.ROLL_BACK)

    def rotate() -> str:
        if invocation.ports.production.endpoint(model) is None:
            raise ConflictError(f"Production serves no version of {model}, so it has no keys yet.")
        return invocation.ports.production.rotate_keys(model)

    header = await asyncio.to_thread(rotate)
    return Done(content={"model": model, "header": header, "rotated_by": person})


def example_call(invocation: Invocation, model: str, endpoint: str, header: str) -> str:
    """Return a command that asks production for one row, complete as it stands."""
    data = invocation.projects[model].data
    width = sum(name != data.target for name in data.columns)
    row = ", ".join(["0"] * width)
    # A file is quoted whole; a command in the header is for the shell.
    quoted = shlex.quote(header) if header.startswith("@") else f'"{header}"'
    return f"curl -s {shlex.quote(endpoint + '/score')} -H {quoted} -d '{{\"data\": [[{row}]]}}'"
