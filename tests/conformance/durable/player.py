"""Plays the kit's scenarios against a host of funchost in a process of its own."""

import gzip
import json
import shutil
import types
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.conformance import kept
from tests.conformance.durable.comparison import counted
from tests.funchost.conftest import Host

KIT = Path(__file__).with_name("kit")
TOGETHER = 16


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to run the host, and the recording that its answers are compared with."""

    name: str
    settings: str
    recording: str
    replay: str


DEFAULT = Mode("default", "host.json", "real.json.gz", "never")
OTHERS = (
    Mode("replayed", "host.json", "real.json.gz", "always"),
    Mode("any state", "host-any.json", "real-any.json.gz", "never"),
    Mode("any state, replayed", "host-any.json", "real-any.json.gz", "always"),
)


@cache
def recorded(name: str) -> dict[str, Any]:
    """Return the recorded answers by scenario, without the scenarios that do not count."""
    answers = json.loads(gzip.decompress((KIT / name).read_bytes()))
    whole = [one for one in kept.hidden("durable") if one.path is None]
    return {
        scenario: answer
        for scenario, answer in answers.items()
        if not any(one.whole(scenario) for one in whole)
    }


@contextmanager
def hosted(folder: Path, mode: Mode) -> Iterator[tuple[str, str]]:
    """Run a host of the kit's app in this folder; yield its URL and its key."""
    app = folder / "app"
    app.mkdir()
    shutil.copy(KIT / "function_app.py.txt", app / "function_app.py")
    shutil.copy(KIT / mode.settings, app / "host.json")
    host = Host(folder / "state", app, FUNCHOST_REPLAY=mode.replay)
    host.start()
    try:
        yield host.url, host.keys()["systemKey"]
    finally:
        host.stop()


def different(folder: Path, mode: Mode) -> dict[str, list[str]]:
    """Return the differences of every counted scenario that has some.

    A scenario that differs is played a second time, alone: the scenarios have time limits of their
    own, which a busy machine may exceed.
    """
    real, hidden = recorded(mode.recording), kept.hidden("durable")

    def compare(ours: dict[str, Any]) -> dict[str, list[str]]:
        lines = {name: counted(name, real[name], ours[name], hidden) for name in ours}
        return {name: found for name, found in lines.items() if found}

    with hosted(folder, mode) as (url, key):
        first = compare(_played(url, key, real, TOGETHER))
        return compare(_played(url, key, first, 1)) if first else {}


def _played(url: str, key: str, names: Iterable[str], together: int) -> dict[str, Any]:
    """Play scenarios; return the observations of each."""
    kit = _kit()
    asked = [name for name in kit.SCENARIOS if name in set(names)]
    when = {name: kit.SCENARIOS[name][1] for name in asked}
    host = kit.Host(url, key)
    try:
        with ThreadPoolExecutor(together) as pool:
            free = [name for name in asked if when[name] == "any"]
            played = list(pool.map(lambda name: kit.play(host, name), free))
        for moment in ("alone", "last"):
            played += [kit.play(host, name) for name in asked if when[name] == moment]
    finally:
        host.hook.shutdown()
        host.hook.server_close()
    # The observations are compared as JSON, in the form of the recording.
    return {name: json.loads(json.dumps(facts)) for name, facts, _ in played}


@cache
def _kit() -> types.ModuleType:
    file = KIT / "drive.py.txt"
    module = types.ModuleType("durable_kit")
    module.__file__ = str(file)
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), module.__dict__)
    return module
