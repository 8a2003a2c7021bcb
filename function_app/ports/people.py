"""Ports to people (notifications, approvers), to the topic, and to the clock."""

from datetime import datetime
from typing import Protocol

from function_app.domain.reconciliation import Finding
from function_app.domain.release.approval import Evidence
from function_app.domain.release.release import Release, ReleaseResult
from function_app.domain.stories.outcomes import StoryEnd


class Notifier(Protocol):
    """Messages to people."""

    def ask_for_approval(self, release: Release, evidence: Evidence) -> None:
        """Notify the approvers that a release waits for their decision."""

    def report_result(self, release: Release, result: ReleaseResult) -> None:
        """Notify people how a release ended."""

    def report_outcome(self, end: StoryEnd) -> None:
        """Notify the operators that a story ended in a failure or a rejection."""

    def report_findings(self, findings: tuple[Finding, ...]) -> None:
        """Notify the operators of findings that the app did not repair."""


class Approvers(Protocol):
    """Identifies the people who may decide on releases."""

    def identify(self, token: str) -> str | None:
        """Return the name in mlops.toml of the person whose token this is, None for no person.

        In Azure a person without a name there is the object id. PlatformError when the platform
        cannot check tokens now.
        """


class Events(Protocol):
    """The topic on which this app publishes its own events."""

    def publish(self, kind: str, subject: str, content: dict[str, object]) -> None:
        """Publish an event; the topic has stored it when this returns."""


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Return the time in UTC."""
