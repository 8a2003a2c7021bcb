"""This user's keys of production lie outside the state folder, because runs can read the state."""

from collections.abc import Mapping
from pathlib import Path

from configuration.people.tokens import config_folder, folder_name


def user_folder(state: Path, environ: Mapping[str, str]) -> Path:
    """Return this user's folder with the keys of the models that a state folder serves."""
    return config_folder(environ) / "keys" / folder_name(str(state.resolve()))
