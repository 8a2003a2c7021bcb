"""Requests that no SDK makes: signed addresses, and a registry's data plane."""

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING

from function_app.adapters.azure.reach.connection import Connection
from function_app.late_imports import importing

if TYPE_CHECKING:
    from azure.core import PipelineClient
    from azure.core.rest import HttpRequest, HttpResponse


class Web:
    """Sends requests with the retries and the trust that all of Azure's clients have."""

    def __init__(self, connection: Connection, scope: str = "") -> None:
        """Take the connection, and the scope of the identity's token that each request carries."""
        self._connection, self._scope = connection, scope
        self._made: PipelineClient[HttpRequest, HttpResponse] | None = None

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | IO[bytes] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> "HttpResponse":
        """Return the answer; an error status raises the error of Azure's SDKs."""
        with importing():
            from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
            from azure.core.rest import HttpRequest

        fields = dict(form) if form is not None else None
        request = HttpRequest(
            method, url, headers={**(headers or {})}, content=content, data=fields
        )
        answer = self._client().send_request(request)
        if answer.status_code >= 400:
            kind = ResourceNotFoundError if answer.status_code == 404 else HttpResponseError
            raise kind(response=answer)
        return answer

    def _client(self) -> "PipelineClient[HttpRequest, HttpResponse]":
        if self._made is None:
            with importing():
                from azure.core import PipelineClient
                from azure.core.pipeline import policies

            options, tokens = self._connection.options(), []
            if self._scope:
                credential = self._connection.credential
                tokens = [policies.BearerTokenCredentialPolicy(credential, self._scope)]
            self._made = PipelineClient(
                "",
                policies=[
                    policies.RequestIdPolicy(),
                    policies.UserAgentPolicy(base_user_agent="mlops-durable"),
                    policies.RetryPolicy(**options),
                    *tokens,
                ],
                **options,
            )
        return self._made
