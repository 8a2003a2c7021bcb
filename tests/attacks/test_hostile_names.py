"""Hostile names in every field of every event, request and input: refused, or stored harmlessly.

FUZZ_EXAMPLES=10000 tries as many; the default takes a few seconds. The fields are found by
introspection (hostile.py), so that a new one is tried without a change here.
"""

import inspect
import os
import sys
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from function_app import composition
from function_app.adapters.local.bundles import LocalBundles
from function_app.adapters.local.images.images import LocalImages
from function_app.adapters.local.images.oci_layout import OciLayout
from function_app.adapters.local.reach.files import write_json
from function_app.adapters.local.reach.processes import Processes
from function_app.adapters.local.rows import LocalRows
from function_app.addresses import below, blob_name, url_segment
from function_app.domain.codec import dump, load
from function_app.domain.events.events import DomainEvent
from function_app.domain.release.approval import Decision
from function_app.domain.release.release import ReleaseRecord
from function_app.domain.release.serving import Image
from function_app.domain.text import identifiers as ids
from function_app.domain.text.plain_text import clean, one_line
from function_app.errors import ContractError, MlopsError
from function_app.records.ledger.index import RELEASES
from function_app.records.ledger.ledger import StoredLedger, new_release
from function_app.steps import STEPS
from tests.attacks.hostile import HOSTILE, at, changed, example, is_harmless, names, texts, untyped

FUZZ = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "300")),
    suppress_health_check=list(HealthCheck),
)


def _argument(function: Any) -> Any:
    hints = typing.get_type_hints(function, include_extras=True)
    return hints[list(inspect.signature(function).parameters)[1]]


INPUTS = [_argument(story) for story in composition.STORIES]
ARGUMENTS = [step.argument for step in STEPS]
EVENTS = list(typing.get_args(DomainEvent))
RECORDS = [ReleaseRecord, Decision]
KINDS = list(dict.fromkeys([*INPUTS, *ARGUMENTS, *EVENTS, *RECORDS]))
PLACES = [(kind, path, annotated) for kind in KINDS for path, annotated in texts(kind)]


def test_every_field_that_is_called_like_a_name_has_a_pattern() -> None:
    assert [field for kind in KINDS for field in untyped(kind)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_names_that_the_app_itself_writes_are_loaded(kind: Any) -> None:
    load(kind, example(kind))


@FUZZ
@given(place=st.sampled_from(PLACES), hostile=names)
def test_a_hostile_name_is_refused_in_every_field_or_loses_its_controls(
    place: Any, hostile: str
) -> None:
    kind, path, annotated = place
    pattern = ids.pattern_of(annotated)

    refused, loaded = None, ""
    try:
        loaded = at(load(kind, changed(example(kind), path, hostile)), path)
    except ContractError as error:
        refused = error

    if refused is not None:
        assert pattern is not None
        assert refused.code == ids.CODE
        assert pattern.words in refused.message
        assert is_harmless(refused.message)
        return
    assert is_harmless(loaded.replace("\n", "")), loaded
    if pattern is None:
        assert loaded in (clean(hostile), one_line(hostile))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_name_that_becomes_a_step_of_a_path_may_climb(hostile: str) -> None:
    """`below` accepts each name that a pattern of a single step accepts, and stays in the folder."""
    steps = (
        *(ids.MODEL, ids.VERSION, ids.RUN_ID, ids.RELEASE_ID, ids.INSTANCE_ID, ids.SHA256),
        *(ids.CODE_VERSION, ids.DATA_VERSION, ids.COMMIT, ids.PROPOSAL, ids.CAUSE, ids.EVENT_KEY),
        *(ids.LANE, ids.FILE, ids.IMAGE_DIGEST),
    )
    assert [pattern.noun for pattern in steps if pattern.accepts(hostile)] == []


@FUZZ
@given(hostile=names)
def test_a_path_that_is_made_of_names_stays_below_its_folder(hostile: str) -> None:
    root = Path("/state/runs")
    try:
        made = below(root, hostile)
    except ContractError:
        pass
    else:
        assert made.parent == root
        assert made.name == hostile
    try:
        part = url_segment(hostile)
    except (ContractError, UnicodeEncodeError):
        pass
    else:
        assert not set("/?#\\ ") & set(part)
        assert part not in (".", "..")
    try:
        blob = blob_name(f"runs/{hostile}/x")
    except ContractError:
        pass
    else:
        assert not {"", ".", ".."} & set(blob.split("/"))


# An audit hook cannot be removed, so that there is a single hook, which a test switches on.
_WATCHED: list[tuple[Path, list[str]]] = []


def _record_access(event: str, arguments: tuple[Any, ...]) -> None:
    if not _WATCHED or event not in ("open", "os.mkdir", "os.rename", "os.remove", "os.listdir"):
        return
    root, seen = _WATCHED[-1]
    path = arguments[0]
    if isinstance(path, str | os.PathLike):
        place = Path(os.path.normpath(os.path.join(os.getcwd(), os.fspath(path))))
        if "canary" in str(place) and not place.is_relative_to(root):
            seen.append(f"{event} {place}")


sys.addaudithook(_record_access)


@contextmanager
def watched(root: Path) -> Iterator[list[str]]:
    """Collect the canaries outside of the folder that the code opens, creates or removes."""
    seen: list[str] = []
    _WATCHED.append((root, seen))
    try:
        yield seen
    finally:
        _WATCHED.pop()


@pytest.mark.parametrize("climb", ["../../canary/x", "{canary}/x", "..", "a/../../../canary/x"])
def test_adapters_open_nothing_outside_of_the_state_even_without_the_codec(
    climb: str, tmp_path: Path
) -> None:
    state, canary = tmp_path / "state", tmp_path / "canary"
    write_json(canary / "x" / "whole", {"app/x.py": "0"})
    write_json(canary / "x.json", {"model": "m", "version": "v", "uri": "", "commit": ""})
    name = climb.format(canary=canary)
    bundles = LocalBundles(state)
    images = LocalImages(state, tmp_path, {}, bundles)
    image = Image(model="m", version="1", digest=f"sha256:{name}", uri="")
    attempts: list[Callable[[], object]] = [
        partial(images.unpack, image),
        partial(images.extract, image),
        partial(OciLayout(state / "images").read, name),
        partial(bundles.find, "m", name),
        partial(bundles.find, name, ""),
        partial(bundles.unpack, name),
        partial(Processes(state / "processes").find, f"run-/{name}"),
    ]

    with watched(state) as seen:
        for attempt in attempts:
            with pytest.raises(MlopsError):
                attempt()

    assert seen == []
    assert not state.exists()


def test_a_record_of_an_earlier_version_with_a_hostile_name_hides_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = LocalRows(tmp_path / "ledger.db")
    ledger = StoredLedger(rows)
    good = load(ReleaseRecord, example(ReleaseRecord))
    # Version 0.1.0 stored the input of a started story without a check.
    bad = replace(good, release=replace(good.release, release_id="../../x"))
    rows.write(RELEASES, new_release("../../x", good.updated_at, dump(bad)))
    ledger.save_release(good)

    assert ledger.list_releases() == (good,)
    assert "../../x is left out" in caplog.text
    assert "ReleaseRecord.release.release_id" in caplog.text
