"""The diabetes model, by the contract of a model project (docs/reference/model-contract.md)."""

import argparse
import csv
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from . import model_file
from .answers import predict
from .data import DataError, load_features, load_rows
from .sample import write_sample
from .train import read_parameters, train

SCHEMA, METRICS = "model_schema.json", "metrics.json"


def main(arguments: list[str]) -> int:
    given = _parser().parse_args(arguments)
    try:
        if given.command == "train":
            _train(given.data, given.out, given.parameters)
        elif given.command == "predict":
            _predict(given.model, given.data, given.out)
        else:
            write_sample(given.out, given.seed)
    except (DataError, model_file.UntrustedModelError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    fit = commands.add_parser("train", help="train a model")
    fit.add_argument("--data", type=Path, required=True, help="folder with rows.csv, schema.json")
    fit.add_argument("--out", type=Path, required=True, help="folder for the model")
    fit.add_argument("--parameters", type=Path, help='JSON: {"training": {"alpha": 0.4}}')
    ask = commands.add_parser("predict", help="answer a table of features")
    ask.add_argument("--model", type=Path, required=True, help="folder of a trained model")
    ask.add_argument("--data", type=Path, required=True, help="CSV of features, without a target")
    ask.add_argument("--out", type=Path, required=True, help="CSV to write: column prediction")
    sample = commands.add_parser("sample", help="write sample data")
    sample.add_argument("--out", type=Path, required=True, help="CSV to write")
    sample.add_argument("--seed", type=int, help="draw other rows that are like the data")
    return parser


def _train(data: Path, out: Path, parameters_file: Path | None) -> None:
    parameters = read_parameters(parameters_file)
    rows = load_rows(data)
    model = train(rows.x, rows.y, parameters)
    out.mkdir(parents=True, exist_ok=True)
    model_file.save(model, out)
    _write(out / SCHEMA, {"features": list(rows.features), "target": rows.target})
    # These figures are for people; no gate reads figures that the model's author writes.
    residuals = predict(model, rows.x, rows.features) - rows.y
    figures = {"training_mse": float(np.mean(residuals**2)), **_numbers(parameters)}
    _write(out / METRICS, figures)


def _numbers(parameters: Mapping[str, object]) -> dict[str, float]:
    """Return the parameters that can stand among figures."""
    return {n: v for n, v in parameters.items() if isinstance(v, int | float)}


def _predict(model: Path, data: Path, out: Path) -> None:
    schema = json.loads((model / SCHEMA).read_text(encoding="utf-8"))
    features = schema["features"]
    predicted = predict(model_file.load(model), load_features(data, features), features)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["prediction"])
        writer.writerows([repr(float(value))] for value in predicted)


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
