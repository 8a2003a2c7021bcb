"""Azure Communication Services' e-mail as its SDK sees it: sending is an operation."""

from typing import Any

from tests.azure_servers.arm import audience
from tests.azure_servers.base import Answer, Request, Server
from tests.azure_servers.tls import Tls

AUDIENCE = "https://communication.azure.com/"


class CommunicationServer(Server):
    """Keeps sent mail, once per operation; a test lets operations fail or answers get lost."""

    def __init__(self, tls: Tls) -> None:
        self.sent: dict[str, dict[str, Any]] = {}
        self.failing = False
        self.losing = 0
        super().__init__(self._respond, tls)

    def _respond(self, request: Request) -> Answer:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if audience(token) != AUDIENCE:
            return Answer(status=401, content={"error": {"code": "Unauthorized"}})
        if request.method == "POST" and request.path == "/emails:send":
            operation = request.headers["operation-id"]
            self.sent[operation] = request.json
            if self.losing:
                self.losing -= 1
                return Answer(drop=True)
            location = f"{self.url}/emails/operations/{operation}?api-version=1"
            return Answer(
                status=202,
                content={"id": operation, "status": "Running"},
                headers={"Operation-Location": location},
            )
        operation = request.path.rpartition("/")[2]
        if operation not in self.sent:
            return Answer(status=404, content={"error": {"code": "NotFound"}})
        status = "Failed" if self.failing else "Succeeded"
        content: dict[str, Any] = {"id": operation, "status": status}
        if self.failing:
            content["error"] = {"code": "EmailDropped", "message": "The recipient is suppressed."}
        return Answer(content=content)
