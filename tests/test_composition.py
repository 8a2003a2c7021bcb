import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from function_app.composition import create_app
from function_app.settings.settings import read_settings

ROOT = Path(__file__).parents[1]
REQUESTS = "azure.core.pipeline.policies.http_logging_policy"


@pytest.fixture
def worker_logging() -> Iterator[None]:
    """Logging as the worker sets it up: everything from INFO on is sent."""
    levels = {"": logging.INFO, "azure": logging.NOTSET}
    before = {name: logging.getLogger(name).level for name in levels}
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("worker_logging")
def test_the_sdks_requests_are_not_logged_and_their_warnings_are(
    tmp_path: Path,
) -> None:
    assert logging.getLogger(REQUESTS).isEnabledFor(logging.INFO)

    create_app(read_settings({"MLOPS_STATE": str(tmp_path)}, ROOT))

    requests = logging.getLogger(REQUESTS)
    assert not requests.isEnabledFor(logging.INFO)
    assert requests.isEnabledFor(logging.WARNING)
