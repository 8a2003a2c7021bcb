"""The texts of the app's errors: a story and its readers see the text only."""

import pytest

from function_app.errors import PlatformError


@pytest.mark.parametrize(
    ("platform", "subject"),
    [("local", "This machine"), ("azure", "Azure"), ("git", "Git"), ("Tables", "Tables")],
)
def test_a_platform_error_is_two_sentences(platform: str, subject: str) -> None:
    error = PlatformError(platform, "build the image", "The model has changed. Train again.")

    assert error.message == (
        f"{subject} could not build the image. The model has changed. Train again."
    )
    assert str(error).startswith("PLATFORM: ")
    assert error.reason == "The model has changed. Train again."
