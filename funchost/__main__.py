"""The command line: python -m funchost start|instances|export|check|warnings|purge|keys|..."""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    # Objects of the imports live as long as the process, so the collector need not search them.
    gc.disable()

from funchost.app.light_imports import defer

if __name__ == "__main__":
    defer("aiohttp")

from funchost.app.settings import SettingsError, read_port
from funchost.app.watch import watch
from funchost.host import Options
from funchost.start import command, start
from funchost.storage.store import DatabaseError, StoreError


def main() -> int:
    """Parse the arguments and run the command."""
    gc.freeze()
    gc.enable()
    arguments = _parser().parse_args()
    app = arguments.app.resolve()
    state = (arguments.state or app / ".funchost").resolve()
    if arguments.command == "start":
        try:
            port = read_port(app) if arguments.port is None else arguments.port
        except SettingsError as error:
            print(f"funchost cannot start: {error}", file=sys.stderr)
            return 1
        options = Options(app=app, state=state, port=port, auth=arguments.auth)
        if arguments.watch:
            return watch(command(options, verbose=arguments.verbose), app)
        return start(options, verbose=arguments.verbose)
    try:
        return _on_store(arguments, state)
    except (SettingsError, StoreError, DatabaseError) as error:
        print(f"funchost: {error}", file=sys.stderr)
        return 1


def _on_store(arguments: argparse.Namespace, state: Path) -> int:
    from funchost import commands  # a start needs none of them

    if arguments.command == "instances":
        documents = list(commands.instances(state, arguments.status))
        if arguments.json:
            return _print(documents)
        for one in documents:
            print(f"{one['runtimeStatus']:<11} {one['createdTime'][:19]}  {one['instanceId']}")
    elif arguments.command == "export":
        if not arguments.id and not arguments.all:
            raise SettingsError("say which instance to export, or --all")
        return _print(commands.export(state, arguments.id))
    elif arguments.command == "check":
        return _check(arguments, state)
    elif arguments.command == "warnings":
        return _print(commands.warnings(state))
    elif arguments.command == "purge":
        count = commands.purge(state, arguments.status or [], arguments.older_than)
        print(f"purged {count} instances")
    elif arguments.command == "keys":
        print(json.dumps(commands.keys(state), indent=2))
    elif arguments.verb == "list":
        return _print(commands.letters(state))
    elif arguments.number is None:
        raise SettingsError(f"say which dead letter to {arguments.verb}, by its id")
    else:
        commands.settle_letter(state, arguments.verb, arguments.number)
    return 0


def _check(arguments: argparse.Namespace, state: Path) -> int:
    from funchost import commands

    checked = differing = 0
    for one, name, step in commands.check(arguments.app.resolve(), state, arguments.id):
        checked += 1
        if step is not None:
            differing += 1
            print(f"{name} ({one}): {step}")
    print(f"{differing} of {checked} instances leave their histories")
    return 1 if differing else 0


def _print(documents: Iterable[dict[str, Any]]) -> int:
    for document in documents:
        print(json.dumps(document))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="funchost", description="A local Azure Functions host.")
    commands = parser.add_subparsers(dest="command", required=True)
    folders = argparse.ArgumentParser(add_help=False)
    folders.add_argument(
        "--app", type=Path, default=Path.cwd(), help="the app's folder (default: this folder)"
    )
    folders.add_argument("--state", type=Path, help="the state folder (default: APP/.funchost)")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, parents=[folders])

    begin = add("start", "host a Functions app on this machine")
    begin.add_argument(
        "--port", type=int, help="the port; 0 takes a free port (default: LocalHttpPort, else 7071)"
    )
    begin.add_argument("--auth", action="store_true", help="require function keys, as Azure does")
    begin.add_argument("--watch", action="store_true", help="restart when the app changes")
    begin.add_argument("--verbose", action="store_true", help="log every turn")
    listing = add("instances", "list orchestration instances")
    listing.add_argument("--status", help="only instances with this runtime status")
    listing.add_argument("--json", action="store_true", help="one JSON object per line")
    exporting = add("export", "print instances with their history, one JSON object per line")
    exporting.add_argument("id", nargs="?", help="the instance")
    exporting.add_argument("--all", action="store_true", help="every instance")
    checking = add("check", "replay stored histories with today's code; exit 1 when they differ")
    checking.add_argument("id", nargs="?", help="the instance (default: all)")
    add(
        "warnings", "print warnings about traps of Azure that the app met, one JSON object per line"
    )
    purging = add("purge", "delete ended instances of a stopped host")
    purging.add_argument(
        "--status", action="append", help="only instances with this status; repeatable"
    )
    purging.add_argument(
        "--older-than",
        default="0s",
        help="only instances that ended so long ago, such as 7d (default: 0s)",
    )
    add("keys", "print the keys of a state folder")
    letters = add("dead-letters", "list, replay or discard events that could not be delivered")
    letters.add_argument("verb", choices=("list", "replay", "discard"))
    letters.add_argument("number", type=int, nargs="?", help="the dead letter's id")
    return parser


if __name__ == "__main__":
    sys.exit(main())
