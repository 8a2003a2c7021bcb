"""A right mlops.toml with every table, for tests that make one thing in it wrong."""

import tomllib
from pathlib import Path

from configuration.checking import find_problems

ROOT = Path(__file__).parents[2]
MODEL = """\
[models.sugar]
container = "data"
prefix = "sugar/"
training = "training"
scoring = "scoring"

[models.sugar.data]
columns = ["age", "bmi", "Y"]
min_rows = 100

[models.sugar.gate]
metric = "mse"
bar = 4500
margin = -0.5
confidence = 0.95

[models.sugar.training_run]
timeout_seconds = 600
newest_only = true

[models.sugar.release]
approvers = ["ada", "grace.hopper@example.org"]
replicas = 2

[models.sugar.drift]
columns = ["bmi"]
alpha = 0.01

[[models.sugar.schedules]]
name = "nightly"
cron = "0 0 3 * * mon-fri"
"""
CODE = """\
[models.sugar.code]
repository = "https://example.org/team/sugar"
branches = ["main", "release/*"]
min_coverage = 80
"""
LIMITS = """\
[limits]
max_trainings = 3
"""


def problems(text: str) -> list[str]:
    """Return the problems of a mlops.toml with this text."""
    return find_problems(tomllib.loads(text), ROOT)


def another(name: str, prefix: str) -> str:
    """Return the tables of a second model."""
    return MODEL.replace("models.sugar", f"models.{name}").replace('"sugar/"', f'"{prefix}"')
