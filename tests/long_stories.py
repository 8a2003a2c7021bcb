"""Marks stories that take about a minute and whose parts other tests cover: `make soak` runs them."""

import os

import pytest


def is_long() -> bool:
    """Return whether long stories run, and long parts of stories."""
    return os.environ.get("STORIES") == "all"


long_story = pytest.mark.skipif(
    not is_long(), reason="a long story; `make soak` (STORIES=all) runs it"
)
