"""Attacks by code that the app runs: trainings, services and pull requests."""

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from function_app.adapters.local.reach.containment import Access, Containment
from function_app.adapters.local.reach.private import restrict_access
from function_app.domain.change.isolation import Isolation, RunIsolation
from function_app.domain.training import RunStatus
from function_app.errors import PlatformError
from sandbox.levels import BY_NAME, LIMITS
from sandbox.probe import Found
from tests.attacks.attack import ONLY, SAME, attack, no_equivalent
from tests.attacks.hostile_code import CloudMachine, LocalMachine, Machine
from tests.azure_servers.azure import running as running_azure
from tests.azure_servers.azure import sdk_warnings
from tests.azure_servers.identity import IdentityServer
from tests.azure_servers.tls import Tls
from tests.checks.inspection import ALLOWED, isolated, running

pytestmark = sdk_warnings
ROOT = Path(__file__).parents[2]
INVISIBLE = "none: the training fails by itself, and its own log says where"


@pytest.fixture(scope="module")
def local_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    """This machine, prepared once for all hostile trainings."""
    made = LocalMachine(tmp_path_factory.mktemp("machine") / "state")
    yield made
    made.close()


@pytest.fixture(scope="module")
def cloud_machine(
    tls: Tls, identity: IdentityServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CloudMachine]:
    """An Azure ML of this machine, prepared once for all hostile trainings."""
    with running_azure(tls, tmp_path_factory.mktemp("azure")) as azure:
        yield CloudMachine(azure)


@pytest.fixture(params=["local", "azure"])
def machine(request: pytest.FixtureRequest) -> Machine:
    """Both platforms in turn."""
    name = "local_machine" if request.param == "local" else "cloud_machine"
    found: Machine = request.getfixturevalue(name)
    return found


@isolated
@attack(
    point=6,
    does="A training reads an approver's token, also the client's copy of it, the ledger and the "
    "files of the user's home",
    answer="the files do not exist for the training",
    log=INVISIBLE,
    before="succeeded",
    azure=no_equivalent(
        "a node of Azure ML has the run's own files; the app's state and processes are elsewhere."
    ),
    by="trial",
)
def test_a_training_cannot_read_the_secrets_of_the_app(local_machine: LocalMachine) -> None:
    machine, copy = local_machine, Path(os.environ["MLOPS_CONFIG"], "ada.token")
    copy.write_text("s3cret")
    answers = machine.train(f"""
state = pathlib.Path({str(machine.state)!r})
for name in ("approvers/ada.token", "ledger.db", "processes/run-{machine.run}.json", {str(copy)!r}):
    attempt(name, (state / name).read_text)
attempt("home", lambda: sorted(os.listdir({str(Path.home())!r})))
attempt("shadow", lambda: pathlib.Path("/etc/shadow").read_text() or "empty")
attempt("git", lambda: os.listdir({str(ROOT / ".git")!r}))
""")

    visible = {Path(path).relative_to(Path.home()).parts[0] for path in _shown_in_home()}
    assert set(answers.pop("home")) <= visible
    assert answers.pop("shadow") in ("empty", "refused: PermissionError")
    assert set(answers.values()) == {"refused: FileNotFoundError"}


def _shown_in_home() -> list[str]:
    """Return the folders of this Python that lie in the home: the sandbox must show them."""
    paths = [sys.prefix, sys.base_prefix, str(ROOT / "sandbox"), os.path.realpath(sys.executable)]
    return [path for path in paths if Path(path).is_relative_to(Path.home())]


