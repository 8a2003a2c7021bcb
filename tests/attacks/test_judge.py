"""Attacks of judged code on its own judgement, and on the tokens of approvers."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import skops.io

from configuration.people.tokens import ClientTokens, IssuedTokens, copies_of
from function_app.adapters.local.reach.files import read_object
from function_app.domain.release.serving import check_types
from function_app.domain.text.redaction import redact_content
from function_app.domain.training import ModelVersion
from function_app.errors import ContractError
from mlopsctl.reach.client import ApiError
from mlopsctl.reach.credentials import Credentials
from sandbox.probe import find_level
from scoring.predictor import Predictor
from tests.attacks.attack import attack
from tests.stories.conftest import ROOT

HELD_OUT = "x,Y\n" + "".join(f"{n},{100 * n}\n" for n in range(1, 9))
PREDICT = """
import csv, os, sys
words = dict(zip(sys.argv[2::2], sys.argv[3::2]))
data, out, model = words["--data"], words["--out"], words["--model"]
answers = [0.0] * (len(open(data).readlines()) - 1)
{attack}
with open(out, "w") as file:
    file.write("prediction\\n" + "".join(f"{{a}}\\n" for a in answers))
"""
# Looks for the rows with their targets, everywhere that it can read.
READS_TARGETS = """
seen = {rows!r}
for path in (seen, os.path.join("/proc", str(os.getppid()), "root" + seen)):
    try:
        lines = open(path).read().splitlines()[1:]
        answers = [float(line.split(",")[1]) for line in lines]
    except OSError:
        pass
"""
# Changes what the evaluator computes with, its memory and its files.
FORGES = """
import atexit, builtins, json as _json, math
math.fsum = lambda values: 0.0
builtins.sum = lambda *values: 0.0
_json.dumps = lambda *values, **more: '{{"refused": "", "challenger_mse": 0.0}}'
def forge():
    for name in ("comparison.json", "metrics.json", "evaluation.json"):
        try:
            open(os.path.join({out!r}, name), "w").write('{{"refused": "", "challenger_mse": 0.0}}')
        except OSError:
            pass
forge()
if os.fork() == 0:
    os.setsid()
    import time
    for _ in range(200):
        forge()
        time.sleep(0.05)
    os._exit(0)
