"""The floor of HTTP and two commits, asked by the same polling client."""

from benchmarks.measure import CROWD, folder, run
from benchmarks.polling import PolledProcess


class HttpFloor(PolledProcess):
    """Starts `benchmarks.hosts.floor` and polls it."""

    skips: tuple[str, ...] = (CROWD,)  # one connection at a time
    module = "benchmarks.hosts.floor"


if __name__ == "__main__":
    run(HttpFloor(folder()))
