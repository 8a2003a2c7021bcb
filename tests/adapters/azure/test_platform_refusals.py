"""Parts of the Azure platform that Azure refuses, or that do not exist."""

import pytest

from function_app.errors import NotFoundError
from tests.azure_servers.arm import THROTTLED
from tests.azure_servers.azure import Azure, sdk_warnings

pytestmark = sdk_warnings


def test_a_throttled_part_is_asked_for_again(azure: Azure) -> None:
    azure.arm.fail("PUT", "/computes/", THROTTLED)

    assert not azure.platform().ensure("compute").ready


def test_a_part_that_does_not_exist_is_not_found(azure: Azure) -> None:
    with pytest.raises(NotFoundError, match="compute"):
        azure.platform().plan("garden")
