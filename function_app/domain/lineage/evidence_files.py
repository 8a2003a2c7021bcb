"""The files behind the evidence of a release: their names, their addresses and their SHA-256."""

import hashlib
from collections.abc import Iterator, Mapping

from function_app.domain.training import ModelVersion

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
}
# The reports of a training's preparation, by the names of the files.
OF_PREPARATION = {
    DATA_REPORT: "report.html",
    DATA_REPORT_JSON: "report.json",
    "data-drift.svg": "drift.svg",
}


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
    for name, label in FILES.items():
        if name in digests:
            path = file_path(version.model, version.version, name)
            yield f"{label}: {path}, SHA-256 {digests[name]}."
    if DATA_REPORT not in digests:
        yield "No report of a data check is stored for this version."
