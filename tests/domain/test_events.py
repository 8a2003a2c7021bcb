from collections.abc import Mapping

import pytest

from function_app.domain.envelopes import read_envelope
from function_app.domain.event_types import read_event
from function_app.domain.events.events import (
    DataArrived,
    ModelRegistered,
    NothingToDo,
    RunCompleted,
    TrainingRequested,
    claim_key,
    repository_key,
)
from function_app.errors import ContractError

SUBJECT = "/blobServices/default/containers/data/blobs/diabetes/new.csv"


def blob(**data: object) -> dict[str, object]:
    content = {"api": "PutBlob", "url": "https://a/data/diabetes/new.csv", "eTag": "0x1", **data}
    return {
        "id": "1",
        "topic": "/t",
        "subject": SUBJECT,
        "eventType": "Microsoft.Storage.BlobCreated",
        "data": content,
    }


def key_of(payload: Mapping[str, object]) -> str:
    envelope = read_envelope(payload)
    event = read_event(envelope)
    assert not isinstance(event, NothingToDo)
    return claim_key(event)


def test_both_schemas_carry_the_same_event() -> None:
    grid = blob()
    cloud = {
        "specversion": "1.0",
        "id": "1",
        "source": "/t",
        "type": grid["eventType"],
        "subject": SUBJECT,
        "data": grid["data"],
    }

    assert read_envelope(grid) == read_envelope(cloud)


def test_a_complete_blob_is_data_that_arrived() -> None:
    assert read_event(read_envelope(blob())) == DataArrived(
        source="/t",
        container="data",
        path="diabetes/new.csv",
        uri="https://a/data/diabetes/new.csv",
        etag="0x1",
    )


def test_a_blob_that_is_still_written_is_no_event() -> None:
    found = read_event(read_envelope(blob(api="CreateFile")))

    assert found == NothingToDo(reason="After CreateFile the blob is not complete.")


def test_the_same_content_has_one_cause_whatever_its_event_id() -> None:
    assert key_of(blob()) == key_of({**blob(), "id": "2"})
    assert key_of(blob()) != key_of(blob(eTag="0x2"))


@pytest.mark.parametrize("keys", [("ModelName", "ModelVersion"), ("modelName", "modelVersion")])
def test_field_case_and_number_versions_are_accepted(keys: tuple[str, str]) -> None:
    payload = {
        "id": "1",
        "topic": "/t",
        "subject": "models/diabetes:3",
        "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
        "data": {keys[0]: "diabetes", keys[1]: 3},
    }

    assert read_event(read_envelope(payload)) == ModelRegistered(model="diabetes", version="3")


def test_a_run_carries_its_tags() -> None:
    payload = {
        "id": "1",
        "topic": "/t",
        "subject": "experiments/e/runs/r",
        "eventType": "Microsoft.MachineLearningServices.RunCompleted",
        "data": {"runId": "r", "runTags": {"instance_id": "train-1"}},
    }

    assert read_event(read_envelope(payload)) == RunCompleted(
        run_id="r", tags={"instance_id": "train-1"}
    )


def status_changed(status: str) -> dict[str, object]:
    return {
        "id": "1",
        "topic": "/t",
        "subject": "experiments/e/runs/r",
        "eventType": "Microsoft.MachineLearningServices.RunStatusChanged",
        "data": {"runId": "r", "runStatus": status, "runTags": {"instance_id": "train-1"}},
    }


@pytest.mark.parametrize("status", ["failed", "Failed", "Canceled", "NotResponding"])
def test_a_run_that_ends_badly_is_heard_of_by_its_status(status: str) -> None:
    ended = RunCompleted(run_id="r", tags={"instance_id": "train-1"})

    assert read_event(read_envelope(status_changed(status))) == ended


def test_a_run_that_goes_on_needs_nothing() -> None:
    assert isinstance(read_event(read_envelope(status_changed("Running"))), NothingToDo)


def test_a_request_has_one_cause_whoever_sends_it() -> None:
    request = {
        "specversion": "1.0",
        "id": "1",
        "source": "/jenkins",
        "type": "Mlops.TrainingRequested",
        "data": {"model": "diabetes", "dataUri": "data/x.csv", "requestId": "build-7"},
    }

    assert read_event(read_envelope(request)) == TrainingRequested(
        model="diabetes", uri="data/x.csv", request_id="build-7"
    )
    assert key_of(request) == key_of({**request, "id": "2", "source": "/travis"})
    other = {**request["data"], "requestId": "build-8"}  # type: ignore[dict-item]
    assert key_of(request) != key_of({**request, "data": other})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": ""}, "id: expected text"),
        ({"data": None}, "data: expected an object"),
        ({"eventType": "Nothing.Known"}, "is not one this app reacts to"),
        ({"subject": "elsewhere"}, "does not name a blob"),
    ],
)
def test_a_fault_of_an_event_is_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        read_event(read_envelope({**blob(), **change}))


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/org/repo.git",
        "https://token@GitHub.com/org/repo",
        "git@github.com:org/repo.git",
        "ssh://git@github.com/org/repo/",
    ],
)
def test_every_address_of_a_repository_is_the_same_one(address: str) -> None:
    assert repository_key(address) == "github.com/org/repo"


def test_addresses_of_two_repositories_differ() -> None:
    assert repository_key("https://github.com/org/repo") != repository_key(
        "https://github.com/org/Repo2"
    )
    assert repository_key("/srv/repo.git") == repository_key("file:///srv/repo")