@isolated
@attack(
    point=5,
    does="A training reads the held-out rows, which lie beside the rows that it is given",
    answer="the training finds the seen rows only",
    log=INVISIBLE,
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_training_cannot_read_the_held_out_rows(machine: Machine) -> None:
    answers = machine.train("""
attempt("seen", lambda: [path.name for path in data.rglob("*.csv")])
beside = pathlib.Path.cwd().parent if data.name.startswith("input-") else data.parent
attempt("beside", lambda: [path.name for path in beside.rglob("*held*") if path.suffix != ".py"])
attempt("held out", lambda: os.listdir(data.parent / "held_out"))
""")

    assert answers["seen"]
    assert answers["beside"] == []
    assert answers["held out"] == "refused: FileNotFoundError"


@attack(
    point=6,
    does="A training in Azure searches its environment, its job and its node's files for settings and "
    "credentials of the app",
    answer="it finds its code, the seen rows and its own outputs; no setting of the app",
    log=INVISIBLE,
    before="refused",
    azure=ONLY,
    by="trial",
)
def test_a_training_in_azure_is_given_no_credential(
    cloud_machine: CloudMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_WEBHOOK_SECRET_GITHUB", "s3cret")
    run = cloud_machine.run
    answers = cloud_machine.train("""
answers["environment"] = sorted(os.environ)
answers["files"] = sorted({path.relative_to(out.parent).parts[0] for path in out.parent.rglob("*")})
""")

    job = cloud_machine.azure.ml.resources[f"/jobs/{run}"]["properties"]
    assert not [n for n in answers["environment"] if "MLOPS" in n or "IDENTITY" in n]
    assert not job.get("environmentVariables")
    # The platform's own code, which is public, records the environment before the training begins.
    assert set(job["inputs"]) == {"code", "digest", "platform_code", "rows"}
    assert "held_out" not in json.dumps(job)
    made = {"code", "platform_code", "output-log", "output-model"}
    assert set(answers["files"]) == {*made, "input-code", "input-platform_code", "input-rows"}
    assert "s3cret" not in json.dumps([answers, job])


@isolated
@attack(
    point=5,
    does="A training changes another run's model, the app's code and its own result",
    answer="the writes fail, and nothing changed",
    log=INVISIBLE,
    before="succeeded",
    azure=SAME,
    by="trial",
)
def test_a_training_cannot_write_outside_its_folder(machine: Machine) -> None:
    run, before, foreign = machine.run, machine.files(), machine.foreign()
    answers = machine.train(f"""
for place in ({", ".join(foreign)}, data / "more.csv"):
    attempt(str(place), lambda: place.write_text("forged"))
""")

    after = machine.files()
    assert {name: after[name] for name in before} == before
    assert [name for name, content in after.items() if content == b"forged"] == []
    assert machine.jobs.get(run).status is RunStatus.COMPLETED
    assert len(answers) == len(foreign) + 1
    if isinstance(machine, LocalMachine):
        assert all(str(answer).startswith("refused: ") for answer in answers.values()), answers
        assert not (ROOT / "training" / "written.py").exists()


@isolated
@attack(
    point=5,
    does="A training leaves a daemon behind, which goes on after the run has ended",
    answer="the kernel ends the daemon with the run",
    log="none: the run completes, and no process of it is left",
    before="succeeded",
    azure=no_equivalent("Azure ML removes the container of a run with all of its processes."),
    by="trial",
)
def test_nothing_of_a_training_outlives_it(local_machine: LocalMachine) -> None:
    name = f"daemon-{local_machine.state.parent.name}"
    answers = local_machine.train(f"""
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, ["{name}", "-c", "import time; time.sleep(600)"])
    os._exit(0)
os.wait()
answers["started"] = True
""")

    assert answers == {"started": True}
    assert not running(name)


@isolated
@attack(
    point=6,
    does="A training reads the environment of its watcher, which holds the key of the topic",
    answer="the training sees its own processes only",
    log=INVISIBLE,
    before="succeeded",
    azure=no_equivalent(
        "a node of Azure ML has the run's own files; the app's state and processes are elsewhere."
    ),
    by="trial",
)
def test_a_training_sees_no_other_process(local_machine: LocalMachine) -> None:
    answers = local_machine.train("""
found = []
for name in filter(str.isdigit, os.listdir("/proc")):
    try:
        found.append("topic-s3cret" in pathlib.Path("/proc", name, "environ").read_text())
    except OSError:
        continue
answers["found"] = any(found)
attempt("signal", lambda: os.kill(int(os.readlink("/proc/self")) + 10000, 0))
""")

    assert answers["found"] is False
    assert answers["signal"] in ("refused: ProcessLookupError", "refused: FileNotFoundError")


@isolated
@attack(
    point=6,
    does="A training reaches a service of this machine although mlops.toml denies the network",
    answer="the connection is refused",
    log=INVISIBLE,
    before="succeeded",
    azure=no_equivalent(
        "the network of a node is that of its compute, which infra/ sets; no key of mlops.toml changes it."
    ),
    by="trial",
)
def test_a_training_without_a_network_reaches_nothing(local_machine: LocalMachine) -> None:
    local_machine.isolate(Isolation(runs=RunIsolation(network=False)))
    with socket.create_server(("127.0.0.1", 0)) as server:
        answers = local_machine.train(f"""
import socket
address = ("127.0.0.1", {server.getsockname()[1]})
attempt("connect", lambda: bool(socket.create_connection(address, timeout=5)))
""")

    local_machine.isolate(Isolation())
    assert answers == {"connect": "refused: ConnectionRefusedError"}


@isolated
@attack(
    point=5,
    does="A model's service in staging or production reads the approvers' tokens",
    answer="the files do not exist for the service",
    log="none: the service fails by itself, and its own log says where",
    before="succeeded",
    azure=no_equivalent("a container of ACI or AKS has the files of its image only."),
    by="trial",
)
def test_a_service_cannot_read_the_state(tmp_path: Path) -> None:
    state, image = tmp_path / "state", tmp_path / "state" / "unpacked" / "a" / "app"
    image.mkdir(parents=True)
    (image / "model").write_text("a model")
    (state / "token").write_text("s3cret")
    code = f"import os; print(os.listdir('.'), os.listdir({str(state)!r}))"
    containment = Containment(state=state, root=ROOT)

    words = containment.wrap([sys.executable, "-c", code], image, Access(network=True))
    ended = subprocess.run(words, cwd=image, capture_output=True, text=True, check=False)

    assert ended.stdout.strip() == "['model'] ['unpacked']", ended.stderr


@attack(
    point=6,
    does="A pull request is checked where its tests run with the rights of the app",
    answer="refused: `isolation: Not run: the isolation of this machine is limits`",
    log="the commit status and checks.json name the isolation and the reason",
    before="succeeded",
    azure=no_equivalent("each run of checks has a node, a container and an identity of its own."),
    by="trial",
)
def test_a_pull_request_is_refused_below_the_least_isolation(tmp_path: Path) -> None:
    code, out, proof = tmp_path / "code", tmp_path / "out", tmp_path / "proof"
    code.mkdir()
    (code / "test_a.py").write_text(f"open({str(proof)!r}, 'w')\ndef test_a():\n    pass\n")
    (tmp_path / "plan.json").write_text('{"tests": ["pytest"], "timeout_seconds": 60}')
    words = ["--code", str(code), "--plan", str(tmp_path / "plan.json"), "--out", str(out)]
    words += ["--isolation", LIMITS, "--min-isolation", "namespaces"]

    subprocess.run([sys.executable, "-m", "checks", *words], cwd=ROOT, check=True)

    report = json.loads((out / "checks.json").read_text())
    (result,) = report["results"]
    assert (result["name"], result["passed"]) == ("isolation", False)
    assert "[checks] min_isolation" in result["detail"]
    assert report["isolation"].startswith("limits")
    assert not proof.exists()


@isolated
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can plant a mount that others cannot read")
@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="needs a Python for all users")
@attack(
    point=6,
    does="A mount that the user of the app cannot read makes the sandbox fall to its weakest level",
    answer="the code runs in namespaces; the mount is not an obstacle",
    log="none: the level of isolation stays the same",
    before="succeeded",
    azure=no_equivalent("the container of a run has the mounts that Azure ML gives it."),
    by="trial",
)
def test_a_mount_that_nobody_can_read_weakens_nothing(tmp_path: Path) -> None:
    shared = Path("/opt") / f"sandbox-{os.getpid()}"
    copied, locked = shared / "app" / "sandbox", shared / "locked"
    shutil.copytree(ROOT / "sandbox", copied, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in (shared, shared / "app"):
        folder.chmod(0o755)
    (locked / "inner").mkdir(parents=True)
    locked.chmod(0o700)
    look = "import os; print(os.getuid(), len([n for n in os.listdir('/proc') if n.isdigit()]))"
    code = (
        "import subprocess, sys; from pathlib import Path\n"
        f"sys.path.insert(0, {str(shared / 'app')!r})\n"
        "from sandbox.command import command\n"
        "from sandbox.probe import find_level\n"
        "level = find_level().level\n"
        f"words = command([sys.executable, '-c', {look!r}], level=level, folder=Path('/opt'))\n"
        "print(level.strength, subprocess.run(words, capture_output=True, text=True).stdout)\n"
    )
    (shared / "attack.py").write_text(code)
    # An app that another test created in this process keeps its files private by the umask.
    (shared / "attack.py").chmod(0o644)
    plain = "setpriv --reuid=65534 --regid=65534 --clear-groups /usr/bin/python3"
    mount = f"mount -t tmpfs none {locked}/inner && cd / && exec {plain} -B {shared}/attack.py"
    try:
        words = ["unshare", "--mount", "sh", "-c", mount]
        ended = subprocess.run(words, capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(shared)

    # The process and process 1 of its namespace, where a /proc can be mounted.
    best = "2" if ALLOWED[0].proc else "0"
    assert ended.stdout.split() == ["namespaces", "65534", best], ended.stderr


@attack(
    point=5,
    does="Another user of the machine reads the state folder of an earlier version",
    answer="files are 0600 and folders 0700 after the next start",
    log="none: the kernel denies the access",
    before="succeeded",
    azure=no_equivalent("records lie in Azure's storage; a role, no file mode, opens them."),
    by="trial",
)
def test_the_state_is_for_its_user_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "funchost").mkdir(parents=True)
    for name in ("inbox.db", "host.log", "funchost/lock", "run.sh"):
        (state / name).write_text("s3cret")
        (state / name).chmod(0o755 if name == "run.sh" else 0o644)
    for folder in (state, state / "funchost"):
        folder.chmod(0o755)
    before = os.umask(0o022)
    try:
        restrict_access(state)
        (state / "new").mkdir()
        (state / "new" / "file").write_text("s3cret")
    finally:
        os.umask(before)

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (state, *state.rglob("*"))}
    assert not [path for path, mode in modes.items() if mode & 0o077]
    assert modes[state] == 0o700
    assert modes[state / "inbox.db"] == 0o600
    assert modes[state / "run.sh"] == 0o700


@attack(
    point=6,
    does="Trainings start on a machine that isolates less than mlops.toml asks for",
    answer="refused with the level, the reason and the remedy",
    log="the story's reason names `[runs] min_isolation`",
    before="absent",
    azure=no_equivalent("each run has a container of its own; there is no weaker level."),
)
def test_runs_are_refused_below_the_least_isolation(tmp_path: Path) -> None:
    weak = Found(level=BY_NAME[LIMITS], reason="unshare: Operation not permitted")
    strict = Isolation(runs=RunIsolation(min_isolation="namespaces"))
    containment = Containment(state=tmp_path, root=ROOT, isolation=strict, chosen=weak)

    with pytest.raises(PlatformError, match=r"limits.*Operation not permitted.*min_isolation"):
        containment.check("start a run")
