"""Every type that Microsoft's documentation shows is accepted, in both schemas.

The shapes are those of the Event Grid documentation ("Azure Machine Learning", "Azure Blob Storage"
and "Azure Container Registry as an Event Grid source"): field names, their case, and their types.
The values are ours.
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from function_app.domain.envelopes import read_envelope
from function_app.domain.event_types import READERS, read_event
from function_app.domain.events.events import (
    CodeProposed,
    CodePushed,
    DataArrived,
    DomainEvent,
    DriftDetected,
    FolderArrived,
    ImagePushed,
    ModelDeployed,
    ModelRegistered,
    NothingToDo,
    RunCompleted,
    TrainingRequested,
)

ML = "Microsoft.MachineLearningServices."
WORKSPACE = (
    "/subscriptions/0b1c2d3e-0000-4000-8000-000000000001/resourceGroups/rg-ml/providers/"
    "Microsoft.MachineLearningServices/workspaces/ws-ml"
)
ACCOUNT = "/subscriptions/0b1c2d3e/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/in"
REGISTRY = (
    "/subscriptions/0b1c2d3e/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/acr"
)
BLOB = "/blobServices/default/containers/data/blobs/diabetes/2026/new.csv"
RUN: dict[str, Any] = {
    "experimentId": "0fa9dfaa-cba3-4fa7-b590-23e48548f5c1",
    "experimentName": "diabetes",
    "runId": "train-diabetes-0123456789ab",
    "runType": None,
    "runTags": {"instance_id": "train-diabetes-0123456789ab", "model": "diabetes"},
    "runProperties": {"azureml.runsource": "command"},
}
COMMIT = "9d1c6c1e1d6f0a6f1d0f9a8b7c6d5e4f3a2b1c0d"


def blob(api: str, **more: Any) -> dict[str, Any]:
    return {
        "api": api,
        "clientRequestId": "6d79dbfb-0e37-4fc4-981f-442c9ca65760",
        "requestId": "831e1650-001e-001b-66ab-eeb76e000000",
        "eTag": "0x8D4BCC2E4835CD0",
        "contentType": "text/csv",
        "contentLength": 524288,
        "blobType": "BlockBlob",
        "accessTier": "Default",
        "url": "https://in.blob.core.windows.net/data/diabetes/2026/new.csv",
        "sequencer": "00000000000004420000000000028963",
        "storageDiagnostics": {"batchId": "b68529f3-68cd-4744-baa4-3c0498ec19f0"},
        **more,
    }


ARRIVED = DataArrived(
    source=ACCOUNT,
    container="data",
    path="diabetes/2026/new.csv",
    uri="https://in.blob.core.windows.net/data/diabetes/2026/new.csv",
    etag="0x8D4BCC2E4835CD0",
    sequencer="00000000000004420000000000028963",
)


def renamed(api: str) -> dict[str, Any]:
    return {
        "api": api,
        "clientRequestId": "6d79dbfb-0e37-4fc4-981f-442c9ca65760",
        "requestId": "831e1650-001e-001b-66ab-eeb76e000000",
        "destinationUrl": "https://in.dfs.core.windows.net/data/diabetes/2026/new.csv",
        "sourceUrl": "https://in.dfs.core.windows.net/data/diabetes/_temporary/0/new.csv",
        "sequencer": "00000000000004420000000000028963",
        "storageDiagnostics": {"batchId": "b68529f3-68cd-4744-baa4-3c0498ec19f0"},
    }


RENAMED = replace(
    ARRIVED, uri="https://in.dfs.core.windows.net/data/diabetes/2026/new.csv", etag=""
)
FOLDER = "/blobServices/default/containers/data/blobs/diabetes/2026"
MOVED = FolderArrived(
    source=ACCOUNT,
    container="data",
    path="diabetes/2026",
    sequencer="00000000000004420000000000028963",
)
ENDED = RunCompleted(run_id=RUN["runId"], tags=RUN["runTags"])
Sample = tuple[str, str, str, dict[str, Any], DomainEvent | None]
SAMPLES: list[Sample] = [
    *(
        ("Microsoft.Storage.BlobCreated", ACCOUNT, BLOB, blob(api), ARRIVED)
        for api in ("PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit")
    ),
    (
        "Microsoft.Storage.BlobCreated",
        ACCOUNT,
        BLOB,
        blob("PutBlob"),
        replace(ARRIVED, size=524288),
    ),
    *(
        ("Microsoft.Storage.BlobRenamed", ACCOUNT, BLOB, renamed(api), RENAMED)
        for api in ("RenameFile", "SftpRename")
    ),
    *(
        ("Microsoft.Storage.DirectoryRenamed", ACCOUNT, FOLDER, renamed(api), MOVED)
        for api in ("RenameDirectory", "SftpRename")
    ),
    *(
        ("Microsoft.Storage.BlobCreated", ACCOUNT, BLOB, blob(api, contentLength=0), None)
        for api in ("CreateFile", "SftpCreate")
    ),
    (
        f"{ML}ModelRegistered",
        WORKSPACE,
        "models/diabetes:3",
        {
            "ModelName": "diabetes",
            "ModelVersion": 3,
            "ModelTags": {"area": "health"},
            "ModelProperties": {"type": "test"},
        },
        ModelRegistered(model="diabetes", version="3", tags={"area": "health"}),
    ),
    (
        f"{ML}ModelRegistered",
        WORKSPACE,
        "models/diabetes:3",
        {"modelName": "diabetes", "modelVersion": "3", "modelTags": {}, "modelProperties": {}},
        ModelRegistered(model="diabetes", version="3"),
    ),
    (
        f"{ML}ModelDeployed",
        WORKSPACE,
        "endpoints/my-aci",
        {
            "ServiceName": "my-aci",
            "ServiceComputeType": "ACI",
            "ModelIds": "diabetes:1, diabetes:2",
            "ServiceTags": {},
            "ServiceProperties": {},
        },
        ModelDeployed(service="my-aci", models=("diabetes:1", "diabetes:2"), event_id="e-1"),
    ),
    (f"{ML}RunCompleted", WORKSPACE, "experiments/x/runs/y", RUN, ENDED),
    (
        f"{ML}RunStatusChanged",
        WORKSPACE,
        "experiments/x/runs/y",
        {**RUN, "runStatus": "failed"},
        ENDED,
    ),
    (
        f"{ML}RunStatusChanged",
        WORKSPACE,
        "experiments/x/runs/y",
        {**RUN, "RunStatus": "Running"},
        None,
    ),
    (
        f"{ML}DatasetDriftDetected",
        WORKSPACE,
        "datadrifts/01d29aa4/runs/r7",
        {
            "DataDriftId": "01d29aa4-e6a4-470a-9ef3-66660d21f8ef",
            "DataDriftName": "diabetes",
            "RunId": "r7",
            "BaseDatasetId": "3c56d136-0f64-4657-a0e8-5162089a88a3",
            "TargetDatasetId": "d7e74d2e-c972-4266-b5fb-6c9c182d2a74",
            "DriftCoefficient": 0.83503490,
            "StartTime": "2026-07-04T00:00:00+00:00",
            "EndTime": "2026-07-05T00:00:00+00:00",
        },
        DriftDetected(
            model="diabetes",
            report_id="r7",
            reason="The dataset monitor saw drift of 0.8350349.",
            monitor=True,
        ),
    ),
    (
        "Microsoft.ContainerRegistry.ImagePushed",
        REGISTRY,
        "diabetes:3",
        {
            "id": "831e1650-001e-001b-66ab-eeb76e069631",
            "timestamp": "2026-04-25T21:39:47.6549614Z",
            "action": "push",
            "target": {
                "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                "size": 3023,
                "digest": "sha256:" + "ab" * 32,
                "length": 3023,
                "repository": "diabetes",
                "url": "https://acr.azurecr.io/v2/diabetes/manifests/sha256:abab",
                "tag": "3",
            },
            "request": {"id": "7c66f28b", "addr": "203.0.113.7", "method": "PUT"},
            "actor": {"name": "ci"},
            "source": {"addr": "acr", "instanceID": "1"},
        },
        ImagePushed(repository="diabetes", tag="3", digest="sha256:" + "ab" * 32),
    ),
    (
        "Microsoft.ContainerRegistry.ImagePushed",
        REGISTRY,
        "diabetes",
        {"action": "push", "target": {"repository": "diabetes", "digest": "sha256:ab"}},
        None,
    ),
    (
        "Mlops.CodePushed",
        "/ci",
        "repos/org/models/branches/main",
        {
            "repository": "https://github.com/org/models",
            "ref": "refs/heads/main",
            "commit": COMMIT,
            "changedPaths": ["training/train.py"],
            "actor": "grace",
        },
        CodePushed(
            repository="https://github.com/org/models",
            branch="main",
            commit=COMMIT,
            paths=("training/train.py",),
            author="grace",
        ),
    ),
    (
        "Mlops.CodeProposed",
        "/ci",
        "repos/org/models/pull/7",
        {
            "repository": "https://github.com/org/models",
            "ref": "refs/heads/main",
            "commit": COMMIT,
            "number": 7,
        },
        CodeProposed(
            repository="https://github.com/org/models", branch="main", commit=COMMIT, number="7"
        ),
    ),
    (
        "Mlops.TrainingRequested",
        "/jenkins",
        "models/diabetes",
        {"model": "diabetes", "requestId": "build-7"},
        TrainingRequested(model="diabetes", uri="", request_id="build-7"),
    ),
    (
        "Mlops.DriftDetected",
        "/mlops",
        "models/diabetes",
        {"model": "diabetes", "reportId": "d-1", "reason": "bmi moved"},
        DriftDetected(model="diabetes", report_id="d-1", reason="bmi moved"),
    ),
]


def grid(kind: str, topic: str, subject: str, content: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "e-1",
        "topic": topic,
        "subject": subject,
        "eventType": kind,
        "eventTime": "2026-11-26T10:00:00.1234567Z",
        "data": content,
        "dataVersion": "",
        "metadataVersion": "1",
    }


def cloud(kind: str, topic: str, subject: str, content: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "e-1",
        "source": topic,
        "type": kind,
        "subject": subject,
        "time": "2026-11-26T10:00:00.1234567Z",
        "data": content,
    }


@pytest.mark.parametrize("schema", [grid, cloud])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s[0]}-{s[3].get('api', '')}")
def test_a_documented_event_is_read_in_both_schemas(schema: Any, sample: Sample) -> None:
    kind, topic, subject, content, expected = sample
    payload = json.loads(json.dumps(schema(kind, topic, subject, content)))

    found = read_event(read_envelope(payload))

    if expected is None:
        assert isinstance(found, NothingToDo)
    else:
        assert found == expected


def test_every_type_that_is_read_has_a_sample() -> None:
    assert {sample[0] for sample in SAMPLES} == set(READERS)


def test_a_status_beside_the_data_counts_as_in_the_documentation_s_sample() -> None:
    payload = grid(f"{ML}RunStatusChanged", WORKSPACE, "experiments/x/runs/y", RUN)

    assert read_event(read_envelope({**payload, "runStatus": "Failed"})) == ENDED
