"""The list of instances: its order, its pages, and rows read that do not grow with the store."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from funchost.durable import history as h
from funchost.storage import entities, instances
from funchost.storage.connection import Connection, connect
from funchost.storage.entities import EntityRecord
from funchost.storage.instances import Filters, InstanceRecord
from funchost.storage.store import Store
from tests.funchost.conftest import Host

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
FEW, MANY, PAGE = 1_000, 30_000, 100
OLD = Path(__file__).parent / "states" / "schema_5.sql"


def moment(number: int) -> str:
    return h.stamp(BEGIN + timedelta(seconds=number))


def record(number: int) -> InstanceRecord:
    """Return the instance of a number: ids in no order, one of ten waits, one of fifty failed."""
    status = "Running" if number % 10 == 0 else "Failed" if number % 50 == 7 else "Completed"
    name = f"{'job' if number % 3 else 'run'}-{hashlib.sha256(str(number).encode()).hexdigest()}"
    at = moment(number)
    return InstanceRecord(
        *(name, "o", "e", status, '{"a": 1}', "1", None, at, at, None, None, None, "", "", "")
    )


def entity(number: int) -> EntityRecord:
    """Return the entity of a number: ids in no order, one of ten is present."""
    name = "cart" if number % 5 else "user"
    key = hashlib.sha256(str(number).encode()).hexdigest()
    present = int(number % 10 == 3)
    return EntityRecord(f"@{name}@{key}", name, "1", moment(number), present, moment(number))


def filled(folder: Path, count: int) -> Connection:
    store = Store(folder)
    with store.transaction() as db:
        for number in range(count):
            instances.put(db, record(number))
        for number in range(count // 3):
            entities.put(db, entity(number))
    store.close()
    return connect((folder / "store.db").resolve(), cache=2000)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[int, Connection]]]:
    made = [(count, filled(tmp_path_factory.mktemp("store"), count)) for count in (FEW, MANY)]
    yield made
    for _, db in made:
        db.close()


def steps(db: Connection, filters: Filters, after: str) -> int:
    """Return how many steps SQLite's machine takes for a page of instances."""

    def read() -> None:
        found = instances.ids(db, filters, after, PAGE + 1)
        instances.get_many(db, found[:PAGE])

    return counted(db, read)


