"""Stands in for the packages of Azure ML that a scoring script of the seed imports.

It has only the names that such scripts use; other imports must be installed. It replaces:
inference-schema 1.8 (schema_decorators.py, parameter_types/), azureml-core (Model.get_model_path).
"""

import functools
import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import joblib
import numpy as np

# Set on a function that takes parsed rows; without it `run` gets the body as text.
PARSED = "takes_parsed_rows"


class Model:
    """Returns the path of the one model, under any name."""

    path: ClassVar[Path]

    @classmethod
    def get_model_path(cls, model_name: str = "", *_: Any, **__: Any) -> str:
        """Return the file that the service has just written."""
        return str(cls.path)


class ParameterType:
    """A sample of an input; rows are converted to its type."""

    def __init__(self, sample_input: Any, *_: Any, **__: Any) -> None:
        self.sample_input = sample_input

    def deserialize_input(self, rows: Any) -> Any:
        """Return the rows as they are."""
        return rows


class NumpyParameterType(ParameterType):
    """Converts rows to an array."""

    def deserialize_input(self, rows: Any) -> Any:
        """Return an array of the sample's type, or of floats where that type would lose fractions.

        The seed's sample has whole numbers, and the original converts each input to its type, so
        that 0.9 became 0. Here a model that was trained on fractions gets fractions.
        """
        kind = self.sample_input.dtype
        return np.asarray(rows, dtype=float if kind.kind in "biu" else kind)


class PandasParameterType(ParameterType):
    """Converts rows to a table with the sample's columns."""

    def deserialize_input(self, rows: Any) -> Any:
        """Return the table."""
        import pandas as pd

        return pd.DataFrame(rows, columns=self.sample_input.columns)


class AMLResponse:
    """An answer with a status of its own."""

    def __init__(self, message: Any, status_code: int = 200, *_: Any, **__: Any) -> None:
        self.message, self.status_code = message, int(status_code)


class ModelDataCollector:
    """Collects nothing, because the prediction log of the service does it."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def collect(self, *_: Any, **__: Any) -> bool:
        """Do nothing; return the values of a successful collection."""
        return True


def input_schema(
    param_name: str, param_type: Any, convert_to_provided_type: bool = True, optional: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Convert the named argument to the type of its sample."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def converted(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            if convert_to_provided_type and param_name in bound.arguments:
                given = bound.arguments[param_name]
                bound.arguments[param_name] = param_type.deserialize_input(given)
            return function(*bound.args, **bound.kwargs)

        setattr(converted, PARSED, True)
        return converted

    return decorate


def output_schema(output_type: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Change nothing: the original only describes the answer."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        setattr(function, PARSED, True)
        return function

    return decorate


_TYPES = "inference_schema.parameter_types"
CONTENTS: dict[str, dict[str, Any]] = {
    "azureml": {},
    "azureml.core": {"Model": Model},
    "azureml.core.model": {"Model": Model},
    "azureml.contrib": {},
    "azureml.contrib.services": {},
    "azureml.contrib.services.aml_response": {"AMLResponse": AMLResponse},
    "azureml.monitoring": {"ModelDataCollector": ModelDataCollector},
    "inference_schema": {},
    "inference_schema.schema_decorators": {
        "input_schema": input_schema,
        "output_schema": output_schema,
    },
    _TYPES: {},
    f"{_TYPES}.numpy_parameter_type": {"NumpyParameterType": NumpyParameterType},
    f"{_TYPES}.pandas_parameter_type": {"PandasParameterType": PandasParameterType},
    f"{_TYPES}.standard_py_parameter_type": {"StandardPythonParameterType": ParameterType},
    # Scripts of 2019; scikit-learn has dropped it.
    "sklearn.externals.joblib": vars(joblib),
}


def install(model: Path) -> None:
    """Make these modules importable; the model is in this file."""
    importlib.import_module("sklearn.externals")
    Model.path = model
    for name, content in CONTENTS.items():
        module = ModuleType(name, __doc__)
        module.__path__ = []
        vars(module).update({key: value for key, value in content.items() if key[:2] != "__"})
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
