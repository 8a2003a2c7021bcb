"""python -m training --data FILE --out FOLDER [--parameters FILE]
python -m training predict --model FOLDER [--champion FOLDER] --rows FILE --out FILE
python -m training sample --out FILE
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from training import model_file
from training.data import TARGET, DataError, Split, load_csv, write_diabetes_csv
from training.evaluate import metrics
from training.train import read_parameters, split, train

GOLDEN_ROWS = 5


def main(arguments: list[str]) -> int:
    try:
        if arguments[:1] == ["predict"]:
            return _predict(arguments[1:])
        if arguments[:1] == ["sample"]:
            return _sample(arguments[1:])
        return _train(arguments)
    except (DataError, model_file.UntrustedModelError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 2


def _train(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="CSV with the target in Y")
    parser.add_argument("--out", type=Path, required=True, help="folder for model and metrics")
    parser.add_argument("--parameters", type=Path, help='JSON: {"training": {"alpha": 0.4}}')
    given = parser.parse_args(arguments)
    parameters = read_parameters(given.parameters)
    rows = split(load_csv(given.data))
    model = train(rows.train_x, rows.train_y, parameters)
    predicted = model.predict(rows.test_x)
    given.out.mkdir(parents=True, exist_ok=True)
    model_file.save(model, given.out)
    _write_rows(given.out, rows, predicted)
    figures = {**metrics(rows.test_y, predicted), **_numbers(parameters)}
    # Last and at once: whoever finds the metrics finds a whole model.
    _write(given.out / "metrics.json", figures)
    print(json.dumps(figures))
    return 0


def _numbers(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Return the parameters that can stand among figures."""
    return {n: v for n, v in parameters.items() if isinstance(v, int | float)}


def _write_rows(out: Path, rows: Split, predicted: Any) -> None:
    _write(out / "model_schema.json", {"features": list(rows.columns), "target": TARGET})
    golden = {
        "data": rows.test_x[:GOLDEN_ROWS].tolist(),
        "result": np.asarray(predicted[:GOLDEN_ROWS]).tolist(),
    }
    _write(out / "golden.json", golden)
    frame = pd.DataFrame(rows.test_x, columns=list(rows.columns))
    frame[TARGET] = rows.test_y
    frame.to_csv(out / "test_rows.csv", index=False)


def _predict(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m training predict")
    parser.add_argument("--model", type=Path, required=True, help="folder of a trained model")
    parser.add_argument("--champion", type=Path, help="another one, to compare it with")
    parser.add_argument("--rows", type=Path, required=True, help="CSV with the target in Y")
    parser.add_argument("--out", type=Path, required=True, help="JSON to write")
    given = parser.parse_args(arguments)
    frame = load_csv(given.rows)
    content = {"actual": frame[TARGET].tolist(), "predicted": _ask(given.model, frame, given.rows)}
    if given.champion is not None:
        content["champion"] = _ask(given.champion, frame, given.rows)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    _write(given.out, content)
    return 0


def _ask(model: Path, frame: pd.DataFrame, rows: Path) -> list[float]:
    """Return the model's predictions, one a row."""
    schema = json.loads((model / "model_schema.json").read_text(encoding="utf-8"))
    absent = [name for name in schema["features"] if name not in frame.columns]
    if absent:
        raise DataError(f"{rows} has no column {', '.join(absent)}, which {model} needs.")
    predicted = model_file.load(model).predict(frame[schema["features"]].to_numpy())
    return [float(value) for value in np.asarray(predicted)]


def _sample(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m training sample")
    parser.add_argument("--out", type=Path, required=True, help="CSV to write")
    write_diabetes_csv(parser.parse_args(arguments).out)
    return 0


def _write(path: Path, content: Any) -> None:
    unfinished = path.with_name(f".{path.name}.tmp")
    unfinished.write_text(json.dumps(content) + "\n", encoding="utf-8")
    os.replace(unfinished, path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
