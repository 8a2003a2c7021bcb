"""The table of a model in mlops.toml for its data."""

from configuration.kinds import Choice, Key, Listed, Number, Table
from configuration.values import COLUMN, COLUMN_OR_NONE, COLUMNS, LABEL, ROWS, TARGET, TARGET_COLUMN

DATA = Table(
    name="data",
    help="The required form of a file of training data; other files are rejected with the reason.",
    required=True,
    keys=(
        Key(
            name="columns",
            kind=Listed(item=COLUMN, noun="names of columns", least=2, once=True),
            help="The columns of a file, in their order, with the target among them.",
        ),
        Key(
            name="target",
            kind=TARGET_COLUMN,
            default=TARGET,
            help="The column to predict; it is one of `columns`. A model has one target.",
        ),
        Key(
            name="labels",
            kind=Listed(item=LABEL, noun="labels", once=True),
            default=(),
            help="The labels of the target, 2 to 100; without them it is a number. The model gives "
            "a label and the probability of each. Of two labels the gate judges the probability of "
            "the last one, of more labels the probabilities of all.",
        ),
        Key(
            name="categories",
            kind=COLUMNS,
            default=(),
            help="Features whose cells are words of a few different values, such as a country.",
        ),
        Key(
            name="texts",
            kind=COLUMNS,
            default=(),
            help="Features whose cells are any text.",
        ),
        Key(
            name="dates",
            kind=COLUMNS,
            default=(),
            help="Features whose cells are dates or times of ISO 8601, such as 2024-02-29 or "
            "2024-02-29T12:30:00Z. A model gets their text. See "
            "[dates](data-check.md#columns-of-dates).",
        ),
        Key(
            name="future_dates",
            kind=COLUMNS,
            default=(),
            help="Those of `dates` that may lie in the future, such as the day on which a contract "
            "ends.",
        ),
        Key(
            name="group",
            kind=COLUMN_OR_NONE,
            default="",
            help="A column, such as the number of a patient, whose equal cells keep rows together: "
            "no group both trains a model and judges it. It may hold any text, and is no feature.",
        ),
        Key(name="min_rows", kind=ROWS, default=50, help="Fewest rows."),
        Key(
            name="max_shift",
            kind=Number(low=0, high=1_000_000, open_low=True),
            default=0.5,
            help="Greatest distance of a column's mean from the baseline's, in the baseline's "
            "standard deviations.",
        ),
        Key(
            name="max_spread",
            kind=Number(low=1, high=1_000_000),
            default=2.0,
            help="Greatest ratio of a column's standard deviation and the baseline's, either way.",
        ),
        Key(
            name="inconclusive",
            kind=Choice(words=("accept", "reject")),
            default="accept",
            help="Answer to a file that differs from the reference data by more than chance, in a "
            "way that damage and a change of the world both explain.",
        ),
    ),
)
