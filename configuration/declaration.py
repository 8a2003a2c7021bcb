"""Every key of mlops.toml with its kind, its default and its meaning.

To add a key, add a `Key` to its table, and the field of the same name with the same default to the
dataclass that the app reads the table into; tests hold the two together.
"""

from configuration.kinds import Choice, Key, Listed, Table, Text, Whole
from configuration.tables.data import DATA
from configuration.tables.production import DRIFT, PRODUCTION, RELEASE
from configuration.tables.training import CODE, GATE, MODEL_RULES, SCHEDULES, TRAINING_RUN
from configuration.values import (
    COMMAND_WORD,
    CONTAINER_NAME,
    EVENT_TYPE,
    MODEL_NAME,
    MODEL_NAME_ALLOWED,
    is_folder,
    is_module,
    is_prefix,
)


def _at_least_one(name: str, *, most: int, default: int, help: str) -> Key:
    """Return a key whose value is a whole number from 1 to `most`."""
    return Key(name=name, kind=Whole(low=1, high=most), default=default, help=help)


MODEL = Table(
    name="models.<name>",
    help="One model. Its name, " + MODEL_NAME_ALLOWED + ", becomes part of ids and of the names of "
    "images and services.",
    required=True,
    keys=(
        Key(
            name="container",
            kind=Text(
                allowed="the name of a blob container: 3 to 63 lower-case letters, digits and "
                "single `-`",
                accepts=lambda text: CONTAINER_NAME.fullmatch(text) is not None,
            ),
            help="Container in which data arrives; on one machine a folder of the inbox.",
        ),
        Key(
            name="prefix",
            kind=Text(
                allowed='a folder in the container that ends with `/`, such as "diabetes/"',
                accepts=is_prefix,
            ),
            help="A file with this prefix starts a training. No two models of one container "
            "may share a folder. Labels of predictions arrive in its subfolder `labels/`.",
        ),
        Key(
            name="training",
            kind=Text(allowed='a Python module, such as "training"', accepts=is_module),
            help="Module that trains: `python -m <training>`. It must exist in this app, unless "
            "`[models.<name>.code]` names a repository. With `command` it is the folder of the "
            "code, with `.` for `/`.",
        ),
        Key(
            name="scoring",
            kind=Text(allowed='a relative folder, such as "scoring"', accepts=is_folder),
            help="Folder of the service that answers. It must exist in this app, unless "
            "`[models.<name>.code]` names a repository.",
        ),
        Key(
            name="command",
            kind=Listed(item=COMMAND_WORD, noun="words"),
            default=(),
            help="Program that runs the model's commands in the folder `training`, as words: "
            '`["Rscript", "model.R"]` runs `Rscript model.R train --data … --out …`. The first '
            "word is a program in PATH. Without it the commands are `python -m <training>`.",
        ),
    ),
    tables=(DATA, GATE, TRAINING_RUN, MODEL_RULES, RELEASE, PRODUCTION, CODE, SCHEDULES, DRIFT),
)
LIMITS = Table(
    name="limits",
    help="Limits that all models share.",
    keys=(
        _at_least_one(
            "max_trainings",
            most=1000,
            default=2,
            help="Trainings that run at the same time.",
        ),
        _at_least_one(
            "max_events_per_minute",
            most=100_000_000,
            default=1200,
            help="Events that one caller may send: a webhook source, or a function key and a "
            "network address; more are answered 429 with `Retry-After`. All machines together may "
            "send ten times as many.",
        ),
        _at_least_one(
            "max_megabytes_per_minute",
            most=1_000_000,
            default=100,
            help="Megabytes that one caller may send in bodies of events.",
        ),
        _at_least_one(
            "max_orders_per_minute",
            most=1_000_000,
            default=60,
            help="Trainings that one person may ask for by hand, and events sent with a person's "
            "token. They are counted apart from those of machines.",
        ),
        _at_least_one(
            "max_file_mib",
            most=10_240,
            default=200,
            help="Largest file of training data, in MiB (1,048,576 bytes). The app refuses a "
            "larger one before it reads it; versions that are stored already stay readable. The "
            "job that reads a file may use 4 GiB of memory; for a file over 200 MiB, 20 times its "
            "size. On one machine a run may have 8 GiB of address space; with a value over 200, "
            "in proportion more. Set no higher value than the machine's memory allows.",
        ),
        _at_least_one(
            "keep_events_days",
            most=36_500,
            default=30,
            help="Days for which events are kept.",
        ),
        _at_least_one(
            "keep_claims_days",
            most=36_500,
            default=400,
            help="Days for which claims are kept: an event that is sent again starts nothing.",
        ),
        _at_least_one(
            "keep_histories_days",
            most=36_500,
            default=90,
            help="Days for which histories of ended stories are kept.",
        ),
    ),
)
WEBHOOKS = Table(
    name="webhooks.<source>",
    help="The scope of one source of webhooks, `POST /api/webhooks/<source>`, whose secret is "
    "`MLOPS_WEBHOOK_SECRET_<SOURCE>`. A source without a table has the defaults.",
    keys=(
        Key(
            name="kind",
            kind=Choice(words=("", "github", "azure-devops", "signed")),
            default="",
            help="The form of its requests: GitHub's hooks, Azure DevOps' hooks, or events signed "
            "with `X-Mlops-Timestamp`. Without it, the name of the source decides: `github` or "
            "`github-…` sends GitHub's hooks, `azure-devops` or `azure-devops-…` those of Azure "
            "DevOps; any other source may send GitHub's hooks and signed events.",
        ),
        Key(
            name="types",
            kind=Listed(item=EVENT_TYPE, noun="event types", once=True),
            default=("Mlops.TrainingRequested", "Mlops.CodePushed", "Mlops.CodeProposed"),
            help="Event types that it may send. GitHub and Azure DevOps never send others than "
            "pushes and pull requests. A monitor of your own needs `Mlops.DriftDetected`.",
        ),
        Key(
            name="models",
            kind=Listed(
                item=Text(
                    allowed="the name of a model",
                    accepts=lambda text: MODEL_NAME.fullmatch(text) is not None,
                ),
                noun="names of models",
                once=True,
            ),
            default=(),
            help="Models whose events it may send; [] means every model.",
        ),
    ),
)
