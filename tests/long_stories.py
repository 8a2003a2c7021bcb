"""Marks stories that take about a minute and whose parts other tests cover: `make soak` runs them."""

import os

import pytest

long_story = pytest.mark.skipif(
    os.environ.get("STORIES") != "all", reason="a long story; `make soak` (STORIES=all) runs it"
)
