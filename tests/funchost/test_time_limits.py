"""functionTimeout bounds every function; code that cannot be ended holds up no other."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from funchost.app.threads import Threads
from tests.funchost.conftest import Host, until
from tests.funchost.test_start_up import app_folder

STUCK = """
import pathlib
import threading
import azure.durable_functions as df
import azure.functions as func
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
ENDED = pathlib.Path(__file__).with_name('ended')

def hang():
    while not ENDED.exists():
        threading.Event().wait(0.01)

@app.activity_trigger(input_name='n')
def hangs(n):
    hang()
    return 'late'

@app.activity_trigger(input_name='n')
def quick(n): return n

@app.orchestration_trigger(context_name='context')
def calls(context):
    try:
        result = yield context.call_activity(context.get_input()['name'], 7)
    except Exception as error:
        result = str(error)
    return result

@app.orchestration_trigger(context_name='context')
def hangs_itself(context):
    result = yield context.call_activity('quick', 1)
    hang()
    return result

@app.orchestration_trigger(context_name='context')
def asks(context):
    entity = df.EntityId('tally', context.get_input()['key'])
    try:
        result = yield context.call_entity(entity, context.get_input()['operation'])
    except Exception as error:
        result = str(error)
    return result

@app.entity_trigger(context_name='context')
def tally(context):
    if context.operation_name == 'hang':
        hang()
    context.set_state(5)
    context.set_result(5)

@app.route(route='hangs_too')
def hangs_too(req):
    hang()
"""
SAID = "Timeout value of 00:00:01 was exceeded by function: Functions."


@pytest.fixture(params=["never", "always"], ids=["resident", "replayed"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    content = {"version": "2.0", "functionTimeout": "00:00:01"}
    app = app_folder(tmp_path / "app", STUCK, host=json.dumps(content))
    host = Host(
        tmp_path / "state",
        app,
        PYTHON_THREADPOOL_THREAD_COUNT="1",
        FUNCHOST_REPLAY=request.param,
    )
    host.start()
    yield host
    (app / "ended").touch()
    host.stop()


def begin(host: Host, story: str, instance: str, **value: str) -> None:
    answer = host.manage("POST", f"/orchestrators/{story}/{instance}", json=value)
    assert answer.status_code == 202


def said(host: Host) -> str:
    return (host.state / "host.log").read_text()


def test_a_late_function_takes_no_thread_from_others(host: Host) -> None:
    for number in range(2):
        begin(host, "calls", f"late-{number}", name="hangs")
        output = host.finished(f"late-{number}")["output"]
        assert output.startswith(f"Activity function 'hangs' failed: {SAID}hangs")
    assert httpx.get(f"{host.url}/api/hangs_too", timeout=60).status_code == 500

    begin(host, "calls", "other", name="quick")

    assert host.finished("other")["output"] == 7
    assert "exceeded by function 'Functions.hangs_too'" in said(host)
    (host.app / "ended").touch()
    begin(host, "calls", "last", name="hangs")
    assert host.finished("last")["output"] == "late"
    assert host.status("late-0")["output"] == output, "the late result was taken"


def test_a_late_turn_is_aborted_and_taken_again_when_its_code_ends(host: Host) -> None:
    begin(host, "hangs_itself", "late")
    begin(host, "hangs_itself", "dropped")
    until(lambda: said(host).count("is aborted and taken again") == 2, "both aborts")

    begin(host, "calls", "other", name="quick")
    assert host.finished("other")["output"] == 7
    assert host.manage("POST", "/instances/dropped/terminate").status_code == 202
    assert host.status("late")["runtimeStatus"] == "Running"
    assert "exceeded by function 'Functions.hangs_itself'" in said(host)

    (host.app / "ended").touch()
    assert host.finished("late")["output"] == 1
    assert host.finished("dropped")["runtimeStatus"] == "Terminated"


def test_the_operations_of_a_late_entity_fail(host: Host) -> None:
    begin(host, "asks", "late", key="k", operation="hang")

    assert host.finished("late")["output"] == f"{SAID}tally"

    begin(host, "asks", "next", key="k", operation="count")
    assert host.finished("next")["output"] == 5


def test_a_replaced_thread_ends_with_its_work_and_counts_no_more() -> None:
    threads, gate, names = Threads(1, "function"), threading.Event(), list[str]()
    late = threads.call(gate.wait)
    until(lambda: late.running(), "the late call")
    behind = threads.call(lambda: names.append(threading.current_thread().name))
    threads.replace(threading.get_ident())  # not in the pool
    assert not behind.done()

    threads.replace(late.thread)
    threads.replace(late.thread)

    behind.result(60)
    first = next(each for each in threading.enumerate() if each.ident == late.thread)
    gate.set()
    first.join(60)
    assert not first.is_alive()
    assert threads.call(threading.get_ident).result(60) == behind.thread
    threads.close()
    assert names == ["function"]


def test_a_call_that_fails_or_is_cancelled_leaves_its_thread_free() -> None:
    threads, gate = Threads(1, "function"), threading.Event()
    first = threads.call(gate.wait)
    cancelled, failing = threads.call(print), threads.call(int, "no number")
    assert cancelled.cancel()
    gate.set()

    with pytest.raises(ValueError, match="no number"):
        failing.result(60)
    assert first.result(60)
    threads.close()
