"""Messages to people on this machine: one JSON file each, in an outbox folder."""

import json
from pathlib import Path
from typing import Any

from function_app.adapters.local.reach.files import sha256, write_whole
from function_app.domain.codec import dump
from function_app.domain.reconciliation import Finding
from function_app.domain.release.approval import Evidence
from function_app.domain.release.release import Release, ReleaseResult
from function_app.domain.stories.outcomes import StoryEnd
from function_app.ports import Notifier


class LocalNotifier:
    """Writes each message to a file and sends it to the configured channels.

    A repeated call replaces the same file.
    """

    def __init__(self, outbox: Path, channels: Notifier | None = None) -> None:
        self._outbox, self._channels = outbox, channels

    def ask_for_approval(self, release: Release, evidence: Evidence) -> None:
        content = {"release": dump(release), "evidence": dump(evidence)}
        self._write(f"{release.release_id}-approval", content)
        if self._channels:
            self._channels.ask_for_approval(release, evidence)

    def report_result(self, release: Release, result: ReleaseResult) -> None:
        content = {"release": dump(release), "result": dump(result)}
        self._write(f"{release.release_id}-result", content)
        if self._channels:
            self._channels.report_result(release, result)

    def report_outcome(self, end: StoryEnd) -> None:
        self._write(f"{end.instance_id}-outcome", {"end": dump(end)})
        if self._channels:
            self._channels.report_outcome(end)

    def report_findings(self, findings: tuple[Finding, ...]) -> None:
        content = {"findings": dump(findings)}
        self._write(f"findings-{sha256(json.dumps(content).encode())[:12]}", content)
        if self._channels:
            self._channels.report_findings(findings)

    def _write(self, name: str, content: dict[str, Any]) -> None:
        text = json.dumps(content, indent=2) + "\n"
        write_whole(self._outbox / f"{name}.json", text.encode())
