"""Model projects without libraries: each is one small file, so that a test starts in no time."""

from pathlib import Path

MEAN = """
import csv, json, pathlib, sys

def option(name):
    return pathlib.Path(sys.argv[sys.argv.index(name) + 1])

def train(data, out):
    schema = json.loads((data / "schema.json").read_text())
    with (data / "rows.csv").open() as lines:
        values = [float(row[schema["target"]]) for row in csv.DictReader(lines)]
    (out / "mean.txt").write_text(repr(sum(values) / len(values)))

def predict(model, data, out):
    rows = data.read_text().splitlines()[1:]
    mean = (model / "mean.txt").read_text()
    out.write_text("prediction\\n" + "".join(mean + "\\n" for _ in rows))

def sample(out):
    out.write_text("a,Y\\n" + "".join(f"{n},{n % 7}\\n" for n in range(40)))
"""
END = """
if sys.argv[1] == "train":
    train(option("--data"), option("--out"))
elif sys.argv[1] == "predict":
    predict(option("--model"), option("--data"), option("--out"))
else:
    sample(option("--out"))
"""
# The fault, the project's code with it, and the text of the report.
WRONG = {
    "train writes nothing": (
        "def train(data, out): pass",
        "train wrote no file into its model folder",
    ),
    "train crashes": (
        "def train(data, out): sys.exit('no rows like these')",
        "train ended with exit code 1: no rows like these",
    ),
    "train changes its rows": (
        "_train = train\n"
        "def train(data, out):\n"
        "    _train(data, out)\n"
        "    (data / 'rows.csv').write_text('a,Y\\n')\n",
        "train changed the folder of its rows",
    ),
    "predict writes nothing": (
        "def predict(model, data, out): pass",
        "predict wrote no file",
    ),
    "predict crashes": (
        "def predict(model, data, out): raise KeyError('b')",
        "predict ended with exit code 1: KeyError: 'b'",
    ),
    "predict answers too few rows": (
        "def predict(model, data, out): out.write_text('prediction\\n1\\n')",
        "predict answered 1 rows where",
    ),
    "predict answers no number": (
        "def predict(model, data, out):\n"
        "    rows = data.read_text().splitlines()[1:]\n"
        "    out.write_text('prediction\\n' + 'nan\\n' * len(rows))\n",
        "predict answered 'nan' in row 1. Each answer must be a finite number.",
    ),
    "predict names another column": (
        "def predict(model, data, out): out.write_text('Y\\n1\\n')",
        "predict wrote no column `prediction`; its header is: Y.",
    ),
    "predict writes an empty file": (
        "def predict(model, data, out): out.write_text('')",
        "predict wrote no column `prediction`; its header is: nothing.",
    ),
    "predict writes into the model": (
        "_predict = predict\n"
        "def predict(model, data, out):\n"
        "    _predict(model, data, out)\n"
        "    (model / 'cache.txt').write_text('x')\n",
        "predict changed its model folder",
    ),
    "predict needs other files": (
        "_train = train\n"
        "def train(data, out):\n"
        "    _train(data, out)\n"
        "    (out / 'where.txt').write_text(str(out))\n"
        "_predict = predict\n"
        "def predict(model, data, out):\n"
        "    _predict(pathlib.Path((model / 'where.txt').read_text()), data, out)\n",
        "predict ended with exit code 1: FileNotFoundError",
    ),
    "predict answers by the place of the row": (
        "def predict(model, data, out):\n"
        "    rows = data.read_text().splitlines()[1:]\n"
        "    out.write_text('prediction\\n' + ''.join(f'{n}\\n' for n, _ in enumerate(rows)))\n",
        "Each answer may depend on its own row alone.",
    ),
}


def write_project(folder: Path, changes: str = "", name: str = "toy") -> Path:
    """Write a project that predicts the mean, with these functions instead; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(f"{MEAN}\n{changes}\n{END}", encoding="utf-8")
    return folder
