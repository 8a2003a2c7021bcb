"""host.json is read as the host reads it, and each of its settings is done, refused or told."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from funchost.app.host_json.comments import loads
from funchost.app.host_json.document import HostJson, settings
from funchost.app.host_json.spans import read_span, show_span
from funchost.app.settings import (
    SettingsError,
    read_host_settings,
    read_port,
    unread_settings,
)
from tests.funchost.conftest import Host
from tests.funchost.test_start_up import app_folder, run

# The names of the published schema (json.schemastore.org/host.json, version 2.0), by section.
SCHEMA = {
    "": "extensionBundle aggregator functions functionTimeout healthMonitor languageWorker logging "
    "managedDependency retry customHandler singleton watchDirectories watchFiles version "
    "concurrency sendCanceledInvocationsToWorker",
    "extensionBundle.": "id version",
    "aggregator.": "batchSize flushTimeout",
    "singleton.": "lockPeriod listenerLockPeriod lockAcquisitionTimeout",
    "logging.": "logLevel.default applicationInsights.samplingSettings.isEnabled fileLoggingMode",
    "retry.": "strategy maxRetryCount delayInterval minimumInterval maximumInterval",
    "extensions.": "http queues sendGrid serviceBus eventHubs durableTask cosmosDB blobs",
    "extensions.http.": "routePrefix maxConcurrentRequests maxOutstandingRequests "
    "dynamicThrottlesEnabled hsts.isEnabled customHeaders.X-Frame-Options",
    "extensions.durableTask.": "hubName storageProvider.partitionCount tracing.traceReplayEvents "
    "notifications.eventGrid.topicEndpoint maxConcurrentActivityFunctions "
    "maxConcurrentOrchestratorFunctions extendedSessionsEnabled "
    "extendedSessionIdleTimeoutInSeconds useAppLease useGracefulShutdown "
    "maxEntityOperationBatchSize useTablePartitionManagement",
}


@pytest.mark.parametrize(
    "name", [f"{section}{word}" for section, words in SCHEMA.items() for word in words.split()]
)
def test_every_setting_of_the_schema_is_known(name: str) -> None:
    known = settings()
    section = [s for s in known if s.name.startswith(f"{name}.")]

    assert section or any(setting.covers(name) for setting in known)


@pytest.mark.parametrize(
    ("content", "refused", "said"),
    [
        ({"extensions": {"durableTask": {"useAppLease": False}}}, "", "useAppLease has no effect"),
        ({"logging": {"logLevel": {"default": "None"}}}, "", "FUNCHOST_LOG_LEVEL"),
        (
            {"functionTimeOut2": 1},
            "",
            "functionTimeOut2 is not known; did you mean functionTimeout",
        ),
        ({"extensions": {"magic": {"x": 1}}}, "", "extensions.magic.x is not known"),
        ({"extensions": {"durableTask": {"notifications": {"eventGrid": {}}}}}, "", ""),
        (
            {
                "extensions": {
                    "durableTask": {"notifications": {"eventGrid": {"keySettingName": 1}}}
                }
            },
            "notifications.eventGrid.keySettingName is not supported",
            "",
        ),
        ({"extensions": {"http": {"dynamicThrottlesEnabled": True}}}, "dynamicThrottles", ""),
        ({"extensions": {"http": {"dynamicThrottlesEnabled": False}}}, "", ""),
        ({"customHandler": {"enableForwardingHttpRequest": True}}, "customHandler", ""),
        ({"version": "1.0"}, 'write "version": "2.0"', ""),
        ({"version": None, "Version": "2.0"}, 'write "version": "2.0"', ""),
        ({"$schema": "https://json.schemastore.org/host.json"}, "", ""),
        ({"extensions": {"durableTask": None}}, "", ""),
    ],
)
def test_a_setting_is_refused_or_told(content: dict[str, object], refused: str, said: str) -> None:
    refusals, texts = HostJson({"version": "2.0", **content}, {}).problems()

    assert (len(refusals), len(texts)) == (bool(refused), bool(said))
    assert refused in "".join(refusals)
    assert said in "".join(texts)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"functionTimeout": "5 minutes"}, "functionTimeout is"),
        ({"functionTimeout": "0:0:0"}, "functionTimeout is"),
        ({"functions": "one"}, "functions must be a list of texts"),
        ({"extensions": {"durableTask": {"hubName": "my hub"}}}, "hubName is 'my hub'; a task hub"),
        ({"extensions": {"durableTask": {"hubName": "h1"}}}, "hubName is 'h1'; a task hub's name"),
        ({"extensions": {"durableTask": {"hubName": "%NONE%"}}}, "no setting is called NONE"),
        ({"extensions": {"http": {"customHeaders": {"X Y": "1"}}}}, "customHeaders.X Y is '1'; a"),
        ({"extensions": {"http": {"customHeaders": {"X": "1\n2"}}}}, "customHeaders.X is '1"),
        ({"version": "1.0"}, 'write "version": "2.0"'),
        ({"extensions": {"durableTask": {"maxConcurrentActivityFunctions": 0}}}, "is 0; use a"),
        ({"extensions": {"durableTask": {"maxConcurrentActivityFunctions": "2"}}}, 'is "2"; use a'),
        ({"extensions": {"durableTask": {"maxConcurrentOrchestratorFunctions": -1}}}, "is -1"),
        ({"extensions": {"http": {"maxOutstandingRequests": True}}}, "is true; use a"),
        ({"extensions": {}}, ""),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, content: dict[str, object], said: str) -> None:
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0", **content}))
    if said:
        with pytest.raises(SettingsError, match=r"host\.json") as raised:
            read_host_settings(tmp_path)
        assert said in str(raised.value)
    else:
        assert read_host_settings(tmp_path).route_prefix == "api"


def test_the_environment_overrides_host_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "host.json").write_text(
        '{"version": "2.0", "extensions": {"durabletask": {"HubName": "%hub%"}}}'
    )
    prefix = "AzureFunctionsJobHost__"
    monkeypatch.setenv(f"{prefix}extensions__durableTask__maxConcurrentActivityFunctions", "3")
    monkeypatch.setenv(f"{prefix}functionTimeout", "00:00:05")
    monkeypatch.setenv(f"{prefix}functions__0", "one")
    monkeypatch.setenv(f"{prefix}functions__1", "2")
    monkeypatch.setenv("Hub", "Mine")

    read = read_host_settings(tmp_path)

    assert (read.task_hub, read.activities, read.functions) == ("Mine", 3, ("one", "2"))
    assert read.said == ()
    assert read.function_timeout == read_span("00:00:05")


def test_the_environment_replaces_an_element_of_a_list() -> None:
    environ = {"AzureFunctionsJobHost__functions__1": "c", "AZUREFUNCTIONSJOBHOST__x__0": "d"}

    file = HostJson({"version": "2.0", "functions": ["a", "b"]}, environ)

    assert file.texts("functions") == ("a", "c")
    assert file.problems() == ([], ["host.json: x is not known"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, // one\n "b": [1, 2, /* three */ ],\n}', {"a": 1, "b": [1, 2]}),
        ('{"a": "// no /* comment */, }"}', {"a": "// no /* comment */, }"}),
        ('{"a": "\\"// still a text", /* , */ }', {"a": '"// still a text'}),
        ("// only a comment before\n{}", {}),
    ],
)
def test_comments_and_a_comma_at_the_end_are_no_fault(text: str, value: object) -> None:
    assert loads(text) == value


def test_a_fault_behind_a_comment_has_its_own_line() -> None:
    with pytest.raises(ValueError, match="line 3 column 10"):
        loads("{\n/* two\nlines */ x}")


@pytest.mark.parametrize("text", ["00:00:02", "1.02:03:04", "00:00:00.5000000"])
def test_a_span_is_shown_as_it_is_written(text: str) -> None:
    span = read_span(text)

    assert span is not None
    assert show_span(span) == text


def test_local_settings_that_are_not_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text(
        '{"Values": {}, "Host": {"LocalHttpPort": 7073, "CORSCredentials": true}, '
        '"ConnectionStrings": {"a": "b"}}'
    )

    assert read_port(tmp_path) == 7073
    assert read_port(tmp_path / "other") == 7071
    assert unread_settings(tmp_path) == [
        "local.settings.json: ConnectionStrings has no effect here",
        "local.settings.json: Host.CORSCredentials has no effect here",
    ]


def test_a_wrong_port_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "local.settings.json").write_text('{"Host": {"LocalHttpPort": "7073"}}')

    ended = run("start", "--app", str(folder))

    assert (ended.returncode, "Host.LocalHttpPort is '7073'" in ended.stderr) == (1, True)


DURABLE_APP = """
import azure.durable_functions as df
app = df.DFApp()
@app.activity_trigger(input_name='n')
def act(n): ...
"""


def test_comments_stop_a_durable_app_as_in_azure(tmp_path: Path) -> None:
    """azure.durable_functions reads host.json by a strict parser when it is imported."""
    folder = app_folder(tmp_path / "a", DURABLE_APP, host='{"version": "2.0" /* x */}')

    ended = run("start", "--port", "0", "--app", str(folder))

    assert ended.returncode == 1
    assert "Worker failed to index functions" in ended.stderr
    assert "takes neither comments nor a comma at the end" in ended.stderr


LIMITED = """
import threading
import azure.durable_functions as df
import azure.functions as func
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
CHANGED, RUNNING, MOST = threading.Condition(), [0], [0]

