"""The files behind the evidence of a release are attached once, and the evidence has their digests."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import cast

import pytest

from function_app.domain.data_quality import Prepared
from function_app.domain.gates import Comparison, judge
from function_app.domain.lineage.environment import RunEnvironment
from function_app.domain.lineage.evidence_files import (
    describe_files,
    evaluation_of,
    kind_of,
    names_of,
)
from function_app.domain.training import ModelVersion, Run, preparation_of, unknown_run
from function_app.errors import NotFoundError
from function_app.ports import Ports
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger import verdicts
from function_app.records.ledger.ledger import StoredLedger
from function_app.services.lineage import card_of, keep_files
from tests.contracts.memory_rows import MemoryRows
from tests.domain.test_lineage import RUN, VERSION
from tests.domain.test_model_card import COMPARISON, POLICY, PREPARED
from tests.sample_project import sample_projects

LATER = "train-diabetes-1-vs-4"
PAGE, JSON = b"<p>442 rows</p>", b'{"rows": 442}'
REPORTS = {"report.html": PAGE, "report.json": JSON, "drift.svg": b"<svg>drift</svg>"}
PLOTS = {"predicted.svg": b"<svg>predicted</svg>", "residuals.svg": b"<svg>residuals</svg>"}


@dataclass
class Platform:
    """A registry with attached files, and the runs of one training."""

    reports: dict[str, bytes] = field(default_factory=lambda: dict(REPORTS))
    files: dict[str, bytes] = field(default_factory=dict)
    run: Run = RUN
    calls: int = 0
    described: list[str] = field(default_factory=list)
    rows: MemoryRows = field(default_factory=MemoryRows)

    def attached(self, version: ModelVersion, name: str) -> bytes | None:
        return self.files.get(name)

    def attach(self, version: ModelVersion, files: Mapping[str, bytes]) -> None:
        self.calls += 1
        self.files = {**files, **self.files}

    def describe(self, version: ModelVersion, card: str) -> None:
        self.described.append(card)

    def report(self, run_id: str, name: str) -> bytes:
        later = {"predicted.svg": b"<svg>later</svg>"}
        of_run = {"prepare-diabetes-1": self.reports, VERSION.evaluation_id: PLOTS, LATER: later}
        if name not in of_run.get(run_id, {}):
            raise NotFoundError("There is no such report.")
        return of_run[run_id][name]

    def get(self, run_id: str) -> Run:
        return self.run

    def environment(self, run_id: str) -> RunEnvironment | None:
        return None

    def comparison(self, run_id: str) -> Comparison:
        if run_id not in (VERSION.evaluation_id, LATER):
            raise NotFoundError("There is no such evaluation.")
        return COMPARISON

    def prepared(self, run_id: str) -> Prepared:
        if run_id != "prepare-diabetes-1":
            raise NotFoundError("There is no such preparation.")
        return PREPARED

    @property
    def ports(self) -> Ports:
        inbox, ledger = StoredInbox(self.rows), StoredLedger(self.rows)
        given = SimpleNamespace(registry=self, jobs=self, rows=self.rows, inbox=inbox)
        given.ledger, given.projects = ledger, sample_projects()
        return cast(Ports, given)

    def keep(self, version: ModelVersion = VERSION, evaluation: str = "") -> dict[str, str]:
        return keep_files(self.ports, version, evaluation)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_the_report_of_the_data_check_is_attached_with_its_digest() -> None:
    platform = Platform()

    digests = platform.keep()

    assert digests["data-report.html"] == sha256(PAGE)
    assert digests["data-report.json"] == sha256(JSON)
    assert platform.files["data-report.html"] == PAGE


def test_the_plots_of_preparation_and_evaluation_are_attached_as_far_as_they_exist() -> None:
    platform = Platform()

    digests = platform.keep()

    assert platform.files["data-drift.svg"] == b"<svg>drift</svg>"
    for name, content in PLOTS.items():
        assert (platform.files[name], digests[name]) == (content, sha256(content))
    assert not {"roc.svg", "calibration.svg"} & digests.keys()


def test_the_card_has_the_stored_verdict_with_its_policy_and_the_rows_of_the_data() -> None:
    platform = Platform()
    result = judge(COMPARISON, POLICY)
    verdicts.save(platform.rows, VERSION.evaluation_id, result, POLICY)

    digests = platform.keep()

    card = platform.files["model-card.md"].decode()
    assert digests["model-card.md"] == sha256(card.encode())
    assert f"Verdict of the gate: {result.verdict}. The reasons:" in card
    assert "| max model bytes | 1000000 |" in card
    assert "| loss | 2500 | 3125 |" in card
    assert "| rows | 445 |" in card
    assert "The version predicts the column Y of its data." in card


def test_a_file_that_changes_later_does_not_change_the_evidence() -> None:
    platform = Platform()
    first = platform.keep()
    platform.reports = {"report.html": b"<p>forged</p>", "report.json": b"{}"}
    platform.run = unknown_run(RUN.run_id, "It is gone.")

    assert platform.keep() == first
    assert platform.calls == 1


def test_a_version_whose_runs_are_gone_says_so_in_its_evidence() -> None:
    platform = Platform(reports={})

    digests = platform.keep(replace(VERSION, run_id="train-diabetes-0", evaluation_id=""))

    assert list(digests) == ["model-card.md"]
    assert "No report of a data check is stored for this version." in tuple(
        describe_files(VERSION, digests)
    )
    assert "The comparison of this version is not recorded." in (
        platform.files["model-card.md"].decode()
    )


def test_nothing_is_attached_to_a_version_of_another_tool() -> None:
    platform, foreign = Platform(), replace(VERSION, digest="")

    assert platform.keep(foreign) == {}
    assert platform.calls == 0
    assert "another tool registered the version" in card_of(platform.ports, foreign, "")


def test_card_and_plots_of_a_second_judging_are_attached_beside_the_first_ones() -> None:
    platform = Platform()
    first = platform.keep()

    digests = platform.keep(evaluation=LATER)

    assert list(digests) == [
        "model-card-vs-4.md",
        *("data-report.html", "data-report.json", "data-drift.svg"),
        "predicted-vs-4.svg",
    ]
    assert platform.files["predicted-vs-4.svg"] == b"<svg>later</svg>"
    assert platform.files["predicted.svg"] == PLOTS["predicted.svg"]
    card = platform.files["model-card-vs-4.md"].decode()
    assert "| figure | this version | champion, version 4 |" in card
    assert (
        f"Model card: /api/models/diabetes/versions/3/evidence/model-card-vs-4.md, SHA-256 {sha256(card.encode())}."
        in tuple(describe_files(VERSION, digests))
    )
    assert platform.keep() == first


def test_the_description_is_the_card_of_the_evaluation_that_is_valid_now() -> None:
    platform = Platform()
    for evaluation in ("", LATER, VERSION.evaluation_id):
        platform.keep(evaluation=evaluation)

    # The registration attaches the first card, which is the description then.
    assert platform.described == ["model-card-vs-4.md", "model-card.md"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("model-card.md", "model-card.md"),
        ("model-card-vs-4.md", "model-card.md"),
        ("model-card-vs-nothing-again-2.md", "model-card.md"),
        ("calibration-vs-1.0.svg", "calibration.svg"),
        ("data-report-vs-4.html", None),
        ("model-card-vs-.md", None),
        ("model-card-vs-../x.md", None),
        ("model-card-vs-4.svg", None),
        ("model.skops", None),
    ],
)
def test_a_name_of_a_file_is_one_of_the_known_kinds(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind


def test_the_name_of_a_card_names_its_evaluation() -> None:
    for evaluation in (VERSION.evaluation_id, LATER, f"{LATER}-again-2"):
        card = names_of(VERSION, evaluation)["model-card.md"]
        assert evaluation_of(VERSION, card) == evaluation


def test_the_evidence_names_the_path_and_the_digest_of_each_file() -> None:
    platform = Platform()
    shown = tuple(describe_files(VERSION, platform.keep()))

    path = "/api/models/diabetes/versions/3/evidence/"
    assert f"Report of the data check: {path}data-report.html, SHA-256 {sha256(PAGE)}." in shown
    card = sha256(platform.files["model-card.md"])
    assert f"Model card: {path}model-card.md, SHA-256 {card}." in shown


@pytest.mark.parametrize(
    ("training", "preparation"),
    [
        ("train-diabetes-1", "prepare-diabetes-1"),
        ("train-train-1", "prepare-train-1"),
        ("reproduce-train-1", ""),
        ("r", ""),
        ("", ""),
    ],
)
def test_a_training_names_its_preparation(training: str, preparation: str) -> None:
    assert preparation_of(training) == preparation