def counted(db: Connection, read: Callable[[], object]) -> int:
    """Return how many steps SQLite's machine takes to read: some for each row."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    db.set_progress_handler(step, 1)
    read()
    db.set_progress_handler(None, 1)
    return count


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(statuses=("Completed",)),
        Filters(statuses=("Failed", "Running")),
        Filters(statuses=("Terminated",)),
        Filters(prefix="run-"),
        Filters(prefix="nobody"),
        Filters(prefix="run-", statuses=("Failed",)),
        Filters(created_from=moment(MANY)),
        Filters(created_to=moment(-1)),
        Filters(created_to=moment(500)),
    ],
    ids=str,
)
@pytest.mark.parametrize("after", ["", "run-8"])
def test_a_page_reads_as_many_rows_in_a_large_store_as_in_a_small_one(
    stores: list[tuple[int, Connection]], filters: Filters, after: str
) -> None:
    (_, small), (_, large) = stores

    # A page of a small store may be short of entries; a full one reads a row for each entry.
    full = steps(small, Filters(), "")
    assert steps(large, filters, after) <= 2 * max(full, steps(small, filters, after))


@pytest.mark.parametrize("last", [50, 5_000, 20_000, MANY])
def test_the_latest_instances_are_found_without_reading_the_others(
    stores: list[tuple[int, Connection]], last: int
) -> None:
    _, large = stores[1]

    found = instances.ids(large, Filters(created_from=moment(MANY - last)), "", PAGE)
    read = steps(large, Filters(created_from=moment(MANY - last)), "")

    expected = sorted(record(number).id for number in range(MANY - last, MANY))
    assert found == expected[:PAGE]
    # Of few instances each is counted and compared; of many, only the first counted ones.
    assert read < 20 * min(last, instances.FEW) + 20_000


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(statuses=("Failed", "Running"), prefix="job-"),
        Filters(created_from=moment(100), created_to=moment(600)),
        Filters(created_from=moment(100), created_to=moment(25_000), statuses=("Failed",)),
    ],
    ids=str,
)
def test_pages_hold_each_instance_of_a_filter_once_in_the_order_of_ids(
    stores: list[tuple[int, Connection]], filters: Filters
) -> None:
    for count, db in stores:
        rows = map(record, range(count))
        expected = sorted(
            row.id
            for row in rows
            if row.status in (filters.statuses or instances.STATUSES)
            and row.id.startswith(filters.prefix)
            and (filters.created_from or "") <= row.created <= (filters.created_to or "9")
        )
        paged: list[str] = []
        while page := instances.ids(db, filters, paged[-1] if paged else "", 700):
            paged += page

        assert paged == expected
        assert instances.ids(db, filters) == expected


TIMES: list[tuple[str | None, str | None]] = [
    (None, None),
    (moment(MANY), None),
    (None, moment(-1)),
    (None, moment(150)),
    (moment(20), moment(9_000)),
]


@pytest.mark.parametrize("after", ["", "@user@8"])
@pytest.mark.parametrize("name", [None, "user", "nobody"])
@pytest.mark.parametrize(("begin", "end"), TIMES)
def test_a_page_of_entities_is_that_of_a_plain_filter_and_reads_few_rows(
    stores: list[tuple[int, Connection]],
    begin: str | None,
    end: str | None,
    name: str | None,
    after: str,
) -> None:
    count, db = stores[1]
    prefix = "" if name is None else f"@{name}@"
    filters = Filters(prefix=prefix, created_from=begin, created_to=end)
    listed = sorted(
        row
        for row in map(entity, range(count // 3))
        if row.id.startswith(prefix)
        and row.id > after
        and (begin or "") <= row.created <= (end or "9")
    )

    assert entities.ids(db, filters, after, PAGE) == [row.id for row in listed][:PAGE]
    present = [row for row in listed if row.present]
    assert entities.select(db, name, begin, end, after=after, most=PAGE) == present[:PAGE]
    # Of a range of times, at most FEW are counted; reading all 10,000 takes over 40,000 steps.
    for read in (
        lambda: entities.ids(db, filters, after, PAGE),
        lambda: entities.select(db, name, begin, end, after=after, most=PAGE),
    ):
        assert counted(db, read) < 9 * instances.FEW + 5_000


def test_a_list_of_entities_that_are_deleted_reads_no_row(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.transaction() as db:
        for number in range(2_000):
            entities.put(db, entity(number)._replace(present=0))
    store.close()
    with closing(connect((tmp_path / "store.db").resolve(), cache=2000)) as db:
        assert counted(db, lambda: entities.select(db, None, None, None)) < 100


def test_a_state_folder_of_an_earlier_version_is_listed_and_goes_on(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store.db")) as db:
        db.executescript(OLD.read_text(encoding="utf-8"))
    host = Host(tmp_path)
    host.start()
    try:
        listed = host.manage("GET", "/instances").json()
        ids = ["aa-paused", "bb-failed", "mm-waiting", "zz-chain"]
        assert [one["instanceId"] for one in listed] == ids
        shown = host.manage("GET", "/instances/bb-failed", params={"showHistory": "true"}).json()
        assert [event["EventType"] for event in shown["historyEvents"]] == [
            *("ExecutionStarted", "TaskFailed", "ExecutionCompleted"),
        ]
        # Their timers are long due.
        assert host.finished("mm-waiting")["output"] == "late"
        assert host.status("aa-paused")["runtimeStatus"] == "Suspended"
        assert host.manage("POST", "/instances/aa-paused/resume").status_code == 202
        assert host.finished("aa-paused")["output"] == "late"
    finally:
        host.stop()


def test_filters_and_pages_of_the_api(host: Host) -> None:
    for name in ("list-b", "list-a", "list-c"):
        host.manage("POST", f"/orchestrators/waiting/{name}")
    host.manage("POST", "/instances/list-c/terminate", params={"reason": "x"})
    host.finished("list-c")

    def listed(**query: object) -> list[str]:
        answer = host.manage("GET", "/instances", params={"instanceIdPrefix": "list-", **query})
        return [one["instanceId"] for one in answer.json()]

    first = host.manage("GET", "/instances", params={"instanceIdPrefix": "list-", "top": 3})
    assert listed() == ["list-a", "list-b", "list-c"]
    assert first.headers["x-ms-continuation-token"] == "", "it is there and empty at the end"
    assert listed(top=0) == []
    assert listed(runtimeStatus=["Terminated", "Pending", "Running"]) == listed()
    assert listed(runtimeStatus="terminated,Nonsense") == ["list-c"]
    for wrong in ({"runtimeStatus": "Nonsense"}, {"top": "1.5"}, {"top": "-1"}, {"top": "x"}):
        assert host.manage("GET", "/instances", params=wrong).status_code == 400
    bad = {"x-ms-continuation-token": "nonsense!"}
    assert host.manage("GET", "/instances", headers=bad).status_code == 400
    purge = {"createdTimeFrom": "2020-01-01T00:00:00Z", "runtimeStatus": "Completed,Nonsense"}
    assert host.manage("DELETE", "/instances", params=purge).status_code == 400
