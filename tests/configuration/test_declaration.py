"""The declaration of mlops.toml, the classes that the app reads it into, and the page agree."""

from dataclasses import MISSING, Field, fields
from typing import Any

import pytest

from configuration import variables
from configuration.checking import find_problems
from configuration.declaration import LIMITS, MODEL
from configuration.kinds import REQUIRED, Key, Table
from configuration.page import PAGE, describe
from configuration.tables.data import DATA
from configuration.tables.isolation import CHECKS, RUNS
from configuration.tables.people import PEOPLE
from configuration.tables.production import DRIFT, RELEASE
from configuration.tables.training import CODE, GATE, SCHEDULES, TRAINING_RUN
from function_app.domain.change.isolation import CheckIsolation, RunIsolation
from function_app.domain.data_quality import DataPolicy
from function_app.domain.drift.retraining import DriftPolicy
from function_app.domain.gates import GatePolicy
from function_app.domain.people.people import Person
from function_app.domain.project import (
    CodeRules,
    Limits,
    ModelProject,
    ReleaseRules,
    RunLimits,
    Schedule,
)
from function_app.settings.azure import AzureSettings
from function_app.settings.notify import NotifySettings
from tests.configuration.project_files import ROOT

TABLES: list[tuple[Table, Any]] = [
    (MODEL, ModelProject),
    (DATA, DataPolicy),
    (GATE, GatePolicy),
    (TRAINING_RUN, RunLimits),
    (RELEASE, ReleaseRules),
    (CODE, CodeRules),
    (SCHEDULES, Schedule),
    (DRIFT, DriftPolicy),
    (LIMITS, Limits),
    (PEOPLE, Person),
    (CHECKS, CheckIsolation),
    (RUNS, RunIsolation),
]
# [limits] and [people] are tables of their own, which every model is given.
READ_ELSEWHERE = {"limits", "people"}


@pytest.mark.parametrize(("table", "target"), TABLES, ids=lambda value: getattr(value, "name", ""))
def test_each_key_is_a_field_with_the_same_default(table: Table, target: Any) -> None:
    declared = {key.name: key.default for key in table.keys}
    inner = {inner.name for inner in table.tables}

    found = {f.name: f for f in fields(target) if f.name not in inner | READ_ELSEWHERE}

    assert set(found) == set(declared)
    for name, default in declared.items():
        assert default_of(found[name]) == default, name


@pytest.mark.parametrize("table", MODEL.tables, ids=lambda table: table.name)
def test_a_table_is_required_when_its_field_is(table: Table) -> None:
    field = next(f for f in fields(ModelProject) if f.name == table.name)

    assert (default_of(field) is REQUIRED) == table.required


def default_of(field: Field[Any]) -> Any:
    return REQUIRED if field.default is MISSING else field.default


@pytest.mark.parametrize(
    ("table", "key"),
    [(table, key) for table, _ in TABLES for key in table.keys if key.default is not REQUIRED],
    ids=lambda value: value.name,
)
def test_a_default_is_allowed(table: Table, key: Key) -> None:
    default = list(key.default) if isinstance(key.default, tuple) else key.default

    assert list(key.kind.check(key.name, default)) == []


def test_the_page_is_written_from_the_declaration() -> None:
    written = (ROOT / PAGE).read_text(encoding="utf-8")

    assert written == describe(), f"python -m configuration.page > {PAGE}"


def test_the_variables_are_those_that_the_app_reads() -> None:
    notify = {f.name.upper() for f in fields(NotifySettings)} - {"PUBLIC_URL"}

    assert set(variables.AZURE) == {f.name.upper() for f in fields(AzureSettings)}
    assert set(variables.NOTIFY) == notify


def test_no_content_at_all_makes_the_check_fail_otherwise_than_by_a_problem() -> None:
    odd: tuple[object, ...] = (
        None,
        1,
        "x",
        [],
        {},
        [1],
        [{}],
        {"x": 1},
        {"name": []},
        float("nan"),
    )
    for value in odd:
        assert find_problems({"models": value}, ROOT)
        assert find_problems({"models": {"m": value}}, ROOT)
        for table in MODEL.tables:
            assert find_problems({"models": {"m": {table.name: value}}}, ROOT)
        for _, key in ((t, k) for t, _ in TABLES for k in t.keys):
            assert find_problems({"models": {"m": {key.name: value}}}, ROOT)
            assert find_problems({"models": {"m": {"data": {key.name: value}}}}, ROOT)
