"""Inputs of checks: copies in a container that holds nothing else and that checks cannot write.

The identity of checks therefore needs no access to the container of versions, which has the data
and the models, and a check cannot change the tools or the code of another check.
"""

from function_app.adapters.azure.bundles import AzureBundles
from function_app.adapters.azure.reach.blobs import Blobs
from function_app.adapters.azure.reach.workspace import CHECKS_INPUTS_DATASTORE, datastore_path
from function_app.domain.change.change import Bundle, CheckPlan
from function_app.domain.codec import dump

# This app's own packages that check the code and, in a dry run, walk it through the contract.
TOOLS = ("checks", "platform_jobs", "sandbox")


class CheckInputs:
    """Stores the inputs of each check under its run's id; a repetition writes the same bytes."""

    def __init__(self, bundles: AzureBundles, blobs: Blobs) -> None:
        self._bundles, self._blobs = bundles, blobs

    def give(
        self, run_id: str, bundle: Bundle, plan: CheckPlan, data: bytes | None
    ) -> dict[str, str]:
        """Store code, tools, plan and reference data; return each datastore path by name."""
        folder = f"runs/{run_id}"
        rows = {} if data is None else {"data": self._store(f"{folder}/reference.csv", data)}
        return {
            **rows,
            "code": self._store(f"runs/{run_id}/code.tar", self._bundles.read(bundle.digest)),
            "tools": self._store(f"runs/{run_id}/tools.tar", self._bundles.pack_own(*TOOLS)),
            "plan": self._store_plan(f"runs/{run_id}/plan.json", plan),
        }

    def _store(self, name: str, content: bytes) -> str:
        self._blobs.write(name, content)
        return datastore_path(name, CHECKS_INPUTS_DATASTORE)

    def _store_plan(self, name: str, plan: CheckPlan) -> str:
        self._blobs.write_json(name, dump(plan))
        return datastore_path(name, CHECKS_INPUTS_DATASTORE)
