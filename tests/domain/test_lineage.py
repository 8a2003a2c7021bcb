"""The chain of a version names every link, and says what is missing of it."""

from dataclasses import replace
from datetime import UTC, datetime

from function_app.domain.change.change import CodeVersion
from function_app.domain.lineage.chain import Known, Link, chain, known_run, parameters
from function_app.domain.lineage.environment import RunEnvironment
from function_app.domain.lineage.origin import (
    CausingEvent,
    Origin,
    PublishedCode,
    Training,
    causing_event,
)
from function_app.domain.training import ModelVersion, Run, RunStatus, unknown_run

NOW = datetime(2026, 1, 1, tzinfo=UTC)
COMMIT, CODE, DATA, LOCK, DIGEST = "c" * 40, "c" * 64, "d" * 64, "a" * 64, "e" * 64
VERSION = ModelVersion(
    model="diabetes",
    version="3",
    run_id="train-diabetes-1",
    uri="/models/3",
    digest=DIGEST,
    metrics={"mse": 3000.0},
    code=CodeVersion(model="diabetes", version=CODE, uri="/code", commit=COMMIT),
    evaluation_id="train-diabetes-1-vs-2",
)
RUN = Run(
    run_id="train-diabetes-1",
    model="diabetes",
    status=RunStatus.COMPLETED,
    dataset_version=DATA,
    output_uri="/runs/1",
    metrics={"alpha": 0.4},
    tags={"instance_id": "train-diabetes-1", "caller_run_id": "build-7"},
    reported=True,
)
EVENT = CausingEvent(
    event_key="f" * 32,
    type="Microsoft.Storage.BlobCreated",
    subject="/blobs/new.csv",
    channel="api",
    received_at=NOW,
)
WHOLE = Known(
    version=VERSION,
    module="training",
    run=RUN,
    environment=RunEnvironment(
        python="CPython 3.11.7", cpu="Xeon", lock=LOCK, code="9" * 64, begun_at=NOW
    ),
    origin=Origin(
        registered_at=NOW,
        training=Training(
            instance_id="train-diabetes-1",
            began_at=NOW,
            data_uri="/inbox/data/new.csv",
            verdict=("mse 3000 is within the bar of 4500.",),
        ),
        data_version=DATA,
        event=EVENT,
    ),
    code=PublishedCode(repository="/repository", branch="main", published_at=NOW),
)
ORDER = ("event", "data", "commit", "parameters", "lock", "run", "model")


def links(known: Known) -> dict[str, Link]:
    found = chain(known)
    assert tuple(link["link"] for link in found) == ORDER
    return {link["link"]: link for link in found}


def test_every_link_has_its_id_or_digest_and_its_time() -> None:
    found = links(WHOLE)

    assert [link["missing"] for link in found.values()] == [None] * 7
    assert all(link["at"] == NOW for link in found.values())
    assert found["event"]["id"] == "f" * 32
    assert found["event"]["facts"]["subject"] == "/blobs/new.csv"
    assert found["data"]["digest"] == DATA
    assert found["data"]["facts"] == {"path": "/inbox/data/new.csv"}
    assert (found["commit"]["id"], found["commit"]["digest"]) == (COMMIT, CODE)
    assert found["commit"]["facts"] == {"repository": "/repository", "branch": "main"}
    assert found["lock"]["digest"] == LOCK
    assert found["lock"]["facts"] == {"python": "CPython 3.11.7", "cpu": "Xeon"}
    assert found["run"]["id"] == "train-diabetes-1"
    assert (found["model"]["id"], found["model"]["digest"]) == ("diabetes:3", DIGEST)
    assert found["model"]["facts"] == {
        "evaluation": "train-diabetes-1-vs-2",
        "verdict": "mse 3000 is within the bar of 4500.",
        "mse": "3000",
    }


def test_the_path_of_a_training_on_the_newest_data_is_that_of_the_stored_version() -> None:
    training = Training(instance_id="train-diabetes-1", stored_uri="/state/data/d.csv")
    origin = Origin(registered_at=NOW, training=training, data_version=DATA)

    data = links(replace(WHOLE, origin=origin))["data"]

    assert (data["digest"], data["facts"]) == (DATA, {"path": "/state/data/d.csv"})


def test_parameters_are_those_of_the_platform_and_those_that_the_training_reported() -> None:
    found = parameters(WHOLE)

    assert found == {
        "model": "diabetes",
        "module": "training",
        "data_path": "/inbox/data/new.csv",
        "caller_run_id": "build-7",
        "reported.alpha": "0.4",
    }
    other = replace(WHOLE, run=replace(RUN, metrics={"alpha": 0.5}))
    assert links(other)["parameters"]["digest"] != links(WHOLE)["parameters"]["digest"]


def test_a_version_of_another_tool_has_no_link_but_itself_and_says_why() -> None:
    foreign = replace(VERSION, digest="", run_id="", code=None, metrics={}, evaluation_id="")

    found = links(Known(version=foreign))

    assert found["model"]["id"] == "diabetes:3"
    for link in found.values():
        assert "another tool" in str(link["missing"])


def test_a_version_of_an_earlier_app_says_what_was_not_recorded() -> None:
    earlier = replace(VERSION, schema_digest="", code=None)

    found = links(Known(version=earlier, module="training", run=RUN))

    assert "kept no event" in str(found["event"]["missing"])
    assert found["data"]["digest"] == DATA
    assert "digest was not recorded" in str(found["commit"]["missing"])
    assert "did not record its packages" in str(found["lock"]["missing"])
    assert found["run"]["missing"] is None


def test_a_lost_run_is_named_and_the_stored_origin_still_has_the_data() -> None:
    found = links(replace(WHOLE, run=None, environment=None))

    assert "does not have run train-diabetes-1 any more" in str(found["run"]["missing"])
    assert "does not have run train-diabetes-1 any more" in str(found["lock"]["missing"])
    assert found["data"]["digest"] == DATA
    assert known_run(unknown_run("train-diabetes-1", "gone")) is None
    assert known_run(RUN) is RUN


def test_a_training_that_no_stored_event_started_says_so() -> None:
    assert WHOLE.origin is not None
    found = links(replace(WHOLE, origin=replace(WHOLE.origin, event=None)))

    assert "a person retried it" in str(found["event"]["missing"])
    assert found["event"]["facts"] == {"story": "train-diabetes-1"}


def test_an_event_of_either_schema_is_named_by_its_type() -> None:
    grid = {"eventType": "Microsoft.Storage.BlobCreated", "subject": "s"}
    cloud = {"specversion": "1.0", "type": "Mlops.TrainingRequested", "subject": "s"}
    kinds = [causing_event("k", "api", NOW, payload).type for payload in (grid, cloud, None, 3)]

    assert kinds == ["Microsoft.Storage.BlobCreated", "Mlops.TrainingRequested", "", ""]
