"""HTTP servers of tests, on free ports that their clients reach.

A container engine forwards the port of a container by a rule of the firewall. When the container
ends, its port is free at once, but the rule stays until the engine has cleaned up: a second, and
longer on a busy machine. A server that gets the port meanwhile listens, but its clients are refused.
"""

import socket
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import Any

Connect = Callable[[tuple[str, int]], socket.socket]
TRIES, SILENCE = 20, 5.0  # ports; seconds until a port that does not answer is given up


def connect(address: tuple[str, int]) -> socket.socket:
    """Return a connection to an address; raise OSError when there is none."""
    return socket.create_connection(address, SILENCE)


def listen(address: tuple[str, int], connect: Connect = connect) -> socket.socket:
    """Return a socket that listens at an address and that a connection has reached.

    With port 0 each try has another free port. Raises OSError when no port was reached.
    """
    for _ in range(TRIES):
        listener = socket.create_server(address)
        listener.settimeout(SILENCE)
        try:
            with connect(listener.getsockname()) as client:
                accepted, peer = listener.accept()
                accepted.close()
                if peer == client.getsockname():
                    listener.settimeout(None)
                    return listener
        except OSError:
            pass  # the next port
        listener.close()
    raise OSError(f"no connection to {address} reaches its listener")


class Listening(ThreadingHTTPServer):
    """A ThreadingHTTPServer on a port that its clients reach."""

    def server_bind(self) -> None:
        """Listen at the address; this server needs no name."""
        self.socket.close()
        address: Any = self.server_address
        self.socket = listen(address)
        self.server_address = self.socket.getsockname()
        self.server_port = self.server_address[1]

    def server_activate(self) -> None:
        """The socket listens already."""
