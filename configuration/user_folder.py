"""The user's own configuration folder: secrets of this person for the apps of this machine.

It lies outside the state folder, which runs and services cannot see; each state folder has a
subfolder of its own, so that several apps of one machine keep their secrets apart.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path


def user_folder(state: Path, environ: Mapping[str, str]) -> Path:
    """Return the folder with this user's secrets for a state folder: ~/.config/mlops/<name>.

    XDG_CONFIG_HOME counts when it is an absolute path ("XDG Base Directory Specification").
    """
    base = Path(environ.get("XDG_CONFIG_HOME", ""))
    if not base.is_absolute():
        home = environ.get("HOME", "")
        base = (Path(home) if home else Path.home()) / ".config"
    state = state.resolve()
    mark = hashlib.sha256(str(state).encode()).hexdigest()[:8]
    return base / "mlops" / f"{state.parent.name or 'state'}-{mark}"
