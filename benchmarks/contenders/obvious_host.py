"""The obvious host, asked by the same polling client."""

from benchmarks.measure import folder, run
from benchmarks.polling import PolledProcess


class ObviousHost(PolledProcess):
    """Starts `benchmarks.hosts.obvious` and polls it."""

    skips: tuple[str, ...] = ("chain 1000",)  # quadratic: minutes
    module = "benchmarks.hosts.obvious"


if __name__ == "__main__":
    run(ObviousHost(folder()))
