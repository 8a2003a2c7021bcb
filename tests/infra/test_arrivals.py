"""The templates and the provisioner subscribe to the same arrivals of data, and the app reads them."""

import re
from pathlib import Path

from function_app.adapters.azure.platform.event_parts import data_filter
from function_app.domain.event_types import READERS

TEMPLATE = (Path(__file__).parents[2] / "infra" / "events.bicep").read_text()
BLOCK = TEMPLATE.partition("resource dataArrives")[2].partition("\nresource ")[0]


def listed(name: str) -> set[str]:
    found = re.search(rf"{name}: \[(.*?)\]", BLOCK, re.DOTALL)
    assert found is not None
    return set(re.findall(r"'([^']+)'", found[1]))


def test_both_subscribe_to_files_that_are_written_and_to_those_that_are_renamed() -> None:
    given = data_filter("data")

    assert listed("includedEventTypes") == set(given["includedEventTypes"]) <= set(READERS)
    assert listed("values") == set(given["advancedFilters"][0]["values"])
    assert {"PutBlob", "FlushWithClose", "RenameFile", "RenameDirectory", "SftpRename"} <= listed(
        "values"
    )
