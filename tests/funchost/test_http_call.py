"""Unsupported uses of call_http fail with a reason; test_entities.py tests supported uses."""

import asyncio
import json

import pytest
from azure.durable_functions import ManagedIdentityTokenSource

from funchost.durable.http_call import TokenSourceError, call


def test_a_request_that_wants_an_identitys_token_fails_before_anything_is_sent() -> None:
    source = ManagedIdentityTokenSource("https://management.azure.com").to_json()
    request = json.dumps({"method": "GET", "uri": "http://127.0.0.1:9/", "tokenSource": source})

    with pytest.raises(TokenSourceError, match="send an Authorization header of your own"):
        asyncio.run(call(request))
