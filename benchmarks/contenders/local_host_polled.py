"""funchost, asked by a client that polls as the clients of Azure do."""

from pathlib import Path

from benchmarks.host_process import HostProcess
from benchmarks.measure import folder, run
from benchmarks.polling import PollingClient


class LocalHostPolled(PollingClient):
    """Starts a host and polls it."""

    def __init__(self, path: Path) -> None:
        self._host = HostProcess(path / "state")
        super().__init__(self._host.port, f"?code={self._host.key}")

    def close(self) -> None:
        super().close()
        self._host.stop()


if __name__ == "__main__":
    run(LocalHostPolled(folder()))
