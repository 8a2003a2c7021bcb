from pathlib import Path

import pytest

from function_app.errors import ConfigError
from function_app.settings.settings import READY_SECONDS, read_settings

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(("text", "seconds"), [("", READY_SECONDS), ("2.5", 2.5), ("600", 600.0)])
def test_the_time_limit_of_replicas_is_a_setting(text: str, seconds: float) -> None:
    assert read_settings({"MLOPS_READY_SECONDS": text}, ROOT).ready_seconds == seconds


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan", "inf"])
def test_a_time_limit_that_is_no_positive_number_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=f"MLOPS_READY_SECONDS is '{text}'"):
        read_settings({"MLOPS_READY_SECONDS": text}, ROOT)
