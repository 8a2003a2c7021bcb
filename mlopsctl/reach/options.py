"""The options of commands that act or read in the name of a person, declared once."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from mlopsctl.reach.client import Api
from mlopsctl.reach.connection import STATE, Json, State, Url, connect

Given = ParamSpec("Given")
Person = Annotated[
    str,
    typer.Option(
        "--as",
        help="The person whose token is sent. Needed when you have tokens of several people.",
    ),
]
Author = Annotated[
    str,
    typer.Option(
        "--as",
        help="The person who asks and becomes an author, who cannot approve the result. By default "
        "the only person whose token you have, else no person.",
    ),
]
Comment = Annotated[str, typer.Option(help="The reason; it is stored with the decision.")]


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The app that a command asks, the person in whose name, and how the answer is printed."""

    url: str
    state: Path
    named: str
    as_json: bool

    @cached_property
    def api(self) -> Api:
        """The app; ApiError when none runs. A command that does not use it raises nothing."""
        return connect(self.url, self.state)

    @cached_property
    def person(self) -> str:
        """The person in whose name the command asks, "" for that of MLOPS_TOKEN.

        ApiError when no person was named and this user has not exactly one token.
        """
        return person_of(self.api, self.named)


@dataclass(frozen=True, kw_only=True)
class Decider(Caller):
    """A caller who may say why; the comment is "" without a reason."""

    comment: str


def person_of(api: Api, named: str) -> str:
    """Return the named person, else the only person whose token this user has.

    The second person is printed. "" is the person of MLOPS_TOKEN. ApiError when this user has no
    token or several.
    """
    chosen = api.choose(named)
    if chosen != named:
        print(f"Asking as {chosen}, whose token is the only one you have.", file=sys.stderr)
    return chosen


def reads(command: Callable[Concatenate[Caller, Given], None]) -> Callable[..., None]:
    """Return a typer command with the options of a caller after its own parameters."""
    return _with_options(command, _caller)


def decides(command: Callable[Concatenate[Decider, Given], None]) -> Callable[..., None]:
    """Return a typer command with the options of a decider after its own parameters."""
    return _with_options(command, _decider)


def _caller(
    person: Person = "", url: Url = "", state: State = STATE, as_json: Json = False
) -> Caller:
    return Caller(url=url, state=state, named=person, as_json=as_json)


def _decider(
    comment: Comment = "",
    person: Person = "",
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> Decider:
    return Decider(url=url, state=state, named=person, as_json=as_json, comment=comment)


def _with_options(command: Callable[..., None], make: Callable[..., Caller]) -> Callable[..., None]:
    """Return the command with the options of `make`, whose result is its first argument.

    typer reads a command's options from its signature.
    """
    own = tuple(inspect.signature(command).parameters.values())[1:]
    shared = inspect.signature(make).parameters

    @wraps(command)
    def run(**values: Any) -> None:
        caller = make(**{name: values.pop(name) for name in shared})
        command(caller, **values)

    signature = inspect.Signature((*own, *shared.values()))
    run.__signature__ = signature  # type: ignore[attr-defined]
    return run
