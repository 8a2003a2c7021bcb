"""A scoring script of the seed gets checked rows only; its failure is never a 200."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from function_app.adapters.local.reach.processes import free_port
from scoring import stand_ins
from scoring.predictor import InputError, Predictor
from scoring.score_script import ScriptError, ScriptPredictor, open_predictor, read_answer
from tests.funchost.conftest import until
from tests.mlopsctl.seed_clone import SCORE
from tests.patience import PATIENCE
from tests.scoring.keys import AS_PROBE, CALLER, KEYS

ROOT = Path(__file__).parents[2]
# As the seed had it in 2019: it takes the body as text, and tells errors with status 200.
OF_2019 = """
import json
import numpy
from azureml.core.model import Model
from sklearn.externals import joblib


def init():
    global model
    model = joblib.load(Model.get_model_path(model_name="sklearn_regression_model.pkl"))


def run(raw_data):
    try:
        data = numpy.array(json.loads(raw_data)["data"])
        if data[0][0] == 7:
            raise ValueError("seven is refused")
        return json.dumps({"result": model.predict(data).tolist(), "by": "the script"})
    except Exception as error:
        return json.dumps({"error": str(error)})
"""
TOUCHY = SCORE.replace(
    "    result = model.predict(data)\n",
    "    if data[0][0] == 5:\n        open('begun', 'w').close()\n"
    "    while data[0][0] == 5 and not os.path.exists('gate'):\n        pass\n"
    "    if data[0][0] == 6:\n        raise SystemExit(6)\n"
    "    if data[0][0] == 7:\n        raise KeyError('a secret of the script')\n"
    "    if data[0][0] == 8:\n        return {'error': 'eight is refused'}\n"
    "    result = model.predict(data)\n",
)
LOOKS = """
import os
import pickle


def init():
    global model, seen
    folder = os.environ["AZUREML_MODEL_DIR"]
    parts = folder.split("/")
    seen = [parts[-3], parts[-2], os.listdir(folder), oct(os.stat(os.path.join(*["/", *parts[:-3]])).st_mode)]
    with open(os.path.join(folder, "sugar.pkl"), "rb") as file:
        model = pickle.load(file)


def run(raw_data):
    return {"result": [1.0], "seen": seen, "is_there": os.path.exists(os.environ["AZUREML_MODEL_DIR"])}
