"""The keys with which callers ask production."""

import typer

from mlopsctl.reach.connection import print_json
from mlopsctl.reach.options import Decider, decides

keys = typer.Typer(help="Rotate the keys of a model's production.", no_args_is_help=True)


@keys.callback()
def callers() -> None:
    """Rotate the keys of a model's production."""


@keys.command()
@decides
def rotate(decider: Decider, model: str) -> None:
    """Make a new first key; the former first key works until the next rotation."""
    content = decider.api.rotate_keys(model, decider.person, decider.comment)
    if decider.as_json:
        return print_json(content)
    print(f"{model} has a new key. Production accepts it within two minutes. Send it with curl:")
    print(f'-H "{content["header"]}"')
    return print("The former key works until the next rotation: give callers the new one first.")
