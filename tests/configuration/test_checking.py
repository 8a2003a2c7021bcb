"""A wrong mlops.toml is refused: each problem with its key, its value and the allowed values."""

import pytest

from tests.configuration.project_files import CODE, LIMITS, MODEL, ROOT, another, problems


def test_a_right_file_has_no_problem() -> None:
    assert problems(MODEL + CODE + LIMITS + another("salt", "salt/")) == []
    assert problems((ROOT / "mlops.toml").read_text()) == []


WRONG = [
    # An unknown metric, misspelt keys and tables, keys of another table.
    ('metric = "mse"', 'metric = "r2"', 'gate.metric = "r2": it must be "mse" or "mae" or'),
    ("margin = -0.5", "margin = -10", "gate.margin = -10: it must be a number, over -1 and below 1"),
    ("margin = -0.5", "margin = -1", "gate.margin = -1: it must be"),
    ("margin = -0.5", "margin = nan", "gate.margin = nan: it must be"),
    ("margin = -0.5", "minimum_effect = 1", "gate.minimum_effect = 1: it must be a number, at least 0 and below 1"),
    ("margin = -0.5", "minimum_effect = -0.1", "gate.minimum_effect = -0.1: it must be"),
    ("margin = -0.5", "resamples = 0", "gate.resamples = 0: unknown key"),
    ("margin = -0.5", "quantile = 1.0", "gate.quantile = 1.0: it must be a number, over 0 and below 1"),
    ("margin = -0.5", "beta = 0", "gate.beta = 0: it must be a number, over 0"),
    ("margin = -0.5", "quantile = 0", "gate.quantile = 0: it must be"),
    ("confidence = 0.95", "confidence = 0.05", "gate.confidence = 0.05: it must be a number, at least 0.5"),
    ("confidence = 0.95", "confidence = 0.0", "gate.confidence = 0.0: it must be"),
    ("bar = 4500", "bar = -1", "gate.bar = -1: it must be a number, over 0"),
    ("bar = 4500", "bar = nan", "gate.bar = nan: it must be"),
    ("margin = -0.5", 'inconclusive = "wait"', 'gate.inconclusive = "wait": it must be "keep" or "ask".'),
    ("margin = -0.5", 'inconclusive = "shadow"', 'gate.inconclusive = "shadow": no challenger can answer requests beside the champion in this version. It must be "keep" or "ask".'),
    ("margin = -0.5", 'slices = ["sex"]', 'gate.slices[0] = "sex": models.sugar.data.columns has age, bmi.'),
    ("margin = -0.5", 'slices = ["Y"]', 'gate.slices[0] = "Y": it is the target; name features only.'),
    ("margin = -0.5", 'slices = ["bmi", "bmi"]', "gate.slices[1] = \"bmi\": models.sugar.gate.slices[0] has it already."),
    ("min_rows = 100", "min_rows = -5", "data.min_rows = -5: it must be"),
    ("min_rows = 100", "max_spread = 0.5", "data.max_spread = 0.5: it must be"),
    ("confidence =", "confidnce =", "gate.confidnce = 0.95: unknown key. Did you mean `confidence`"),
    ("min_rows =", "min-rows =", "data.min-rows = 100: unknown key. Did you mean `min_rows`"),
    ("timeout_seconds =", "timeout =", "timeout = 600: unknown key. Did you mean `timeout_seconds`"),
    ("replicas =", "qwertz =", "release.qwertz = 2: unknown key. Allowed are approvers, "),
    ("sugar.gate]", "sugar.gates]", "models.sugar.gates: unknown table. Did you mean `gate`"),
    ("sugar.drift]", "sugar.drif]", "models.sugar.drif: unknown table. Did you mean `drift`"),
    ('prefix = "sugar/"', 'prefix = "sugar/"\nreplicas = 2', "It belongs to [models.sugar.release]"),
    ("bar = 4500", "bar = 4500\napprovers = []", "It belongs to [models.sugar.release]"),
    ("min_rows = 100", 'min_rows = 100\nprefix = "a/"', "unknown key here. It belongs to [models.sugar]"),
    ('name = "nightly"', 'name = "nightly"\ncrom = 1', "schedules[0].crom = 1: unknown key. Did you mean `cron`"),
    # Values out of range.
    ("confidence = 0.95", "confidence = 95", "gate.confidence = 95: it must be a number, at least 0.5 and below 1"),
    ("confidence = 0.95", "confidence = 1.5", "gate.confidence = 1.5: it must be"),
    ("confidence = 0.95", "confidence = 1", "gate.confidence = 1: it must be"),
    ("bar = 4500", "bar = 0", "gate.bar = 0: it must be a number, over 0"),
    ("bar = 4500", "bar = -1.0", "gate.bar = -1.0: it must be"),
    ("margin = -0.5", "margin = 1.0", "gate.margin = 1.0: it must be"),
    ("replicas = 2", "replicas = 0", "release.replicas = 0: it must be a whole number, at least 1"),
    ("replicas = 2", "replicas = -1", "release.replicas = -1: it must be"),
    ("timeout_seconds = 600", "timeout_seconds = -600", "timeout_seconds = -600: it must be a number of seconds, over 0"),
    ("timeout_seconds = 600", "timeout_seconds = 0", "timeout_seconds = 0: it must be"),
    ("min_rows = 100", "min_rows = -1", "data.min_rows = -1: it must be a whole number, at least 1"),
    ("min_rows = 100", "min_rows = 100\nmax_shift = -0.1", "data.max_shift = -0.1: it must be a number, over 0"),
    ("min_rows = 100", "min_rows = 100\nmax_spread = 0.5", "data.max_spread = 0.5: it must be a number, at least 1"),
    ("replicas = 2", "max_p95_ms = 0", "release.max_p95_ms = 0: it must be a number of milliseconds, over 0"),
    ("alpha = 0.01", "alpha = 0.5", "drift.alpha = 0.5: it must be a number, over 0 and below 0.5"),
    ("alpha = 0.01", "sample = 1.1", "drift.sample = 1.1: it must be"),
    ("min_coverage = 80", "min_coverage = 101", "code.min_coverage = 101: it must be a number of percent"),
    ("max_trainings = 3", "max_trainings = 0", "limits.max_trainings = 0: it must be a whole number"),
    ("max_trainings = 3", "max_training = 3", "limits.max_training = 3: unknown key. Did you mean `max_trainings`"),
    ("max_trainings = 3", "keep_events_days = -1", "limits.keep_events_days = -1: it must be"),
    ("max_trainings = 3", "max_file_mib = 0", "limits.max_file_mib = 0: it must be a whole number, at least 1 and at most 10_240"),
    # Wrong types; values that are not finite or not numbers.
    ("replicas = 2", "replicas = true", "release.replicas = true: it must be a whole number"),
    ("replicas = 2", "replicas = 2.0", "release.replicas = 2.0: it must be a whole number"),
    ("bar = 4500", 'bar = "4500"', 'gate.bar = "4500": it must be a number'),
    ("bar = 4500", "bar = true", "gate.bar = true: it must be a number"),
    ("bar = 4500", "bar = nan", "gate.bar = nan: it must be a number"),
    ("bar = 4500", "bar = inf", "gate.bar = inf: it must be a number"),
    ("newest_only = true", "newest_only = 1", "newest_only = 1: it must be true or false"),
    ('prefix = "sugar/"', "prefix = 1979-05-27", "models.sugar.prefix = 1979-05-27: it must be"),
    ('approvers = ["ada", "grace.hopper@example.org"]', 'approvers = "ada"', 'approvers = "ada": it must be a list of names'),
    ('approvers = ["ada", "grace.hopper@example.org"]', "approvers = [1]", "approvers[0] = 1: it must be a name"),
    # Python writes no number of more than 4,300 digits in decimal.
    ("bar = 4500", f"bar = 0x{'f' * 5000}", "gate.bar = 0xffff"),
    # Approvers.
    ('approvers = ["ada", "grace.hopper@example.org"]', "approvers = []", "release.approvers = []: it must be a list of names, none of them twice, not empty"),
    ('"ada"', '"../../ada"', 'approvers[0] = "../../ada": it must be a name'),
    ('"ada"', '"/etc/ada"', 'approvers[0] = "/etc/ada": it must be a name'),
    ('"ada"', '".."', 'approvers[0] = "..": it must be a name'),
    ('"ada"', '"a\\\\b"', "approvers[0] = "),
    ('"ada"', '""', 'approvers[0] = "": it must be a name'),
    ('"ada"', '"ada", "Ada"', 'approvers[1] = "Ada": models.sugar.release.approvers[0] has it already'),
    # Approvals.
    ("replicas = 2", "approvals_required = 0", "release.approvals_required = 0: it must be a whole number, at least 1"),
    ("replicas = 2", "approvals_required = 3", "release.approvals_required = 3: there are 2 approvers. Name more, or require fewer."),
    ("replicas = 2", "approvals_required = true", "release.approvals_required = true: it must be a whole number"),
    ("replicas = 2", 'separation_of_duties = "on"', 'release.separation_of_duties = "on": it must be true, false or "auto"'),
    ("replicas = 2", "separation_of_duties = 1", 'release.separation_of_duties = 1: it must be true, false or "auto"'),
    ("replicas = 2", "separation_of_duty = true", "Did you mean `separation_of_duties`?"),
    # Columns.
    ('"bmi", "Y"]', '"bmi"]', 'data.columns = ["age", "bmi"]: the target "Y" is missing'),
    ('"bmi", "Y"]', '"bmi", "Y", "Y"]', 'data.columns[3] = "Y": models.sugar.data.columns[2] has it already'),
    ('"bmi", "Y"]', '"bmi", "", "Y"]', 'data.columns[2] = "": it must be a column'),
    ('"bmi", "Y"]', '"bmi", " x", "Y"]', 'data.columns[2] = " x": it must be a column'),
    ('columns = ["age", "bmi", "Y"]', 'columns = ["Y"]', 'data.columns = ["Y"]: it must be a list of at least 2'),
    ('"bmi", "Y"]', '"bmi", "Y"]\ngroup = "Y"', 'data.group = "Y": it is the target; name one of age, bmi.'),
    ('"bmi", "Y"]', '"bmi", "Y"]\ngroup = "name"', 'data.group = "name": the columns are age, bmi.'),
    ('"bmi", "Y"]', '"bmi", "Y"]\ngroup = " age"', "data.group = \" age\": it must be a column's name without blanks around it, or \"\""),
    ('"bmi", "Y"]', '"bmi", "Y"]\ngroup = "bmi"', 'drift.columns[0] = "bmi": it is the group; name features only.'),
    ('columns = ["age", "bmi", "Y"]', 'columns = ["bmi", "Y"]\ngroup = "bmi"', 'data.group = "bmi": it is no feature, and there is no other one.'),
    ("bar = 4500", "bar = 4500\nfolds = 0", "gate.folds = 0: it must be a whole number, at least 1 and at most 20"),
    ("bar = 4500", "bar = 4500\nmin_judging_rows = 29", "gate.min_judging_rows = 29: it must be a whole number, at least 30"),
    ("bar = 4500", "bar = 4500\nmax_model_bytes = -1", "gate.max_model_bytes = -1: it must be a whole number, at least 0 and at most 8_589_934_592"),
    ("bar = 4500", "bar = 4500\nmax_model_bytes = 1.5", "gate.max_model_bytes = 1.5: it must be a whole number"),
    ("bar = 4500", "bar = 4500\nmax_model_ratio = -0.1", "gate.max_model_ratio = -0.1: it must be a number, at least 0 and at most 1_000"),
    ("bar = 4500", "bar = 4500\nmax_predict_ms = nan", "gate.max_predict_ms = nan: it must be a number of milliseconds, at least 0 and at most 86_400_000"),
    ("bar = 4500", "bar = 4500\nmax_predict_ratio = 1001", "gate.max_predict_ratio = 1001: it must be a number, at least 0 and at most 1_000"),
    ("bar = 4500", 'bar = 4500\nincreasing = ["mass"]', 'gate.increasing[0] = "mass": models.sugar.data.columns has age, bmi.'),
    ("bar = 4500", 'bar = 4500\ndecreasing = ["Y"]', 'gate.decreasing[0] = "Y": it is the target; name features only.'),
    ("bar = 4500", 'bar = 4500\nincreasing = ["age", "bmi"]\ndecreasing = ["bmi"]', 'gate.decreasing[0] = "bmi": models.sugar.gate.increasing[1] has it already.'),
    ("bar = 4500", 'bar = 4500\nincreasing = ["bmi", "bmi"]', 'gate.increasing[1] = "bmi": models.sugar.gate.increasing[0] has it already.'),
    ("bar = 4500", "bar = 4500\nmonotone_tolerance = -0.01", "gate.monotone_tolerance = -0.01: it must be a number, at least 0 and at most 1"),
    ("bar = 4500", "bar = 4500\nmonotone_tolerance = nan", "gate.monotone_tolerance = nan: it must be"),
    ('columns = ["bmi"]', 'columns = ["Y"]', 'drift.columns[0] = "Y": it is the target'),
    ('columns = ["bmi"]', 'columns = ["mass"]', 'drift.columns[0] = "mass": models.sugar.data.columns has age, bmi'),
    # Where data arrives.
    ('prefix = "sugar/"', 'prefix = "sugar"', 'models.sugar.prefix = "sugar": it must be a folder in the container that ends with `/`'),
    ('prefix = "sugar/"', 'prefix = ""', "models.sugar.prefix = "),
    ('prefix = "sugar/"', 'prefix = "/"', "models.sugar.prefix = "),
    ('prefix = "sugar/"', 'prefix = "/sugar/"', "models.sugar.prefix = "),
    ('prefix = "sugar/"', 'prefix = "a//b/"', "models.sugar.prefix = "),
    ('prefix = "sugar/"', 'prefix = "../sugar/"', "models.sugar.prefix = "),
    ('container = "data"', 'container = "Data"', 'models.sugar.container = "Data": it must be the name of a blob container'),
    ('container = "data"', 'container = "a/b"', "models.sugar.container = "),
    # Code.
    ('training = "training"', 'training = "trainning"', 'models.sugar.training = "trainning": there is no such module'),
    ('training = "training"', 'training = "training.nothing"', "Write training/nothing/__main__.py or"),
    ('training = "training"', 'training = "../training"', "models.sugar.training = "),
    # The program of the commands.
    ('training = "training"', 'training = "training"\ncommand = []', 'sugar.command = []: it has no word. Leave the key out to run the module, or name a program'),
    ('training = "training"', 'training = "training"\ncommand = "sh train.sh"', 'sugar.command = "sh train.sh": it must be a list of words'),
    ('training = "training"', 'training = "training"\ncommand = ["sh train.sh"]', 'sugar.command[0] = "sh train.sh": the first word must be the name of a program in PATH, such as sh or Rscript; give a script to its interpreter, ["sh", "train.sh"]'),
    ('training = "training"', 'training = "training"\ncommand = ["./train.sh"]', 'sugar.command[0] = "./train.sh": the first word must be the name of a program'),
    ('training = "training"', 'training = "training"\ncommand = ["-c"]', 'sugar.command[0] = "-c": the first word must be the name of a program'),
    ('training = "training"', 'training = "training"\ncommand = ["/bin/sh", "train.sh"]', 'sugar.command[0] = "/bin/sh": the path leads out of the folder of the code'),
    ('training = "training"', 'training = "training"\ncommand = ["sh", "../train.sh"]', 'sugar.command[1] = "../train.sh": the path leads out of the folder of the code'),
    ('training = "training"', 'training = "training"\ncommand = ["sh", "a/../../b"]', 'sugar.command[1] = "a/../../b": the path leads out'),
    ('training = "training"', 'training = "training"\ncommand = ["Rscript", "--file=../a.R"]', 'sugar.command[1] = "--file=../a.R": the path leads out'),
    ('training = "training"', 'training = "training"\ncommand = ["sh", "/home/me/train.sh"]', 'sugar.command[1] = "/home/me/train.sh": the path leads out'),
    ('training = "training"', 'training = "training"\ncommand = ["sh", ""]', 'sugar.command[1] = "": it is empty, or has a sign that cannot be printed'),
    ('training = "training"', 'training = "training"\ncommand = ["sh", "${{inputs.rows}}"]', "command[1] = \"${{inputs.rows}}\": Azure ML would replace `${{`"),
    ('training = "training"', 'training = "training"\ncommand = ["sh", 1]', "sugar.command[1] = 1: it must be a word"),
    ('training = "training"', 'training = "nothing.here"\ncommand = ["sh", "train.sh"]', 'sugar.training = "nothing.here": there is no folder nothing/here in '),
    ('scoring = "scoring"', 'scoring = "scorin"', 'models.sugar.scoring = "scorin": there is no such service'),
    ('scoring = "scoring"', 'scoring = "../scoring"', "it must be a relative folder"),
    ('"https://example.org/team/sugar"', '"ssh://git:secret@example.org/sugar"', 'code.repository = "ssh://***@example.org/sugar": it must be https://'),
    ('"https://example.org/team/sugar"', '"C:\\\\git\\\\sugar"', "code.repository = "),
    ('"https://example.org/team/sugar"', '"example.org"', 'code.repository = "example.org": it must be https://'),
    ('branches = ["main", "release/*"]', "branches = []", "code.branches = []: it must be a list of "),
    ("min_coverage = 80", "lint = []\ntests = []", "a push has no check to pass"),
    # Schedules.
    ("0 0 3 * * mon-fri", "0 0 99 * * *", "schedules[0].cron = \"0 0 99 * * *\": the hour '99' is outside 0 to 23"),
    ("0 0 3 * * mon-fri", "0 3 * * *", 'it has 5 fields, not six; with a second in front: "0 0 3 * * *"'),
    ("0 0 3 * * mon-fri", "0 0 3 31 2 *", "no such day exists in these months"),
    ("0 0 3 * * mon-fri", "every night", "it has 2 fields, not six"),
    ('name = "nightly"', 'name = "a/b"', 'schedules[0].name = "a/b": it must be'),
    # `-` and `_` give one timer function.
    ("[[models.sugar.schedules]]", '[[models.sugar.schedules]]\nname = "night-ly"\ncron = "0 0 1 * * *"\n[[models.sugar.schedules]]\nname = "night_ly"\ncron = "0 0 2 * * *"\n[[models.sugar.schedules]]', "its timer function would be called train_sugar_night_ly"),
    # Missing keys.
    ("bar = 4500\n", "", "models.sugar.gate.bar is missing: it must be a number"),
    ('prefix = "sugar/"\n', "", "models.sugar.prefix is missing: it must be a folder"),
    ('repository = "https://example.org/team/sugar"\n', "", "models.sugar.code.repository is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "says"), WRONG, ids=lambda text: text[:40])
def test_one_wrong_value_is_one_problem(right: str, wrong: str, says: str) -> None:
    # The modules are looked for only while no repository brings them.
    text = MODEL + LIMITS + (CODE if right in CODE else "")
    assert right in text

    found = problems(text.replace(right, wrong, 1))

    assert len(found) == 1, found
    assert says in found[0]
    assert found[0].startswith(("models.sugar", "limits."))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "models: the file names no model. Add a table [models.<name>]."),
        ("models = 3", "models = 3: it must be tables, one [models.<name>] for each model."),
        ("models.sugar = 3", "models.sugar = 3: it must be a table, [models.sugar]."),
        (MODEL.replace("models.", "modles."), "modles: unknown table. Did you mean `models`?"),
        (MODEL + "[limit]\n", "limit: unknown table. Did you mean `limits`?"),
        (MODEL + "[monitoring]\n", "monitoring: unknown table. Allowed are models, people, limits, checks, runs, webhooks."),
        (MODEL.replace("models.sugar", 'models."Sugar Cane"'), 'models."Sugar Cane": a model\'s name'),
        (MODEL.replace("models.sugar", "models.a--b"), "models.a--b: a model's name must have 1 to 30"),
        (MODEL.replace("models.sugar", f"models.{'a' * 31}"), "a model's name must have 1 to 30"),
        (MODEL + another("salt", "sugar/"), 'models.salt.prefix = "sugar/": it overlaps with "sugar/"'),
        (MODEL + another("salt", "sugar/new/"), 'models.salt.prefix = "sugar/new/": it overlaps with'),
        (MODEL + another("salt", "sugar/labels/"), "it overlaps with"),
        (
            MODEL.replace('"sugar/"', '"a/b/"') + another("salt", "a/"),
            'models.salt.prefix = "a/": it overlaps with "a/b/" of models.sugar in container "data"',
        ),
        (
            f'{MODEL}[[models.sugar.schedules]]\nname = "Nightly"\ncron = "0 0 4 * * *"\n',
            'schedules[1].name = "Nightly": models.sugar.schedules[0] has the same name.',
        ),
        (
            f'{MODEL}[[models.sugar.schedules]]\nname = "b"\ncron = "0 0 3  * * Mon-Fri"\n',
            "models.sugar.schedules[0] has the same cron.",
        ),
        (
            MODEL.replace("nightly", "b-c")
            + another("sugar-b", "b/").replace('name = "nightly"', 'name = "c"'),
            "its timer function would be called train_sugar_b_c",
        ),
    ],
)  # fmt: skip
def test_faults_of_tables_and_between_models_are_reported(text: str, says: str) -> None:
    found = problems(text)

    assert any(says in problem for problem in found), found


