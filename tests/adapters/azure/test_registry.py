"""The registry on Azure ML when answers are lost, late, or somebody else's."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.workspace import Workspace
from function_app.adapters.azure.registry import AzureRegistry
from function_app.domain.change.change import CodeVersion
from function_app.domain.people.authorship import Role, make_authors
from function_app.domain.training import Judged, ModelVersion, Run, RunStatus, folder_digest
from function_app.errors import PlatformError
from function_app.records.submissions import Submissions
from tests.azure_servers.arm import DENIED
from tests.azure_servers.azure import RUNS, Azure, sdk_warnings
from tests.records.counted_rows import CountedRows

pytestmark = sdk_warnings


def trained(azure: Azure, name: str, **more: Any) -> Run:
    azure.wrote(f"runs/{name}/model/model.skops", name.encode())
    return Run(
        run_id=name,
        model="diabetes",
        status=RunStatus.COMPLETED,
        dataset_version="d" * 64,
        output_uri=f"azureml://datastores/mlops_runs/paths/runs/{name}/model/",
        metrics={"forged": 0.0},
        **more,
    )


def judged(run: Run) -> Judged:
    digest = hashlib.sha256(run.run_id.encode()).hexdigest()
    return Judged(
        evaluation_id=f"{run.run_id}-vs-nothing",
        digest=folder_digest({"model.skops": digest}),
        metrics={"mse": 3000.5},
    )


def register(registry: AzureRegistry, run: Run) -> ModelVersion:
    """Register the model of a run, as it was judged."""
    return registry.register(run, judged(run))


def test_a_version_says_of_what_run_data_and_code_it_is(azure: Azure) -> None:
    azure.wrote("runs/a-vs-nothing/evaluation/model_schema.json", b"{}")
    code = CodeVersion(
        model="diabetes",
        version="e" * 64,
        uri="https://b/e.tar",
        commit="c0ffee0000000000000000000000000000000000",
    )

    version = register(azure.registry(), trained(azure, "a", code=code, tags={"instance_id": "i"}))

    tags = azure.arm.asked("PUT", "/models/")[0].json["properties"]["tags"]
    assert version.code == code
    assert version.digest == judged(trained(azure, "a")).digest
    assert version.evaluation_id == "a-vs-nothing"
    assert version.schema_digest == hashlib.sha256(b"{}").hexdigest()
    assert version.metrics == {"mse": 3000.5}
    assert tags["instance_id"] == "i"
    assert tags["dataset"] == "d" * 64


def test_the_model_card_is_the_description_of_the_version_and_the_tags_stay(azure: Azure) -> None:
    registry, submissions = azure.registry(), Submissions(azure.rows())
    version = register(registry, trained(azure, "a", tags={"instance_id": "i"}))

    registry.attach(
        version, {"model-card.md": b"# Model card\n" * 1_000, "data-report.html": b"<p>"}
    )
    registry.attach(version, {"model-card.md": b"# Another\n", "data-report.html": b"<p>"})
    registry.mark_champion(version)

    [entry] = [each for rest, each in azure.ml.resources.items() if rest.endswith("/versions/1")]
    text = entry["properties"]["description"]
    assert text.startswith("# Model card\n# Model card\n")
    assert text.endswith("The whole card is models/diabetes/evidence/1/model-card.md.")
    assert len(text) == 4_000
    assert entry["properties"]["tags"]["instance_id"] == "i"
    assert registry.attached(version, "model-card.md") == b"# Model card\n" * 1_000
    tags = {name: text for each in submissions.untracked() for name, text in each.tags.items()}
    assert tags["mlops.evidence"].endswith("/models/diabetes/evidence/1/")


def test_the_card_of_a_second_judging_replaces_a_card_and_no_text_of_a_person(azure: Azure) -> None:
    registry = azure.registry()
    version = register(registry, trained(azure, "a"))
    registry.attach(version, {"model-card.md": b"# Model card: first\n"})
    registry.attach(version, {"model-card-vs-4.md": b"# Model card: later\n"})

    def shown() -> dict[str, Any]:
        found = azure.ml.resources.items()
        [entry] = [each for rest, each in found if rest.endswith("/versions/1")]
        properties: dict[str, Any] = entry["properties"]
        return properties

    assert shown()["description"] == "# Model card: first\n"
    azure.arm.fail("PUT", "/models/", DENIED, times=1)
    for card, text in (
        ("model-card-vs-4.md", "# Model card: first\n"),
        ("model-card-vs-4.md", "# Model card: later\n"),
        ("model-card-vs-5.md", "# Model card: later\n"),
        ("model-card.md", "# Model card: first\n"),
    ):
        registry.describe(version, card)
        assert shown()["description"] == text
    shown()["description"] = "Ours."
    registry.describe(version, "model-card-vs-4.md")
    assert shown()["description"] == "Ours."


def test_a_registration_whose_answer_was_lost_is_the_only_one_of_its_run(azure: Azure) -> None:
    azure.arm.lose_answer("PUT", "/models/")
    run = trained(azure, "a")

    with pytest.raises(PlatformError):
        register(azure.registry(), run)
    version = register(azure.registry(), run)

    assert version.version == "1"
    assert len(list(azure.registry().list_versions("diabetes"))) == 1


def test_a_registration_that_died_before_it_was_sent_takes_the_number_it_claimed(
    azure: Azure,
) -> None:
    azure.arm.fail("PUT", "/models/", DENIED, times=1)
    first, second = trained(azure, "a"), trained(azure, "b")

    with pytest.raises(PlatformError):
        register(azure.registry(), first)
    other = register(azure.registry(), second)
    version = register(azure.registry(), first)

    assert (version.version, other.version) == ("1", "2")


def test_runs_that_are_registered_at_once_get_a_number_each(azure: Azure) -> None:
    runs = [trained(azure, f"run-{number}") for number in range(4)]
    registries = [azure.registry() for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda i: register(registries[i], runs[i % 4]), range(8)))

    numbers = {(version.run_id, version.version) for version in made}
    assert len(numbers) == 4
    assert {number for _, number in numbers} == {"1", "2", "3", "4"}


def test_a_list_that_is_behind_does_not_give_a_number_twice(azure: Azure) -> None:
    azure.ml.lag = 3

    first = register(azure.registry(), trained(azure, "a"))
    second = register(azure.registry(), trained(azure, "b"))

    assert (first.version, second.version) == ("1", "2")


def test_a_number_that_a_person_registered_is_left_to_him(azure: Azure) -> None:
    azure.ml.lag = 9
    person = "/models/diabetes/versions/1"
    azure.ml.add(person, {"modelUri": "azureml://x", "tags": {}, "modelType": "custom_model"})

    version = register(azure.registry(), trained(azure, "a"))

    assert version.version == "2"


def test_a_version_that_azure_does_not_show_is_an_error_that_a_repeat_heals(
    azure: Azure,
) -> None:
    run = trained(azure, "a")
    azure.ml.hidden = 50

    with pytest.raises(PlatformError, match="not shown"):
        register(azure.registry(), run)
    azure.ml.hidden = 0
    version = register(azure.registry(), run)

    assert version.version == "1"
    assert len(azure.arm.asked("PUT", "/models/")) == 1


def test_a_run_whose_model_is_gone_is_not_registered(azure: Azure) -> None:
    run = trained(azure, "a")
    azure.blobs.containers[RUNS].clear()

    with pytest.raises(PlatformError, match="Train again"):
        register(azure.registry(), run)
    assert azure.arm.asked("PUT", "/models/") == []


def test_versions_are_listed_over_all_pages_and_no_record_is_read(azure: Azure) -> None:
    for number in range(11):
        register(azure.registry(), trained(azure, f"run-{number}"))
    workspace, rows = Workspace(azure.connection()), CountedRows()
    registry = AzureRegistry(workspace, Blobs(workspace.connection), rows)

    listed = registry.list_versions("diabetes")

    assert sorted(int(version.version) for version in listed) == list(range(1, 12))
    assert rows.read == 0


def test_exactly_one_version_is_marked_as_champion(azure: Azure) -> None:
    registry = azure.registry()
    first = register(registry, trained(azure, "a"))
    second = register(registry, trained(azure, "b"))
    registry.mark_champion(first)
    registry.mark_champion(second)
    registry.mark_champion(second)

    stages = {
        name: (resource["properties"]["stage"], "champion" in resource["properties"]["tags"])
        for name, resource in azure.ml.resources.items()
        if name.startswith("/models/")
    }

    assert stages == {
        "/models/diabetes/versions/1": ("Archived", False),
        "/models/diabetes/versions/2": ("Production", True),
    }
    assert registry.get("diabetes", "1") == first


def test_a_new_champion_reads_as_many_versions_of_a_long_registry(azure: Azure) -> None:
    registry = azure.registry()
    versions = [register(registry, trained(azure, f"run-{number}")) for number in range(12)]
    requests = []
    for number in (1, 2, 11):
        registry.mark_champion(versions[number - 1])
        before = len(azure.arm.asked("GET", "/models/"))
        registry.mark_champion(versions[number])
        requests.append(len(azure.arm.asked("GET", "/models/")) - before)

    assert requests[0] == requests[1] == requests[2]


def test_an_archived_version_is_not_listed_and_can_be_got(azure: Azure) -> None:
    registry = azure.registry()
    version = register(registry, trained(azure, "a"))

    registry.archive("diabetes", "1")

    assert tuple(registry.list_versions("diabetes")) == ()
    assert registry.get("diabetes", "1") == version
    assert register(registry, trained(azure, "b")).version == "2"


def test_missing_access_to_models_is_reported(azure: Azure) -> None:
    azure.arm.fail("GET", "/models/", DENIED, times=9)

    with pytest.raises(PlatformError, match="AuthorizationFailed"):
        list(azure.registry().list_versions("diabetes"))


def test_authors_are_no_tags_that_somebody_may_change(azure: Azure) -> None:
    authors = make_authors([(Role.PUSHED, "ada-gh")])
    run = trained(azure, "a", tags={"authors": '[["pushed","eve"]]'})

    version = azure.registry().register(run, judged(run), authors)

    asked = azure.arm.asked("PUT", "/models/")[0].json["properties"]
    assert "authors" not in asked["tags"]
    assert asked["properties"]["authors"] == '[["pushed","ada-gh"]]'
    assert version.authors == authors
