"""kill -9 in the middle of appends leaves a valid chain, in which nothing acknowledged is missing."""

import subprocess
import sys
from pathlib import Path

from function_app.adapters.local.rows import LocalRows
from function_app.records.audit import AuditLog

ROOT = Path(__file__).parents[2]
KILLS, ENTRIES = 3, 5
# Prints each entry's head once it is stored; two threads append at once.
APPEND = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from function_app.adapters.local.rows import LocalRows
from function_app.domain.access.audit import AuditEvent, Kind
from function_app.records.audit import AuditLog

log = AuditLog(LocalRows(Path(sys.argv[1])))
event = AuditEvent(kind=Kind.ORDER, action="train", at=datetime(2026, 1, 1, tzinfo=UTC))

def append():
    while True:
        print(str(log.append(event)) + "\\n", end="", flush=True)

for _ in range(2):
    Thread(target=append).start()
"""


def test_kill_9_in_the_middle_of_appends_keeps_the_chain(tmp_path: Path) -> None:
    log = AuditLog(LocalRows(tmp_path / "ledger.db"))
    for _ in range(KILLS):
        command = [sys.executable, "-c", APPEND, str(tmp_path / "ledger.db")]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            stored = [process.stdout.readline().strip() for _ in range(ENTRIES)]
            process.kill()

        check = log.check()
        assert check.faults == ()
        assert check.checked == check.head.number >= max(int(h.partition(":")[0]) for h in stored)
        hashes = {str(e["number"]): e["hash"] for e in log.newest(lambda event: True, 1000)}
        assert all(hashes[number] == digest for number, digest in (h.split(":") for h in stored))