PEOPLE = """
[people.ada]
git = ["ada@example.com", "ada-gh"]
oid = "0f8fad5b-d9cb-469f-a165-70867728950e"

[people.grace]
git = ["grace-gh"]
"""


@pytest.mark.parametrize(
    "release",
    ["approvals_required = 2", "separation_of_duties = true", 'separation_of_duties = "auto"'],
)
def test_people_and_the_rules_for_approvals_are_allowed(release: str) -> None:
    assert problems(MODEL.replace("replicas = 2", release) + PEOPLE + LIMITS) == []


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("[people.ada]", "[people]\nada = 3\n[people.b]", "people.ada = 3: it must be a table, [people.ada]"),
        ("[people.ada]", '[people."a/da"]', 'people."a/da": a person\'s name must be a name of up to'),
        ("git = [", "gits = [", 'people.ada.gits = ["ada@example.com", "ada-gh"]: unknown key. Did you mean `git`?'),
        ('git = ["ada@example.com", "ada-gh"]', 'git = "ada-gh"', 'people.ada.git = "ada-gh": it must be a list of'),
        ('"ada-gh"', '" ada-gh"', 'people.ada.git[1] = " ada-gh": it must be an e-mail address'),
        ('"ada-gh"', '"ada\\u0000"', "people.ada.git[1] = "),
        ('"ada-gh"', '"Ada <ada-gh>"', "people.ada.git[1] = "),
        ('"ada-gh"', '""', 'people.ada.git[1] = "": it must be an e-mail address'),
        ('"ada-gh"', '"ADA@example.com"', 'people.ada.git[1] = "ADA@example.com": people.ada.git[0] has it already'),
        ("0f8fad5b-d9cb", "0f8fad5b", 'people.ada.oid = "0f8fad5b-469f'),
        ('"grace-gh"', '"Ada-GH"', 'people.grace.git[0] = "Ada-GH": people.ada has this name, too'),
        ('"grace-gh"', '"ada"', 'people.grace.git[0] = "ada": people.ada has this name, too'),
        ("[people.grace]", "[people.Ada]", "people.Ada: people.ada is the same name"),
        ('git = ["grace-gh"]', 'oid = "0F8FAD5B-d9cb-469f-a165-70867728950e"', "people.ada has this name, too"),
        ('"ada-gh"', '"grace.hopper@example.org"', "has an approver of this name, who is another person"),
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_one_wrong_value_of_a_person_is_one_problem(right: str, wrong: str, says: str) -> None:
    assert right in PEOPLE

    found = problems(MODEL + PEOPLE.replace(right, wrong, 1))

    assert len(found) == 1, found
    assert says in found[0]


