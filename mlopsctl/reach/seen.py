"""The image and evidence of each release that a command has shown to this user.

An approval must name the image and the evidence that the person read. If `approve` asked the app
for the digest and the hash itself, an image that changed after the person had looked would be
approved unread.
"""

import json
import os
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import quote

from configuration.people.tokens import config_folder, folder_name
from mlopsctl.reach.credentials import is_loopback, origin


class Subject(TypedDict):
    """The subject of a decision: the digest of the image, and the hash of the evidence."""

    image_digest: str
    evidence_hash: str


def subject_of(release: dict[str, Any]) -> Subject | None:
    """Return the subject of a decision over this release, None while there is nothing to decide."""
    image, evidence = release.get("image_digest"), release.get("evidence_hash")
    if not (isinstance(image, str) and isinstance(evidence, str) and image and evidence):
        return None
    return {"image_digest": image, "evidence_hash": evidence}


class SeenReleases:
    """Remembers the shown image and evidence of the releases of one app, in this user's folder."""

    def __init__(self, url: str, state: Path) -> None:
        """Take the app's address, and the state folder that it runs on when it is a local one."""
        issuer = str(state.resolve()) if is_loopback(url) else origin(url)
        self._folder = config_folder(os.environ) / "seen" / folder_name(issuer)

    def keep(self, release: dict[str, Any]) -> None:
        """Remember a release that waits for a decision and was just shown.

        A folder that cannot be written keeps nothing, because showing must not fail; `approve`
        asks then.
        """
        subject = subject_of(release)
        if subject is None or release.get("status") != "awaiting_approval":
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self._path(str(release["release_id"]))
            unfinished = path.with_name(f".{path.name}.new")
            unfinished.write_text(json.dumps(subject), encoding="utf-8")
            unfinished.replace(path)
        except OSError:
            return

    def find(self, release_id: str) -> Subject | None:
        """Return the image and evidence of a release that were shown last, None for none."""
        try:
            content = json.loads(self._path(release_id).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return subject_of(content) if isinstance(content, dict) else None

    def _path(self, release_id: str) -> Path:
        return self._folder / f"{quote(release_id[:200], safe='')}.json"
