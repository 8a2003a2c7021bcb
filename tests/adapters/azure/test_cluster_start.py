"""Two callers that reach the cluster first: neither sends a request without its token."""

import sys
from types import FrameType
from typing import Any

from function_app.adapters.azure.production.kubernetes.cluster_api import ClusterAccess, ClusterApi
from tests.azure_servers.base import Answer, Request, Server

# The function in which the first call makes the client.
MAKES = "_client"


def respond(request: Request) -> Answer:
    return Answer(content={"kind": "Service", "metadata": {"name": "s"}})


class Interleaved:
    """Lets a second caller ask as a whole before one instruction of the first caller's start."""

    def __init__(self, api: ClusterApi, at: int) -> None:
        """Take the number of the instruction, from 0."""
        self._api, self._at, self._seen = api, at, 0
        self.asked = False

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_name != MAKES:
            return None
        frame.f_trace_opcodes = True
        return self._step

    def _step(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "opcode":
            if self._seen == self._at:
                # Python traces no call that a tracing function makes.
                self.asked = True
                self._api.get("Service", "s")
            self._seen += 1
        return self._step


def test_no_request_goes_without_a_token_while_another_caller_makes_the_client() -> None:
    with Server(respond) as server:
        access = ClusterAccess(host=server.url, ca=b"", token=lambda: "t")
        at, asked = 0, True
        while asked:
            api = ClusterApi(lambda: access, "models")
            step = Interleaved(api, at)
            before = sys.gettrace()
            sys.settrace(step.trace)
            try:
                api.get("Service", "s")
            finally:
                sys.settrace(before)
            at, asked = at + 1, step.asked

        sent = [request.headers["authorization"] for request in server.requests]

    # One request for each first caller, and one for each second caller.
    assert len(sent) == 2 * at - 1
    assert at > 10
    assert set(sent) == {"Bearer t"}
