"""Attacks of an own metric on the evaluation that calls it; judged code brings it."""

from pathlib import Path

import pytest

from tests.attacks.attack import SAME, attack
from tests.attacks.judges import HONEST, CloudJudge, Judge, LocalJudge, Verdict
from tests.attacks.test_judge import FORGES, needs_namespaces
from tests.azure_servers.azure import azure, sdk_warnings

__all__ = ["azure"]
pytestmark = sdk_warnings

# Looks for features, models and true values beside the pairs, everywhere that it can read.
LOOKS_AROUND = """
import pathlib
pairs = pathlib.Path(sys.argv[2])
near = [p for p in pairs.parent.parent.rglob("*") if p.name in ("features.csv", "rows.csv", "weights")]
far = [p for p in ({rows!r}, os.path.join({out!r}, "comparison.json")) if os.path.exists(p)]
if near or far or set(os.listdir(pairs.parent)) != {{pairs.name}}:
    raise SystemExit(f"It sees {{near}} {{far}}.")
"""


@pytest.fixture(params=["local", "azure"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Judge:
    """The evaluation of each platform in turn."""
    if request.param == "azure":
        return CloudJudge(request.getfixturevalue("azure"), tmp_path)
    return LocalJudge(tmp_path)


@needs_namespaces
@attack(
    point=5,
    does="an own metric looks for features, models and the evaluation, replaces functions, writes the "
    "evaluation's files and leaves a process behind",
    answer="it sees pairs and its code; the figures are computed from the values that it returned",
    log="none: neither the process nor the files of the evaluation exist for it",
    before="absent",
    by="reading",
    azure=SAME,
)
def test_an_own_metric_sees_pairs_and_cannot_forge_the_evaluation(bench: Judge) -> None:
    forges = FORGES.replace("dirname(data)", "dirname(sys.argv[2])")

    assert bench.judge("", metric=LOOKS_AROUND + forges) == Verdict(refused="", mse=HONEST)
