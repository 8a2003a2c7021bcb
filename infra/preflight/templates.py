"""The resources that a parameter file would make in a subscription, by the Bicep compiler."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.check.compile import NO_TENANT, CompileError, copy, run

INFRA = Path(__file__).resolve().parents[1]


def snapshot(
    compiler: str, parameters: str, environ: Mapping[str, str], subscription: str, location: str
) -> dict[str, Any]:
    """Return the resources that a parameter file would make; raise CompileError with findings."""
    with tempfile.TemporaryDirectory() as folder:
        # A copy, because the compiler writes its snapshot beside the parameters.
        root = copy(INFRA, Path(folder))
        command = [
            compiler, "snapshot", str(root / f"{parameters}.bicepparam"), "--mode", "overwrite",
            "--subscription-id", subscription, "--location", location,
            "--deployment-name", "preflight",
            "--tenant-id", environ.get("AZURE_TENANT_ID") or NO_TENANT,
        ]  # fmt: skip
        done = run(command, {**environ, "AZURE_LOCATION": location})
        written = root / f"{parameters}.snapshot.json"
        if done.returncode or not written.exists():
            raise CompileError(f"The templates do not compile. {done.stderr.strip()[-1500:]}")
        content: dict[str, Any] = json.loads(written.read_text("utf-8"))
    return content
