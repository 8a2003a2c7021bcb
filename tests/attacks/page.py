"""The table of attacks in docs/explanation/security.md: `python -m tests.attacks.page` writes it."""

import importlib
import inspect
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from tests.attacks.attack import BORDERLESS, MARK, ONLY, SAME, Attack, attacked_code

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "docs" / "explanation" / "security.md"
BEGIN, END = "<!-- attacks: begin -->", "<!-- attacks: end -->"
TOPICS = {
    1: "Production changes only by a recorded decision",
    2: "A decision counts for the image and the evidence that it names",
    3: "Names are checked where they come in",
    4: "The local host refuses foreign hosts, other sites, large and slow requests",
    5: "Judged code neither judges itself nor approves itself",
    6: "The sandbox says how strong it is",
    7: "Events are compared with their source before they are believed",
    8: "Separation of duties and audit",
    9: "Production asks who calls",
    10: "Limits",
    11: "Secrets and dependencies",
}


def collect(modules: Iterable[ModuleType]) -> list[tuple[Attack, str]]:
    """Return each attack of these modules with its test's name, by topic and then by text."""
    found = {
        (mark.args[0], name)
        for module in modules
        for name, test in _tests(module)
        for mark in getattr(test, "pytestmark", ())
        if mark.name == MARK
    }
    return sorted(found, key=lambda pair: (pair[0].point, pair[0].does, pair[1]))


def attack_modules() -> list[ModuleType]:
    """Return every module of tests in this folder."""
    names = sorted(path.stem for path in FOLDER.glob("test_*.py"))
    return [importlib.import_module(f"tests.attacks.{name}") for name in names]


def describe(attacks: list[tuple[Attack, str]]) -> str:
    """Return the generated block: the counts, then a table for each topic."""
    ends = Counter(attack.before for attack, _ in attacks)
    read = [attack for attack, _ in attacks if attack.by == "reading"]
    untried = sum(attack.before == "absent" for attack in read)
    lines = [
        f"{len(attacks)} attacks. Before, {ends['succeeded']} of them succeeded, "
        f"{ends['refused']} were refused, and {ends['absent']} are on features that did not exist. "
        f"{len(attacks) - len(read)} of these results are trials: the attack ran against version 0.1.0, or against "
        f"commit {BORDERLESS}, the last one without the borders of the local host. The other "
        f"{len(read)} are readings of the code of version 0.1.0; {untried} of them could not be "
        "tried, because the attacked feature did not exist. Today 0 succeed: each row is a test in "
        "`tests/attacks/`, which `make test` runs.",
        "",
        _platforms(attacks),
    ]
    for point in sorted({attack.point for attack, _ in attacks}):
        lines += ["", f"### {TOPICS[point]}", ""]
        lines += [
            "| attack | answer | log or audit entry | before | Azure | test |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_row(attack, name) for attack, name in attacks if attack.point == point]
    return "\n".join(lines) + "\n"


def replaced(page: str, block: str) -> str:
    """Return the page with this block between its markers; ValueError when it has no markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} has no {BEGIN} and {END}.")
    return f"{before}{BEGIN}\n{block}{END}{after}"


def _tests(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Yield the test functions of a module and of its classes."""
    for name, member in vars(module).items():
        if name.startswith("test_") and inspect.isfunction(member):
            yield f"{module.__name__.rpartition('.')[2]}::{name}", member
        elif name.startswith("Test") and inspect.isclass(member):
            for inner, function in vars(member).items():
                if inner.startswith("test_"):
                    yield f"{module.__name__.rpartition('.')[2]}::{inner}", function


def _platforms(attacks: list[tuple[Attack, str]]) -> str:
    """Return the sentences about the platforms on which the attacks were tried."""
    kinds = Counter(
        attack.azure
        if attack.azure in (SAME, ONLY)
        else "code"
        if attacked_code(attack.azure)
        else "none"
        for attack, _ in attacks
    )
    return (
        f"{kinds[SAME]} attacks run on one machine and with the Azure adapters on this repository's "
        f"own Azure servers, by the same test, and {kinds[ONLY]} are attacks on Azure only. "
        f"{kinds['code']} call only code that both platforms run unchanged; the row names it. "
        f"{kinds['none']} have no equivalent in Azure, for the reason in the row."
    )


def _row(attack: Attack, name: str) -> str:
    version = "" if attack.version == "0.1.0" else f", {attack.version}"
    before = f"{attack.before} ({attack.by}{version})"
    cells = (attack.does, attack.answer, attack.log, before, attack.azure, f"`{name}`")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> int:
    """Write the block into the page."""
    block = describe(collect(attack_modules()))
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), block), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
