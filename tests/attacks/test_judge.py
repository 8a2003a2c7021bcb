"""Attacks of judged code on its own judgement, and on the tokens of approvers."""

import json
import os
import stat
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
from tests.attacks.attack import ONLY, SAME, attack, no_equivalent, same_code
from tests.attacks.judges import HONEST, CloudJudge, Judge, LocalJudge, Verdict
from tests.azure_servers.azure import Azure, azure, sdk_warnings

__all__ = ["azure"]
pytestmark = sdk_warnings

# Looks for the rows with their targets, everywhere that it can read.
READS_TARGETS = """
import pathlib
seen = {rows!r}
near = pathlib.Path(data).parent.parent.rglob("*.csv")
for path in (seen, os.path.join("/proc", str(os.getppid()), "root" + seen), *near):
    try:
        lines = open(path).read().splitlines()[1:]
        answers = [float(line.split(",")[1]) for line in lines]
    except (OSError, IndexError, ValueError):
        pass
"""
# Changes the functions, the memory and the files of the evaluator.
FORGES = """
import atexit, builtins, glob, json as _json, math
math.fsum = lambda values: 0.0
builtins.sum = lambda *values: 0.0
_json.dumps = lambda *values, **more: '{{"refused": "", "challenger_loss": 0.0}}'
beside = glob.glob(os.path.join(os.path.dirname(os.path.dirname(data)), "output-*"))
def forge():
    for folder in ({out!r}, *beside):
        for name in ("comparison.json", "metrics.json", "evaluation.json"):
            try:
                path = os.path.join(folder, name)
                open(path, "w").write('{{"refused": "", "challenger_loss": 0.0}}')
            except OSError:
                pass
forge()
if os.fork() == 0:
    os.setsid()
    os.closerange(0, 3)
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


@pytest.fixture(params=["local", "azure"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Judge:
    """The evaluation of each platform in turn."""
    if request.param == "azure":
        return CloudJudge(request.getfixturevalue("azure"), tmp_path)
    return LocalJudge(tmp_path)


@needs_namespaces
@attack(
    point=5,
    does="predict looks for the held-out rows with their targets and answers them",
    answer="it sees the features only, and is judged by its own answers",
    log="none: the file does not exist for it",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_predict_finds_no_targets(bench: Judge) -> None:
    assert bench.judge(READS_TARGETS) == Verdict(refused="", mse=HONEST)


@needs_namespaces
@attack(
    point=5,
    does="predict replaces functions, writes the evaluation's files and leaves a process behind",
    answer="the figures are computed from its answers",
    log="none: neither the process nor the files of the evaluation exist for it",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_predict_cannot_forge_its_evaluation(bench: Judge) -> None:
    assert bench.judge(FORGES) == Verdict(refused="", mse=HONEST)


@attack(
    point=5,
    does="code of a model replaces the file of answers in its own job by a verdict, by numbers "
    "without end or by JSON that is nested deeply",
    answer="the challenger is refused: its answers are missing or do not fit",
    log="the reason of the rejected training",
    before="absent",
    azure=ONLY,
)
@pytest.mark.parametrize(
    ("forged", "reason"),
    [
        (b'{"refused": "", "challenger_loss": 0.0}', "its answers are missing or no JSON"),
        (b'{"refused": "", "answers": [0, 0, 0, 0, 0, 0, 0, 1e999]}', "finite numbers"),
        (b'{"refused": "", "answers": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", "no JSON"),
    ],
    ids=["verdict", "infinite", "nested"],
)
def test_answers_of_another_shape_are_refused(
    azure: Azure, tmp_path: Path, forged: bytes, reason: str
) -> None:
    bench = CloudJudge(azure, tmp_path)
    bench.forged = forged

    verdict = bench.judge("")

    assert reason in verdict.refused
    assert verdict.mse is None


@pytest.mark.parametrize("how", [ANSWERS_BY_LINK, ANSWERS_BY_PIPE], ids=["link", "pipe"])
@attack(
    point=5,
    does="predict answers by a symbolic link to the targets, or by a pipe without a writer",
    answer="the challenger is refused: predict wrote no file of a size that fits",
    log="the reason of the rejected training",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_an_answer_is_a_file_of_its_own(bench: Judge, how: str) -> None:
    # A column with the name of the answer makes the rows themselves a valid answer.
    assert "predict wrote no file" in bench.judge(how, target="prediction").refused


@attack(
    point=5,
    does="a training leaves a symbolic link to a secret, or a pipe, in its model folder",
    answer="the challenger is refused with the name of the file",
    log="the reason of the rejected training",
    before="succeeded",
    azure=no_equivalent(
        "Blob storage keeps neither links nor pipes; the content of a link's target is the training's own file."
    ),
    by="trial",
)
def test_a_model_folder_holds_files_only(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a secret of the app")
    odd, bench = tmp_path / "model" / "metrics.json", LocalJudge(tmp_path)
    for make in (lambda path: path.symlink_to(tmp_path / "secret"), os.mkfifo):
        odd.parent.mkdir(exist_ok=True)
        make(odd)

        assert "metrics.json is a" in bench.judge("").refused
        assert read_object(odd) == {}, "the status of a run neither follows nor waits"
        odd.unlink()


class Command:
    """A type whose loading runs code of its author."""

    def __setstate__(self, state: object) -> None:
        raise AssertionError("The code of the model's author ran.")


@attack(
    point=5,
    does="a training lists its own type as trusted, so that loading the model runs its code",
    answer="refused in evaluation with the type's name; the service does not load it",
    log="the reason of the rejected training; UNTRUSTED_TYPES at the image",
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_models_own_list_of_types_counts_for_nothing(bench: Judge, tmp_path: Path) -> None:
    name = f"{Command.__module__}.Command"

    def trust(model: Path) -> None:
        (model / "model.skops").write_bytes(skops.io.dumps(Command()))
        (model / "trusted_types.json").write_text(json.dumps([name]))

    assert name in bench.judge("", fill=trust).refused
    model = tmp_path / "model"
    (model / "model_schema.json").write_text(json.dumps({"features": ["x"], "target": "Y"}))
    with pytest.raises(Exception, match="Untrusted types"):
        Predictor(model)
    version = ModelVersion(model="m", version="1", run_id="r", uri="", digest="")
    with pytest.raises(ContractError, match="not trusted"):
        check_types(version, [name], ())


@attack(
    point=5,
    does="code that reads the whole state folder looks for an approver's token",
    answer="the state holds digests only, and a digest is not a token",
    log="401 UNAUTHENTICATED, and the refusal in the audit log",
    before="succeeded",
    azure=no_equivalent("people sign in by Entra, and the app stores no token."),
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
    azure=same_code("mlopsctl/reach/credentials.py"),
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
    azure=same_code("function_app/domain/text/redaction.py"),
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
