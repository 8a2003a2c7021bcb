"""The generated pages, each with the function that writes it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from configuration import page as mlops_toml
from reference import (
    api,
    arrows,
    commands,
    differences,
    errors,
    events,
    host_json,
    openapi,
    settings,
)

ROOT = Path(__file__).resolve().parents[1]
ARCHITECTURE = "docs/explanation/architecture.md"


def architecture() -> str:
    """Return the page with the arrows between rooms redrawn; the rest is written by hand."""
    return arrows.fill((ROOT / ARCHITECTURE).read_text(encoding="utf-8"))


PAGES: Mapping[str, Callable[[], str]] = {
    openapi.DOCUMENT: openapi.page,
    ARCHITECTURE: architecture,
    differences.PAGE: differences.describe,
    "docs/reference/api.md": api.describe,
    "docs/reference/cli.md": commands.describe,
    "docs/reference/errors.md": errors.describe,
    "docs/reference/events.md": events.describe,
    host_json.PAGE: host_json.describe,
    mlops_toml.PAGE: mlops_toml.describe,
    "docs/reference/settings.md": settings.describe,
}
