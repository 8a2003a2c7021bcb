"""Access of all Azure adapters to Azure: one credential, one set of options, one way to fail."""

import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from function_app.domain.text.redaction import redact
from function_app.errors import NotFoundError, PlatformError
from function_app.late_imports import importing
from function_app.settings.azure import AzureSettings

if TYPE_CHECKING:
    from azure.core import PipelineClient
    from azure.core.credentials import TokenCredential
    from azure.core.rest import HttpRequest, HttpResponse

C = TypeVar("C")
# The JSON object of a request.
Body = dict[str, Any] | None

_REMEDIES = {
    400: "Azure refused the form of the request. Report it as a fault of this app.",
    401: "Give the app its identity: MLOPS_AZURE_CLIENT_ID and MLOPS_AZURE_TENANT_ID.",
    403: "Give the app's identity the role for it, and let the app's network in.",
    404: "Make the resource, or correct its name in the settings.",
    409: "Something else changes the resource; try again.",
    412: "Something else changed the resource; try again.",
    429: "Azure throttles this app; try again later or raise the quota.",
}
_SILENCE = "Check the address, the name resolution, the CA certificates and private endpoints."


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The state of a long operation of the management API; `state` is in lower case."""

    state: str
    message: str = ""


class Connection:
    """The credential, options and addresses that all Azure clients share."""

    def __init__(self, settings: AzureSettings, *, retries: int = 4) -> None:
        self.settings = settings
        self._retries = retries
        self._lock = threading.RLock()
        self._credential: TokenCredential | None = None
        self._client: PipelineClient[HttpRequest, HttpResponse] | None = None

    @property
    def credential(self) -> "TokenCredential":
        """Return the identity of this process, made on first use; it caches its tokens."""
        with self._lock:
            if self._credential is None:
                self._credential = self._make_credential()
            return self._credential

    def options(self) -> dict[str, Any]:
        """Return the common options of Azure clients: trust, timeouts, retries."""
        options: dict[str, Any] = {
            "retry_total": self._retries,
            "retry_backoff_factor": 0.5,
            "retry_backoff_max": 30,
            "connection_timeout": 10,
            "read_timeout": 60,
            "polling_interval": self.settings.poll_seconds,
        }
        if self.settings.ca_file:
            options["connection_verify"] = self.settings.ca_file
        return options

    def arm(self) -> dict[str, Any]:
        """Return the options that point a management client at this cloud."""
        endpoint = self.settings.management_endpoint.rstrip("/")
        return {"base_url": endpoint, "credential_scopes": [f"{endpoint}/.default"]}

    def management(self, client: Callable[..., C]) -> C:
        """Return a client of the management API for the subscription; `client` is its class."""
        given = (self.credential, self.settings.subscription_id)
        return client(*given, **self.arm(), **self.options())

    def rest(self, method: str, path: str, *, api_version: str, body: "Body" = None) -> Any:
        """Send a request to the management API; return its JSON, None for an empty answer.

        `path` begins with /subscriptions, or is a whole link that an earlier answer gave.
        """
        return _json(self._send(method, path, api_version, body))

    def begin(self, method: str, path: str, *, api_version: str, body: "Body" = None) -> str:
        """Begin a long operation; return the address of its status, "" when it has ended already.

        Azure may answer 200, 201, 202 or 204, with or without a body: none of them is read.
        """
        answer = self._send(method, path, api_version, body)
        headers = answer.headers
        return str(headers.get("Azure-AsyncOperation") or headers.get("Location") or "")

    def operation(self, address: str, *, api_version: str) -> Operation:
        """Return the state of an operation that `begin` began.

        The address of a Location header answers 202 until the end, the address of
        Azure-AsyncOperation has a status in its body. NotFoundError when Azure has deleted the
        operation.
        """
        answer = self._send("GET", address, api_version, None)
        content = _json(answer)
        body = content if isinstance(content, dict) else {}
        if isinstance(body.get("status"), str):
            failure = body.get("error") or {}
            message = redact(str(failure.get("message") or ""))[:300]
            return Operation(state=body["status"].lower(), message=message)
        return Operation(state="running" if answer.status_code == 202 else "succeeded")

    def _send(self, method: str, path: str, api_version: str, body: "Body") -> "HttpResponse":
        with importing():
            from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
            from azure.core.rest import HttpRequest

        endpoint = self.settings.management_endpoint.rstrip("/")
        path = path.removeprefix(endpoint)
        if not path.startswith("/"):
            raise ValueError("the path leads away from the management endpoint")
        # A link to the next page brings its own version.
        parameters = {} if "api-version=" in path else {"api-version": api_version}
        resource = path.partition("?")[0]
        with translate(f"{method} a resource", resource):
            request = HttpRequest(method, endpoint + path, params=parameters, json=body)
            answer = self._management().send_request(request)
            if answer.status_code >= 400:
                kind = ResourceNotFoundError if answer.status_code == 404 else HttpResponseError
                raise kind(response=answer)
            return answer

    def _management(self) -> "PipelineClient[HttpRequest, HttpResponse]":
        with importing():
            from azure.core import PipelineClient
            from azure.core.pipeline import policies

        with self._lock:
            if self._client is None:
                options, arm = self.options(), self.arm()
                self._client = PipelineClient(
                    arm["base_url"],
                    policies=[
                        policies.RequestIdPolicy(),
                        policies.HeadersPolicy({"Accept": "application/json"}),
                        policies.UserAgentPolicy(base_user_agent="mlops-durable"),
                        policies.RetryPolicy(**options),
                        policies.BearerTokenCredentialPolicy(
                            self.credential, *arm["credential_scopes"]
                        ),
                    ],
                    **options,
                )
            return self._client

    def _make_credential(self) -> "TokenCredential":
        import os

        options = self.options()
        del options["polling_interval"]
        client_id = self.settings.client_id or None
        # The constructors are under the lock, too, because they import modules of their own.
        with importing():
            from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

            # The first request of any client imports it, when no lock is held any more.
            importlib.import_module("azure.core.rest._requests_basic")
            # It fails at once, and unlike the chain it never falls back to another identity.
            if os.environ.get("IDENTITY_ENDPOINT"):
                return ManagedIdentityCredential(client_id=client_id, **options)
            return DefaultAzureCredential(
                authority=self.settings.authority, managed_identity_client_id=client_id, **options
            )


def _json(answer: "HttpResponse") -> Any:
    """Return the JSON of an answer, None when it has no body: 202 and 204 often have none."""
    content = answer.content
    return answer.json() if content and content.strip() else None


@contextmanager
def translate(operation: str, resource: str) -> Iterator[None]:
    """Raise this app's NotFoundError or PlatformError for an error of Azure's SDKs.

    The text names the resource, Azure's error code, the status, the request and a remedy.
    """
    with importing():
        from azure.core.exceptions import AzureError, ResourceNotFoundError

    try:
        yield
    except ResourceNotFoundError as error:
        text = f"Azure could not {operation}. {describe(error, resource)}"
        raise NotFoundError(text) from error
    except AzureError as error:
        raise PlatformError("azure", operation, describe(error, resource)) from error


@contextmanager
def begin(operation: str, resource: str) -> Iterator[None]:
    """Begin long work by an SDK with the errors of `translate`; the caller polls the state.

    Azure's SDKs raise for a 202 or a 204 when their definitions have 200 and 201 only. Azure has
    accepted the work all the same, and the answer, which often has no body, is not needed.
    """
    with importing():
        from azure.core.exceptions import HttpResponseError

    with translate(operation, resource):
        try:
            yield
        except HttpResponseError as error:
            if error.status_code not in (200, 201, 202, 204):
                raise


def describe(error: Exception, resource: str) -> str:
    """Return the description of an SDK's error, without credentials, with a remedy."""
    status, code = getattr(error, "status_code", None), error_code(error)
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    seen = [code or type(error).__name__]
    if status:
        seen.append(f"HTTP {status}")
    if request := headers.get("x-ms-request-id"):
        seen.append(f"request {request}")
    lines = str(getattr(error, "message", "") or error).strip().splitlines()
    message = redact(lines[0])[:300] if lines else ""
    return redact(f"{resource}: {', '.join(seen)}. {message} {_remedy(error, status)}")


def error_code(error: Exception) -> str:
    """Return Azure's own code of an error, as in a body or a header, or ""."""
    code = getattr(error, "error_code", None) or getattr(getattr(error, "error", None), "code", "")
    if not code:
        headers = getattr(getattr(error, "response", None), "headers", None) or {}
        code = headers.get("x-ms-error-code", "")
    return str(getattr(code, "value", code) or "")


def _remedy(error: Exception, status: int | None) -> str:
    with importing():
        from azure.core.exceptions import ClientAuthenticationError

    if isinstance(error, ClientAuthenticationError) and not status:
        return _REMEDIES[401]
    if status is None:
        return _SILENCE
    return _REMEDIES.get(status, "Azure is at fault or busy; try again.")
