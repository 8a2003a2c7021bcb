"""`status`, `releases` and `doctor` on records of which one of each kind cannot be read."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from function_app.adapters.local.rows import LocalRows
from function_app.domain.events.inbox import Claim, InboxEvent
from function_app.domain.release.release import Release, ReleasePolicy, ReleaseRecord, ReleaseStatus
from function_app.domain.stories.lane import LaneRequest
from function_app.ports.rows import Put
from function_app.records.damage import partition_of
from function_app.records.inbox.inbox import StoredInbox
from function_app.records.ledger.ledger import StoredLedger
from tests.made_once import prepare
from tests.mlopsctl import invocation
from tests.mlopsctl.conftest import Up

NOW = datetime(2026, 1, 1, tzinfo=UTC)
# A row of each kind: its partition, the prefix of its key, and the words that name it.
ROWS = (
    ("releases", "at/", "release-diabetes-1"),
    ("events", "pending/", "event "),
    ("claims", "at/", "claim"),
    ("lanes", "l/o", "lane entry l"),
)
DECISION = "diabetes: decision/x/y"


def release(version: str, at: datetime) -> ReleaseRecord:
    return ReleaseRecord(
        release=Release(
            release_id=f"release-diabetes-{version}",
            model="diabetes",
            version=version,
            policy=ReleasePolicy(approvers=("ada",)),
        ),
        status=ReleaseStatus.FAILED,
        updated_at=at,
        begun_at=at,
        reasons=(f"The reason of version {version}.",),
    )


def fill(rows: LocalRows, inbox_rows: LocalRows) -> None:
    """Store two records of each kind, and damage the first one of each."""
    ledger, inbox = StoredLedger(rows), StoredInbox(inbox_rows)
    for version in ("2", "1"):
        ledger.save_release(release(version, NOW + timedelta(hours=int(version == "1"))))
    for number in range(2):
        key = f"{number:064x}"
        event = InboxEvent(event_key=key, channel="api", payload={}, received_at=NOW)
        inbox.accept([event])
        claim = Claim(
            key=key, owner=f"o{number}", type="t", subject="s", content="c", claimed_at=NOW
        )
        inbox.claim(claim)
    for owner in ("o", "p"):
        request = LaneRequest(lane="l", owner=owner, since=NOW, hold=timedelta(hours=1))
        ledger.take_lane(request, NOW)
    for partition, prefix, _ in ROWS:
        place = inbox_rows if partition in ("events", "claims") else rows
        row = place.query(partition, prefix)[0]
        place.write(partition, [Put(key=row.key, content={"odd": [1]}, etag=row.etag)])
    key = "decision/x/y"
    rows.write(partition_of("diabetes"), [Put(key=key, content={"decisions": 7}, etag=None)])


def test_each_damaged_record_is_named_and_hides_no_other(
    tmp_path: Path, start_up: Callable[..., Up]
) -> None:
    state = tmp_path / "state"
    prepare(state)
    start_up(state, "--port", "0").announced()
    fill(LocalRows(state / "ledger.db"), LocalRows(state / "inbox.db"))

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environ = {"MLOPS_STATE": str(state), "MLOPS_URL": ""}
        return invocation.run(*words, environ=environ)

    status, listed = run("status"), run("releases")
    compared, doctor = run("reconcile"), run("doctor")

    assert (status.returncode, listed.returncode) == (0, 0), status.stderr + listed.stderr
    assert "The reason of version 2." in listed.stdout
    assert "release-diabetes-1" not in listed.stdout
    assert (compared.returncode, doctor.returncode) == (1, 1)
    assert "ok   app: " in doctor.stdout, "the rest is shown"
    for words in (*(words for _, _, words in ROWS), DECISION):
        assert words in compared.stdout, compared.stdout
        assert any(line.startswith("BAD ") and words in line for line in doctor.stdout.splitlines())
    for ended in (status, listed, compared, doctor):
        assert "Traceback" not in ended.stdout + ended.stderr
