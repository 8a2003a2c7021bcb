"""The tables of a model in mlops.toml for production: release and drift."""

from configuration.kinds import Choice, Flag, FlagOr, Key, Listed, Number, Table, Whole
from configuration.values import COLUMNS, DAY, PERSON, ROWS, SHARE, YEAR, seconds

RELEASE = Table(
    name="release",
    help="The people who approve versions, and the limits that a release must keep.",
    required=True,
    keys=(
        Key(
            name="approvers",
            kind=Listed(item=PERSON, noun="names", least=1, once=True, fold=True),
            help="The approvers: names of `[people]`; on one machine any names; in Azure also "
            "object ids of Entra. An approver who is removed here can approve nothing any more.",
        ),
        Key(
            name="approvals_required",
            kind=Whole(low=1, high=100),
            default=1,
            help="Distinct approvers who must approve the same image and evidence, at most as many "
            "as there are approvers. One rejection ends the release.",
        ),
        Key(
            name="separation_of_duties",
            kind=FlagOr(word="auto"),
            default="auto",
            help="True refuses approvals by people who pushed or wrote the commit, started the "
            'training or own the run; "auto" is true for two approvers or more. Where it is false, '
            'the decision says "approved by its own author".',
        ),
        Key(
            name="unknown_author",
            kind=Choice(words=("record", "second", "refuse")),
            default="record",
            help="Where duties are separate, and no person is known to have caused a version (a "
            'file that arrived, a schedule, a request without a token): "record" says so in the '
            'evidence, "second" needs one approver more, "refuse" takes no approval of it.',
        ),
        Key(
            name="operators",
            kind=Listed(item=PERSON, noun="names", once=True, fold=True),
            default=(),
            help="The people who may take production down and roll back; [] for the approvers.",
        ),
        Key(
            name="approval_timeout_seconds",
            kind=seconds(YEAR),
            default=259_200.0,
            help="A release expires when no decision was made in this time.",
        ),
        Key(
            name="replicas",
            kind=Whole(low=1, high=1000),
            default=2,
            help="Replicas that serve the model in production.",
        ),
        Key(
            name="max_p95_ms",
            kind=Number(low=0, high=3_600_000, open_low=True, unit="milliseconds"),
            default=500.0,
            help="Slowest answer of a smoke test, at its 95th percentile.",
        ),
    ),
)
PRODUCTION = Table(
    name="production",
    help="How callers reach production. They send a key of the model on every platform.",
    keys=(
        Key(
            name="public",
            kind=Flag(),
            default=False,
            help="True gives the model a public address on a cluster in Azure, by https only: "
            "`MLOPS_AZURE_PUBLIC_DOMAIN` and `MLOPS_AZURE_PUBLIC_CERTIFICATE` must be set. Without "
            "it production is reached from inside the network.",
        ),
    ),
)
DRIFT = Table(
    name="drift",
    help="How production is watched; without this table it is not. "
    "See [drift](../how-to/drift.md).",
    keys=(
        Key(
            name="alpha",
            kind=Number(low=0, high=0.5, open_low=True, open_high=True),
            default=0.01,
            help="Probability, per champion, of ever seeing drift where there is none.",
        ),
        Key(
            name="min_rows",
            kind=ROWS,
            default=200,
            help="Smallest number of predicted rows that is compared.",
        ),
        Key(
            name="columns",
            kind=COLUMNS,
            default=(),
            help="Features that are logged and tested; [] for all.",
        ),
        Key(name="log_inputs", kind=Flag(), default=True, help="Log the features of requests."),
        Key(name="sample", kind=SHARE, default=1.0, help="Share of the requests that is logged."),
        Key(
            name="rows_per_request",
            kind=Whole(low=1, high=1_000_000),
            default=100,
            help="Largest number of rows of one request that is logged.",
        ),
        Key(
            name="label_margin",
            kind=Number(low=0, high=1_000_000),
            default=0.25,
            help="Share by which the squared error may exceed that of the held-out rows.",
        ),
        Key(
            name="days",
            kind=Whole(low=1, high=90),
            default=2,
            help="Days (UTC) on which requests must show the drift before a retraining: the day of "
            "the suspicion, and whole later days. 8 covers a week's weekend; 1 waits for no day.",
        ),
        Key(
            name="callers",
            kind=Whole(low=1, high=8),
            default=2,
            help="Callers that must show the drift before a retraining, where as many have 5 % of "
            "the requests each; one caller suffices if it is the only one. 1 asks for one.",
        ),
        Key(
            name="interval_seconds",
            kind=seconds(30 * DAY),
            default=300.0,
            help="Interval at which production is compared with the training data.",
        ),
        Key(
            name="cooldown_seconds",
            kind=Number(low=0, high=YEAR, unit="seconds"),
            default=86_400.0,
            help="Shortest time between two retrainings for drift.",
        ),
        Key(
            name="max_retrainings",
            kind=Whole(low=0, high=10_000),
            default=3,
            help="Largest number of retrainings for drift within the window; 0 forbids them.",
        ),
        Key(
            name="window_seconds",
            kind=seconds(10 * YEAR),
            default=2_592_000.0,
            help="The window of `max_retrainings`.",
        ),
        Key(
            name="loop_length",
            kind=Whole(low=1, high=1000),
            default=2,
            help="The same drift this many times after a retraining for it is a feedback loop.",
        ),
    ),
)
