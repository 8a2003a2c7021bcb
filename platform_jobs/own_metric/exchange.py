"""Calls a metric in a job of its own, which sees pairs only, and judges by the values it gave.

In Azure ML the job that judges loads no code of a model. A first job with the answers writes the
pairs, a second one with the code of the model calls the metric, and the job that judges reads the
values. They are sealed, because the code of other models may write in the same storage.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeGuard

from platform_jobs.errors import ChangedError, ContractError
from platform_jobs.files import write_json
from platform_jobs.models.models import Project
from platform_jobs.own_metric.asking import MOST, Pair, ask_metric, name_of
from platform_jobs.own_metric.function import source_digest
from platform_jobs.own_metric.measure import OwnFunction

PAIRS, VALUES = "pairs.csv", "values.json"
_MOST_BYTES = 1 << 30  # of the file of values


class PairsWritten(Exception):  # noqa: N818  no error: the job has done its work
    """The pairs of a comparison are written, so that nothing is judged yet."""


def asking_later(function: str, direction: str, folder: Path) -> OwnFunction:
    """Return a function whose call writes its pairs into the folder and raises PairsWritten."""

    def ask(pairs: Sequence[Pair]) -> NoReturn:
        write_pairs(folder, pairs)
        raise PairsWritten

    return OwnFunction(function=function, direction=direction, ask=ask)


def write_pairs(folder: Path, pairs: Sequence[Pair]) -> None:
    """Write the pairs into a folder of `call`; none where there is nothing to compare."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PAIRS).write_text(_text(pairs), encoding="ascii")


def call(
    project: Project, champion: Path | None, function: str, asked: Path, out: Path, key: str
) -> dict[str, object]:
    """Write the values of the pairs of the folder `asked` as `values.json`; return its content.

    `champion` is the folder of the champion's code, whose file of the same name is compared. `key`
    seals the values: hex digits. A metric that fails is a result: `refused` says how. KilledError
    when a signal ended it.
    """
    lines = (asked / PAIRS).read_text(encoding="ascii").splitlines()
    pairs = [(float(truth), float(given)) for truth, given in (line.split(",") for line in lines)]
    content: dict[str, object] = {
        "refused": "",
        "values": [],
        "pairs": _digest(pairs),
        "digest": source_digest(project.code, function),
        "champion_digest": source_digest(champion, function) if champion else None,
    }
    try:
        content["values"] = ask_metric(project, function, pairs) if pairs else []
    except ContractError as error:
        content["refused"] = str(error)
    write_json(out / VALUES, {**content, "seal": _seal(key, content)})
    return content


def answered(function: str, direction: str, folder: Path, key: str) -> OwnFunction:
    """Return the function whose values `call` wrote into the folder.

    ChangedError when other code wrote them; its `ask` raises ContractError when the metric failed.
    """
    try:
        content = json.loads(_read(folder / VALUES))
        seal = content.pop("seal")
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        content, seal = {}, ""
    if not hmac.compare_digest(str(seal).encode(), _seal(key, content).encode()):
        raise ChangedError(
            f"{name_of(function)}: its values were changed after it gave them. Find out which code "
            f"wrote {VALUES} instead, and train again."
        )
    return OwnFunction(
        function=function,
        direction=direction,
        ask=partial(_values, function, content),
        digest=content["digest"],
        champion_digest=content["champion_digest"],
    )


def _values(function: str, content: Mapping[str, object], pairs: Sequence[Pair]) -> list[float]:
    if content["refused"]:
        raise ContractError(str(content["refused"])[:1000])
    values = content["values"]
    # The metric's code runs beside the key, so that the seal does not vouch for their form.
    if content["pairs"] != _digest(pairs) or not _fits(values, len(pairs)):
        raise ContractError(
            f"{name_of(function)} gave values for other pairs than those of this comparison, or no "
            f"{len(pairs)} finite numbers. Return one number for each row."
        )
    return [float(value) for value in values]


def _read(path: Path) -> bytes:
    if path.is_symlink() or path.stat().st_size > _MOST_BYTES:
        raise ValueError("no file of values")
    return path.read_bytes()


def _fits(values: object, count: int) -> TypeGuard[list[float]]:
    # NaN is not below anything.
    return (
        isinstance(values, list)
        and len(values) == count
        and all(type(value) in (int, float) and abs(value) <= MOST for value in values)
    )


def _text(pairs: Sequence[Pair]) -> str:
    return "".join(f"{float(truth)!r},{float(given)!r}\n" for truth, given in pairs)


def _digest(pairs: Sequence[Pair]) -> str:
    return hashlib.sha256(_text(pairs).encode()).hexdigest()


def _seal(key: str, content: object) -> str:
    """Return the HMAC of a content with a key of hex digits."""
    return hmac.new(bytes.fromhex(key), json.dumps(content).encode(), hashlib.sha256).hexdigest()