@app.orchestration_trigger(context_name='context')
def fan(context):
    yield context.task_all([context.call_activity('query', n) for n in range(6)])
    return (yield context.call_activity('most', None))

@app.activity_trigger(input_name='n')
def query(n):
    # Ends once three run at once, or when no third one came.
    with CHANGED:
        RUNNING[0] += 1
        MOST[0] = max(MOST[0], RUNNING[0])
        CHANGED.notify_all()
        CHANGED.wait_for(lambda: MOST[0] > 2, 0.2)
        RUNNING[0] -= 1

@app.activity_trigger(input_name='n')
def most(n):
    return MOST[0]

@app.activity_trigger(input_name='n')
def off(n): ...

@app.orchestration_trigger(context_name='context')
def calls_off(context):
    yield context.call_activity('off', None)

@app.timer_trigger(schedule='*/1 * * * * *', arg_name='tick', disabled=True)
def nightly(tick): ...

@app.retry(strategy='fixed_delay', max_retry_count='2', delay_interval='00:00:01')
@app.route(route='gone')
def gone(req): return 'answered'

@app.route(route='show')
def show(req): return '|'.join(f'{k}={v}' for k, v in req.params.items())

@app.route(route='body')
def body(req): req.get_json()
"""
LIMITED_HOST = {
    "version": "2.0",
    "extensions": {
        "durableTask": {
            "maxConcurrentActivityFunctions": 2,
            "maxConcurrentOrchestratorFunctions": 1,
        },
        "http": {"customHeaders": {"X-Frame-Options": "DENY"}},
    },
}


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("limited")
    app = app_folder(folder / "app", LIMITED, host=json.dumps(LIMITED_HOST))
    disabled = {
        "AzureWebJobs.nightly.Disabled": "true",
        "AzureWebJobs_gone_Disabled": "1",
        "AZUREWEBJOBS.OFF.DISABLED": "True",
        "AzureWebJobs.show.Disabled": "false",
    }
    host = Host(folder / "state", app, **disabled)
    host.start()
    yield host
    host.stop()


def begin(host: Host, name: str) -> dict[str, object]:
    host.manage("POST", f"/orchestrators/{name}/{name}")
    return host.finished(name)


def test_no_more_activities_run_at_once_than_the_limit(limited: Host) -> None:
    assert begin(limited, "fan")["output"] == 2


def test_a_disabled_function_does_not_exist(limited: Host) -> None:
    log = (limited.state / "host.log").read_text()

    assert httpx.get(f"{limited.url}/api/gone").status_code == 404
    assert httpx.get(f"{limited.url}/api/show").status_code == 200
    for line in ("gone: httpTrigger Disabled", "nightly: timerTrigger Disabled"):
        assert f"  {line}\n" in log
    assert "the host ignores disabled=... of a decorator" in log
    assert "function gone: its retry policy has no effect" in log
    assert begin(limited, "calls_off")["runtimeStatus"] == "Failed"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("a=1&a=2", "a=1,2"),
        ("a=1&b=3&A=2", "a=1,2|b=3"),
        ("a=&b=1", "b=1"),
        ("a=&a=2", "a=,2"),
    ],
)
def test_repeated_query_parameters_are_joined(limited: Host, query: str, shown: str) -> None:
    answer = httpx.get(f"{limited.url}/api/show?{query}")

    assert (answer.text, answer.headers["X-Frame-Options"]) == (shown, "DENY")


def test_a_body_that_is_not_json_is_the_workers_error(limited: Host) -> None:
    assert httpx.post(f"{limited.url}/api/body", content=b"{").status_code == 500
    log = (limited.state / "host.log").read_text()
    assert "ValueError: HTTP request does not contain valid JSON data" in log


SLOW = """
import threading
import azure.durable_functions as df
import azure.functions as func
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.orchestration_trigger(context_name='context')
def long(context):
    yield context.call_activity(context.get_input()['name'], 1)