"""


# Its resource is bound to the thread that opened it.
BOUND = SCORE.replace(
    "    global model\n",
    "    global model, kept\n    import sqlite3\n    kept = sqlite3.connect(':memory:')\n",
).replace(
    "    result = model.predict(data)\n",
    "    kept.execute('select 1')\n    result = model.predict(data)\n",
)


@pytest.fixture(scope="module")
def rows(model: Path) -> list[list[float]]:
    golden: dict[str, list[list[float]]] = json.loads((model / "golden.json").read_text())
    return golden["data"]


def write(folder: Path, script: str, name: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "score.py").write_text(script)
    if name:
        (folder / "model_name.txt").write_text(f"{name}\n")
    return folder / "score.py"


@pytest.fixture
def opened(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Predictor]]:
    """Open scripts; their changes of this process are undone."""
    path = list(sys.path)
    monkeypatch.setenv("AZUREML_MODEL_DIR", "")
    for name in (*stand_ins.CONTENTS, "score"):
        monkeypatch.delitem(sys.modules, name, raising=False)

    def open_script(script: str, name: str = "") -> Predictor:
        return open_predictor(model, write(tmp_path / "seed", script, name))

    yield open_script
    for name in (*stand_ins.CONTENTS, "score"):
        sys.modules.pop(name, None)
    sys.path[:] = path


@pytest.mark.parametrize("script", [SCORE, OF_2019])
def test_each_prediction_is_that_of_the_apps_own_service(
    opened: Callable[..., Predictor], model: Path, rows: list[list[float]], script: str
) -> None:
    own, seed = Predictor(model), opened(script)

    for asked in ([row] for row in rows):
        content = {"data": asked}
        assert seed.answer(content, {})["result"] == own.answer(content, {})["result"]
    assert isinstance(seed, ScriptPredictor)


def test_other_fields_of_the_scripts_answer_are_passed_on(
    opened: Callable[..., Predictor], rows: list[list[float]]
) -> None:
    assert opened(OF_2019).answer({"data": rows}, {})["by"] == "the script"


def test_without_a_script_the_model_answers(model: Path, tmp_path: Path) -> None:
    assert type(open_predictor(model, tmp_path / "score.py")) is Predictor


def test_the_pickle_is_private_and_gone_when_init_has_loaded_it(
    opened: Callable[..., Predictor], rows: list[list[float]]
) -> None:
    answer = opened(LOOKS, "sugar.pkl").answer({"data": rows[:1]}, {})

    models, name, files, mode = answer["seen"]
    assert (models, name, files) == ("azureml-models", "sugar.pkl", ["sugar.pkl"])
    assert mode.endswith("700")
    assert answer["is_there"] is False


def test_rows_are_checked_before_the_script_sees_them(opened: Callable[..., Predictor]) -> None:
    with pytest.raises(InputError, match="expected 10 numbers"):
        opened(TOUCHY).answer({"data": [[7]]}, {})


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("import azureml.dataprep\n", "cannot be imported: ModuleNotFoundError"),
        ("def run(:\n", "cannot be imported: SyntaxError"),
        ("def init():\n    raise SystemExit(0)\n", r"init\(\) failed: SystemExit"),
        ("def init():\n    pass\n", r"no run\(\)"),
        ("def run(request_headers):\n    pass\n", r"no run\(\)"),
    ],
)
def test_a_script_that_does_not_start_is_told(
    opened: Callable[..., Predictor], script: str, says: str
) -> None:
    with pytest.raises(ScriptError, match=says):
        opened(script)


@pytest.mark.parametrize(
    "said",
    [
        {"result": [1, 2.0]},
        [1, 2],
        "[1, 2]",
        '{"result": [1.0, 2.0]}',
        np.array([1, 2], dtype=np.float32),
        {"result": np.array([1, 2]), "error": None},
        stand_ins.AMLResponse({"result": [1, 2]}),
    ],
)
def test_answers_of_every_shape_become_one_number_a_row(said: Any) -> None:
    assert read_answer(said, 2)["result"] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("said", "status", "text"),
    [
        ({"error": "no such city"}, 500, "no such city"),
        ('{"error": {"why": 1}}', 500, '{"why": 1}'),
        ({"error": "", "result": [1.0]}, 500, ""),
        (stand_ins.AMLResponse("too old", 422), 422, "too old"),
        ("New Model A", 500, "a text that is not JSON"),
        (None, 500, "1 numbers in `result`"),
        ({"result": [1, 2]}, 500, "1 numbers in `result`"),
        ({"result": ["1"]}, 500, "not a finite number"),
        ({"result": [True]}, 500, "not a finite number"),
        ({"result": [float("nan")]}, 500, "not a finite number"),
        ({"result": [-(10**400)]}, 500, "not a finite number"),
        ({"result": [1], "more": {1, 2}}, 500, "that JSON cannot hold"),
        ({"result": [1], "more": float("inf")}, 500, "that JSON cannot hold"),
    ],
)
def test_errors_and_answers_of_another_shape_are_no_200(said: Any, status: int, text: str) -> None:
    with pytest.raises(ScriptError) as caught:
        read_answer(said, 1)

    assert caught.value.status == status
    assert text in str(caught.value)


def test_a_sample_of_whole_numbers_cuts_no_fractions_and_another_one_gives_its_type() -> None:
    whole = stand_ins.NumpyParameterType(np.array([[1, 2]])).deserialize_input([[0.9, 1]])
    single = stand_ins.NumpyParameterType(np.array([[1, 2]], np.float32))

    assert whole.tolist() == [[0.9, 1.0]]
    assert single.deserialize_input([[1, 2]]).dtype == np.float32


def test_a_sample_of_a_table_gives_its_columns() -> None:
    import pandas as pd

    kind = stand_ins.PandasParameterType(pd.DataFrame({"a": [1], "b": [2]}))

    assert kind.deserialize_input([[0.5, 1]]).to_dict("records") == [{"a": 0.5, "b": 1}]


def service(folder: Path, script: str) -> Path:
    shutil.copytree(ROOT / "scoring", folder / "scoring", ignore=shutil.ignore_patterns("__py*"))
    write(folder / "scoring" / "seed", script)
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[tuple[str, Path]]:
    """The service with a script, as an image holds it: its address, and its folder."""
    with serve(tmp_path_factory.mktemp("image"), model, TOUCHY) as found:
        yield found


@contextmanager
def serve(image: Path, model: Path, script: str) -> Iterator[tuple[str, Path]]:
    folder, port = service(image, script), free_port()
    command = [sys.executable, "-m", "scoring", "--model", str(model), "--port", str(port)]
    environ = {**KEYS, "IMAGE_DIGEST": "sha256:aa", "PREDICTION_LOG": str(folder / "log")}
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=out, stderr=out)
    url = f"http://127.0.0.1:{port}"

    def healthy() -> bool:
        try:
            return bool(
                httpx.get(f"{url}/healthz").json() == {"status": "ok", "image": "sha256:aa"}
            )
        except httpx.TransportError:
            return False

    try:
        until(healthy, "the server")
        yield url, folder
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_only_what_answers_a_request_changes(
    served: tuple[str, Path], model: Path, rows: list[list[float]]
) -> None:
    url, folder = served
    own = Predictor(model).answer({"data": rows}, {})
    first = rows[0][1:]

    good = httpx.post(
        f"{url}/score", json={"data": rows}, headers={"traceparent": "made up", **CALLER}
    )
    assert (good.status_code, good.json()) == (200, own), "difference 0"
    for value, status, text in (
        (6.0, 500, "run() failed: SystemExit"),
        (7.0, 500, "run() failed: KeyError"),
        (8.0, 500, "eight is refused"),
    ):
        bad = httpx.post(f"{url}/score", json={"data": [[value, *first]]}, headers=CALLER)
        assert (bad.status_code, bad.json()["error"]["code"]) == (status, "SCORING_FAILED")
        assert text in bad.json()["error"]["message"]
        assert "secret" not in bad.text, "the text of an exception is for the log"
    refused = httpx.post(f"{url}/score", json={"data": [[7]]}, headers=CALLER)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BAD_INPUT")

    counts = httpx.get(f"{url}/metrics", headers=AS_PROBE).text
    assert "scoring_requests_total 1\n" in counts
    assert "scoring_refused_total 4\n" in counts
    document = httpx.get(f"{url}/openapi.json", headers=CALLER).json()
    answers = document["paths"]["/score"]["post"]["responses"]
    assert set(answers) == {"200", "400", "401", "413", "500"}
    log: list[str] = []

    def logged() -> bool:
        log[:] = [x for p in folder.glob("log/*/*") for x in p.read_text().splitlines()]
        return bool(log)

    until(logged, "a line in the log")
    [line] = map(json.loads, log)
    assert (line["inputs"], line["outputs"]) == (rows, own["result"])
    assert line["id"] == good.headers["X-Prediction-Id"]


def test_the_service_tells_of_its_health_while_a_script_takes_its_time(
    served: tuple[str, Path], rows: list[list[float]]
) -> None:
    url, folder = served
    slow = [[5.0, *rows[0][1:]]]
    with ThreadPoolExecutor() as threads:
        ask = partial(httpx.post, json={"data": slow}, headers=CALLER)
        waiting = threads.submit(ask, f"{url}/score")
        until((folder / "begun").exists, "the script to begin")

        assert httpx.get(f"{url}/healthz").status_code == 200
        assert not waiting.done()
        (folder / "gate").touch()
        assert waiting.result().status_code == 200


def test_run_may_use_objects_that_init_opened(
    tmp_path: Path, model: Path, rows: list[list[float]]
) -> None:
    with serve(tmp_path, model, BOUND) as (url, _):
        assert httpx.post(f"{url}/score", json={"data": rows}, headers=CALLER).status_code == 200


def test_a_script_that_does_not_start_ends_the_service(tmp_path: Path, model: Path) -> None:
    folder = service(tmp_path, "def init():\n    raise OSError('no such lake')\n")
    command = [sys.executable, "-m", "scoring", "--model", str(model), "--port", "1"]

    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)

    assert ended.returncode == 2
    assert "no such lake" in ended.stderr
    assert "scoring: score.py: init() failed: OSError" in ended.stderr
