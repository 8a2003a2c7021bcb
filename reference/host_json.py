"""docs/reference/host-json.md: every setting of host.json, from the data file of the host."""

import json
from collections.abc import Iterator

from funchost.app.host_json.document import Setting, settings
from reference.markdown import table

PAGE = "docs/reference/host-json.md"
_HEAD = """\
# host.json on funchost

The local host reads host.json as the host in Azure does: comments and a comma at the end are
allowed, the case of a name does not matter, and `AzureFunctionsJobHost__a__b` in the environment
overrides `a.b`. (`import azure.durable_functions` reads the file strictly, here and in Azure: an
app with orchestrations must have no comments in it.) A setting that this page does not name is
logged as a warning at the start.

An app setting `AzureWebJobs.NAME.Disabled` (or `AzureWebJobs_NAME_Disabled`) of `true` or `1`
disables a function: it has no route and no trigger, and an orchestrator that calls it fails.

This page is written by `python -m reference` from `funchost/app/host_json/settings.toml`.
"""
_SECTIONS = {
    "done": "Settings that work as in Azure",
    "refused": "Settings that stop the start",
    "none": "Settings without effect, which the start logs",
}


def describe() -> str:
    """Return the page."""
    return f"{_HEAD}\n" + "\n".join(_sections())


def _sections() -> Iterator[str]:
    known = settings()
    for does, heading in _SECTIONS.items():
        yield f"## {heading}\n"
        rows = [[f"`{s.name}`", s.text + _accepted(s)] for s in known if s.does == does]
        yield "\n".join(table(("setting", "on funchost"), rows))


def _accepted(setting: Setting) -> str:
    return "" if setting.same is None else f" Accepted: `{json.dumps(setting.same)}`."
