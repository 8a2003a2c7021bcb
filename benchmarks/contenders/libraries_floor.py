"""The floor of the libraries, asked by the same polling client."""

from benchmarks.measure import folder, run
from benchmarks.polling import PolledProcess


class LibrariesFloor(PolledProcess):
    """Starts `benchmarks.hosts.libraries` and polls it."""

    module = "benchmarks.hosts.libraries"


if __name__ == "__main__":
    run(LibrariesFloor(folder()))
