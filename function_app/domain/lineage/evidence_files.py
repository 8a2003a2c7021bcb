"""The files behind the evidence of a release: their names, their addresses and their SHA-256."""

import hashlib
import re
from collections.abc import Iterator, Mapping

from function_app.domain.training import ModelVersion, run_of_evaluation

DATA_REPORT, DATA_REPORT_JSON = "data-report.html", "data-report.json"
MODEL_CARD = "model-card.md"
# The words for each file, in the order in which an approver sees them.
FILES = {
    MODEL_CARD: "Model card",
    DATA_REPORT: "Report of the data check",
    DATA_REPORT_JSON: "The report of the data check as JSON",
    "data-drift.svg": "Distance of each column from the reference data",
    "predicted.svg": "Predictions against true values",
    "residuals.svg": "Residuals",
    "calibration.svg": "Calibration",
    "roc.svg": "Receiver operating characteristic",
    "confusion.svg": "Confusion matrix",
}
# The reports of a training's preparation, by the names of the files.
OF_PREPARATION = {
    DATA_REPORT: "report.html",
    DATA_REPORT_JSON: "report.json",
    "data-drift.svg": "drift.svg",
}


# A file about a later evaluation of the version is named after it: model-card-vs-3.md.
_LATER = re.compile(r"-vs-[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)


def names_of(version: ModelVersion, evaluation: str) -> dict[str, str]:
    """Return the name of each of FILES for an evaluation of a version, by the name in FILES.

    Files of the preparation, and those about the version's first evaluation, keep their names.
    """
    is_later = evaluation not in ("", version.evaluation_id)
    part = evaluation.removeprefix(run_of_evaluation(evaluation)) if is_later else ""
    return {name: name if name in OF_PREPARATION else _insert(name, part) for name in FILES}


def kind_of(name: str) -> str | None:
    """Return the name in FILES of a file about any evaluation; None when it is none of them."""
    for known in FILES:
        stem, dot, ending = known.rpartition(".")
        begins, ends = name.startswith(stem), name.endswith(dot + ending)
        part = name[len(stem) : -len(dot + ending)] if begins and ends else None
        later = part is not None and known not in OF_PREPARATION and _LATER.fullmatch(part)
        if name == known or later:
            return known
    return None


def evaluation_of(version: ModelVersion, card: str) -> str:
    """Return the evaluation that the model card of this name is about."""
    part = card.removeprefix(MODEL_CARD.removesuffix(".md")).removesuffix(".md")
    return f"{run_of_evaluation(version.evaluation_id)}{part}" if part else version.evaluation_id


def _insert(name: str, part: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return f"{stem}{part}{dot}{ending}"


def file_path(model: str, version: str, name: str) -> str:
    """Return the path in the API of a file of a version."""
    return f"/api/models/{model}/versions/{version}/evidence/{name}"


def digests_of(files: Mapping[str, bytes | None]) -> dict[str, str]:
    """Return the SHA-256 of each file as hex digits, by its name; None is no file."""
    return {
        name: hashlib.sha256(content).hexdigest()
        for name, content in files.items()
        if content is not None
    }


def describe_files(version: ModelVersion, digests: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence of the evidence for each file, with its path and its SHA-256.

    `digests` are hex digits by the name of the file. The hash of the evidence covers the sentences,
    and by them the bytes of the files.
    """
    for name, digest in digests.items():
        if kind := kind_of(name):
            path = file_path(version.model, version.version, name)
            yield f"{FILES[kind]}: {path}, SHA-256 {digest}."
    if DATA_REPORT not in digests:
        yield "No report of a data check is stored for this version."
