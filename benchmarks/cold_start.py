"""Measures the import time of the app beside that of the SDK, which it always needs.

python -m benchmarks.cold_start: each in a process of its own, in turn; medians and their ratio.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROUNDS = 9
AZURE = {
    f"MLOPS_AZURE_{name}": "x"
    for name in ("SUBSCRIPTION_ID", "RESOURCE_GROUP", "LOCATION", "WORKSPACE", "REGISTRY")
} | {
    "MLOPS_AZURE_TABLES_ENDPOINT": "https://x.table.core.windows.net",
    "MLOPS_AZURE_BLOB_ENDPOINT": "https://x.blob.core.windows.net",
}
CASES: dict[str, tuple[str, dict[str, str]]] = {
    "azure.durable_functions alone": ("import azure.durable_functions", {}),
    "the app, on one machine": (
        "import function_app; function_app.app",
        {"MLOPS_PLATFORM": "local", "MLOPS_STATE": "/tmp/mlops-cold", "MLOPS_ENGINE": ""},
    ),
    "the app, in Azure": (
        "import function_app; function_app.app",
        {"MLOPS_PLATFORM": "azure", **AZURE},
    ),
}


def seconds(code: str, environ: dict[str, str]) -> float:
    """Return the seconds that a fresh interpreter takes for the code."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **environ}, check=True
    )
    return time.perf_counter() - begun


def main() -> None:
    """Print each case's median, and its distance from the SDK alone."""
    samples: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(ROUNDS):
        for name, (code, environ) in CASES.items():
            samples[name].append(seconds(code, environ))
    floor = statistics.median(samples["azure.durable_functions alone"])
    for name, values in samples.items():
        middle = statistics.median(values)
        print(f"{name:<32}{middle:6.2f} s   x {middle / floor:4.2f}   {middle - floor:+6.2f} s")


if __name__ == "__main__":
    main()
