"""The simulation of the gate gives the product the rows that the product itself would choose."""

import subprocess
import sys
from array import array
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from benchmarks.gates.files import FOLDS, NightFile, as_table, make_file, make_pool
from benchmarks.gates.models import ALPHA, cross_fit_ridge
from benchmarks.gates.population import Places, draw_rows
from benchmarks.gates.report import Share, least, missed, most, share_line, table
from benchmarks.gates.rules import PRODUCT, RULES, SEED, product_verdict
from benchmarks.gates.worlds import STREAMS, judged
from function_app.domain.gates import Verdict
from platform_jobs.splitting.split import split_rows
from platform_jobs.splitting.unseen import Hashes, Memory, choose

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(5)
TRUTH = draw_rows(RNG, 500)
POOL = make_pool(draw_rows(RNG, 900), "m")


def files(name: str, count: int) -> list[NightFile]:
    stream = STREAMS[name](np.random.default_rng(1), len(POOL.rows))
    return [make_file(POOL, next(stream)) for _ in range(count)]


@pytest.mark.parametrize("name", STREAMS)
def test_a_file_has_the_distinct_rows_and_folds_of_the_product(name: str) -> None:
    (file,) = files(name, 1)

    split = split_rows(as_table(POOL.rows, file.order), "m", folds=FOLDS)

    assert split.hashes == tuple(POOL.hashes[file.distinct].tolist())
    assert split.folds == tuple(file.folds.tolist())
    assert len(split.seen.rows) == int(file.counts.sum()) == len(file.order)


def test_cross_fitting_is_that_of_ridge_trained_without_each_fold() -> None:
    (file,) = files("bootstrap", 1)
    trained = cross_fit_ridge(POOL, file, TRUTH)

    def fit(rows: Places) -> Ridge:
        places = np.repeat(file.distinct[rows], file.counts[rows])
        features = POOL.rows.design[places, 1:]
        return Ridge(alpha=ALPHA).fit(features, POOL.rows.target[places])

    own = np.flatnonzero(file.folds == 2)
    features = POOL.rows.design[file.distinct[own], 1:]
    expected = fit(np.flatnonzero(file.folds != 2)).predict(features)
    assert trained.answers[own] == pytest.approx(expected)
    whole = fit(np.arange(len(file.distinct))).predict(features)
    assert trained.model.answer(POOL.rows.design[file.distinct[own]]) == pytest.approx(whole)
    errors = fit(np.arange(len(file.distinct))).predict(TRUTH.design[:, 1:]) - TRUTH.target
    assert trained.model.true_loss == pytest.approx(float(np.mean(errors**2)))


@pytest.mark.parametrize("name", STREAMS)
def test_the_champion_answers_the_rows_as_the_product_chooses_them(name: str) -> None:
    champion, challenger = (cross_fit_ridge(POOL, file, TRUTH) for file in files(name, 2))
    asked = Hashes(
        rows=tuple(POOL.hashes[challenger.places].tolist()),
        groups=tuple(POOL.hashes[challenger.places].tolist()),
    )
    seen = sorted(POOL.hashes[champion.places].tolist())
    answers = dict(
        zip(POOL.hashes[champion.places].tolist(), champion.answers.tolist(), strict=True)
    )
    plain = champion.model.answer(POOL.rows.design[challenger.places]).tolist()

    chosen = choose(asked, Memory(seen=array("Q", seen), answers=answers), plain)

    _, _, theirs = judged(POOL, challenger, champion)
    assert chosen.indices == tuple(range(len(challenger.places)))
    assert chosen.champion == tuple(theirs.tolist())


def test_the_product_is_asked_whenever_it_could_promote() -> None:
    """The rule of the simulation skips the product only where the measured gain is too small."""
    rng = np.random.default_rng(3)
    for spread in (0.0, 20.0, 60.0):
        actual = POOL.rows.target[:300]
        good = actual + rng.normal(0, 40, 300)
        bad = good + rng.normal(0, spread, 300)
        verdict = product_verdict(actual, good, bad, 1)
        assert RULES[PRODUCT](actual, good, bad, 1) is (verdict is Verdict.PROMOTE)
    assert verdict is Verdict.PROMOTE


def test_the_table_shows_exact_intervals_and_the_goals_that_are_missed() -> None:
    shares = {SEED: Share(hits=30, tries=100), PRODUCT: Share(hits=0, tries=60)}
    lines = [
        share_line("noise", shares, PRODUCT, most(0.0)),
        share_line("gain", shares, PRODUCT, least(0.65)),
    ]

    first, second = table(lines).splitlines()[2:]
    assert first == "| noise | 30 % (21.2-40 %) |  | 0 % (0-5.96 %) | ≤ 0 % | met |"
    assert second.endswith("| ≥ 65 % | missed |")
    assert missed(lines) == ["gain"]


def test_the_population_has_the_size_of_noise_and_signal_of_the_data() -> None:
    rows = draw_rows(np.random.default_rng(0), 20_000)

    assert 2500 < float(np.mean(rows.noise**2)) < 3200
    assert 5500 < float(rows.target.var()) < 6400


def test_a_quick_run_prints_every_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gates", "--quick"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert sum(line.startswith("| A/A") for line in done.stdout.splitlines()) == 16
    assert "| better by 30%, mode B, 1000 rows, look 1000: promoted |" in done.stdout
    assert "Goals missed: " in done.stdout
