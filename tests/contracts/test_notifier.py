"""The contract of messages on every platform, over real servers on this machine."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from function_app.adapters.azure.mail import AzureMail
from function_app.adapters.azure.reach.connection import Connection
from function_app.adapters.local.notifier import LocalNotifier
from function_app.adapters.messages import Notifications
from function_app.domain.reconciliation import Finding, FindingKind
from function_app.domain.release.approval import Evidence
from function_app.domain.release.release import Release, ReleasePolicy, ReleaseResult, ReleaseStatus
from function_app.domain.stories.outcomes import StoryEnd
from function_app.errors import PlatformError
from function_app.ports import Notifier
from function_app.settings.notify import NotifySettings
from tests.azure_servers.base import Answer, Server
from tests.azure_servers.communication import CommunicationServer
from tests.azure_servers.identity import IdentityServer
from tests.azure_servers.names import settings_of_tests
from tests.azure_servers.tls import Tls

RELEASE = Release(
    release_id="release-m-2", model="m", version="2", policy=ReleasePolicy(approvers=("ada",))
)
EVIDENCE = Evidence(release_id="release-m-2", image_digest="sha256:aa", reasons=("mse 3.0",))
RESULT = ReleaseResult(status=ReleaseStatus.REJECTED, reasons=("too slow",), decided_by="ada")
FINDING = Finding(kind=FindingKind.LOST_RUN, subject="train-m-1", detail="nobody waits for it")
END = StoryEnd(
    instance_id="train-m-1",
    story="train_model",
    model="m",
    outcome="failed",
    reasons=("exit code 1: KeyError: 'x'",),
    facts={"data": "file:///a.csv"},
)
DEAD = "https://127.0.0.1:9/T000/very-secret-token"

Make = Callable[[NotifySettings], Notifier]


@pytest.fixture
def mail(tls: Tls) -> Iterator[CommunicationServer]:
    with CommunicationServer(tls) as server:
        yield server


@pytest.fixture
def hook(tls: Tls) -> Iterator[Server]:
    with Server(lambda _: Answer(), tls) as server:
        yield server


@pytest.fixture(params=["local", "azure"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Return the notifier of a platform with the channels that are set."""
    if request.param == "local":
        return lambda settings: LocalNotifier(tmp_path / "outbox", Notifications(settings))
    return Notifications


@pytest.fixture
def azure_mail(mail: CommunicationServer, identity: IdentityServer, tls: Tls) -> AzureMail:
    settings = NotifySettings(
        azure_mail_endpoint=mail.url,
        azure_mail_from="mlops@x.org",
        azure_mail_to=("ada@x.org", "grace@x.org"),
    )
    return AzureMail(Connection(settings_of_tests(tls.ca_file)), settings)


def channel(hook: Server, tls: Tls, teams_url: str = "") -> NotifySettings:
    return NotifySettings(
        webhook_url=f"{hook.url}/hook",
        ca_file=str(tls.ca_file),
        public_url="https://mlops.example.com",
        teams_url=teams_url,
    )


def test_every_kind_of_message_says_what_and_why(make: Make, hook: Server, tls: Tls) -> None:
    notifier = make(channel(hook, tls))

    notifier.ask_for_approval(RELEASE, EVIDENCE)
    notifier.report_result(RELEASE, RESULT)
    notifier.report_findings((FINDING,))
    notifier.report_outcome(END)

    asked, told, found, ended = (request.json for request in hook.requests)
    assert asked["title"] == "m 2 waits for approval"
    assert told["title"] == "m 2: rejected"
    assert "too slow" in told["text"]
    assert "train-m-1" in found["text"]
    assert ended["title"] == "m: training failed"
    assert "- exit code 1: KeyError: 'x'" in ended["text"]
    assert "data: file:///a.csv" in ended["text"]
    assert "https://mlops.example.com/api/status/train-m-1" in ended["text"]
    for message in (asked, told):
        assert "https://mlops.example.com/api/releases/release-m-2" in message["text"]


def test_a_message_about_200_reasons_counts_those_it_leaves_out(
    make: Make, hook: Server, tls: Tls
) -> None:
    reasons = tuple(f"column_{number}: 3 missing values." for number in range(200))

    make(channel(hook, tls)).report_outcome(replace(END, reasons=reasons))

    text = hook.requests[0].json["text"]
    assert len(text) < 4000
    assert "more reasons are left out" in text
    assert "mlopsctl show train-m-1" in text


def test_a_message_may_be_sent_again(make: Make, hook: Server, tls: Tls) -> None:
    notifier = make(channel(hook, tls))
    for _ in range(2):
        notifier.report_result(RELEASE, RESULT)

    assert hook.requests[0].body == hook.requests[1].body


def test_a_dead_channel_fails_nothing_while_another_works(
    make: Make, hook: Server, tls: Tls
) -> None:
    make(channel(hook, tls, teams_url=DEAD)).ask_for_approval(RELEASE, EVIDENCE)

    assert len(hook.requests) == 1


def test_a_message_that_nobody_took_is_a_fault_without_secrets(make: Make) -> None:
    with pytest.raises(PlatformError, match="Every channel failed: Slack, Teams") as caught:
        make(NotifySettings(slack_url=DEAD, teams_url=DEAD)).report_findings((FINDING,))

    assert "very-secret" not in str(caught.value)


def test_no_message_is_sent_without_a_channel(make: Make) -> None:
    make(NotifySettings()).ask_for_approval(RELEASE, EVIDENCE)


def test_this_machine_keeps_a_message_that_no_channel_took(tmp_path: Path) -> None:
    notifier = LocalNotifier(tmp_path, Notifications(NotifySettings(slack_url=DEAD)))

    with pytest.raises(PlatformError):
        notifier.ask_for_approval(RELEASE, EVIDENCE)

    kept = json.loads((tmp_path / "release-m-2-approval.json").read_text())
    assert kept["evidence"]["image_digest"] == "sha256:aa"


def test_a_server_of_another_authority_is_told_nothing(make: Make, hook: Server) -> None:
    with pytest.raises(PlatformError):
        make(NotifySettings(webhook_url=hook.url)).report_findings((FINDING,))

    assert hook.requests == []


def test_azure_sends_an_e_mail_by_the_app_s_identity(
    mail: CommunicationServer, azure_mail: AzureMail
) -> None:
    notifier = Notifications(NotifySettings(), {"Azure e-mail": azure_mail.send})

    notifier.ask_for_approval(RELEASE, EVIDENCE)

    (message,) = mail.sent.values()
    assert message["senderAddress"] == "mlops@x.org"
    assert [to["address"] for to in message["recipients"]["to"]] == ["ada@x.org", "grace@x.org"]
    assert message["content"]["subject"] == "m 2 waits for approval"
    assert "mse 3.0" in message["content"]["plainText"]


def test_an_e_mail_whose_answer_was_lost_is_sent_once(
    mail: CommunicationServer, azure_mail: AzureMail
) -> None:
    mail.losing = 1

    azure_mail.send("title", "text")

    assert len(mail.asked("POST")) == 2
    assert len(mail.sent) == 1


def test_an_e_mail_that_azure_drops_is_a_dead_channel(
    mail: CommunicationServer, azure_mail: AzureMail, hook: Server, tls: Tls
) -> None:
    mail.failing = True
    more = {"Azure e-mail": azure_mail.send}

    Notifications(channel(hook, tls), more).report_findings((FINDING,))

    assert len(hook.requests) == 1
    with pytest.raises(PlatformError, match="Azure e-mail"):
        Notifications(NotifySettings(), more).report_findings((FINDING,))
