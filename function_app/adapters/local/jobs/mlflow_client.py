"""The client of MLflow on this machine, which works with any path of the app and its state."""

import atexit
import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from function_app.late_imports import importing

if TYPE_CHECKING:
    from mlflow import MlflowClient

# MLflow imports these when they are installed, for data sets and models of these kinds. They take a
# third of the CPU of its import, for which each start of the app waits.
_OPTIONAL = ("pandas", "scipy")


def mlflow_client(state: Path) -> "MlflowClient":
    """Return the client of the registry and the runs of a state folder."""
    address = database_address(state / "mlflow.db")
    client: MlflowClient = import_mlflow().MlflowClient(tracking_uri=address, registry_uri=address)
    return client


def database_address(path: Path) -> str:
    """Return the address of a SQLite file, as SQLAlchemy reads it.

    It names the driver, because MLflow creates the folder of a `sqlite:///` address without
    decoding it: an empty folder `%C3%BC` beside the folder `ü`, or an error where it may not write.
    """
    with importing():
        from sqlalchemy.engine import URL

    # Whether the path is percent-encoded differs between versions of SQLAlchemy: it knows itself.
    return URL.create("sqlite+pysqlite", database=str(path)).render_as_string()


def import_mlflow() -> ModuleType:
    """Return the module `mlflow`; nothing else may import it, because the path counts."""
    with importing(*_OPTIONAL):
        _avoid_percent()
        import mlflow
    return mlflow


def _avoid_percent() -> None:
    """Let MLflow be imported by a path without `%`.

    MLflow gives the folder of its migrations to Alembic's configuration, which takes a `%` for an
    interpolation and refuses it. So an app below a folder with a `%` would never start.
    """
    if "mlflow" in sys.modules:
        return
    spec = importlib.util.find_spec("mlflow")
    packages = Path(spec.origin).parents[1] if spec is not None and spec.origin else None
    if packages is None or "%" not in str(packages):
        return
    folder = Path(tempfile.mkdtemp(prefix="mlflow-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    link = folder / "packages"
    link.symlink_to(packages)
    sys.path.insert(0, str(link))
