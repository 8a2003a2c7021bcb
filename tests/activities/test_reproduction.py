"""The comparison of a version with its second training."""

from types import SimpleNamespace
from typing import Any, cast

from function_app.activities.reproduction import judge_reproduction
from function_app.domain.gates import Comparison
from function_app.domain.lineage.reproduction import ReproductionCheck, ReproductionOutcome
from function_app.domain.training import Judged
from function_app.errors import NotFoundError
from function_app.ports import Ports
from tests.domain.test_lineage import VERSION

REFUSED = "The challenger: predict answered 3 numbers to 4 rows."


class RefusedEvaluation:
    """The runs of a platform whose evaluation refused the second model: it wrote no figures."""

    def comparison(self, run_id: str) -> Comparison:
        return Comparison(refused=REFUSED)

    def judged(self, run_id: str) -> Judged:
        raise NotFoundError(f"Run {run_id} has no readable metrics.json. Read its log.")


def test_a_second_model_that_breaks_the_contract_is_named_as_the_reason() -> None:
    ports = cast(Ports, SimpleNamespace(jobs=RefusedEvaluation()))
    check = ReproductionCheck(
        version=VERSION, run_id="reproduce-1", evaluation_id="reproduce-1-vs-3"
    )

    result = cast(Any, judge_reproduction)(ports, check)

    assert result.outcome is ReproductionOutcome.IMPOSSIBLE
    assert (result.reasons, result.run_id) == ((REFUSED,), "reproduce-1")
