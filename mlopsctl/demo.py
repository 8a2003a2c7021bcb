"""The whole loop on this machine: data arrives, a model is trained, approved, served and asked."""

import hashlib
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from rich.markup import escape

from mlopsctl.reach.client import Api, ApiError, segment
from mlopsctl.watch import Tell, follow

MODEL, PERSON = "diabetes", "ada"
Say = Callable[[str], None]


class Samples:
    """Two files of rows, written by a process while the app starts.

    The data of the first is scikit-learn's; `other` has as many other rows.
    """

    _WRITE = (
        "import sys; from pathlib import Path; from training.sample import write_sample\n"
        "write_sample(Path(sys.argv[1])); write_sample(Path(sys.argv[2]), 1)"
    )

    def __init__(self, root: Path, folder: Path) -> None:
        """Begin to write into a folder."""
        self._first, self._other = folder / "first.csv", folder / "other.csv"
        command = [sys.executable, "-c", self._WRITE, str(self._first), str(self._other)]
        self._process = subprocess.Popen(command, cwd=root)

    def write_first(self, path: Path) -> None:
        """Write scikit-learn's rows to `path`, once they are there."""
        self._write(self._first, path)

    def write_other(self, path: Path) -> None:
        """Write the other rows to `path`, once they are there."""
        self._write(self._other, path)

    def _write(self, source: Path, path: Path) -> None:
        if code := self._process.wait(120):
            raise ApiError("DEMO", f"The sample was not written: exit code {code}.")
        unfinished = path.with_name(f".{path.name}.tmp")
        shutil.copyfile(source, unfinished)
        unfinished.replace(path)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


@contextmanager
def begin_samples(root: Path) -> Iterator[Samples]:
    """Yield the samples, whose process and files end with the block."""
    with tempfile.TemporaryDirectory() as folder:
        samples = Samples(root, Path(folder))
        try:
            yield samples
        finally:
            samples.close()


def run_demo(
    api: Api, root: Path, state: Path, samples: Samples, say: Say, tell: Tell
) -> dict[str, Any]:
    """Go through the loop; return the facts for `--json`."""
    inbox = state / "inbox" / "data" / MODEL
    path = inbox / "diabetes.csv"
    say("[bold]1  Data arrives[/bold]")
    training, repeated = arrive(api, path, lambda: samples.write_first(path), say)
    say(
        "\n[bold]2  The event starts a training[/bold]"
        + (" (in an earlier run)" if repeated else "")
    )
    trained, _ = follow(api, training, tell)
    output = trained["output"] if isinstance(trained["output"], dict) else {}
    if output.get("outcome") != "registered":
        raise ApiError("DEMO", f"The training ended as {output or trained['output']}.")
    say(f"   report on the data: {_report(state, training)}")
    release_id = f"release-{MODEL}-{output['version']}"
    say(f"\n[bold]3  Model version {output['version']} starts a release[/bold]")
    approver = _release(api, release_id, say, tell)
    release = api.get(f"/api/releases/{segment(release_id)}")
    if release["status"] != "promoted":
        raise ApiError("DEMO", f"{release_id} ended as {release['status']}: {release['reasons']}")
    return {
        "training": training,
        "repeated": repeated,
        "release": release_id,
        "version": output["version"],
        "image": release["image_digest"],
        "approved_by": approver,
        **_predict(api, root, state, output["run_id"], say),
        **_judge(api, samples, state, inbox, say, tell),
    }


def _judge(
    api: Api, samples: Samples, state: Path, inbox: Path, say: Say, tell: Tell
) -> dict[str, object]:
    """Send a damaged file and one of other rows; return both trainings with their verdicts."""
    damaged, other = inbox / "diabetes-damaged.csv", inbox / "diabetes-other-rows.csv"
    say("\n[bold]6  A damaged file arrives: its column Y was sorted without the others[/bold]")
    rejected = _see_rejected(
        api, state, damaged, lambda: sort_target(inbox / "diabetes.csv", damaged), say, tell
    )
    say("\n[bold]7  442 other rows arrive[/bold]")
    inconclusive = _see_rejected(api, state, other, lambda: samples.write_other(other), say, tell)
    return {"rejected": rejected, "inconclusive": inconclusive}


def _see_rejected(
    api: Api, state: Path, path: Path, write: Callable[[], object], say: Say, tell: Tell
) -> dict[str, object]:
    """Follow the training on a file that must not replace the champion; say every reason."""
    training, _ = arrive(api, path, write, say)
    story, _ = follow(api, training, tell)
    output = story["output"] if isinstance(story["output"], dict) else {}
    if output.get("outcome") != "rejected":
        raise ApiError("DEMO", f"{training} ended as {output or story['output']}.")
    for reason in output["reasons"]:
        say(f"   - {escape(reason)}")
    say(f"   report on the data: {_report(state, training)}")
    return {"training": training, "reasons": output["reasons"]}


def _report(state: Path, training: str) -> Path:
    """Return the page of the data check of a training."""
    run = f"prepare-{training.removeprefix('train-')}"
    return next((state / "runs" / run).rglob("report.html"))


