"""Imports inside functions: third-party packages are imported under one lock."""

import ast
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "function_app").rglob("*.py"))


def unlocked(source: str) -> list[int]:
    """Return the lines where a function imports a third-party package without the lock."""
    return list(_unlocked(ast.parse(source), inside=False, locked=False))


def _imports(call: ast.Call) -> bool:
    return ast.unparse(call.func).endswith(("import_module", "__import__"))


def _unlocked(node: ast.AST, *, inside: bool, locked: bool) -> Iterator[int]:
    if isinstance(node, ast.Import | ast.ImportFrom) and inside and not locked:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
        roots = {str(name).split(".")[0] for name in names}
        if roots - sys.stdlib_module_names - {"function_app"}:
            yield node.lineno
    inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    if isinstance(node, ast.With):
        locked = locked or any(
            ast.unparse(i.context_expr).startswith("importing(") for i in node.items
        )
    elif isinstance(node, ast.Call) and _imports(node) and inside and not locked:
        yield node.lineno
    for child in ast.iter_child_nodes(node):
        yield from _unlocked(child, inside=inside, locked=locked)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_late_import_of_a_package_takes_the_lock(path: Path) -> None:
    assert unlocked(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    import requests\n",
        "def f():\n    from azure.identity import X\n",
        "async def f():\n    if 1:\n        import kubernetes.client as c\n",
        "def f():\n    importlib.import_module('requests')\n",
        "def f():\n    with other():\n        import requests\n",
    ],
)
def test_a_late_import_without_the_lock_is_found(source: str) -> None:
    assert len(unlocked(source)) == 1


RACE = """
    import sys, threading, time
    sys.path.insert(0, {folder!r})
    from importlib import _bootstrap
    from function_app.late_imports import importing

    failed = []

    def enter(name):
        try:
            {guard}
                __import__(name)
        except ImportError as error:
            failed.append(error)

    def waits():
        # For the lock of circle.left, which the first thread holds, or for the lock of imports.
        awaited = _bootstrap._blocking_on.get(second.ident, ())
        locks = awaited if isinstance(awaited, list) else [awaited]
        frame = sys._current_frames().get(second.ident)
        at_lock = frame is not None and frame.f_code.co_name == "importing"
        return at_lock or any(getattr(lock, "name", "") == "circle.left" for lock in locks)

    def meet():
        second.start()
        while not waits():
            time.sleep(0.001)

    sys.modules["race"] = sys.modules["__main__"]
    first = threading.Thread(target=enter, args=("circle.left",))
    second = threading.Thread(target=enter, args=("circle.right",))
    first.start()
    first.join()
    second.join()
    sys.exit(1 if failed else 0)
"""


@pytest.mark.parametrize(("guard", "code"), [("with importing():", 0), ("if True:", 1)])
def test_two_threads_that_enter_a_circle_of_imports_get_whole_modules(
    tmp_path: Path, guard: str, code: int
) -> None:
    """The interleaving is forced: the first thread goes on when the second one waits for it.

    Without the lock Python sees a deadlock of module locks, and hands out the module `right`
    before it has defined anything.
    """
    package = tmp_path / "circle"
    package.mkdir()
    (package / "__init__.py").touch()
    late = "def late():\n    return 1\n"
    left = f"import race\nrace.meet()\n{late}from circle.right import late as second\n"
    right = f"from circle.left import late as first\n{late}"
    (package / "left.py").write_text(left)
    (package / "right.py").write_text(right)
    script = textwrap.dedent(RACE).format(folder=str(tmp_path), guard=guard)

    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)

    assert ended.returncode == code, ended.stderr


LIBRARIES = """
    import sys
    from pathlib import Path
    from function_app import late_imports
    from function_app.adapters.azure.reach.blobs import Blobs
    from function_app.adapters.azure.production.kubernetes.cluster_api import ClusterAccess, ClusterApi
    from function_app.adapters.azure.reach.connection import Connection
    from function_app.adapters.azure.reach.workspace import Workspace
    from function_app.errors import MlopsError
    from tests.azure_servers.names import settings_of_tests

    REQUESTS = ("azure", "kubernetes", "msal", "requests", "urllib3")
    outside = []

    class Witness:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] in REQUESTS and not late_imports._LOCK._is_owned():
                outside.append(name)

    sys.meta_path.insert(0, Witness())
    nowhere = "https://127.0.0.1:9"
    settings = settings_of_tests(Path({ca!r}), blob_endpoint=nowhere, authority=nowhere)
    connection = Connection(settings, retries=0)
    access = lambda: ClusterAccess(host=nowhere, ca=b"", token=str)
    for use in (
        lambda: Workspace(connection).client,
        lambda: Blobs(connection).read("name"),
        lambda: ClusterApi(access, "n")._client(),
    ):
        try:
            use()
        except MlopsError:
            pass
    print(*outside)
"""


@pytest.mark.parametrize("environ", [{}, {"IDENTITY_ENDPOINT": "http://127.0.0.1:9"}])
def test_libraries_import_their_own_modules_under_the_lock_too(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """Constructors and first requests of clients import modules late, as azure.core does."""
    ca = tmp_path / "ca.pem"
    ca.touch()
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIBRARIES).format(ca=str(ca))],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "IDENTITY_HEADER": "x", **environ},
        capture_output=True,
        text=True,
    )

    assert (ended.returncode, ended.stdout.split()) == (0, []), ended.stderr


MLFLOW = """
    import sys
    from function_app.adapters.local.jobs.mlflow_client import import_mlflow

    mlflow = import_mlflow()
    loaded = {"pandas", "scipy"} & sys.modules.keys()
    import pandas, scipy
    sys.exit(f"loaded: {loaded}" if loaded else 0)
"""


def test_mlflow_is_imported_without_packages_that_the_app_does_not_need() -> None:
    """They take a third of its import, for which each start of the app waits; both stay usable."""
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(MLFLOW)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 0, ended.stderr
