"""The keys with which callers ask production."""

import typer

from mlopsctl.connection import STATE, Json, State, Url, connect, print_json
from mlopsctl.decisions import Comment, Person

keys = typer.Typer(help="Rotate the keys of a model's production.", no_args_is_help=True)


@keys.callback()
def callers() -> None:
    """Rotate the keys of a model's production."""


@keys.command()
def rotate(
    model: str,
    comment: Comment = "",
    person: Person = "ada",
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Make a new first key; the former first key works until the next rotation."""
    content = connect(url, state).rotate_keys(model, person, comment)
    if as_json:
        return print_json(content)
    print(f"{model} has a new key. Within two minutes production takes it. curl sends it by:")
    print(f'-H "{content["header"]}"')
    return print("The former key works until the next rotation: give callers the new one first.")
