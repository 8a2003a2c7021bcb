"""Whether arriving data may be trained on."""

from dataclasses import dataclass

from function_app.domain.gates import GateResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """Figures of one column; `missing` counts cells that are empty or not a finite number."""

    name: str
    missing: int
    mean: float | None
    std: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataProfile:
    """Figures of one file: what a gate needs, never the rows."""

    rows: int
    columns: tuple[ColumnProfile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPolicy:
    """What a file must look like.

    `target` is the column to predict, "" the last one. `max_shift` is the greatest distance of a
    column's mean from the baseline's, in the baseline's standard deviations; `max_spread` the
    greatest ratio of the two deviations, either way.
    """

    columns: tuple[str, ...]
    target: str = ""
    min_rows: int = 50
    max_shift: float = 0.5
    max_spread: float = 2.0

    @property
    def label(self) -> str:
        """The column to predict."""
        return self.target or self.columns[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the preparation of a file found: `refused` says why it is no table, "" that it is one.

    Of its rows a training may see `seen`; `held_out` judge the model.
    """

    profile: DataProfile | None
    refused: str = ""
    seen: int = 0
    held_out: int = 0


def judge_prepared(
    prepared: Prepared, baseline: DataProfile | None, policy: DataPolicy
) -> GateResult:
    """Decide whether prepared data may be trained on; without a baseline nothing is compared."""
    if prepared.profile is None:
        return _refused([prepared.refused])
    result = judge(prepared.profile, baseline or prepared.profile, policy)
    if result.passed and not (prepared.seen and prepared.held_out):
        text = (
            f"Of {prepared.profile.rows} rows {prepared.held_out} are held out, because equal rows "
            "stay together. Send rows that differ."
        )
        return _refused([text])
    return result


def judge(profile: DataProfile, baseline: DataProfile, policy: DataPolicy) -> GateResult:
    """Decide by schema, size, completeness and distance from the baseline, in this order."""
    names = tuple(column.name for column in profile.columns)
    if names != policy.columns:
        return _refused(_schema_reasons(names, policy.columns))
    if profile.rows < policy.min_rows:
        return _refused([f"{profile.rows} rows; at least {policy.min_rows} are needed."])
    missing = [f"{c.name}: {c.missing} missing values." for c in profile.columns if c.missing]
    if missing:
        return _refused(missing)
    before = {column.name: column for column in baseline.columns}
    moved = [
        reason
        for column in profile.columns
        if (reason := _shift(column, before.get(column.name), policy))
    ]
    if moved:
        return _refused(moved)
    return GateResult(passed=True, reasons=(f"{profile.rows} rows pass every data check.",))


def _schema_reasons(names: tuple[str, ...], expected: tuple[str, ...]) -> list[str]:
    absent = [name for name in expected if name not in names]
    extra = [name for name in names if name not in expected]
    reasons = [f"Column {name} is absent." for name in absent]
    reasons += [f"Column {name} is not in the schema." for name in extra]
    return reasons or [f"The columns stand in another order than {', '.join(expected)}."]


def _shift(now: ColumnProfile, before: ColumnProfile | None, policy: DataPolicy) -> str | None:
    if before is None or now.mean is None or now.std is None:
        return None
    if before.mean is None or not before.std:
        return None
    distance = abs(now.mean - before.mean) / before.std
    if distance > policy.max_shift:
        return f"{now.name}: the mean moved by {distance:.2f} standard deviations."
    ratio = now.std / before.std
    if ratio > policy.max_spread or ratio < 1 / policy.max_spread:
        return f"{now.name}: the standard deviation is {ratio:.2f} times the baseline's."
    return None


def _refused(reasons: list[str]) -> GateResult:
    return GateResult(passed=False, reasons=tuple(reasons))
