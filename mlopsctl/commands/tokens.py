"""mlopsctl token: issues and revokes the tokens of approvers, and keeps this user's copies."""

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from configuration.people.tokens import ClientTokens, IssuedTokens, config_folder, copies_of
from configuration.project_file import read_project_file
from mlopsctl.commands.config import own_file
from mlopsctl.reach.client_errors import ApiError
from mlopsctl.reach.connection import ROOT, STATE, Json, State, Url, print_json
from mlopsctl.reach.credentials import check_secure, is_loopback, origin

tokens = typer.Typer(
    help="Issue, rotate and revoke approvers' tokens of a state folder; needs no running app.",
    no_args_is_help=True,
)
Person = Annotated[str, typer.Argument(metavar="NAME", help="A person of mlops.toml.")]
Copy = Annotated[
    bool, typer.Option("--copy/--no-copy", help="Keep a copy in your configuration folder.")
]


@tokens.callback()
def manage() -> None:
    """Issue, rotate and revoke approvers' tokens of a state folder; needs no running app."""


@tokens.command()
def issue(name: Person, copy: Copy = True, state: State = STATE, as_json: Json = False) -> None:
    """Issue a token and print it once; an earlier token of the person becomes invalid.

    The state keeps its SHA-256 only. Use --no-copy for the token of somebody else.
    """
    if name not in _approvers():
        text = f"No model of mlops.toml has the approver {name!r}. Known: {', '.join(_approvers())}"
        raise ApiError("NOT_AN_APPROVER", f"{text}.")
    copies = copies_of(state, os.environ)
    token = _owned(state).issue(name, copy=copy)
    copy_path = str(copies.path(name)) if copy else ""
    if as_json:
        return print_json({"name": name, "token": token, "copy": copy_path})
    print(token)
    where = f" Your copy: {copy_path}." if copy else ""
    print(f"This is the token of {name}; it is not printed again.{where}", file=sys.stderr)
    return None


@tokens.command()
def rotate(name: Person, copy: Copy = True, state: State = STATE, as_json: Json = False) -> None:
    """Replace a person's token: the same as issue, for a person who has one."""
    if name not in _owned(state).people():
        raise ApiError("NO_TOKEN", f"{name} has no token. `mlopsctl token issue {name}` makes one.")
    issue(name, copy, state, as_json)


@tokens.command()
def revoke(name: Person, state: State = STATE) -> None:
    """Revoke a person's token at once; `issue` makes a new one."""
    issued = _owned(state)
    if name not in issued.people() and name not in _approvers():
        # A misspelt name must not look revoked while the person's token is still valid.
        text = f"{name!r} has no token of {state}, and no model of mlops.toml names such a person."
        raise ApiError("NO_TOKEN", f"{text} `mlopsctl token list` lists the people with a token.")
    issued.revoke(name)
    print(f"{name} has no valid token on {state}.")


@tokens.command("list")
def list_tokens(state: State = STATE, as_json: Json = False) -> None:
    """List the people with a token of this state, and your copies."""
    copies = copies_of(state, os.environ)
    people = [
        {"name": name, "counts": counts, "copy": bool(copies.find(name))}
        for name, counts in _owned(state).people().items()
    ]
    if as_json:
        return print_json(people)
    for person in people:
        counts = "counts" if person["counts"] else "revoked"
        print(f"{person['name']:<30}{counts:<10}{'you have a copy' if person['copy'] else ''}")
    return None


@tokens.command()
def show(name: Person, url: Url = "", state: State = STATE) -> None:
    """Print your copy of a token, for curl and scripts."""
    copies = (
        ClientTokens(config_folder(os.environ), origin(url))
        if url
        else copies_of(state, os.environ)
    )
    token = copies.find(name) or (
        copies_of(state, os.environ).find(name) if url and is_loopback(url) else ""
    )
    if not token:
        text = f"You have no copy of a token of {name}: {copies.path(name)} holds none."
        raise ApiError("NO_TOKEN", f"{text} `mlopsctl token issue {name}` makes a new token.")
    print(token)


@tokens.command()
def store(
    name: Person,
    url: Annotated[str, typer.Option(envvar="MLOPS_URL", help="The app that issued it.")],
) -> None:
    """Store a token that another machine issued; it is read from the standard input."""
    check_secure(url)
    token = getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not token.strip() or not token.strip().isascii():
        raise ApiError("NO_TOKEN", "No token was given. Pipe it into this command.")
    copies = ClientTokens(config_folder(os.environ), origin(url))
    copies.keep(name, token.strip())
    print(f"The token is stored in {copies.path(name)}; it is sent to {origin(url)} only.")


def new_tokens(state: Path, known: Any) -> list[tuple[str, str]]:
    """Return name and token of each person who got a token after `people` returned `known`."""
    copies = copies_of(state, os.environ)
    return [
        (name, token)
        for name, counts in IssuedTokens(state, copies_of(state, os.environ)).people().items()
        if counts and name not in known and (token := copies.find(name))
    ]


def people(state: Path) -> set[str]:
    """Return the people with a token of a state folder, also by a record of version 0.1.0."""
    plain = {path.stem for path in (state / "approvers").glob("*.token")}
    return {*IssuedTokens(state, copies_of(state, os.environ)).people(), *plain}


def _approvers() -> list[str]:
    models = read_project_file(own_file(), ROOT)["models"].values()
    names = {
        str(name)
        for model in models
        for key in ("approvers", "operators")
        for name in model.get("release", {}).get(key, ())
    }
    return sorted(names)


def _owned(state: Path) -> IssuedTokens:
    """Return the tokens of a state; ApiError unless this user owns its folder."""
    folder = state / "approvers"
    if not folder.is_dir():
        text = f"{state} has issued no token yet. `make up` issues one for each approver."
        raise ApiError("NO_STATE", f"{text} Or name the app's state folder by --state.")
    if folder.stat().st_uid != os.getuid():
        raise ApiError("NOT_THE_OWNER", f"Only the owner of {state} issues and revokes its tokens.")
    return IssuedTokens(state, copies_of(state, os.environ))
