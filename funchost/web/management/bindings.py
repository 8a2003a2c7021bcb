"""The URLs with which clients manage instances, and the text of a durableClient binding.

This module imports no web server, because a restarted host runs stored work before it has one.
"""

from __future__ import annotations

import json
import secrets
from urllib.parse import quote_plus

PUBLIC = "/runtime/webhooks/durabletask"
# The signs that .NET's form encoding leaves as they are, besides letters and digits.
_PLAIN = "-_.!*()"


def encoded(text: str) -> str:
    """Return an instance id as the management URLs write it: encoded as in a form."""
    return quote_plus(text, safe=_PLAIN).replace("~", "%7E")


def rpc_path() -> str:
    """Return a new path for the worker's calls.

    These calls carry no key, so the path itself is the secret: only the worker process learns it.
    The SDK uses `rpcBaseUrl` as it is.
    """
    return f"/durabletask/{secrets.token_urlsafe(32)}"


def management_urls(base: str, query: str, instance: str) -> dict[str, str]:
    """Build the URLs that manage one instance; the query has the key, where there is one."""
    root = f"{base}/instances/{encoded(instance)}"
    return {
        "id": instance,
        "statusQueryGetUri": f"{root}?{query}",
        "sendEventPostUri": f"{root}/raiseEvent/{{eventName}}?{query}",
        "terminatePostUri": f"{root}/terminate?reason={{text}}&{query}",
        "rewindPostUri": f"{root}/rewind?reason={{text}}&{query}",
        "purgeHistoryDeleteUri": f"{root}?{query}",
        "restartPostUri": f"{root}/restart?{query}",
        "suspendPostUri": f"{root}/suspend?reason={{text}}&{query}",
        "resumePostUri": f"{root}/resume?reason={{text}}&{query}",
    }


def binding_json(origin: str, hub: str, key: str, rpc: str) -> str:
    """Build the string that a durableClient binding receives; `rpc` is the worker's path."""
    base, query = origin + PUBLIC, f"taskHub={hub}&connection=AzureWebJobsStorage&code={key}"
    create = f"{base}/orchestrators/{{functionName}}[/{{instanceId}}]?"
    wait = "timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}"
    return json.dumps(
        {
            "taskHubName": hub,
            "connectionName": "AzureWebJobsStorage",
            "creationUrls": {
                "createNewInstancePostUri": f"{create}code={key}",
                "createAndWaitOnNewInstancePostUri": f"{create}{wait}&code={key}",
            },
            "managementUrls": management_urls(base, query, "INSTANCEID"),
            "baseUrl": base,
            "requiredQueryStringParameters": query,
            "rpcBaseUrl": f"{origin}{rpc}/",
            "httpBaseUrl": base,
        }
    )
