"""A repository in the layout of MLOpsPython, written by us: the same paths, names and interfaces."""

import json
from pathlib import Path

TRAIN = """\
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split


def split_data(df):
    x, y = df.drop("Y", axis=1).values, df["Y"].values
    train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.2, random_state=0)
    return {"train": {"X": train_x, "y": train_y}, "test": {"X": test_x, "y": test_y}}


def train_model(data, ridge_args):
    model = Ridge(**ridge_args)
    model.fit(data["train"]["X"], data["train"]["y"])
    return model


def get_model_metrics(model, data):
    return {"mse": mean_squared_error(model.predict(data["test"]["X"]), data["test"]["y"])}
"""
TEST = """\
import numpy as np
from diabetes_regression.training.train import get_model_metrics, train_model


def test_the_error_of_four_rows():
    x, y = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([2.0, 4.0, 6.0, 8.0])
    data = {"train": {"X": x, "y": y}, "test": {"X": x, "y": y}}
    model = train_model(data, {"alpha": 0.0})
    assert get_model_metrics(model, data)["mse"] < 1e-9
"""
# The seed's sample is of whole numbers too, though its model is asked with fractions.
SCORE = """\
import os

import joblib
import numpy
from azureml.core.model import Model
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    global model
    model = joblib.load(Model.get_model_path(os.getenv("AZUREML_MODEL_DIR").split("/")[1]))


@input_schema("data", NumpyParameterType(numpy.array([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]])))
@output_schema(NumpyParameterType(numpy.array([5021.5])))
def run(data, request_headers):
    result = model.predict(data)
    print("scored", len(result), request_headers.get("X-Ms-Request-Id"), request_headers.get("Traceparent"))
    return {"result": result.tolist()}
"""
VARIABLES = """\
variables:
  - name: MODEL_NAME
    value: diabetes_regression_model.pkl
  - name: AML_CLUSTER_MAX_NODES
    value: 4
  - name: RUN_EVALUATION
    value: "false"
  - name: SCORING_DATASTORE_INPUT_CONTAINER
    value: input
  - name: DB_CLUSTER_ID
    value: ""
  - name: OUR_FEATURE_STORE
    value: hunter2-in-a-variable
"""
FILES = {
    "diabetes_regression/training/train.py": TRAIN,
    "diabetes_regression/training/test_train.py": TEST,
    "diabetes_regression/training/train_aml.py": "from azureml.core.run import Run\nRun.get_context()\n",
    "diabetes_regression/training/R/r_train.r": "lm(weight ~ height)\n",
    "diabetes_regression/evaluate/evaluate_model.py": "from azureml.core import Run\n",
    "diabetes_regression/scoring/score.py": SCORE,
    "diabetes_regression/scoring/deployment_config_aks.yml": (
        "computeType: AKS\nautoScaler:\n    minReplicas: 3\n    maxReplicas: 9\n"
        "containerResourceRequirements:\n    cpu: 0.5\nscoringTimeoutMs: 5000\n"
    ),
    "diabetes_regression/parameters.json": json.dumps(
        {"training": {"alpha": 0.4}, "registration": {"tags": ["mse"]}}
    ),
    "ml_service/pipelines/data_set.py": "from sklearn.datasets import load_diabetes\n",
    ".pipelines/diabetes_regression-variables-template.yml": VARIABLES,
    ".pipelines/diabetes_regression-ci.yml": "schedules:\n- cron: '0 3 * * 1,3,5'\n  displayName: nightly\n",
    ".env": "SP_APP_SECRET='hunter2-of-the-principal'\nTENANT_ID=t\n",
}


def write_clone(root: Path, **change: str | None) -> Path:
    """Write the repository; a change by path gives a file another text, or leaves it out."""
    for name, text in (FILES | change).items():
        if text is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
    return root