@app.activity_trigger(input_name='n')
def forever(n): threading.Event().wait()

@app.activity_trigger(input_name='n')
async def forever_async(n):
    import asyncio
    await asyncio.Event().wait()

@app.route(route='forever')
def forever_http(req): threading.Event().wait()
"""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("slow")
    content = {
        "version": "2.0",
        "functionTimeout": "00:00:01",
        "extensions": {"http": {"maxConcurrentRequests": 1, "maxOutstandingRequests": 1}},
    }
    host = Host(folder / "state", app_folder(folder / "app", SLOW, host=json.dumps(content)))
    host.start()
    yield host
    host.stop()


@pytest.mark.parametrize("activity", ["forever", "forever_async"])
def test_an_activity_fails_when_it_runs_too_long(slow: Host, activity: str) -> None:
    slow.manage("POST", f"/orchestrators/long/{activity}", json={"name": activity})

    ended = slow.finished(activity)

    words = f"Timeout value of 00:00:01 was exceeded by function: Functions.{activity}"
    assert ended["runtimeStatus"] == "Failed"
    assert words in str(ended["output"])
    assert "Timeout value of 00:00:01 exceeded by function" in (slow.state / "host.log").read_text()


def test_an_http_function_fails_when_it_runs_too_long(slow: Host) -> None:
    assert httpx.get(f"{slow.url}/api/forever", timeout=60).status_code == 500