def test_people_are_a_table_of_tables() -> None:
    assert problems(f"people = 3\n{MODEL}") == [
        "people = 3: it must be tables, one [people.<name>] for each person."
    ]


def test_one_person_is_one_approver_by_whatever_name() -> None:
    listed = '["ada", "0f8fad5b-d9cb-469f-a165-70867728950e"]'
    text = MODEL.replace('["ada", "grace.hopper@example.org"]', listed) + PEOPLE
    text = text.replace("replicas = 2", "approvals_required = 2")

    assert [problem.partition(":")[0] for problem in problems(text)] == [
        'models.sugar.release.approvers[1] = "0f8fad5b-d9cb-469f-a165-70867728950e"',
        "models.sugar.release.approvals_required = 2",
    ]


def test_one_folder_in_two_containers_is_no_clash() -> None:
    other = another("salt", "sugar/").replace('"data"', '"more-data"')

    assert problems(MODEL + other) == []


def test_all_problems_are_told_at_once() -> None:
    text = MODEL.replace("confidence =", "confidnce =").replace("replicas = 2", "replicas = 0")
    text = text.replace('prefix = "sugar/"', 'prefix = "sugar"') + "[limits]\nmax_trainings = -1\n"

    keys = [problem.split(" ")[0] for problem in problems(text)]

    assert keys == [
        "models.sugar.prefix",
        "models.sugar.gate.confidnce",
        "models.sugar.release.replicas",
        "limits.max_trainings",
    ]


def test_a_command_needs_a_folder_and_no_module() -> None:
    for words in ('["sh", "train.sh"]', '["Rscript", "--vanilla", "code/model.R", "a=b..c"]'):
        text = MODEL.replace('"training"', f'"docs.tutorial"\ncommand = {words}')

        assert problems(text) == []


def test_a_repository_brings_its_own_modules() -> None:
    text = MODEL.replace('"training"', '"learn"').replace('"scoring"', '"answer"')

    assert len(problems(text)) == 2
    assert problems(text + CODE) == []


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/a/b", "ssh://git@example.org/a", "git@example.org:a/b",
        "file:///srv/a.git", "/srv/a.git", "http://127.0.0.1:7071/a",
    ],
)  # fmt: skip
def test_every_address_that_the_app_can_fetch_is_allowed(address: str) -> None:
    from function_app.adapters.git.address import read_address

    read_address(address)
    assert problems(MODEL + CODE.replace("https://example.org/team/sugar", address)) == []


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    text = CODE.replace("https://", "https://user:hunter2@")

    found = problems(MODEL + text)

    assert len(found) == 1
    assert "hunter2" not in found[0]
    assert "https://***@example.org" in found[0]
