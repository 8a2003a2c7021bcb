"""Messages over real HTTP and SMTP servers on this machine."""

import hashlib
import hmac
import json
import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from function_app.adapters.messages import Notifications
from function_app.domain.approval import Evidence
from function_app.domain.release import Release, ReleasePolicy, ReleaseResult, ReleaseStatus
from function_app.errors import ConfigError, PlatformError
from function_app.notify_settings import NotifySettings, read_notify_settings

RELEASE = Release(
    release_id="release-m-2", model="m", version="2", policy=ReleasePolicy(approvers=("ada",))
)
EVIDENCE = Evidence(release_id="release-m-2", image_digest="sha256:aa", reasons=("mse 3.0",))


class Listener:
    """Remembers what was posted to it, and answers with the next status."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        listener = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.posted.append((self.path, dict(self.headers.items()), body))
                status = listener.statuses.pop(0) if listener.statuses else 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_approvers_are_told_what_they_decide_by_and_where(listener: Listener) -> None:
    settings = NotifySettings(
        slack_url=f"{listener.url}/slack",
        teams_url=f"{listener.url}/teams",
        webhook_url=f"{listener.url}/hook",
        webhook_secret="secret",
        public_url="https://mlops.example.com",
    )

    Notifications(settings).ask_for_approval(RELEASE, EVIDENCE)

    assert [path for path, _, _ in listener.posted] == ["/slack", "/teams", "/hook"]
    slack, teams, hook = (json.loads(body) for _, _, body in listener.posted)
    for text in (slack["text"], hook["text"], json.dumps(teams)):
        assert "mse 3.0" in text
        assert "https://mlops.example.com/api/releases/release-m-2" in text
    assert teams["attachments"][0]["content"]["type"] == "AdaptiveCard"
    _, headers, body = listener.posted[2]
    signature = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={signature}"


def test_a_channel_that_fails_at_first_is_tried_again(listener: Listener) -> None:
    listener.statuses = [503, 429]

    result = ReleaseResult(status=ReleaseStatus.PROMOTED, reasons=("fine",))
    Notifications(NotifySettings(slack_url=listener.url)).tell_result(RELEASE, result)

    assert len(listener.posted) == 3


def test_a_dead_channel_fails_nothing_while_another_works(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    dead = "http://127.0.0.1:9/T000/very-secret-token"
    both = NotifySettings(slack_url=dead, webhook_url=listener.url)

    with caplog.at_level(logging.DEBUG):
        Notifications(both).ask_for_approval(RELEASE, EVIDENCE)
        with pytest.raises(PlatformError) as caught:
            Notifications(NotifySettings(slack_url=dead)).ask_for_approval(RELEASE, EVIDENCE)

    assert len(listener.posted) == 1
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("mlops")]
    assert ours
    assert "very-secret" not in " ".join([*ours, str(caught.value), repr(both)])


def test_a_mail_is_sent_and_a_password_never_without_tls() -> None:
    with MailServer() as (port, lines):
        address = f"smtp://127.0.0.1:{port}?from=mlops@x.org&to=ada@x.org&to=grace@x.org"
        Notifications(NotifySettings(smtp_url=address)).ask_for_approval(RELEASE, EVIDENCE)
    text = "\n".join(lines)

    assert "Subject: m 2 waits for approval" in text
    assert text.upper().count("RCPT TO:") == 2
    with MailServer() as (port, lines):
        address = f"smtp://user:password@127.0.0.1:{port}?from=a@x.org&to=b@x.org"
        with pytest.raises(PlatformError):
            Notifications(NotifySettings(smtp_url=address)).ask_for_approval(RELEASE, EVIDENCE)
    assert not any("AUTH" in line for line in lines)


def test_nobody_is_told_where_nothing_is_set() -> None:
    Notifications(NotifySettings()).ask_for_approval(RELEASE, EVIDENCE)


@pytest.mark.parametrize(
    ("key", "value"),
    [("SLACK_URL", "slack.com"), ("SMTP_URL", "smtp://x"), ("TEAMS_URL", "file:///etc")],
)
def test_a_channel_that_cannot_work_is_refused_with_its_key(key: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"MLOPS_NOTIFY_{key}"):
        read_notify_settings({f"MLOPS_NOTIFY_{key}": value})


class MailServer:
    """A mail server without TLS that takes everything and remembers the lines."""

    def __enter__(self) -> tuple[int, list[str]]:
        self.lines: list[str] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return self.socket.getsockname()[1], self.lines

    def __exit__(self, *ended: object) -> None:
        self.socket.close()

    def _serve(self) -> None:
        connection, _ = self.socket.accept()
        with connection, connection.makefile("rw", newline="") as stream:

            def say(text: str) -> None:
                stream.write(text + "\r\n")
                stream.flush()

            say("220 here")
            data = False
            for raw in stream:
                line = raw.rstrip("\r\n")
                self.lines.append(line)
                if data:
                    data = line != "."
                    if not data:
                        say("250 taken")
                elif line.upper() == "DATA":
                    data = True
                    say("354 go on")
                elif line.upper() == "QUIT":
                    say("221 bye")
                    return
                else:
                    say("250 here")
