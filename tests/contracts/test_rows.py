"""The contract of rows, in SQLite and in Azure Tables."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from function_app.adapters.azure.rows import AzureRows
from function_app.adapters.local.rows import LocalRows
from function_app.errors import ContractError
from function_app.ports import Rows
from function_app.ports.rows import (
    LONGEST_CONTENT,
    LONGEST_KEY,
    MOST_CHANGES,
    Delete,
    Put,
    Row,
    RowsChangedError,
)
from function_app.records.changing import until_unchanged
from tests.contracts.memory_rows import MemoryRows

TEXTS = (
    "a",
    "A",
    "a/b\\c#d?e%",
    "ü",
    "\U0001f600",
    "\ufffd",
    "\ud800",
    "\x00\n",
    "=",
    "=~",
    "~",
    "a b",
)


@pytest.fixture(params=["memory", "local", "azure"])
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> Rows:
    if request.param == "memory":
        return MemoryRows()
    if request.param == "azure":
        return AzureRows(request.getfixturevalue("connection"))
    return LocalRows(tmp_path / "state" / "ledger.db")


def stored(rows: Rows, partition: str, key: str) -> Row:
    row = rows.get(partition, key)
    assert row is not None
    return row


def test_a_row_is_read_as_it_was_written(rows: Rows) -> None:
    content = {"text": 'ü "\n', "number": 1.5, "none": None, "list": [1, {"a": True}]}
    rows.write("p", [Put(key="k", content=content)])

    row = stored(rows, "p", "k")

    assert (row.partition, row.key, row.content) == ("p", "k", content)
    assert row.etag


def test_an_unknown_row_is_none(rows: Rows) -> None:
    rows.write("p", [Put(key="k", content={})])

    assert rows.get("p", "other") is None
    assert rows.get("other", "k") is None
    assert rows.query("other") == ()


def test_a_new_row_must_not_exist(rows: Rows) -> None:
    rows.write("p", [Put(key="k", content={"n": 1})])

    with pytest.raises(RowsChangedError, match="ROWS_CHANGED"):
        rows.write("p", [Put(key="k", content={"n": 2})])

    assert stored(rows, "p", "k").content == {"n": 1}


def test_a_row_is_replaced_only_as_it_was_read(rows: Rows) -> None:
    rows.write("p", [Put(key="k", content={"n": 1})])
    first = stored(rows, "p", "k")
    rows.write("p", [Put(key="k", content={"n": 2}, etag=first.etag)])
    second = stored(rows, "p", "k")

    assert second.etag != first.etag
    with pytest.raises(RowsChangedError):
        rows.write("p", [Put(key="k", content={"n": 3}, etag=first.etag)])
    with pytest.raises(RowsChangedError):
        rows.write("p", [Put(key="another", content={}, etag=second.etag)])
    assert stored(rows, "p", "k") == second
    assert rows.get("p", "another") is None


def test_a_row_is_deleted_only_as_it_was_read(rows: Rows) -> None:
    rows.write("p", [Put(key="k", content={"n": 1})])
    first = stored(rows, "p", "k")
    rows.write("p", [Put(key="k", content={"n": 2}, etag=first.etag)])

    with pytest.raises(RowsChangedError):
        rows.write("p", [Delete(key="k", etag=first.etag)])
    rows.write("p", [Delete(key="k", etag=stored(rows, "p", "k").etag)])

    assert rows.get("p", "k") is None
    with pytest.raises(RowsChangedError):
        rows.write("p", [Delete(key="k", etag=first.etag)])


def test_the_etag_of_a_deleted_row_never_returns(rows: Rows) -> None:
    rows.write("p", [Put(key="k", content={})])
    first = stored(rows, "p", "k")
    rows.write("p", [Delete(key="k", etag=first.etag)])
    rows.write("p", [Put(key="k", content={})])

    assert stored(rows, "p", "k").etag != first.etag


def test_a_write_is_done_whole_or_not_at_all(rows: Rows) -> None:
    rows.write("p", [Put(key=key, content={"n": 1}) for key in ("a", "b", "c")])
    before = rows.query("p")
    a, b, _ = before

    with pytest.raises(RowsChangedError):
        rows.write(
            "p",
            [
                Put(key="a", content={"n": 2}, etag=a.etag),
                Delete(key="b", etag=b.etag),
                Put(key="new", content={}),
                Put(key="c", content={"n": 2}, etag="W/\"datetime'2020-01-01T00%3A00%3A00Z'\""),
            ],
        )
    assert rows.query("p") == before

    changes: list[Put | Delete] = [
        Put(key="a", content={"n": 2}, etag=a.etag),
        Delete(key="b", etag=b.etag),
        Put(key="new", content={}),
    ]
    rows.write("p", changes)
    assert [(row.key, row.content) for row in rows.query("p")] == [
        ("a", {"n": 2}),
        ("c", {"n": 1}),
        ("new", {}),
    ]


def test_writing_nothing_is_no_error(rows: Rows) -> None:
    rows.write("p", [])

    assert rows.query("p") == ()


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_is_a_partition_and_a_key(rows: Rows, text: str) -> None:
    rows.write(text, [Put(key=text, content={"text": text})])

    row = stored(rows, text, text)

    assert (row.partition, row.key, row.content) == (text, text, {"text": text})
    assert rows.query(text, text) == (row,)


def test_rows_come_in_the_order_of_their_keys(rows: Rows) -> None:
    rows.write("p", [Put(key=text, content={}) for text in TEXTS])

    assert [row.key for row in rows.query("p")] == sorted(TEXTS)


@pytest.mark.parametrize("prefix", ["a", "a/", "ü", "x" * 500, "x" * 332 + "ü", ""])
def test_a_prefix_finds_the_keys_that_begin_with_it_and_no_other(rows: Rows, prefix: str) -> None:
    keys = ["a", "a/b", "a/c", "ab", "b", "ü", "üa", "x" * 332 + "üa", "x" * 332 + "ä"]
    keys += ["x" * 500 + "1", "x" * 500 + "2", "x" * 499 + "y", "x" * LONGEST_KEY]
    rows.write("p", [Put(key=key, content={"key": key}) for key in keys])

    found = rows.query("p", prefix)

    assert [row.key for row in found] == sorted(key for key in keys if key.startswith(prefix))
    assert all(row.content == {"key": row.key} for row in found)


def test_rows_with_any_keys_are_read_once_each_page_by_page(rows: Rows) -> None:
    keys = [f"at/m-{n}/sha:{n:x}/ä" for n in range(11)] + ["at/m-1", "at/m-10", "at/~", "at/."]
    rows.write("p", [Put(key=key, content={}) for key in [*keys, "as/9", "au"]])

    read: list[str] = []
    while page := rows.query("p", "at/", after=read[-1] if read else "", limit=4):
        read += [row.key for row in page]

    assert sorted(read) == sorted(keys)


def test_a_part_of_the_keys_begins_behind_a_key_and_ends_after_so_many(rows: Rows) -> None:
    keys = [f"at/{n:03}-{word}" for n in range(8) for word in ("A", "a_b", "a.b")]
    rows.write("p", [Put(key=key, content={}) for key in [*keys, "as/9", "at", "au"]])
    keys.sort()

    def keys_after(after: str, limit: int | None) -> list[str]:
        return [row.key for row in rows.query("p", "at/", after=after, limit=limit)]

    assert keys_after("", 5) == keys[:5]
    assert keys_after(keys[4], 5) == keys[5:10]
    assert keys_after(keys[21], 5) == keys[22:]
    assert keys_after(keys[23], None) == []
    assert keys_after("at/004", None) == keys[12:]
    assert keys_after("a", 3) == keys[:3]
    assert keys_after("b", None) == []


def test_long_keys_with_the_same_beginning_are_different_rows(rows: Rows) -> None:
    one, two = "k" * (LONGEST_KEY - 1) + "1", "k" * (LONGEST_KEY - 1) + "2"
    rows.write("p", [Put(key=one, content={"n": 1}), Put(key=two, content={"n": 2})])

    assert (stored(rows, "p", one).content, stored(rows, "p", two).content) == ({"n": 1}, {"n": 2})


@pytest.mark.parametrize("content", ["ü" * 79_990, '"' * 239_000])
def test_content_of_the_longest_length_is_stored_whole(rows: Rows, content: str) -> None:
    rows.write("p", [Put(key="k", content={"text": content})])

    assert stored(rows, "p", "k").content == {"text": content}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ([Put(key="k", content={"t": "x" * LONGEST_CONTENT})], "characters of JSON; 480000 are"),
        ([Put(key=f"{n}", content={"t": "x" * 390_000}) for n in range(4)], "1500000 characters"),
        ([Put(key="", content={})], "A key has 0 characters"),
        ([Put(key="k" * (LONGEST_KEY + 1), content={})], "A key has 1001 characters"),
        ([Put(key="k", content={}), Put(key="k", content={})], "the same row twice"),
        ([Put(key=f"{n}", content={}) for n in range(MOST_CHANGES + 1)], "101 changes; 100"),
    ],
)
def test_a_write_beyond_the_limits_is_refused_whole(
    rows: Rows, changes: list[Put], reason: str
) -> None:
    with pytest.raises(ContractError, match=reason):
        rows.write("p", changes)

    assert rows.query("p") == ()


def test_as_many_changes_as_one_write_may_have_are_atomic(rows: Rows) -> None:
    rows.write("p", [Put(key=f"{n:03}", content={"n": n}) for n in range(MOST_CHANGES)])

    assert [row.content["n"] for row in rows.query("p")] == list(range(MOST_CHANGES))


def test_many_writers_at_once_lose_no_change(rows: Rows) -> None:
    rows.write("p", [Put(key="count", content={"n": 0})])

    def count(_: int) -> None:
        def attempt() -> None:
            row = stored(rows, "p", "count")
            content = {"n": row.content["n"] + 1}
            rows.write("p", [Put(key="count", content=content, etag=row.etag)])

        until_unchanged("count", attempt)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(24)))

    assert stored(rows, "p", "count").content == {"n": 24}


def test_one_of_many_concurrent_creations_of_a_row_succeeds(rows: Rows) -> None:
    def create(number: int) -> bool:
        try:
            rows.write("p", [Put(key="k", content={"n": number})])
        except RowsChangedError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(16))) == 1
