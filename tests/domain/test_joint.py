"""The joint channel: a lost relation between columns that each stay as they were."""

import math

import numpy as np
import pytest

from function_app.domain.codec import dump, load
from function_app.domain.drift.clusters import Memory, count_units, total_columns
from function_app.domain.drift.drift import add_batch, weigh
from function_app.domain.drift.joint import LEAST_ROWS, MOST_ROWS, describe_joint, distance
from function_app.domain.drift.observations import (
    JOINT,
    JointScore,
    ObservationBatch,
    Reference,
    Watched,
    describe_column,
)
from function_app.domain.drift.prediction_lines import LoggedPrediction

Rows = np.ndarray[tuple[int, int], np.dtype[np.float64]]
NAMES = ("a", "b", "c")
WATCHED = Watched(
    model="m", version="1", digest="sha256:aa", run_id="r", dataset_version="d", model_uri="u"
)


def related(rng: np.random.Generator, rows: int) -> Rows:
    common = rng.normal(size=(rows, 1))
    return np.asarray(5 + 3 * (0.9 * common + 0.436 * rng.normal(size=(rows, 3))))


def columns_of(rows: Rows) -> list[list[float]]:
    return [list(map(float, rows[:, index])) for index in range(rows.shape[1])]


def test_the_distance_is_mahalanobis_s() -> None:
    rng = np.random.default_rng(0)
    rows = related(rng, 1000)
    found = describe_joint(NAMES, columns_of(rows))
    assert found is not None
    rule, reference = found

    half = rows[::2]
    scaled = (rows - half.mean(axis=0)) / half.std(axis=0)
    matrix = np.corrcoef(half.T) + 0.01 * np.eye(3)
    expected = np.einsum("ij,jk,ik->i", scaled, np.linalg.inv(matrix), scaled) / 3
    assert [distance(rule, row) for row in rows[:50]] == pytest.approx(expected[:50])
    assert (reference.name, reference.rows) == (JOINT, 500)
    assert load(JointScore, dump(rule)) == rule


def test_a_lost_relation_is_drift_and_a_kept_one_is_not() -> None:
    rng = np.random.default_rng(1)
    trained = related(rng, 442)
    joint = describe_joint(NAMES, columns_of(trained))
    assert joint is not None
    single = [describe_column(n, trained[:, i]) for i, n in enumerate(NAMES)]
    known = Reference(
        watched=WATCHED,
        target="Y",
        columns=(*[c for c in single if c is not None], joint[1]),
        features=NAMES,
        joint=joint[0],
    )

    def evidence(rows: Rows) -> tuple[bool, str]:
        asked = [
            LoggedPrediction(
                prediction_id="p",
                image="sha256:aa",
                columns=NAMES,
                inputs=(tuple(row),),
                outputs=(0.0,),
            )
            for row in rows.tolist()
        ]
        columns = total_columns(count_units(known, asked, 100, Memory()).parts)
        batch = ObservationBatch(cursor="", rows=len(rows), columns=columns)
        found = weigh(known, add_batch((), batch), 0.01)
        return found.drifted, found.columns[0].name

    assert not evidence(related(rng, 500))[0]
    broken = related(rng, 500)
    for index in range(3):
        broken[:, index] = rng.permutation(broken[:, index])
    assert evidence(broken) == (True, JOINT)


def test_rows_that_cannot_be_compared_have_no_joint_reference() -> None:
    rng = np.random.default_rng(2)
    rows = columns_of(related(rng, 200))

    assert describe_joint(("a",), rows[:1]) is None
    assert describe_joint((), []) is None
    assert describe_joint(("a", "b"), [rows[0], [3.0] * 200]) is None
    assert describe_joint(NAMES, [column[: LEAST_ROWS - 1] for column in rows]) is None
    assert describe_joint(("a", JOINT, "c"), rows) is None
    assert describe_joint(NAMES, [[math.nan] * 200, *rows[1:]]) is None


def test_features_that_depend_on_each_other_and_constant_ones_are_no_fault() -> None:
    rng = np.random.default_rng(3)
    one = list(map(float, rng.normal(size=MOST_ROWS * 2)))
    found = describe_joint(
        ("a", "b", "c", "d"), [one, [2 * v for v in one], [1.0] * len(one), [-v for v in one]]
    )

    assert found is not None
    rule, reference = found
    assert rule.features == ("a", "b", "d")
    assert reference.rows == MOST_ROWS // 2
    assert math.isfinite(distance(rule, (1e300, -1e300, 1e300)))
