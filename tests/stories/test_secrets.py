"""Secrets are planted in settings and requests, and everything that the app writes is searched."""

import json
from pathlib import Path

import pytest

from function_app.domain.webhooks.signatures import sign
from tests.funchost.conftest import until
from tests.stories.conftest import DIABETES, SECRET, App

GIT_TOKEN = "ghp_planted0123456789planted0123456789"


def written(state: Path) -> dict[str, bytes]:
    files = [path for path in state.rglob("*") if path.is_file()]
    return {str(path.relative_to(state)): path.read_bytes() for path in files}


def test_no_secret_is_in_anything_that_the_app_writes_or_answers(
    tmp_path: Path, diabetes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_GIT_TOKEN_GIT_EXAMPLE_COM", GIT_TOKEN)
    monkeypatch.setenv("MLOPS_WEBHOOK_SECRET_BUILD_SERVER", SECRET)
    text = (
        DIABETES + '\n[models.diabetes.code]\nrepository = "https://git.example.com:9/org/models"\n'
    )
    (tmp_path / "mlops.toml").write_text(text)
    monkeypatch.setenv("MLOPS_PROJECTS", str(tmp_path / "mlops.toml"))
    app = App(tmp_path / "state")
    token, answers = app.api.token("ada"), []
    try:
        push = json.dumps(
            {
                "ref": "refs/heads/main",
                "after": "a" * 40,
                "commits": [],
                "repository": {"clone_url": "https://git.example.com:9/org/models"},
            }
        ).encode()
        for signature in (sign(SECRET, push), sign("wrong", push)):
            headers = {
                "X-GitHub-Event": "push",
                "X-GitHub-Delivery": "1",
                "X-Hub-Signature-256": signature,
                "Content-Type": "application/json",
            }
            path = "/api/webhooks/build-server"
            answers.append(app.ask("POST", path, content=push, headers=headers))
        story = answers[0].json()["receipts"][0]["instance_id"]
        app.drop("diabetes/a.csv", diabetes)
        app.ended(app.claimed("diabetes/a.csv"))
        app.at_step("release-diabetes-1", "awaiting approval")
        app.api.decide(app.api.release("release-diabetes-1"), "reject", "ada", "no")
        app.ended("release-diabetes-1")
        # The repository cannot be reached, so the push waits; its address is in the log.
        log = app.state / "host.log"
        until(lambda: "could not list the branches" in log.read_text(), "the question to git")
        for path in ("status", "releases", "events", "findings", "metrics", f"status/{story}"):
            answers.append(app.ask("GET", f"/api/{path}"))
    finally:
        app.stop()

    found = written(app.state)
    assert len(found) > 20
    for secret in (SECRET, GIT_TOKEN, token):
        assert [name for name, content in found.items() if secret.encode() in content] == []
        assert not any(secret in answer.text for answer in answers)
