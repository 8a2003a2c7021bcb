"""Attacks by size: wide tables, huge files, entries that are no regular files."""

import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from function_app.domain.project import Limits
from function_app.errors import ContractError
from tests.attacks.attack import SAME, attack
from tests.attacks.hostile_files import LITTLE, ODD, CloudInbox, Inbox, LocalInbox
from tests.azure_servers.azure import azure, sdk_warnings

__all__ = ["azure"]
pytestmark = sdk_warnings


# Blob storage keeps files only: of these attacks it knows the size.
EVERYWHERE = [*(("local", kind) for kind in ODD), ("azure", "700 MB")]


@pytest.fixture
def make_inbox(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Inbox]:
    """Makes the inbox of the platform of this name."""

    def make(platform: str) -> Inbox:
        if platform == "azure":
            return CloudInbox(tmp_path, request.getfixturevalue("azure"))
        return LocalInbox(tmp_path)

    return make


def honest(path: Path) -> None:
    path.write_text("a,Y\n1,2\n")


@attack(
    point=10,
    does="puts a FIFO, a socket, a link to elsewhere or 700 MB into the inbox",
    answer="its event is refused, NOT_A_FILE or TOO_LARGE; a finding names it; nothing reads it",
    log="refused: NOT_A_FILE, TOO_LARGE",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize(("platform", "kind"), EVERYWHERE)
def test_anything_but_a_data_file_is_refused_unread(
    make_inbox: Callable[[str], Inbox], platform: str, kind: str
) -> None:
    make, code = ODD[kind]
    inbox = make_inbox(platform)
    inbox.land("odd.csv", make)
    inbox.land("honest.csv", honest)

    tracemalloc.start()
    try:
        inbox.watch()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert inbox.refused() == [("odd.csv", code)]
    assert len(inbox.office.stories.started) == 1, "the honest file beside it"
    findings = inbox.datasets.list_unreadable()
    assert [f.partition(": ")[0] for f in findings] == ["data/diabetes/odd.csv"]
    assert peak < LITTLE


@attack(
    point=10,
    does="asks for a training on a FIFO, a socket, a link to elsewhere or 700 MB by address",
    answer="refused, NOT_A_FILE or TOO_LARGE, or not in the inbox; the story does not hang",
    log="none: the story's outcome has the reason",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize(("platform", "kind"), EVERYWHERE)
def test_no_story_hangs_on_what_is_no_file(
    make_inbox: Callable[[str], Inbox], platform: str, kind: str
) -> None:
    make, _ = ODD[kind]
    inbox = make_inbox(platform)
    address = inbox.land(".odd.csv", make)

    tracemalloc.start()
    try:
        with pytest.raises(ContractError):
            inbox.datasets.add("diabetes", address)
        with pytest.raises(ContractError):
            inbox.datasets.find("data", "diabetes/.odd.csv")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < LITTLE
    assert inbox.versions() == []


@attack(
    point=10,
    does="renames a folder with a FIFO and a huge file in it into the inbox",
    answer="the other files are taken; these are not, and a finding names them",
    log="none: the findings name them",
    before="succeeded",
    azure=SAME,
    by="trial",
)
@pytest.mark.parametrize(
    ("platform", "odd"), [("local", ("fifo", "700 MB")), ("azure", ("700 MB",))]
)
def test_a_folder_with_odd_entries_is_listed(
    make_inbox: Callable[[str], Inbox], platform: str, odd: tuple[str, ...]
) -> None:
    inbox = make_inbox(platform)
    for kind in odd:
        inbox.land(f"{kind[:4]}.csv", ODD[kind][0])
    inbox.land("a.csv", honest)

    taken = []
    for file in inbox.datasets.list_folder("data", "diabetes"):
        with suppress(ContractError):
            taken.append(inbox.datasets.add("diabetes", file.uri))

    assert len(taken) == len(inbox.versions()) == 1
    assert len(inbox.datasets.list_unreadable()) == len(odd)


def test_the_largest_file_is_taken(tmp_path: Path) -> None:
    inbox, most = LocalInbox(tmp_path), Limits().data_file().most

    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(most)

    address = inbox.land(".largest.csv", make)
    tracemalloc.start()
    try:
        dataset = inbox.datasets.add("diabetes", address)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert Path(dataset.uri).stat().st_size == most
    assert peak < LITTLE
