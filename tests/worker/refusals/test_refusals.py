"""funchost serves and refuses the same functions as Microsoft's worker, with its messages."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from azure.functions.meta import Datum

from funchost.app.indexing import IndexingError, alone, load_functions
from funchost.app.invocation import Invoker
from tests.worker.refusals.cases import CALLS, CASES, HTTP, ROUTE

ANSWERS: dict[str, Any] = json.loads(Path(__file__).with_name("answers.json").read_text("utf-8"))
# Addresses of objects, and the order of a set, differ from process to process.
_ADDRESS, _SET = re.compile(r" at 0x[0-9a-f]+"), re.compile(r"\{('\w+'(?:, '\w+')*)\}")
REQUEST = {
    "method": Datum("POST", "string"),
    "url": Datum("http://host/api/f", "string"),
    "headers": {},
    "query": {},
    "params": {},
    "body": Datum(b"{", "bytes"),
}


def plain(text: str) -> str:
    """Return the worker's words without the texts that differ from process to process."""
    text = _SET.sub(lambda m: "{" + ", ".join(sorted(m[1].split(", "))) + "}", text)
    # The SDK moved a class to another module between the versions of both environments.
    return re.sub(r"azure\.functions\._\w+\.", "azure.functions.", _ADDRESS.sub("", text))


def app(folder: Path, name: str) -> Path:
    (folder / "function_app.py").write_text(CASES[name], encoding="utf-8")
    return folder


def test_every_case_has_an_answer() -> None:
    assert list(ANSWERS) == list(CASES)
    assert sum("refused" in answer for answer in ANSWERS.values()) > 50


@pytest.mark.parametrize("name", CASES)
def test_an_app_is_served_or_refused_as_the_worker_does(name: str, tmp_path: Path) -> None:
    answer = ANSWERS[name]
    with alone(tmp_path):
        try:
            names = [f.name for f in load_functions(app(tmp_path, name)).values()]
        except (IndexingError, ValueError) as error:
            words = str(error) if isinstance(error, IndexingError) else f"ValueError: {error}"
            assert plain(answer.get("refused", "served")) in plain(words)
        else:
            assert names == answer.get("functions")


@pytest.mark.parametrize("name", CALLS)
def test_a_function_gets_the_value_that_the_worker_gives(name: str, tmp_path: Path) -> None:
    _, kind, text = CALLS[name]

    async def call() -> Any:
        [function] = load_functions(app(tmp_path, name)).values()
        invoker = Invoker("", 1)
        try:
            if function.kind == "activityTrigger":
                return await asyncio.to_thread(invoker.activity, function, text, "")
            datum = Datum(REQUEST if kind == "http" else text, kind)
            return await invoker.call(function, invoker.value(function, datum))
        finally:
            invoker.close()

    with alone(tmp_path), pytest.raises(Exception) as raised:  # noqa: PT011, compared below
        asyncio.run(call())

    said = f"{type(raised.value).__name__}: {raised.value}"
    assert said == ANSWERS[name]["says"]


def test_each_refused_function_is_named_with_its_line(tmp_path: Path) -> None:
    code = CASES["one-of-three"] + "\n@app.route(route='i')\ndef i(req) -> dict: ..."
    (tmp_path / "function_app.py").write_text(code, encoding="utf-8")

    with alone(tmp_path), pytest.raises(IndexingError) as raised:
        load_functions(tmp_path)

    first, second = str(raised.value).splitlines()
    assert first.startswith("function_app.py:6: FunctionLoadError: cannot load the g function")
    assert "Instead: remove these parameters" in first
    assert second.startswith("function_app.py:10: FunctionLoadError: cannot load the i function")
    assert "Instead: annotate the return value with func.HttpResponse or str" in second


OUTPUT = HTTP + (
    "@app.route(route='f')\n"
    "@app.queue_output(arg_name='message', queue_name='q', connection='c')\n"
    "def f(req, message: func.Out[str]): ..."
)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (CASES["blueprint-twice"], "function_app.py:3, function_app.py:3: ValueError: Function f"),
        (CASES["client-alone"], "function_app.py:5: ValueError: Function f does not have a trig"),
        (CASES["division"], "function_app.py:4: ZeroDivisionError: division by zero. Instead:"),
        (CASES["built-in"], "TypeError: module, class, method, function"),
        (OUTPUT, "function_app.py:4: function f: queue is not supported by this host; call the"),
        (ROUTE + "def _f(req): ...", "function_app.py:4: function name '_f' is not allowed"),
        ("\nimport gone.away", "function_app.py:2: ModuleNotFoundError: No module named 'gone'"),
        ("raise SystemExit(0)", "function_app.py:1: SystemExit: 0. The import of function_app.py"),
    ],
)
def test_an_app_that_cannot_be_loaded_is_explained_with_its_line(
    tmp_path: Path, code: str, said: str
) -> None:
    (tmp_path / "function_app.py").write_text(code, encoding="utf-8")

    with alone(tmp_path), pytest.raises(IndexingError) as raised:
        load_functions(tmp_path)

    [line] = str(raised.value).splitlines()
    assert line.startswith(said)


def test_a_missing_module_of_the_app_itself_is_the_apps_own_error(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text("import mine.gone", encoding="utf-8")
    (tmp_path / "mine").mkdir()

    with alone(tmp_path), pytest.raises(ModuleNotFoundError, match=r"mine\.gone"):
        load_functions(tmp_path)
