"""Which page is made by which function."""

from collections.abc import Callable, Mapping

from configuration import page as mlops_toml
from reference import api, commands, errors, events, settings

PAGES: Mapping[str, Callable[[], str]] = {
    "docs/reference/api.md": api.describe,
    "docs/reference/cli.md": commands.describe,
    "docs/reference/errors.md": errors.describe,
    "docs/reference/events.md": events.describe,
    mlops_toml.PAGE: mlops_toml.describe,
    "docs/reference/settings.md": settings.describe,
}
