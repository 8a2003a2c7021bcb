"""Settings, options and schedules: the refusals of a start, and their effects."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from funchost.app.settings import SettingsError, export_local_settings, read_environment
from funchost.app.watch import snapshot
from funchost.events.subscriptions import FILE, read_subscriptions
from funchost.host import Options
from funchost.start import command
from tests.funchost.conftest import Host, until
from tests.funchost.test_start_up import APP, ROUTE, app_folder

OPEN = "auth_level=func.AuthLevel.ANONYMOUS"
RECORDS = "def f(t):\n    import time\n    open('ran', 'w').write(time.tzname[0])\n"
TIMER = "@app.timer_trigger(arg_name='t', schedule='{}')\ndef f(t): ...\n"


def test_a_refused_schedule_takes_out_its_function_alone(tmp_path: Path) -> None:
    refused = {
        "never": ("0 0 0 30 2 *", "no such day exists in these months (Year must be between 1"),
        "back": ("*/-5 * * * * *", "'*/-5' has a step below 1"),
        "zero": ("*/0 * * * * *", "'*/0' has a step below 1"),
        "outside": ("61 * * * * *", "'61' is outside 0-59"),
        "seven": ("0 0 0 * * 7", "'7' is outside 0-6"),
        "reversed_days": ("0 0 0 * * FRI-MON", "Write 5-6,0-1"),
        "gone": ("%GONE%", "no setting is called GONE"),
    }
    code = APP + ROUTE.format("alive", "yes").replace("route='alive'", "route='alive', " + OPEN)
    for name, (schedule, _) in refused.items():
        code += TIMER.format(schedule).replace("def f(", f"def {name}(")
    code += TIMER.format("* * * * * *").replace("def f(t): ...", RECORDS)
    host = Host(tmp_path / "state", app_folder(tmp_path / "app", code), TZ="Asia/Tokyo")
    host.start()
    try:
        assert httpx.get(host.url + "/api/alive").text == "yes"
        until(lambda: (tmp_path / "app" / "ran").exists(), "the timer that is right")
        assert stored_warnings(host) == {f"function {name}" for name in refused}
        host.stop()
        (tmp_path / "app" / "function_app.py").write_text(APP + TIMER.format("* * * * * *"))
        host.start()
        assert stored_warnings(host) == set()
    finally:
        host.stop()

    log = (tmp_path / "state" / "host.log").read_text()
    for name, (_, said) in refused.items():
        [line] = [line for line in log.splitlines() if f"function {name} is in error" in line]
        assert said in line
        assert f"  {name}: timerTrigger, in error: " in log
    assert (tmp_path / "app" / "ran").read_text() == "UTC", "the host runs in UTC"


def stored_warnings(host: Host) -> set[str]:
    """Return the functions with a refused schedule; `mlopsctl doctor` shows them, too."""
    url, key = f"{host.url}/runtime/webhooks/funchost/warnings", host.keys()["systemKey"]
    answer = httpx.get(url, headers={"x-functions-key": key}).json()
    return {one["instance"] for one in answer["warnings"] if one["kind"] == "REFUSED_SCHEDULE"}


def test_the_command_under_a_watch_watches_nothing(tmp_path: Path) -> None:
    """An abbreviation such as --wat made each child watch another child."""
    options = Options(app=tmp_path, state=tmp_path / "state", port=7, auth=True)

    words = command(options, verbose=True)

    assert words[1:4] == ["-m", "funchost", "start"]
    assert not [word for word in words if word.startswith("--w")]
    assert {"--auth", "--verbose", "7", str(tmp_path)} <= set(words)


def test_folders_of_packages_are_not_watched(tmp_path: Path) -> None:
    for name in ("function_app.py", ".venv/lib/a.py", "inner/node_modules/b.py", "inner/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    names = {path.name for path in snapshot(tmp_path)}

    assert names == {"function_app.py", "c.py"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("FUNCHOST_RETENTION_DAYS", "inf"),
        ("FUNCHOST_REQUEST_SECONDS", "nan"),
        ("FUNCHOST_MAX_CONNECTIONS", "inf"),
        ("PYTHON_THREADPOOL_THREAD_COUNT", "many"),
        ("PYTHON_THREADPOOL_THREAD_COUNT", "0"),
    ],
)
def test_a_number_that_is_none_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(name, text)

    with pytest.raises(SettingsError, match=f"{name} is '{text}'"):
        read_environment()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"includedEventTypes": "A"}', "includedEventTypes must be a list of texts"),
        ('{"includedEventTypes": [1]}', "includedEventTypes must be a list of texts"),
        ('{"isSubjectCaseSensitive": "false"}', "isSubjectCaseSensitive must be true or false"),
        ('{"subjectEndsWith": [".csv"]}', "subjectEndsWith must be a text"),
        ('{"advancedFilters": {}}', "advancedFilters must be a list"),
        (
            '{"advancedFilters": [{"key": "a", "operatorType": "StringIn", "values": "b"}]}',
            "needs a list of values",
        ),
        (
            '{"advancedFilters": [{"key": "a", "operatorType": "NumberIn", "values": ["b"]}]}',
            "needs numbers",
        ),
        ('{"advancedFilters": [{"key": "a", "operatorType": "BoolEquals"}]}', "needs the value"),
    ],
)
def test_a_filter_that_is_none_is_named(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / FILE).write_text(f'{{"f": {content}}}')

    with pytest.raises(SettingsError, match=said):
        read_subscriptions(tmp_path, ["f"])


def test_filters_that_are_null_filter_nothing(tmp_path: Path) -> None:
    content = '{"includedEventTypes": null, "advancedFilters": null, "subjectEndsWith": null}'
    (tmp_path / FILE).write_text(f'{{"f": {content}}}')
    event: dict[str, Any] = {"eventType": "A", "subject": "b"}

    assert read_subscriptions(tmp_path, ["f"])["f"].takes(event)


def test_a_start_names_event_grid_functions_that_work_differently_in_azure(tmp_path: Path) -> None:
    trigger = "@app.event_grid_trigger(arg_name='e'{})\ndef {}(e): ...\n"
    retry = "@app.retry(strategy='fixed_delay', max_retry_count='2', delay_interval='00:00:10')\n"
    code = APP + trigger.format(", cardinality='many'", "listed")
    code += retry + trigger.format("", "retried") + trigger.format("", "plain")
    host = Host(tmp_path / "state", app_folder(tmp_path / "app", code))
    host.start()
    host.stop()

    lines = (tmp_path / "state" / "host.log").read_text().splitlines()
    warnings = [line for line in lines if "WARNING funchost.host" in line]
    assert len(warnings) == 2
    assert "function listed has cardinality 'many'" in warnings[0]
    assert "the retry policy of function retried is not done here" in warnings[1]


@pytest.mark.parametrize(
    ("values", "warned"),
    [({"TZ": "Europe/Berlin"}, ["TZ"]), ({"WEBSITE_TIME_ZONE": "UTC", "OTHER": "x"}, [])],
)
def test_a_zone_in_the_settings_has_no_effect_and_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    values: dict[str, str],
    warned: list[str],
) -> None:
    for name in values:
        monkeypatch.setenv(name, "UTC")
    (tmp_path / "local.settings.json").write_text(json.dumps({"Values": values}))

    export_local_settings(tmp_path)

    assert caplog.messages == [
        f"local.settings.json: Values.{name} has no effect: the host runs in UTC" for name in warned
    ]