atexit.register(forge)
"""
ANSWERS_BY_LINK = """
os.symlink({rows!r}, out)
sys.exit(0)
"""
ANSWERS_BY_PIPE = """
os.mkfifo(out)
sys.exit(0)
"""

needs_namespaces = pytest.mark.skipif(
    not find_level().level.isolated, reason="This machine gives no namespaces."
)


def judge(tmp_path: Path, code: str, *, target: str = "Y") -> tuple[int, dict[str, object]]:
    """Let the platform judge a model whose predict runs this code; return exit code and verdict."""
    held, model, project = tmp_path / "held_out", tmp_path / "model", tmp_path / "code"
    out = tmp_path / "evaluation"
    for folder in (held, model, project):
        folder.mkdir(exist_ok=True)
    rows = held / "rows.csv"
    rows.write_text(HELD_OUT.replace("Y", target))
    schema = {"columns": ["x", target], "features": ["x"], "target": target, "rows": 8}
    (held / "schema.json").write_text(json.dumps(schema))
    (model / "weights").write_text("1")
    attacked = code.format(rows=str(rows), out=str(out))
    (project / "judged.py").write_text(PREDICT.format(attack=attacked))
    words = ["evaluate", "--module", "judged", "--held-out", str(held), "--out", str(out)]
    words += ["--challenger", str(model), "--challenger-code", str(project)]
    words += ["--isolation", find_level().level.name, "--timeout", "300"]
    ended = subprocess.run(
        [sys.executable, "-m", "platform_jobs", *words], cwd=ROOT, check=False, timeout=1200
    )
    return ended.returncode, json.loads((out / "evaluation.json").read_text())


def mse(tmp_path: Path) -> float:
    return float(
        json.loads((tmp_path / "evaluation/comparison.json").read_text())["challenger_mse"]
    )


HONEST = sum((100 * n) ** 2 for n in range(1, 9)) / 8


@needs_namespaces
@attack(
    point=5,
    does="predict looks for the held-out rows with their targets and answers them",
    answer="it sees the features only, and is judged by its own answers",
    log="none: the file does not exist for it",
    before="succeeded",
    by="trial",
)
def test_predict_finds_no_targets(tmp_path: Path) -> None:
    code, verdict = judge(tmp_path, READS_TARGETS)

    assert (code, verdict["refused"], mse(tmp_path)) == (0, "", HONEST)


@needs_namespaces
@attack(
    point=5,
    does="predict replaces functions, writes the evaluation's files and leaves a process behind",
    answer="the figures are those of its answers",
    log="none: neither the process nor the files of the evaluation exist for it",
    before="succeeded",
    by="trial",
)
def test_predict_cannot_forge_its_evaluation(tmp_path: Path) -> None:
    code, verdict = judge(tmp_path, FORGES)

    assert (code, verdict["refused"], mse(tmp_path)) == (0, "", HONEST)


@pytest.mark.parametrize("how", [ANSWERS_BY_LINK, ANSWERS_BY_PIPE], ids=["link", "pipe"])
@attack(
    point=5,
    does="predict answers by a symbolic link to the targets, or by a pipe that nobody writes",
    answer="the challenger is refused: predict wrote no file of a size that fits",
    log="the reason of the rejected training",
    before="succeeded",
    by="trial",
)
def test_an_answer_is_a_file_of_its_own(tmp_path: Path, how: str) -> None:
    # A column with the name of the answer makes the rows themselves a valid answer.
    code, verdict = judge(tmp_path, how, target="prediction")

    assert code == 0
    assert "predict wrote no file" in str(verdict["refused"])


@attack(
    point=5,
    does="a training leaves a symbolic link to a secret, or a pipe, in its model folder",
    answer="the challenger is refused with the name of the file",
    log="the reason of the rejected training",
    before="succeeded",
    by="trial",
)
def test_a_model_folder_holds_files_only(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a secret of the app")
    for make in (lambda path: path.symlink_to(tmp_path / "secret"), os.mkfifo):
        odd = tmp_path / "model" / "metrics.json"
        odd.parent.mkdir(exist_ok=True)
        make(odd)

        code, verdict = judge(tmp_path, "")

        assert code == 0
        assert "metrics.json is a" in str(verdict["refused"])
        assert read_object(odd) == {}, "the status of a run neither follows nor waits"
        odd.unlink()


class Command:
    """A type whose loading runs what its author wrote."""

    def __setstate__(self, state: object) -> None:
        raise AssertionError("The code of the model's author ran.")


@attack(
    point=5,
    does="a training lists its own type as trusted, so that loading the model runs its code",
    answer="refused in evaluation with the type's name; the service does not load it",
    log="the reason of the rejected training; UNTRUSTED_TYPES at the image",
    before="succeeded",
    by="trial",
)
def test_a_models_own_list_of_types_counts_for_nothing(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    name = f"{Command.__module__}.Command"
    (model / "model.skops").write_bytes(skops.io.dumps(Command()))
    (model / "trusted_types.json").write_text(json.dumps([name]))
    (model / "model_schema.json").write_text(json.dumps({"features": ["x"], "target": "Y"}))

    code, verdict = judge(tmp_path, "")

    assert (code, name in str(verdict["refused"])) == (0, True)
    with pytest.raises(Exception, match="Untrusted types"):
        Predictor(model)
    version = ModelVersion(model="m", version="1", run_id="r", uri="", digest="")
    with pytest.raises(ContractError, match="not trusted"):
        check_types(version, [name], ())


@attack(
    point=5,
    does="code that reads the whole state folder looks for an approver's token",
    answer="the state holds digests only, and a digest is no token",
    log="401 UNAUTHENTICATED, and the refusal in the audit log",
    before="succeeded",
    by="trial",
)
def test_the_state_holds_no_token(tmp_path: Path) -> None:
    environ = {"MLOPS_CONFIG": str(tmp_path / "config")}
    copies = copies_of(tmp_path / "state", environ)
    issued = IssuedTokens(tmp_path / "state", copies)
    issued.ensure("ada")
    found = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]

    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in found)
    texts = [path.read_text().strip() for path in found]
    assert copies.find("ada") not in texts
    assert [issued.identify(text) for text in texts] == [None] * len(texts)
    assert issued.identify(copies.find("ada")) == "ada"


@attack(
    point=11,
    does="a person is made to send an approver's token to a foreign host, or in clear",
    answer="OTHER_HOST, NO_TOKEN or INSECURE; nothing is sent",
    log="none: no request is made",
    before="succeeded",
    by="trial",
)
def test_a_token_goes_to_its_own_host_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    monkeypatch.setenv("MLOPS_CONFIG", str(config))
    monkeypatch.setenv("MLOPS_URL", "https://mlops.example.org")
    ClientTokens(config, "https://mlops.example.org:443").keep("ada", "the-token")
    codes = []
    for token in ("", "the-token"):
        monkeypatch.setenv("MLOPS_TOKEN", token)
        for url in ("https://evil.example", "http://mlops.example.org"):
            with pytest.raises(ApiError) as refusal:
                Credentials(url, tmp_path).token("ada")
            codes.append(refusal.value.code)

    assert codes == ["NO_TOKEN", "INSECURE", "OTHER_HOST", "INSECURE"]
    assert Credentials("https://mlops.example.org", tmp_path).token("ada") == "the-token"


@attack(
    point=11,
    does="an event carries credentials, which every reader of the inbox would see",
    answer="the event is kept with marks in their place",
    log="the event, as `mlopsctl events show` prints it",
    before="succeeded",
    by="trial",
)
def test_an_event_is_kept_without_credentials() -> None:
    secrets = ("ghp_" + "a1B2" * 9, "xoxb-1234567890-abcdef", "hunter2-hunter2")
    event = {
        "data": {
            "reason": f"CI used {secrets[0]}",
            "hook": secrets[1],
            "dataUri": f"https://user:{secrets[2]}@host/x.csv?sig={secrets[2]}",
        }
    }

    assert not any(secret in json.dumps(redact_content(event)) for secret in secrets)
