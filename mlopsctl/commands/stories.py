"""Commands about single stories and runs: train, retry, logs, reconcile."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from mlopsctl import screens
from mlopsctl.reach.client import Api, ApiError, segment, unknown
from mlopsctl.reach.connection import STATE, Json, State, Url, connect, print_json
from mlopsctl.reach.options import Author
from mlopsctl.watch import follow

Data = Annotated[
    str, typer.Option(help="Address of the data; by default the newest accepted data.")
]
RequestId = Annotated[
    str, typer.Option(help="Id of the request; a second request with this id starts no training.")
]
CallerRun = Annotated[str, typer.Option(help="Id of the caller's own run; a tag of the version.")]
BuildId = Annotated[str, typer.Option(help="Id of the build that asks; a tag of the version.")]
BuildUri = Annotated[str, typer.Option(help="Address of that build; a tag of the version.")]
Wait = Annotated[
    bool,
    typer.Option("--wait", help="Wait for the end; exit with 1 unless a model was registered."),
]
Tail = Annotated[
    int, typer.Option(min=1, help="Number of lines to print, from the end of the log.")
]
LONGEST_TRAINING, LONGEST_COMPARISON = 86_400.0, 600.0


def train(
    model: str,
    data: Data = "",
    request_id: RequestId = "",
    caller_run_id: CallerRun = "",
    build_id: BuildId = "",
    build_uri: BuildUri = "",
    wait: Wait = False,
    person: Author = "",
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Start a training of a model."""
    api = connect(url, state)
    asked = request_id or f"by-hand-{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    given = {
        "data_uri": data,
        "caller_run_id": caller_run_id,
        "build_id": build_id,
        "build_uri": build_uri,
    }
    content = {"request_id": asked, **{name: text for name, text in given.items() if text}}
    path = f"/api/models/{segment(model)}/train"
    receipt = api.post_as(person, path, content)["receipts"][0]
    instance_id = receipt["instance_id"]
    view = _follow(api, instance_id, as_json, LONGEST_TRAINING) if wait else None
    if as_json:
        print_json({"receipt": receipt, "story": view})
    elif view is None:
        print(f"{receipt['outcome']} {instance_id}")
        print(f"mlopsctl show {instance_id}")
    else:
        print(f"{instance_id}: {view['outcome']}. {' '.join(view['reasons'])}".rstrip())
    if view and view["outcome"] != "registered":
        raise typer.Exit(1)


def retry(
    story: Annotated[
        str, typer.Argument(metavar="ID", help="A training, release, change or event that failed.")
    ],
    person: Author = "",
    url: Url = "",
    state: State = STATE,
    as_json: Json = False,
) -> None:
    """Start a failed story again; a repeated call finds the same attempt."""
    api, path = connect(url, state), segment(story)
    if api.find(f"/api/status/{path}") is not None:
        content = api.post_as(person, f"/api/stories/{path}/retry")
    elif api.find(f"/api/events/{path}") is not None:
        content = api.post_as(person, f"/api/events/{path}/replay")["receipt"]
    else:
        raise unknown(story)
    if as_json:
        print_json(content)
    else:
        print(
            f"{content['outcome']} {content['instance_id'] or content.get('reason') or ''}".strip()
        )
    if content["outcome"] == "refused":
        raise typer.Exit(1)


def logs(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run, or its training.")],
    tail: Tail = 1000,
    url: Url = "",
    state: State = STATE,
) -> None:
    """Print the log of a training, an evaluation or a run of checks."""
    api = connect(url, state)
    print(api.text(f"/api/runs/{segment(run)}/log?tail={tail}"), end="")


def reconcile(url: Url = "", state: State = STATE, as_json: Json = False) -> None:
    """Compare ledger, histories and platforms now; exit 1 when a difference is left."""
    api = connect(url, state)
    instance_id = api.post("/api/findings")["instance_id"]
    view = _follow(api, instance_id, True, LONGEST_COMPARISON)
    if view["status"] != "Completed":
        raise ApiError("RECONCILE", f"{instance_id} {view['status']}: {view['output']}")
    content = api.get("/api/findings")
    findings = content["report"]["findings"]
    if as_json:
        print_json(content)
    elif not findings:
        print(f"Everything agrees, at {content['compared_at']}.")
    for finding in [] if as_json else findings:
        done = " (repaired)" if finding["repaired"] else ""
        print(f"{finding['kind']}: {finding['subject']}. {finding['detail']}{done}")
    if not all(finding["repaired"] for finding in findings):
        raise typer.Exit(1)


def _follow(api: Api, instance_id: str, quiet: bool, seconds: float) -> dict[str, Any]:
    out = screens.console()

    def tell(step: str, took: float, detail: str) -> None:
        if not quiet:
            out.print(screens.step_line(step, took, detail))

    return follow(api, instance_id, tell, seconds=seconds)[0]
