"""A model that a user adds to mlops.toml stays out of the tests."""

import tomllib

from tests.sample_project import ROOT, only_sample, sample_projects


def test_the_tables_of_other_models_are_left_out() -> None:
    shipped = (ROOT / "mlops.toml").read_text(encoding="utf-8")
    house = '[models.house]\nprefix = "house/"\n[models.house.data]\ncolumns = ["a"]\n'
    people = '[people.grace]\ngit = ["grace@example.com"]\n'

    content = tomllib.loads(
        only_sample(f"{house}{shipped}\n{house.replace('house', 'flat')}{people}")
    )

    own = tomllib.loads(shipped)
    assert content["models"] == {"diabetes": own["models"]["diabetes"]}
    assert content["people"] == {"grace": {"git": ["grace@example.com"]}}
    assert set(sample_projects()) == {"diabetes"}
