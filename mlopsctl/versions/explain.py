"""mlopsctl explain: the event, data, commit, parameters, lock and run behind a version."""

from typing import Annotated

import typer

from mlopsctl import screens
from mlopsctl.reach.client import ApiError, Content, segment
from mlopsctl.reach.connection import STATE, Json, State, Url, connect, print_json

VersionName = Annotated[str, typer.Argument(metavar="MODEL:VERSION", help="Such as diabetes:3.")]
Card = Annotated[bool, typer.Option("--card", help="Print the model card, as Markdown.")]
_INDENT = " " * 13


def explain(
    name: VersionName,
    as_card: Card = False,
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Explain a version by its event, data, commit, parameters, lock, run and model."""
    api = connect(url, state)
    content = api.get(f"{version_path(name)}/lineage")
    if as_card:
        return print(api.text(content["model_card"]), end="")
    if as_json:
        return print_json(content)
    out = screens.console()
    for line in lines(content):
        out.print(line, soft_wrap=True, markup=False)
    return None


def version_path(name: str) -> str:
    """Return the path of a version that is named MODEL:VERSION; ApiError for another form."""
    model, colon, version = name.rpartition(":")
    if not colon or not model or not version:
        raise ApiError("BAD_NAME", f"{name!r} is not MODEL:VERSION, such as diabetes:3.")
    return f"/api/models/{segment(model)}/versions/{segment(version)}"


def lines(content: Content) -> list[str]:
    """Return the chain as lines: a link, its facts below it, and what is missing of it."""
    text = [f"{content['model']} version {content['version']}"]
    for link in content["links"]:
        head = [link["id"] or "", screens.moment(link["at"])]
        text.append(f"  {link['link']:<11}{'  '.join(part for part in head if part)}".rstrip())
        if link["digest"]:
            text.append(f"{_INDENT}sha256 {link['digest']}")
        for fact, value in link["facts"].items():
            text.append(f"{_INDENT}{fact.replace('_', ' ')}: {value}")
        if link["missing"]:
            text.append(f"{_INDENT}{link['missing']}")
    return text
