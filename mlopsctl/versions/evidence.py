"""mlopsctl evidence: the files behind the evidence of a release, compared with their SHA-256."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from mlopsctl import screens
from mlopsctl.reach.client import ApiError
from mlopsctl.reach.connection import STATE, Json, State, Url, connect, print_json

# A sentence of the evidence about a file: domain/lineage/evidence_files.py writes it.
_FILE = re.compile(r"(/api/models/[\w.-]+/versions/[\w.-]+/evidence/([\w.-]+\.[a-z]+)), SHA-256 ")
_DIGEST = re.compile(r"([0-9a-f]{64})\.$")
_FOLDER = typer.Option("--out", help="Write the files into this folder.")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFile:
    """A file behind the evidence of a release, with its path in the API."""

    name: str
    path: str
    sha256: str
    content: bytes


def evidence(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="Such as release-diabetes-3.")],
    out: Annotated[Path | None, _FOLDER] = None,
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Fetch the files behind the evidence of a release, and compare each with its SHA-256."""
    api = connect(url, state)
    files = fetch(api.content, api.release(release)["evidence"])
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for each in files:
            (out / each.name).write_bytes(each.content)
    if as_json:
        shown = [{"name": f.name, "path": f.path, "sha256": f.sha256} for f in files]
        return print_json({"release": release, "files": shown})
    console = screens.console()
    if not files:
        console.print(f"The evidence of {release} names no files.", markup=False)
    for each in files:
        at = out / each.name if out is not None else each.path
        console.print(f"{at}  sha256 {each.sha256}", soft_wrap=True, markup=False)
    return None


def fetch(read: Callable[[str], bytes], sentences: Sequence[str]) -> list[EvidenceFile]:
    """Return the files that sentences of evidence name, in their order.

    `read` returns the bytes at a path. ApiError, code CHANGED, when a file has another SHA-256 than
    its sentence.
    """
    files = []
    for sentence in sentences:
        named, digest = _FILE.search(sentence), _DIGEST.search(sentence)
        if named is None or digest is None:
            continue
        content = read(named[1])
        actual = hashlib.sha256(content).hexdigest()
        if actual != digest[1]:
            raise ApiError(
                "CHANGED",
                f"{named[1]} has the SHA-256 {actual}, and the evidence has {digest[1]}: the file "
                "was changed. Do not approve the release; train again.",
            )
        files.append(EvidenceFile(name=named[2], path=named[1], sha256=actual, content=content))
    return files
