"""The refusals of a start, the commands on a store, and `--watch`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from mlopsctl.reach.local_host import LISTENS
from tests.funchost.conftest import APPS, Host, until

APP = "import azure.functions as func\napp = func.FunctionApp()\n"
ROUTE = "@app.route(route='{0}')\ndef {0}(req: func.HttpRequest) -> str:\n    return '{1}'\n"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "funchost", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def app_folder(folder: Path, code: str, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "function_app.py").write_text(code)
    for name, text in files.items():
        (folder / f"{name}.json").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("code", "files", "said"),
    [
        ("import nothing_there\n", {}, "Worker failed to index functions"),
        ("x = 1\n", {}, "Could not find top level function app instances in function_app.py"),
        (APP, {"host": "{"}, "host.json is not JSON"),
        (APP, {"host": '{"extensions": []}'}, "extensions must be an object"),
        (APP, {"host": '{"extensions": {"http": 1}}'}, "http must be an object"),
        (APP, {"local.settings": '{"IsEncrypted": true}'}, "func settings decrypt"),
        (APP, {"local.settings": '{"Values": {"A": {}}}'}, "Values.A must be a string"),
        (APP, {"funchost.subscriptions": '{"x": {}}'}, "names x"),
        (
            APP
            + "@app.retry(strategy='fixed_delay', max_retry_count='2', delay_interval='10')\n"
            + "@app.timer_trigger(arg_name='t', schedule='0 0 0 * * *')\ndef f(t): ...\n",
            {},
            "function f: delay_interval of its retry policy is '10': write hh:mm:ss",
        ),
    ],
)
def test_an_app_that_cannot_be_hosted_says_why(
    tmp_path: Path, code: str, files: dict[str, str], said: str
) -> None:
    ended = run("start", "--port", "0", "--app", str(app_folder(tmp_path / "a", code, **files)))

    assert ended.returncode == 1
    assert said in ended.stderr


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    code = (
        APP
        + "@app.function_name('1st')\n@app.route(route='a')\ndef a(req): ...\n"
        + "@app.queue_trigger(arg_name='m__x', queue_name='q', connection='c')\ndef b(m__x): ...\n"
    )

    ended = run("start", "--port", "0", "--app", str(app_folder(tmp_path / "a", code)))

    for said in ("'1st' is not allowed", "'m__x' is not allowed", "queueTrigger is not supported"):
        assert said in ended.stderr


def test_a_start_lists_the_functions_with_their_urls(host: Host) -> None:
    lines = (host.state / "host.log").read_text()

    assert f"echo: [GET,POST] {host.url}/api/echo/{{name:alpha}}/{{rest?}}" in lines
    assert f"{host.url}/runtime/webhooks/EventGrid?functionName=on_event" in lines


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    host = Host(tmp_path_factory.mktemp("commands"))
    host.start()
    host.begin("chain", "ended", 1)
    host.begin("waiting", "open")
    host.finished("ended")
    listed = run("instances", "--state", str(host.state), "--json")
    assert {json.loads(line)["instanceId"] for line in listed.stdout.splitlines()} == {
        "ended",
        "open",
    }
    refused = run("purge", "--state", str(host.state))
    assert (refused.returncode, "another host already uses" in refused.stderr) == (1, True)
    host.stop()
    return host.state


def test_instances_are_listed_by_status(store: Path) -> None:
    said = run("instances", "--state", str(store), "--status", "completed").stdout

    assert "ended" in said
    assert "open" not in said


def test_an_instance_is_exported_with_its_history(store: Path) -> None:
    document = json.loads(run("export", "ended", "--state", str(store)).stdout)

    assert document["output"] == "4"
    assert [e["Name"] for e in document["history"] if e["EventType"] == 4] == ["add_one"] * 3


def test_purging_deletes_only_what_has_ended(store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(store, copy)

    assert run("purge", "--state", str(copy), "--older-than", "7d").stdout == "purged 0 instances\n"
    assert run("purge", "--state", str(copy)).stdout == "purged 1 instances\n"
    assert "open" in run("instances", "--state", str(copy)).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["export"], "say which instance to export, or --all"),
        (["export", "nobody"], "knows no instance 'nobody'"),
        (["purge", "--older-than", "soon"], "write 7d, 12h, 30m or 45s"),
        (["purge", "--status", "Running"], "'Running' cannot be purged"),
        (["dead-letters", "replay"], "say which dead letter to replay"),
        (["dead-letters", "discard", "7"], "there is no dead letter 7"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(
    store: Path, arguments: list[str], said: str
) -> None:
    ended = run(*arguments, "--state", str(store))

    assert ended.returncode == 1
    assert said in ended.stderr


def test_a_folder_without_a_store_is_named(tmp_path: Path) -> None:
    ended = run("instances", "--state", str(tmp_path))

    assert (ended.returncode, "holds no store" in ended.stderr) == (1, True)


def test_keys_are_printed(store: Path) -> None:
    keys = json.loads(run("keys", "--state", str(store)).stdout)

    assert set(keys) == {"master", "host", "system", "eventgrid", "topic", "functions"}


def test_a_change_of_the_app_restarts_the_host(tmp_path: Path) -> None:
    app = app_folder(tmp_path / "app", APP + ROUTE.format("say", "one"))
    host = Host(tmp_path / "state", app, "--watch")
    host.start()

    def says(word: str) -> bool:
        # Each start takes another free port.
        url = LISTENS.findall((host.state / "host.log").read_text())[-1]
        try:
            return httpx.get(f"{url}/api/say").text == word
        except httpx.TransportError:
            return False

    try:
        until(lambda: says("one"), "the first version")
        (app / "function_app.py").write_text("this is no Python\n")
        log = host.state / "host.log"
        until(lambda: "SyntaxError" in log.read_text(), "the broken edit to be shown")
        (app / "function_app.py").write_text(APP + ROUTE.format("say", "two"))
        until(lambda: says("two"), "the second version")
    finally:
        assert host.stop() == 0


def test_verbose_shows_each_turn(tmp_path: Path) -> None:
    host = Host(tmp_path / "state", APPS / "small", "--verbose")
    host.start()
    host.begin("chain", "told", 1)
    host.finished("told")
    host.stop()

    log = (host.state / "host.log").read_text()
    assert "turn 0 of told (chain): 1 in, 1 out" in log
    assert "Executed 'Functions.add_one' (Succeeded, Instance=told" in log
