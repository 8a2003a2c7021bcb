"""Judges of hostile models: the evaluation of this machine, and the two jobs of Azure ML."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from function_app.domain.gates import GatePolicy
from function_app.domain.training import RunStatus
from platform_jobs.models.asking import ASKED, write_asked
from platform_jobs.tables.tables import read_table
from sandbox.probe import find_level
from tests.attacks.hostile_code import COMMIT, MODEL, PREPARED, PROJECTS, archive, dataset
from tests.azure_servers.azure import ROOT, Azure
from tests.azure_servers.compute import Compute

HELD_OUT = "x,Y\n" + "".join(f"{n},{100 * n}\n" for n in range(1, 9))
HONEST = sum((100 * n) ** 2 for n in range(1, 9)) / 8  # the error of a model that answers 0
EVALUATION = f"train-{MODEL}-a-vs-nothing"
PREDICT = """
import csv, os, sys
words = dict(zip(sys.argv[2::2], sys.argv[3::2]))
data, out, model = words["--data"], words["--out"], words["--model"]
answers = [0.0] * (len(open(data).readlines()) - 1)
{attack}
with open(out, "w") as file:
    file.write("prediction\\n" + "".join(f"{{a}}\\n" for a in answers))
"""
OWN = GatePolicy(bar=1.0, metric="costs:squared", direction="lower")
SQUARED = """
import os, sys
{attack}

def squared(actual, predicted):
    return [(a - p) ** 2 for a, p in zip(actual, predicted)]
"""
Fill = Callable[[Path], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The reason why a challenger was refused ("" for none), and its mean squared error."""

    refused: str
    mse: float | None = None


class Judge(Protocol):
    """The evaluation of one platform."""

    def judge(
        self, attack: str, *, target: str = "Y", fill: Fill | None = None, metric: str = ""
    ) -> Verdict:
        """Judge a model whose predict runs this code first.

        `{rows}` and `{out}` in the code are where the held-out rows and the evaluation are. `fill`
        writes more files into the model folder, as a training does. `metric` is code that an own
        metric, the squared error, runs first.
        """


def write_weights(folder: Path) -> None:
    """Write the file of a model that needs none."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "weights").write_text("1")


def write_held_out(folder: Path, target: str) -> None:
    """Write eight held-out rows as a preparation does."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.csv").write_text(HELD_OUT.replace("Y", target))
    schema = {"columns": ["x", target], "features": ["x"], "target": target, "rows": 8}
    (folder / "schema.json").write_text(json.dumps(schema))


class LocalJudge:
    """A judge in which one job runs the model in the sandbox and judges its answers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def judge(
        self, attack: str, *, target: str = "Y", fill: Fill | None = None, metric: str = ""
    ) -> Verdict:
        held, model, code, out = (
            self._folder / name for name in ("held_out", "model", "code", "evaluation")
        )
        write_held_out(held, target)
        write_weights(model)
        if fill:
            fill(model)
        code.mkdir(exist_ok=True)
        text = attack.format(rows=str(held / "rows.csv"), out=str(out))
        (code / "judged.py").write_text(PREDICT.format(attack=text))
        words = ["evaluate", "--module", "judged", "--held-out", str(held), "--out", str(out)]
        words += ["--challenger", str(model), "--challenger-code", str(code)]
        words += ["--isolation", find_level().level.name, "--timeout", "300"]
        if metric:
            given = {"rows": str(held / "rows.csv"), "out": str(out)}
            (code / "costs.py").write_text(SQUARED.format(attack=metric.format(**given)))
            words += OWN.own_words()
        command = [sys.executable, "-m", "platform_jobs", *words]
        subprocess.run(command, cwd=ROOT, check=True, timeout=1200)
        verdict = json.loads((out / "evaluation.json").read_text())
        if verdict["refused"]:
            return Verdict(refused=verdict["refused"])
        found = json.loads((out / "comparison.json").read_text())
        return Verdict(refused="", mse=float(found["challenger_loss"]))


class CloudJudge:
    """The model answers in a job of Azure ML; another job, which loads no model, judges.

    `forged`, when it is set, replaces the file of answers before it is judged: code of the model
    may write it in its own job.
    """

    def __init__(self, azure: Azure, folder: Path) -> None:
        self._folder, self.forged = folder, b""
        projects = {MODEL: replace(PROJECTS[MODEL], training="judged")}
        self.azure = replace(azure, projects=projects)
        self.compute = Compute(azure.ml, azure.blobs)

    def judge(
        self, attack: str, *, target: str = "Y", fill: Fill | None = None, metric: str = ""
    ) -> Verdict:
        jobs, run_id = self.azure.jobs(), f"train-{MODEL}-a"
        prepared, model = self._folder / "prepared", self._folder / "model"
        write_held_out(prepared / "held_out", target)
        rows = read_table(prepared / "held_out" / "rows.csv")
        write_asked(prepared / ASKED, rows, target)
        self._upload(prepared, f"runs/{PREPARED}/prepared")
        # The node has neither: an attack finds them only where it looks for more than its inputs.
        nowhere = {"rows": "held_out/rows.csv", "out": "evaluation"}
        costs = SQUARED.format(attack=metric.format(**nowhere))
        code = archive(judged=PREDICT.format(attack=attack.format(**nowhere)), costs=costs)
        version = jobs.publish(MODEL, self.azure.bundles().store(code, COMMIT))
        run = jobs.submit(run_id, dataset(self.azure, b"x,Y\n"), PREPARED, version, {})
        self.azure.ml.move(run_id, "Completed")
        write_weights(model)
        if fill:
            fill(model)
        self._upload(model, f"runs/{run_id}/model")
        policy = OWN if metric else GatePolicy(bar=1.0)
        jobs.submit_evaluation(EVALUATION, run, PREPARED, None, policy, {})
        self.compute.run(f"{EVALUATION}-asks-challenger")
        if self.forged:
            folder = f"runs/{EVALUATION}-asks-challenger/answers"
            self.azure.wrote(f"{folder}/answers.json", self.forged)
        for name in ("pairs", "metric") if metric else ():
            assert jobs.get(EVALUATION).status is RunStatus.RUNNING
            self.compute.run(f"{EVALUATION}-asks-{name}")
        assert jobs.get(EVALUATION).status is RunStatus.RUNNING
        self.compute.run(EVALUATION)
        assert jobs.get(EVALUATION).status is RunStatus.COMPLETED
        found = jobs.comparison(EVALUATION)
        return Verdict(refused=found.refused, mse=found.challenger_loss)

    def _upload(self, folder: Path, name: str) -> None:
        for path in folder.rglob("*"):
            if path.is_file():
                blob = f"{name}/{path.relative_to(folder).as_posix()}"
                self.azure.wrote(blob, path.read_bytes())
