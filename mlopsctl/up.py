"""The commands that start the app on this machine and stop it: up, down, demo."""

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from mlopsctl import screens
from mlopsctl.commands.config import check_before_start, inbox_folders
from mlopsctl.commands.tokens import new_tokens, people
from mlopsctl.demo import begin_samples, run_demo
from mlopsctl.reach import state_folder
from mlopsctl.reach.connection import PORT, ROOT, STATE, Json, State, print_json
from mlopsctl.reach.local_host import (
    SAY_EVERY,
    AlreadyRunsError,
    LocalHost,
    Say,
    ensure_platform,
    named_port,
    running_url,
)
from sandbox.probe import find_level

Port = Annotated[
    int | None,
    typer.Option(
        min=0, max=65535, help=f"The port; without it {PORT} or, when that is in use, a free one."
    ),
]


Auth = Annotated[
    bool,
    typer.Option(
        "--auth",
        help="Ask for a function key on every route, as Azure does. Commands of this user send it.",
    ),
]


class StoppedError(Exception):
    """A signal asked the command to stop."""


def up(state: State = STATE, port: Port = None, auth: Auth = False, as_json: Json = False) -> None:
    """Start the app on this machine and keep it until Ctrl-C."""
    check_before_start()
    # The platform Azure also works from a developer's machine, with the developer's credentials.
    platform = os.environ.get("MLOPS_PLATFORM", "local")
    state, say = state.resolve(), _progress(as_json)
    host = _host(state, port, say, platform, auth)
    with contextlib.suppress(StoppedError), _stopping(host):
        had_tokens = people(state)
        host.start()
        report = ensure_platform(host.api(), tick=_ticker(host, say))
        _announce_up(host.url, state, report["output"]["parts"], as_json)
        if not as_json:
            _print_tokens(state, had_tokens, say)
        while host.process is not None and host.process.poll() != 0:
            host.check()
            state_folder.rotate(state / "host.log")
            time.sleep(0.5)
        say("The app was stopped by another command.")


def down(state: State = STATE) -> None:
    """Stop the app that runs on a state folder, however it was started, and its production."""
    state = state.resolve()
    asked = 0
    while state_folder.has_host(state):
        # A host that is still starting has not published its address yet.
        running = state_folder.running_host(state)
        if running and running["pid"] != asked:
            asked = int(running["pid"])
            print(f"Waiting for the app at {running['url']} to stop.", flush=True)
            with contextlib.suppress(ProcessLookupError):
                os.kill(asked, signal.SIGTERM)
        time.sleep(0.05)
    ended = state_folder.stop_processes(state)
    if not asked and not ended:
        return print(f"No app runs on {state}.")
    return print(f"The app on {state} is stopped. `make up` continues its trainings and releases.")


def demo(state: State = STATE, as_json: Json = False) -> None:
    """Run the whole loop once: data, training, approval, production, prediction."""
    check_before_start()
    out = screens.console()
    begun = time.monotonic()

    def say(line: str) -> None:
        if not as_json:
            out.print(line)

    def tell(step: str, seconds: float, detail: str) -> None:
        say(screens.step_line(step, seconds, detail))

    state, progress = state.resolve(), _progress(as_json)
    host = _host(state, None, progress)
    try:
        with _stopping(host), begin_samples(ROOT) as samples:
            had_tokens = people(state)
            host.start()
            api = host.api()
            ensure_platform(api, tick=_ticker(host, progress))
            say(f"The app listens on {host.url} ({time.monotonic() - begun:.1f} s)\n")
            _print_tokens(state, had_tokens, say)
            result = run_demo(api, ROOT, state, samples, say, tell)
    except StoppedError:
        raise typer.Exit(130) from None
    result["seconds"] = round(time.monotonic() - begun, 1)
    if as_json:
        print_json(result)
        return
    say("\n[bold green]The loop is closed.[/bold green]")
    for name in ("version", "image", "approved_by", "production"):
        say(f"   {name.replace('_', ' '):<12} {result[name]}")
    say(f"   Everything stopped after {result['seconds']} s. `make up` starts the app again.")


def _host(
    state: Path, port: int | None, say: Say, platform: str = "local", auth: bool = False
) -> LocalHost:
    """Return a host that is not started, at the named port or near the usual one."""
    if url := running_url(state):
        raise AlreadyRunsError(url, state)
    chosen = PORT if port is None else named_port(port)
    return LocalHost(ROOT, state, chosen, platform, say, is_named=port is not None, auth=auth)


@contextlib.contextmanager
def _stopping(host: LocalHost) -> Iterator[None]:
    """Raise StoppedError in the block at a signal; stop the host when the block ends.

    When the host ended by itself, production and runs go on, because no person stopped them.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        signal.signal(number, lambda *_: host.interrupt(StoppedError()))
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        if host.process is not None and host.process.poll() is None:
            host.stop()


def _print_tokens(state: Path, known: set[str], say: Say) -> None:
    """Print the tokens that this start issued: the state keeps their digests only."""
    for name, token in new_tokens(state, known):
        say(f"Token of {name:<10}{token} (printed once; `mlopsctl token show {name}`)")


def _progress(as_json: bool) -> Say:
    """Return a printer of progress on stderr, because scripts read only the answer on stdout."""
    if as_json:
        return lambda line: print(line, file=sys.stderr, flush=True)
    return lambda line: print(line, flush=True)


def _ticker(host: LocalHost, say: Say) -> Callable[[str], None]:
    """Return a function that reports a slow platform step, and raises when the host ended."""
    begun = said = time.monotonic()

    def tick(step: str) -> None:
        nonlocal said
        host.check()
        now = time.monotonic()
        if now - said > SAY_EVERY:
            said = now
            say(f"Waiting for the platform, {now - begun:.0f} s: {step or 'the first step'}")

    return tick


def _announce_up(url: str, state: Path, parts: list[dict[str, str]], as_json: bool) -> None:
    log, folders = state / "host.log", [str(folder) for folder in inbox_folders(state)]
    if as_json:
        content = {"url": url, "inbox": folders[0], "log": str(log), "parts": parts}
        content["isolation"] = str(find_level())
        return print(json.dumps({**content, "inboxes": folders}), flush=True)
    out = screens.console()
    for part in parts:
        out.print(f"  {part['part']:<18}{part['detail']}")
    out.print(f"  {'isolation':<18}{find_level()}", soft_wrap=True, markup=False)
    out.print(f"App         {url}/api/status")
    for folder in folders:
        out.print(f"Inbox       {folder} (drop a CSV or Parquet file here)", soft_wrap=True)
    out.print(f"Host's log  {log}", soft_wrap=True)
    return out.print("Ctrl-C stops everything. Trainings and releases continue at the next start.")
