"""What every test may ask for, and the order in which they are run."""

import pytest

pytest_plugins = ["funchost.testing"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the stories: they take longest, and side by side nothing waits for the last."""
    items.sort(key=lambda item: "stories" not in item.path.parts)
