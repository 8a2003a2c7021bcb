"""The contract of observations, over logs that the scoring service itself wrote."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from function_app.domain.drift.observations import JOINT, PREDICTION, Reference, Watched
from function_app.domain.drift.prediction_lines import UNKNOWN
from function_app.domain.drift.retraining import DriftPolicy
from function_app.domain.project import ModelProject
from function_app.ports import Observations
from function_app.settings.settings import read_projects
from tests.contracts.observed import FEATURES, AzureKept, Kept, LocalKept

ROOT = Path(__file__).parents[2]
DIGEST = f"sha256:{1:064d}"
WATCHED = Watched(
    model="diabetes", version="1", digest=DIGEST, run_id="r1", dataset_version="d1", model_uri=""
)


def project(policy: DriftPolicy | None = None) -> dict[str, ModelProject]:
    diabetes = read_projects(ROOT / "mlops.toml")["diabetes"]
    return {"diabetes": replace(diabetes, drift=policy or DriftPolicy())}


def make_rows() -> list[dict[str, float]]:
    rng = np.random.default_rng(0)
    return [
        {"age": float(a), "bmi": float(b), "Y": float(2 * a + b)}
        for a, b in rng.normal(size=(400, 2))
    ]


@pytest.fixture(params=["local", "azure"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    if request.param == "local":
        return LocalKept(tmp_path)
    return AzureKept(request.getfixturevalue("connection"), tmp_path)


@pytest.fixture
def rows() -> list[dict[str, float]]:
    return make_rows()


@pytest.fixture
def watched(kept: Kept, rows: list[dict[str, float]]) -> Watched:
    """The champion of a training that left data, schema, and predictions of held-out rows."""
    rng = np.random.default_rng(1)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["age", "bmi", "Y"])
    writer.writeheader()
    writer.writerows(rows)
    actual = [row["Y"] for row in rows[:80]]
    predicted = [value + float(rng.normal()) for value in actual]
    schema = {"features": list(FEATURES), "target": "Y"}
    uri = kept.train(text.getvalue(), schema, {"actual": actual, "predicted": predicted})
    return replace(WATCHED, model_uri=uri)


@pytest.fixture
def observations(kept: Kept) -> Observations:
    return kept.observe(project())


@pytest.fixture
def reference(observations: Observations, watched: Watched) -> Reference:
    found = observations.reference(watched)
    assert found is not None
    return found


def read(observations: Observations, reference: Reference, after: str = "") -> Any:
    return observations.read(reference, after, 10.0, 100)


def test_the_reference_is_the_training_data_and_what_was_held_out(reference: Reference) -> None:
    assert [column.name for column in reference.columns] == ["age", "bmi", PREDICTION, JOINT]
    assert [column.rows for column in reference.columns] == [400, 400, 80, 200]
    assert (reference.features, reference.repeated) == (("age", "bmi"), 0.0)
    assert reference.errors is not None
    assert reference.errors.mean == pytest.approx(1.0, abs=0.5)
    assert (reference.target, reference.seen) == ("Y", 0)


def test_training_data_that_is_gone_has_no_reference(
    observations: Observations, watched: Watched
) -> None:
    gone = replace(watched, digest=f"sha256:{2:064d}", dataset_version="d9")

    assert observations.reference(gone) is None


@pytest.mark.parametrize(
    ("rows_text", "schema", "evaluation"),
    [
        ("age,bmi,Y\nabc,1,2\n", {"features": ["age"], "target": "Y"}, None),
        ("age,bmi,Y\n1,1\n", {"features": ["age"], "target": "Y"}, None),
        ("age,bmi,Y\n1,1,2\n", ["age"], None),
        ("age,bmi,Y\n1,1,2\n", {"features": ["bp"], "target": "Y"}, None),
        ("age,bmi,Y\n1,1,2\n", {"features": 3}, None),
        ("age,bmi,Y\n1,1,2\n", {"features": ["age"], "target": "Y"}, ["predicted"]),
        ("age,bmi,Y\n1,1,2\n", {"features": ["age"], "target": "Y"}, {"predicted": ["x"]}),
    ],
)
def test_records_that_somebody_changed_have_no_reference(
    kept: Kept, observations: Observations, rows_text: str, schema: object, evaluation: object
) -> None:
    uri = kept.train(rows_text, schema, evaluation)

    assert observations.reference(replace(WATCHED, model_uri=uri)) is None


@pytest.mark.parametrize("content", [[], {}, {"watched": 1}, "text"])
def test_a_reference_that_somebody_changed_is_described_again(
    kept: Kept, observations: Observations, watched: Watched, content: object
) -> None:
    before = observations.reference(watched)
    kept.change_reference(DIGEST.removeprefix("sha256:"), content)

    assert kept.observe(project()).reference(watched) == before


def test_rows_are_counted_once_over_all_replicas_and_looks(
    kept: Kept, observations: Observations, reference: Reference
) -> None:
    kept.predict(DIGEST, ("a", [[0.0, 5.0], [0.0, -5.0]], [1.0, 2.0]))
    kept.predict(DIGEST, ("b", [[0.0, 0.0]], [1.0]))
    first = read(observations, reference)
    kept.predict(DIGEST, ("c", [[0.5, 0.0]], [1.0]))
    second = read(observations, reference, first.cursor)
    third = read(observations, reference, second.cursor)

    assert [batch.rows for batch in (first, second, third)] == [3, 1, 0]
    # A request is one unit. Half of the first one lies below all of the training data, and half of
    # it is at most its greatest value, as is the second one.
    assert first.columns["bmi"].rows == 2
    assert first.columns["bmi"].below[0] == 0.5
    assert first.columns["bmi"].below[-1] == 1.5
    assert (first.columns[PREDICTION].rows, first.columns[JOINT].rows) == (2, 2)
    assert [part.caller for part in first.parts] == [UNKNOWN]


def test_a_row_that_comes_again_counts_once_whoever_reads(
    kept: Kept, observations: Observations, reference: Reference
) -> None:
    kept.predict(DIGEST, ("a", [[0.0, 1.0]] * 3, [1.0] * 3))
    first = read(observations, reference)
    kept.predict(DIGEST, ("b", [[0.0, 1.0], [0.0, 2.0]], [1.0, 1.0]))
    second = read(observations, reference, first.cursor)
    again = read(kept.observe(project()), reference, first.cursor)
    third = read(observations, reference, second.cursor)

    assert [(b.rows, b.repeated) for b in (first, second, third)] == [(1, 2), (1, 1), (0, 0)]
    assert again == second


def test_values_that_are_no_input_are_counted_and_left_out(
    kept: Kept, observations: Observations, reference: Reference
) -> None:
    kept.predict(DIGEST, ("a", [[0.0, 900.0], [0.0, 1.0], [900.0, 900.0]], [1.0] * 3))

    batch = read(observations, reference)

    assert batch.out_of_range == {"age": 1, "bmi": 2}
    assert batch.rows == 1


def test_answers_of_another_image_do_not_count(
    kept: Kept, observations: Observations, reference: Reference
) -> None:
    kept.predict(f"sha256:{2:064d}", ("a", [[0.0, 0.0]], [1.0]))

    batch = read(observations, reference)

    assert (batch.rows, batch.columns) == (0, {})
    assert read(observations, reference, batch.cursor).rows == 0


def test_half_a_last_line_counts_when_it_is_whole(
    kept: Kept, observations: Observations, reference: Reference
) -> None:
    kept.predict(DIGEST, ("a", [[0.0, 0.0]], [1.0]), ("b", [[0.1, 0.0]], [1.0]))
    finish = kept.tear(10)
    first = read(observations, reference)
    finish(b"no line at all\n")
    second = read(observations, reference, first.cursor)

    assert (first.rows, second.rows) == (1, 1)


def test_a_segment_that_was_deleted_before_it_was_read_is_no_fault(
    kept: Kept, observations: Observations, reference: Reference
) -> None:
    kept.predict(DIGEST, ("a", [[0.0, 0.0]], [1.0]))
    first = read(observations, reference)
    kept.forget()

    after = read(observations, reference, first.cursor)
    # The row comes again in another segment.
    assert (after.rows, after.repeated) == (0, 1)


def test_only_the_first_rows_of_a_large_request_count(
    kept: Kept, observations: Observations, reference: Reference
) -> None:
    kept.predict(DIGEST, ("a", [[0.0, n / 500] for n in range(500)], [1.0] * 500))

    assert read(observations, reference).rows == 100


def test_labels_are_joined_by_id_whenever_they_come_and_count_once(
    kept: Kept, observations: Observations, reference: Reference
) -> None:
    kept.predict(DIGEST, ("a", [[0.0, 0.0]], [1.0]), ("b", [[0.0, 0.0]] * 2, [1.0, 2.0]))
    first = read(observations, reference)
    kept.label("1.csv", "id,Y\na,4\nb/1,2\nnobody,3\n")
    second = read(observations, reference, first.cursor)
    kept.label("2.csv", "Y,id\n4,a\n5,b/0\n7,b/1\n")
    third = read(observations, reference, second.cursor)
    fourth = read(observations, reference, third.cursor)

    assert (first.labels.rows, second.rows) == (0, 0)
    assert (second.labels.rows, second.labels.squared_error, second.unmatched) == (2, 9.0, 1)
    assert (third.labels.rows, third.labels.squared_error, third.unmatched) == (1, 16.0, 0)
    assert fourth.labels.rows == 0


def test_a_file_of_labels_that_grew_brings_only_its_new_ones(
    kept: Kept, observations: Observations, reference: Reference
) -> None:
    kept.predict(DIGEST, ("a", [[0.0, 0.0]], [1.0]), ("b", [[0.0, 0.0]], [1.0]))
    kept.label("export.csv", "id,Y\na,4\n")
    first = read(observations, reference)
    kept.label("export.csv", "id,Y\na,4\nb,2\n", later=True)
    second = read(observations, reference, first.cursor)

    assert (first.labels.rows, second.labels.rows, second.unmatched) == (1, 1, 0)
    assert second.labels.squared_error == 1.0


def test_a_look_that_is_repeated_counts_the_same_labels(
    kept: Kept, observations: Observations, reference: Reference
) -> None:
    kept.predict(DIGEST, ("a", [[0.0, 0.0]], [1.0]), ("b", [[0.0, 0.0]], [1.0]))
    kept.label("1.csv", "id,Y\na,4\n")
    first = read(observations, reference)
    kept.label("2.csv", "id,Y\nb,4\n")
    second = read(observations, reference, first.cursor)
    repeated = read(kept.observe(project()), reference, first.cursor)

    assert repeated == second
    assert second.labels.rows == 1


def test_an_id_that_two_predictions_share_labels_neither(
    kept: Kept, observations: Observations, reference: Reference
) -> None:
    kept.predict(DIGEST, ("a", [[0.0, 0.0]], [1.0]), ("a", [[5.0, 0.0]], [9.0]))
    kept.label("1.csv", "id,Y\na,4\n")

    batch = read(observations, reference)

    assert (batch.labels.rows, batch.unmatched) == (0, 1)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("", "needs the columns id and Y"), ("id,y\na,1\n", "needs"), ("id,Y\na,much\n", "line 2")],
)
def test_a_bad_file_of_labels_is_complained_of_once_and_spoils_no_other(
    kept: Kept, observations: Observations, reference: Reference, text: str, complaint: str
) -> None:
    kept.predict(DIGEST, ("a", [[0.0, 0.0]], [1.0]))
    kept.label("bad.csv", text)
    bad = read(observations, reference)
    kept.label("mended.csv", "id,Y\na,4\n")
    mended = read(observations, reference, bad.cursor)

    assert len(bad.complaints) == 1
    assert complaint in bad.complaints[0]
    assert (mended.labels.rows, mended.complaints) == (1, ())


def test_training_rows_that_production_answered_before_are_known_again(
    kept: Kept, rows: list[dict[str, float]], watched: Watched
) -> None:
    asked = rows[:60]
    inputs = [[row["age"], row["bmi"]] for row in asked]
    # Thirty of the targets are production's own answers, thirty are true.
    answers = [row["Y"] + (0.0 if n < 30 else 1.0) for n, row in enumerate(asked)]
    kept.predict(f"sha256:{2:064d}", ("a", inputs, answers))

    found = kept.observe(project()).reference(watched)

    assert found is not None
    assert (found.seen, found.echoed) == (60, 30)


def test_columns_that_the_policy_leaves_out_are_not_tested(
    kept: Kept, rows: list[dict[str, float]], watched: Watched
) -> None:
    some = kept.observe(project(DriftPolicy(columns=("bmi",)))).reference(watched)
    other = replace(watched, digest=f"sha256:{3:064d}")
    none = kept.observe(project(DriftPolicy(log_inputs=False))).reference(other)

    assert some is not None
    assert none is not None
    assert [column.name for column in some.columns] == ["bmi", PREDICTION]
    assert [column.name for column in none.columns] == [PREDICTION]
