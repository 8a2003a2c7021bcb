"""A whole release through the adapters: each step gets the result of the step before."""

import hashlib
import json

from function_app.domain.gates import GatePolicy, judge
from function_app.domain.release.release import release_id
from function_app.domain.training import Dataset, RunStatus
from tests.azure_servers.azure import VERSIONS, Azure, sdk_warnings
from tests.azure_servers.compute import Compute
from tests.made_once import sample_rows

pytestmark = sdk_warnings


def test_data_becomes_a_champion_that_is_traced_back_to_it(azure: Azure) -> None:
    rows = sample_rows()
    version = hashlib.sha256(rows.read_bytes()).hexdigest()
    azure.wrote(f"datasets/{version}.csv", rows.read_bytes())
    uri = f"{azure.blobs.url}/{VERSIONS}/datasets/{version}.csv"
    dataset = Dataset(model="diabetes", version=version, uri=uri)
    compute, jobs = Compute(azure.ml, azure.blobs), azure.jobs()

    jobs.submit_preparation("prepare-a", dataset, "Y", {"instance_id": "i"})
    compute.run("prepare-a")
    jobs.submit("train-diabetes-a", dataset, "prepare-a", None, {"instance_id": "i"})
    compute.run("train-diabetes-a")
    run = jobs.get("train-diabetes-a")
    jobs.submit_evaluation(
        "train-diabetes-a-vs-nothing", run, "prepare-a", None, GatePolicy(bar=4500.0), {}
    )
    compute.finish("train-diabetes-a-vs-nothing", jobs)
    verdict = judge(jobs.comparison("train-diabetes-a-vs-nothing"), GatePolicy(bar=4500.0))
    model = azure.registry().register(run, jobs.judged("train-diabetes-a-vs-nothing"))
    azure.images().build(model)
    azure.acr.finish("run1")
    image = azure.images().build(model).image
    assert image is not None
    release = release_id(model.model, model.version)
    azure.staging().deploy(release, image)
    azure.aci.run("staging-diabetes-1")
    staged = azure.staging().deploy(release, image)
    for _ in range(3):
        azure.production().promote(release, image, 2)
        azure.cluster.settle()
    promoted = azure.production().promote(release, image, 2)

    assert run.status is RunStatus.COMPLETED
    assert verdict.passed
    assert staged.deployment is not None
    assert promoted.deployment is not None
    champion = azure.production().champion("diabetes")
    assert champion == image
    traced = azure.registry().get(champion.model, champion.version)
    assert jobs.get(traced.run_id).dataset_version == version
    name = f"runs/{traced.evaluation_id}/evaluation/golden.json"
    golden = json.loads(azure.written(name))
    assert len(golden["result"]) == 5
