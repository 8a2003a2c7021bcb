"""Answers with the init() and run() of a scoring script from the seed: seed/score.py.

The model travels as skops. The script wants a pickle in AZUREML_MODEL_DIR: the service writes one
of the model that it has loaded itself, into a folder of its own, for as long as init() takes.
"""

import importlib.util
import inspect
import json
import logging
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from numbers import Real
from pathlib import Path
from types import ModuleType
from typing import Any

from scoring import stand_ins
from scoring.predictor import Predictor

SCRIPT = Path(__file__).parent / "seed" / "score.py"
# This file beside the script holds the name that the script uses for its model file.
MODEL_NAME = "model_name.txt"
DEFAULT_NAME = "model.pkl"
MAX_TEXT = 300
HEADERS = "request_headers"


class ScriptError(Exception):
    """The script failed, or answered with an error; `status` is the HTTP status of the answer."""

    def __init__(self, message: str, status: int = 500) -> None:
        super().__init__(message)
        self.status = status


def open_predictor(model: Path, script: Path = SCRIPT) -> Predictor:
    """Return a predictor that uses the script where there is one, else the model itself."""
    return ScriptPredictor(model, script) if script.exists() else Predictor(model)


class ScriptPredictor(Predictor):
    """Predicts with a script; requests are checked as for any model."""

    asks_model = False
    refusals: Mapping[str, str] = {"500": "The scoring script failed, or answered with an error"}

    def __init__(self, folder: Path, script: Path) -> None:
        super().__init__(folder)
        # One thread for init() and every run(), because objects of the script may be bound to a
        # thread; the service answers health requests while a run() takes long.
        self.thread = ThreadPoolExecutor(1, thread_name_prefix=script.stem)
        self.thread.submit(self._open, script).result()

    def _open(self, script: Path) -> None:
        named = script.with_name(MODEL_NAME)
        name = named.read_text(encoding="utf-8").strip() if named.exists() else DEFAULT_NAME
        with tempfile.TemporaryDirectory(prefix="scoring-") as private:
            # As in Azure ML: the last two parts are the model's name and version.
            place = Path(private, "azureml-models", name, "1")
            place.mkdir(parents=True)
            (place / name).write_bytes(pickle.dumps(self._model))
            os.environ["AZUREML_MODEL_DIR"] = str(place)
            stand_ins.install(place / name)
            module = _guarded("It cannot be imported", lambda: _import(script))
            if hasattr(module, "init"):
                _guarded("init() failed", module.init)
        # The script holds the model now.
        self._model = None
        self._run: Callable[..., Any] = getattr(module, "run", _absent)
        self._parsed = hasattr(self._run, stand_ins.PARSED)
        names = list(inspect.signature(self._run).parameters)
        self._headers = HEADERS in names
        self._argument = next((name for name in names if name != HEADERS), "")
        if not self._argument:
            raise ScriptError("score.py has no run() that takes the rows.")

    def answer(self, content: Any, headers: Mapping[str, str]) -> dict[str, Any]:
        """Return the answer of run() to the rows, with one number per row in `result`."""
        rows = self.rows(content)
        # The script gets a copy or a text, so that it cannot change the rows that are logged.
        given = [list(row) for row in rows] if self._parsed else json.dumps(content)
        more = {HEADERS: dict(headers)} if self._headers else {}
        said = _guarded("run() failed", lambda: self._run(**{self._argument: given}, **more))
        return read_answer(said, len(rows))


def read_answer(said: Any, count: int) -> dict[str, Any]:
    """Return an answer with `count` numbers in `result`; ScriptError when it is none."""
    if isinstance(said, stand_ins.AMLResponse):
        if said.status_code >= 400:
            raise ScriptError(_text(said.message), min(said.status_code, 599))
        said = said.message
    if isinstance(said, str | bytes):
        try:
            said = json.loads(said)
        except ValueError:
            raise ScriptError("run() answered with a text that is not JSON.") from None
    if not isinstance(said, dict):
        said = {"result": said}
    if said.get("error") is not None:
        raise ScriptError(_text(said["error"]))
    result = _plain(said.get("result"))
    if not isinstance(result, list | tuple) or len(result) != count:
        raise ScriptError(f"run() must answer with {count} numbers in `result`, one for each row.")
    if not all(_is_number(value) for value in result):
        raise ScriptError("run() answered with something in `result` that is not a finite number.")
    try:
        # Other fields of its answer are passed on.
        more = json.loads(json.dumps({**said, "result": None}, default=_plain, allow_nan=False))
    except (TypeError, ValueError):
        raise ScriptError("run() answered with something that JSON cannot hold.") from None
    return {**more, "result": [float(value) for value in result]}


def _absent() -> None: ...


def _import(script: Path) -> ModuleType:
    # As in Azure ML: the files beside the script are modules.
    sys.path.insert(0, str(script.parent))
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[script.stem] = module
    spec.loader.exec_module(module)
    return module


def _guarded(what: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    # Foreign code may raise anything and must not end the service.
    except (Exception, SystemExit) as error:
        logging.getLogger(__name__).exception("score.py: %s", what)
        # The text of the error may be confidential, so that only the log has it.
        raise ScriptError(f"score.py: {what}: {type(error).__name__}. See the log.") from error


def _text(error: Any) -> str:
    return (error if isinstance(error, str) else json.dumps(error, default=str))[:MAX_TEXT]


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


def _is_number(value: Any) -> bool:
    # A whole number of 400 digits is JSON, and no float.
    real = isinstance(value, Real) and not isinstance(value, bool)
    return real and bool(abs(value) <= sys.float_info.max)
