"""The model card of a version: Markdown from the records of its lineage.

The sections follow Mitchell et al., Model Cards for Model Reporting (2019), as far as the app has
records: details, data, evaluation. The purpose of a model is not in them.
"""

from collections.abc import Iterator

from mlopsctl import screens
from mlopsctl.reach.client import Content

# Facts of the link `model` that are no figures.
_TEXTS = ("evaluation", "verdict")
_PLOTS = "plots/predicted.svg and plots/residuals.svg, or plots/calibration.svg and plots/roc.svg"


def card(content: Content) -> list[str]:
    """Return the lines of the card of a version."""
    links = {link["link"]: link for link in content["links"]}
    return [
        f"# {_plain(content['model'])}, version {_plain(content['version'])}",
        *_details(links),
        *_data(links),
        *_training(links),
        *_evaluation(links),
        *_unknown(content["links"]),
    ]


def _details(links: dict[str, Content]) -> Iterator[str]:
    model, commit = links["model"], links["commit"]
    yield from ("", "## Model", "")
    yield from _rows(
        ("digest of the model folder", model["digest"]),
        ("registered", screens.moment(model["at"])),
        ("commit", commit["id"]),
        ("digest of the code", commit["digest"]),
        *commit["facts"].items(),
    )


def _data(links: dict[str, Content]) -> Iterator[str]:
    data, event = links["data"], links["event"]
    yield from ("", "## Data", "")
    yield from _rows(
        ("digest of the file", data["digest"]),
        *data["facts"].items(),
        ("event", event["facts"].get("type")),
        ("received", screens.moment(event["at"])),
    )


def _training(links: dict[str, Content]) -> Iterator[str]:
    run, lock = links["run"], links["lock"]
    yield from ("", "## Training", "")
    yield from _rows(
        ("run", run["id"]),
        ("began", screens.moment(run["at"])),
        *links["parameters"]["facts"].items(),
        ("lock of the packages", lock["digest"]),
        *lock["facts"].items(),
    )


def _evaluation(links: dict[str, Content]) -> Iterator[str]:
    facts = links["model"]["facts"]
    figures = [(name, value) for name, value in facts.items() if name not in _TEXTS]
    yield from ("", "## Evaluation on held-out rows", "")
    yield from _rows(*figures)
    if "verdict" in facts:
        yield from ("", f"Verdict of the gate: {_plain(facts['verdict'])}")
    if "evaluation" in facts:
        yield from ("", f"The run {_plain(facts['evaluation'])} has the plots: {_PLOTS}.")


def _unknown(links: list[Content]) -> Iterator[str]:
    reasons = dict.fromkeys(link["missing"] for link in links if link["missing"])
    if reasons:
        yield from ("", "## Unknown", "", *(f"- {_plain(reason)}" for reason in reasons))


def _rows(*facts: tuple[str, object]) -> Iterator[str]:
    """Yield a table of the facts that are known."""
    known = [(name, value) for name, value in facts if value]
    if not known:
        yield "Nothing is recorded."
        return
    yield from ("| fact | value |", "|---|---|")
    for name, value in known:
        yield f"| {_plain(name.replace('_', ' '))} | {_plain(value)} |"


def _plain(value: object) -> str:
    """Return a text of one line in which nothing is Markdown or HTML.

    A training chooses the names of its figures, and a sender the subject of an event.
    """
    text = " ".join(str(value).split())
    for mark in "\\`*_[]<>|#":
        text = text.replace(mark, f"\\{mark}")
    return text