def sort_target(source: Path, path: Path) -> None:
    """Write the rows of a CSV with its last column in another order than the others."""
    header, *lines = source.read_text(encoding="utf-8").splitlines()
    cells = [line.rpartition(",") for line in lines]
    targets = sorted((target for _, _, target in cells), key=float)
    rows = [f"{features},{target}" for (features, _, _), target in zip(cells, targets, strict=True)]
    unfinished = path.with_name(f".{path.name}.tmp")
    unfinished.write_text("\n".join((header, *rows, "")), encoding="utf-8")
    unfinished.replace(path)


def arrive(api: Api, path: Path, write: Callable[[], object], say: Say) -> tuple[str, bool]:
    """Write a file of the inbox; return its training and whether that is an earlier one.

    `write` is called when the file does not exist. ApiError when no event claims the file within
    15 minutes.
    """
    earlier = _claims(api)  # read before the file is written: the app may claim it at once
    if not path.exists():
        write()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    rows = len(path.read_text().splitlines()) - 1
    say(f"   {path.name}, {rows} rows, sha256 {digest[:12]}, in {path.parent}")
    if digest in earlier:
        say(f"   {earlier[digest]} claimed this content before, so no new training starts.")
        return earlier[digest], True
    end = time.monotonic() + 900
    while time.monotonic() < end:
        owner = _claims(api).get(digest)
        if owner:
            say(f"   BlobCreated was published, delivered and claimed by {owner}")
            return owner, False
        time.sleep(0.1)
    raise ApiError("DEMO", "No event claimed the file. See `mlopsctl status` for dead letters.")


def _claims(api: Api) -> dict[str, str]:
    """Return the newest story that claimed each content, by the SHA-256 of the content."""
    newest_first = api.get("/api/status")["claims"]
    return {claim["content"]: claim["owner"] for claim in reversed(newest_first)}


def _release(api: Api, release_id: str, say: Say, tell: Tell) -> str:
    story, steps = follow(api, release_id, tell, until_step="awaiting approval")
    if not story["ended"]:
        say(f"\n[bold]4  {PERSON} approves over HTTP[/bold]")
        comment = "The demo's figures are as expected."
        api.decide(api.release(release_id), "approve", PERSON, comment)
        follow(api, release_id, tell, reported_steps=steps)
    decision = api.get(f"/api/releases/{segment(release_id)}")["decision"]
    return str(decision["decided_by"]) if decision else "nobody"


def ask_production(
    url: str, body: object, headers: dict[str, str], say: Say, seconds: float = 600
) -> Any:
    """Return production's answer; retry while it answers 503 because replicas start.

    Raises ApiError on any other refusal, and when nothing changed for so many seconds: loading a
    model takes a second on a quiet machine and a minute on a busy one.
    """
    end, before = time.monotonic() + seconds, ""
    while True:
        try:
            answer = httpx.post(url, json=body, headers=headers, timeout=120)
        except httpx.TransportError as error:
            said = str(error) or type(error).__name__
        else:
            if answer.is_success:
                return answer.json()
            said = answer.text[:500]
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                raise ApiError("DEMO", f"{url} answered {answer.status_code}: {said}")
        if said != before:
            end, before = time.monotonic() + seconds, said
            say(f"   Production does not answer yet: {said}")
        if time.monotonic() >= end:
            text = f"{url} did not answer for {seconds:g} s: {said} `mlopsctl doctor` says why."
            raise ApiError("DEMO", text)
        time.sleep(0.2)


def _predict(api: Api, root: Path, state: Path, run_id: str, say: Say) -> dict[str, Any]:
    """Ask production for a held-out row, and the offline model in a process of its own.

    Production is asked as a person does it: by the command that the app shows, with another row.
    """
    production = api.get(f"/api/models/{MODEL}")
    endpoint, words = production["endpoint"], shlex.split(production["call"])
    evaluation = sorted((state / "runs").glob(f"{run_id}-vs-*/evaluation"))[0]
    features = json.loads((evaluation / "model_schema.json").read_text())["features"]
    row = json.loads((evaluation / "golden.json").read_text())["data"][0]
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "row.csv", Path(folder) / "answer.csv"
        data.write_text(f"{','.join(features)}\n{','.join(map(repr, row))}\n")
        command = [sys.executable, "-m", "training", "predict", "--data", str(data)]
        command += ["--model", str(state / "runs" / run_id / "model"), "--out", str(out)]
        subprocess.run(command, cwd=root, check=True, timeout=120)
        offline = float(out.read_text().splitlines()[1])
    header = words[words.index("-H") + 1]
    name, _, value = Path(header[1:]).read_text(encoding="utf-8").partition(":")
    url, headers = f"{endpoint}/score", {name: value.strip()}
    answer = ask_production(url, {"data": [row]}, headers, say)
    served = float(answer["result"][0])
    stranger = httpx.post(url, json={"data": [row]}, timeout=30)
    if stranger.status_code != 401:
        raise ApiError("DEMO", f"Production answered {stranger.status_code} without a key.")
    words[words.index("-d") + 1] = json.dumps({"data": [row]})
    same = abs(served - offline) < 1e-6
    say("\n[bold]5  Production answers[/bold]")
    say(f"   POST {endpoint}/score -> {served:.6f}; offline model {offline:.6f}")
    say(f"   without a key -> {stranger.status_code}; with the key of {header[1:]}:")
    say(f"   {shlex.join(words)}")
    if not same:
        raise ApiError("DEMO", "Production and the offline model predict different values.")
    return {"production": endpoint, "served": served, "offline": offline}
