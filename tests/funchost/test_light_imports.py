"""A deferred package behaves as one that was imported, and runs its __init__ only when needed."""

import subprocess
import sys

import pytest

from tests.patience import PATIENCE

BEGIN = "import sys; from funchost.app.light_imports import defer; defer('werkzeug'); "


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("import azure.functions; print('werkzeug.serving' in sys.modules)", "False"),
        ("import werkzeug; from werkzeug import http; print(http.__name__)", "werkzeug.http"),
        ("import werkzeug.http; print(werkzeug.Request.__name__)", "Request"),
        ("from werkzeug import Response, http; print(Response.__name__)", "Response"),
        ("import werkzeug; print(hasattr(werkzeug, 'nothing'))", "False"),
        ("import werkzeug; werkzeug.Client; print(type(werkzeug).__name__)", "module"),
        ("defer('no_such_package'); print('no_such_package' in sys.modules)", "False"),
    ],
)
def test_a_deferred_package_is_used_as_any_other(code: str, printed: str) -> None:
    command = [sys.executable, "-c", BEGIN + code]

    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)

    assert (done.stdout.strip(), done.returncode) == (printed, 0), done.stderr


def test_a_package_that_was_imported_stays_as_it_is() -> None:
    code = "import werkzeug; from funchost.app.light_imports import defer; defer('werkzeug'); "
    code += "print(type(werkzeug).__name__)"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE
    )

    assert done.stdout.strip() == "module", done.stderr
