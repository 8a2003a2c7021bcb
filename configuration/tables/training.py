"""The tables of a model in mlops.toml for training: gate, run, schedules and code."""

from configuration.cron import find_fault
from configuration.kinds import Choice, ChoiceOr, Flag, Key, Listed, Number, Table, Text, Whole
from configuration.values import (
    COLUMNS,
    DAY,
    FUNCTION,
    PATTERN,
    SCHEDULE_NAME,
    WORD,
    is_repository,
    is_type,
    seconds,
)

_ANSWERS, _SHADOW = ("keep", "ask"), "shadow"


def _is_answer(text: str) -> bool:
    return text in (*_ANSWERS, _SHADOW)


def _shadow(text: str) -> str:
    """Return the reason that a known answer cannot be given yet, else ""."""
    if text != _SHADOW:
        return ""
    return "no challenger can answer requests beside the champion in this version"


GATE = Table(
    name="gate",
    help="The rule that a newly trained model must pass before it is registered.",
    required=True,
    keys=(
        Key(
            name="metric",
            kind=ChoiceOr(
                mark=":",
                other=FUNCTION,
                words=(
                    "mse",
                    "mae",
                    "poisson_deviance",
                    "pinball",
                    "log_loss",
                    "brier",
                    "calibration",
                    "auc",
                    "f_beta",
                ),
            ),
            default="mse",
            help="The loss that models are compared by; of `auc` and `f_beta` it is 1 minus the "
            "metric. `poisson_deviance` is for counts and predictions above 0; `log_loss`, "
            "`brier`, `calibration`, `auc` and `f_beta` are for a target with labels, or for "
            "targets 0 and 1 and predicted probabilities of 1. `calibration` is the squared "
            "calibration error in 10 bins. With more than two labels `auc`, `f_beta` and "
            "`calibration` are means over the labels, each against all others. "
            "`package.module:function` names an own function of the "
            "model's code, with `direction`: docs/how-to/own-metric.md.",
        ),
        Key(
            name="direction",
            kind=Choice(words=("", "lower", "higher")),
            default="",
            help="Which values of an own function are better: of `lower` it is a loss, of `higher` "
            "a score, whose loss is minus the score. Required for an own function, and for nothing "
            "else.",
        ),
        Key(
            name="quantile",
            kind=Number(low=0, high=1, open_low=True, open_high=True),
            default=0.5,
            help="The quantile that a model with the metric `pinball` predicts.",
        ),
        Key(
            name="beta",
            kind=Number(low=0, high=1_000, open_low=True),
            default=1.0,
            help="The weight of recall in the metric `f_beta`, whose threshold is 0.5; of more "
            "than two labels the most probable one counts.",
        ),
        Key(
            name="bar",
            kind=Number(low=-1e300, high=1e300),
            help="Highest mean loss of a first model: of `mse` in units of the target, squared. It "
            "must be over 0, except that of an own function: -12 asks for a mean score of 12.",
        ),
        Key(
            name="margin",
            kind=Number(low=-1, high=1, open_low=True, open_high=True),
            default=0.0,
            help="Share of the champion's error by which a challenger must be better; a negative "
            "one lets a challenger through that is shown to be worse by less.",
        ),
        Key(
            name="minimum_effect",
            kind=Number(low=0, high=1, open_high=True),
            default=0.02,
            help="Smallest share of the champion's error that counts as better. It applies unless "
            "`margin` is larger, or negative.",
        ),
        Key(
            name="confidence",
            kind=Number(low=0.5, high=1, open_high=True),
            default=0.95,
            help="Probability that no comparison in the whole life of the model promotes a "
            "challenger that misses `margin` and `minimum_effect`. Each comparison spends a part "
            "of the rest.",
        ),
        Key(
            name="slices",
            kind=COLUMNS,
            default=(),
            help="Columns by whose values the rows are compared once more: in no category, or "
            "quarter of a column of numbers, may a challenger be worse by 25 %. A slice needs 100 "
            "held-out rows.",
        ),
        Key(
            name="inconclusive",
            kind=Text(allowed='"keep" or "ask"', accepts=_is_answer, reason=_shadow),
            default="keep",
            help="The answer when the rows show too little: `keep` the champion, or register the "
            "version and `ask` the approvers, who see all figures.",
        ),
        Key(
            name="min_judging_rows",
            kind=Whole(low=30, high=1_000_000_000),
            default=30,
            help="Fewest rows that compare a challenger with the champion. Rows that the champion "
            "was trained on do not count.",
        ),
        Key(
            name="folds",
            kind=Whole(low=1, high=20),
            default=1,
            help="1 holds a fifth of the rows out of the training to judge the model. With more, "
            "all rows train the model and judge it: `train` runs once more for each fold, without "
            "its rows, and the model of this run answers them.",
        ),
        Key(
            name="max_model_bytes",
            kind=Whole(low=0, high=8 << 30),
            default=0,
            help="Most bytes of the model folder; 0 sets no limit below 8 GiB.",
        ),
        Key(
            name="max_model_ratio",
            kind=Number(low=0, high=1_000),
            default=0.0,
            help="Most times that the model folder may be as large as the champion's; 0 sets no "
            "limit.",
        ),
        Key(
            name="max_predict_ms",
            kind=Number(low=0, high=86_400_000, unit="milliseconds"),
            default=0.0,
            help="Longest time that `predict` may take longer for 1,000 rows than for 1 row, as "
            "the median of 5 measurements; 0 sets no limit and measures nothing.",
        ),
        Key(
            name="max_predict_ratio",
            kind=Number(low=0, high=1_000),
            default=0.0,
            help="Most times that this time may be as long as the champion's, which counts as 10 "
            "ms at least; 0 sets no limit.",
        ),
        Key(
            name="increasing",
            kind=COLUMNS,
            default=(),
            help="Features of numbers with which predictions must rise. Of a target with labels "
            "the prediction is the probability of the last one.",
        ),
        Key(
            name="decreasing",
            kind=COLUMNS,
            default=(),
            help="Features of numbers with which predictions must fall.",
        ),
        Key(
            name="monotone_tolerance",
            kind=Number(low=0, high=1),
            default=0.01,
            help="How far a prediction may move against `increasing` and `decreasing`, as a share "
            "of the width of the range of the true values.",
        ),
    ),
)
TRAINING_RUN = Table(
    name="training_run",
    help="Limits of one training.",
    keys=(
        Key(
            name="timeout_seconds",
            kind=seconds(30 * DAY),
            default=1800.0,
            help="A training that takes longer is cancelled.",
        ),
        Key(
            name="poll_interval_seconds",
            kind=seconds(DAY),
            default=30.0,
            help="Interval at which the run is polled, beside the event of its end.",
        ),
        Key(
            name="newest_only",
            kind=Flag(),
            default=True,
            help="When several files wait while a training runs, train on the newest only.",
        ),
    ),
)
MODEL_RULES = Table(
    name="model",
    help="The types that a model file may hold.",
    keys=(
        Key(
            name="trusted_types",
            kind=Listed(
                item=Text(
                    allowed='the full name of a type, such as "my_package.models.Spline"',
                    accepts=is_type,
                ),
                noun="types",
                once=True,
            ),
            default=(),
            help="Types that a skops file may hold beyond those of scikit-learn, NumPy and SciPy. "
            "Loading a model can run the code of its types: name only types whose code you have "
            "read. A list in the model folder counts for nothing.",
        ),
    ),
)
SCHEDULES = Table(
    name="schedules",
    help="Times at which the model is trained on the newest data.",
    many=True,
    keys=(
        Key(
            name="name",
            kind=Text(
                allowed="1 to 40 letters, digits, `-` and `_`",
                accepts=lambda text: SCHEDULE_NAME.fullmatch(text) is not None,
            ),
            help="Its name, once per model.",
        ),
        Key(
            name="cron",
            kind=Text(
                allowed="an NCRONTAB expression of six fields: second, minute, hour, day, month, "
                "day of the week",
                reason=find_fault,
            ),
            help='When, in UTC: `"0 0 3 * * 1-5"` is 03:00 on working days.',
        ),
    ),
)
CODE = Table(
    name="code",
    help="The repository of the model's code; without it the code of this app is used.",
    keys=(
        Key(
            name="repository",
            kind=Text(
                allowed="https://, ssh:// or git@host:path without a user's password, or file:/// "
                "or an absolute path",
                accepts=is_repository,
            ),
            help="Its address.",
        ),
        Key(
            name="branches",
            kind=Listed(item=PATTERN, noun="patterns", least=1),
            default=("main",),
            help="Branches whose changes count: `*` stands for all but `/`, `**` for all.",
        ),
        Key(
            name="paths",
            kind=Listed(item=PATTERN, noun="patterns", least=1),
            default=("**",),
            help="Files whose changes count, as patterns.",
        ),
        Key(
            name="lint",
            kind=Listed(item=WORD, noun="words"),
            default=("ruff", "check", "--no-cache", "."),
            help="Command that lints a change, as words; [] for none.",
        ),
        Key(
            name="tests",
            kind=Listed(item=WORD, noun="words"),
            default=("pytest", "-q"),
            help="Command that tests a change, as words; [] for none.",
        ),
        Key(
            name="min_coverage",
            kind=Number(low=0, high=100, unit="percent"),
            default=0.0,
            help="Least coverage of the tests, in percent of the lines; 0 asks for none.",
        ),
        Key(
            name="auto_train",
            kind=Flag(),
            default=True,
            help="Train after a push that passes the checks; false publishes the code only.",
        ),
        Key(name="pull_requests", kind=Flag(), default=True, help="Check pull requests, too."),
        Key(
            name="timeout_seconds",
            kind=seconds(DAY),
            default=900.0,
            help="Checks that take longer are cancelled.",
        ),
        Key(
            name="poll_interval_seconds",
            kind=seconds(DAY),
            default=10.0,
            help="Interval at which the checks are polled.",
        ),
    ),
)
