"""An evaluation by an own metric in Azure ML: its runs follow each other, and none sees too much."""

import re
from dataclasses import replace
from typing import cast

import pytest

from function_app.adapters.azure.bundles import AzureBundles
from function_app.adapters.azure.jobs import run_specs as specs
from function_app.adapters.azure.jobs.code_versions import CodeVersions
from function_app.adapters.azure.jobs.evaluations import Evaluations, next_run
from function_app.adapters.azure.jobs.run_containers import RunContainers
from function_app.adapters.azure.jobs.run_specs import RunSpec
from function_app.domain.change.change import Bundle, CodeVersion
from function_app.domain.codec import dump, load
from function_app.domain.gates import GatePolicy
from function_app.domain.training import ModelVersion, Run, RunStatus
from tests.azure_servers.access import Access
from tests.sample_project import sample_projects

POLICY = GatePolicy(bar=1.0, metric="training.costs:cost", direction="lower")
PROJECT = sample_projects()["diabetes"]
NEW, OLD = (
    CodeVersion(model="diabetes", version=sign * 64, uri=f"/bundles/{sign}", commit=sign * 40)
    for sign in "ab"
)
RUN = Run(
    run_id="train-diabetes-a",
    model="diabetes",
    status=RunStatus.COMPLETED,
    dataset_version="d" * 64,
    output_uri="models/a/",
    code=NEW,
)
CHAMPION = ModelVersion(
    model="diabetes", version="1", run_id="r", uri="models/b", digest="e" * 64, code=OLD
)


class Versions:
    """The archives and environments of published code."""

    def archive(self, code: CodeVersion, module: str) -> Bundle:
        return Bundle(digest=code.version, uri=code.uri, commit=code.commit)

    def environment(self, code: CodeVersion | None, module: str) -> str:
        return f"environment of {code.commit[0] if code else 'this app'}"


class Containers:
    """The outputs of a preparation without folds, and of a training."""

    def uri(self, run_id: str, kind: str) -> str:
        return specs.output_uri(run_id, kind)

    def all_rows(self, run_id: str, part: str) -> str:
        return f"{self.uri(run_id, specs.PREPARATION)}{part}/"

    def folds(self, run_id: str) -> int:
        return 1

    def files(self, run_id: str, kind: str) -> tuple[str, ...]:
        return ("model.txt",)

    def address(self, url: str) -> str:
        return url


class Bundles:
    """The archives of this app's own code."""

    def store_own(self, folder: str) -> Bundle:
        return Bundle(digest="0" * 64, uri=f"/own/{folder}", commit="")


def runs(policy: GatePolicy, champion: ModelVersion | None) -> tuple[list[RunSpec], RunSpec]:
    """Return the runs after those in which models predict: of the metric, and the judge."""
    evaluations = Evaluations(
        cast(CodeVersions, Versions()),
        cast(AzureBundles, Bundles()),
        cast(RunContainers, Containers()),
    )
    asked = evaluations.asked("e-vs-1", RUN, "prepare-a", champion, PROJECT, policy)
    words = policy.comparison_words(1)
    judging = evaluations.judging("e-vs-1", RUN, "prepare-a", words, PROJECT, asked, {})
    return evaluations.metric_runs(judging, RUN, champion, PROJECT, policy)


def read(uri: str) -> str:
    """Return the name of a blob below a folder that Azure ML addresses."""
    return uri.partition("/paths/")[2]


def test_a_built_in_metric_has_no_run_of_its_own() -> None:
    later, judge = runs(GatePolicy(bar=1.0), CHAMPION)

    assert later == []
    assert "--values" not in judge.command


def test_the_metric_gets_pairs_and_no_key_of_answers() -> None:
    (pairs, metric), judge = runs(POLICY, CHAMPION)

    assert [pairs.run_id, metric.run_id, judge.run_id] == [
        "e-vs-1-asks-pairs",
        "e-vs-1-asks-metric",
        "e-vs-1",
    ]
    assert (pairs.kind, metric.kind) == (specs.PAIRS, specs.ANSWERS)
    assert '--pairs "${{outputs.prepared}}/asked"' in pairs.command
    assert "outputs.evaluation" not in pairs.command
    assert pairs.folders == {name: uri for name, uri in judge.folders.items() if name != "values"}
    assert metric.folders == {"asked": f"{specs.output_uri(pairs.run_id, specs.PAIRS)}asked/"}
    assert metric.files == {"model_code": NEW.uri, "champion_code": OLD.uri}
    assert metric.environment == "environment of a"
    [key] = re.findall(r"--key (\w{64})", metric.command)
    assert f"--values-key {key}" in judge.command
    assert key not in pairs.command
    assert len(set(re.findall(r"\b[0-9a-f]{64}\b", judge.command + metric.command))) == 5
    assert judge.folders["values"] == specs.output_uri(metric.run_id, specs.ANSWERS)
    assert "champion_code" not in runs(POLICY, None)[0][1].files


def test_the_identities_may_read_and_write_their_part_only() -> None:
    (pairs, metric), judge = runs(POLICY, CHAMPION)
    judging, training = Access.of("judge"), Access.of("training")
    asked, values = f"{read(metric.folders['asked'])}pairs.csv", read(judge.folders["values"])

    assert pairs.kind in specs.JUDGING
    assert metric.kind not in specs.JUDGING
    assert judging.may_write("evaluations")
    assert training.may_read("evaluations", asked)
    assert training.may_write("runs")
    assert judging.may_read("runs", f"{values}values.json")
    assert not training.may_read("evaluations", read(judge.folders["held_out"]) + "rows.csv")


@pytest.mark.parametrize("ended", [0, 1, 2])
def test_each_run_waits_for_the_one_before(ended: int) -> None:
    later, judge = runs(POLICY, CHAMPION)
    pending = {"spec": dump(judge), "later": [dump(spec) for spec in later]}
    done = {spec.run_id: RunStatus.COMPLETED for spec in later[:ended]}

    def find(run_id: str) -> Run | None:
        return replace(RUN, run_id=run_id, status=done[run_id]) if run_id in done else None

    spec, status, detail = next_run(pending, find)
    assert (spec, status, detail) == ([*later, judge][ended], RunStatus.RUNNING, "")
    if ended:
        last = later[ended - 1].run_id
        done[last] = RunStatus.RUNNING
        assert next_run(pending, find) == (None, RunStatus.RUNNING, "")
        done[last] = RunStatus.FAILED
        spec, status, detail = next_run(pending, find)
        assert (spec, status) == (None, RunStatus.FAILED)
        assert f"Its run {last} is failed" in detail


def test_an_evaluation_that_an_earlier_version_began_is_judged() -> None:
    _, judge = runs(GatePolicy(bar=1.0), None)

    spec, _, _ = next_run({"spec": dump(judge)}, lambda run_id: None)

    assert spec == load(RunSpec, dump(judge))
