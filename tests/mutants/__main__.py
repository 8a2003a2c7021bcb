"""`make mutants`: which faults in the rules of decisions do the tests not find?

Exit status 1 when a fault survives that is not argued to be equivalent, or an argument is stale.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutants.named import NAMED, Named
from tests.mutants.operators import Mutant, find_mutants
from tests.mutants.runner import MutantsError, run_contents
from tests.mutants.subjects import ROOT, SUBJECTS, Argued, read_argued
from tests.mutants.worker import TIMED_OUT


@dataclass(slots=True, kw_only=True)
class Tally:
    """The counts of one module, the texts of its survivors, and the arguments that do not hold."""

    name: str
    mutants: int = 0
    killed: int = 0
    timed_out: int = 0
    argued: int = 0
    seconds: float = 0.0
    survivors: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """True when each mutant was killed or is argued, and each argument holds."""
        return not self.survivors and not self.stale


def main(words: Sequence[str] | None = None) -> int:
    """Run the mutants, print a table and the survivors; return the exit status."""
    parser = argparse.ArgumentParser(prog="tests.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", help="parts of paths, such as approval; all if none")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--lines", help="only mutants of these lines, such as 10-25")
    parser.add_argument("--named", action="store_true", help="only the faults that have names")
    parser.add_argument("--list", action="store_true", help="count the mutants and run nothing")
    arguments = parser.parse_args(words)
    chosen = [
        path for path in SUBJECTS if (ROOT / path).exists() and _matches(path, arguments.modules)
    ]
    if arguments.list:
        for path in chosen:
            print(f"{path}: {len(find_mutants((ROOT / path).read_text(encoding='utf-8')))}")
        return 0
    tallies = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        try:
            for path in chosen if not arguments.named else ():
                tallies.append(_run_module(path, Path(folder), arguments.workers, arguments.lines))
                _print(tallies[-1])
            if not arguments.lines:
                for found in _run_named(arguments.modules, Path(folder)):
                    tallies.append(found)
                    _print(found)
        except MutantsError as error:
            print(error, file=sys.stderr)
            return 2
    print(table(tallies))
    return 0 if all(tally.good for tally in tallies) else 1


def _matches(path: str, parts: Sequence[str]) -> bool:
    return not parts or any(part in path for part in parts)


def _run_module(path: str, folder: Path, workers: int, lines: str | None) -> Tally:
    source = (ROOT / path).read_text(encoding="utf-8")
    mutants = find_mutants(source)
    if lines:
        first, _, last = lines.partition("-")
        mutants = tuple(m for m in mutants if int(first) <= m.line <= int(last or first))
    contents = [mutant.apply(source) for mutant in mutants]
    trials = run_contents(path, SUBJECTS[path], contents, folder, workers)
    tally = Tally(name=path, mutants=len(mutants))
    argued = [entry for entry in read_argued() if entry.module == path]
    for mutant, trial in zip(mutants, trials, strict=True):
        covered = any(entry.covers(path, mutant) for entry in argued)
        text = f"{path}:{mutant.line} {mutant.scope}: {mutant.before} -> {mutant.after}"
        if trial.survived and not covered:
            tally.survivors.append(text)
        elif trial.survived:
            tally.argued += 1
        elif covered:
            tally.stale.append(f"{text}: argued equivalent, but a test fails: {trial.said[-300:]}")
        tally.killed += not trial.survived
        tally.timed_out += trial.outcome == TIMED_OUT
        tally.seconds += trial.seconds
    if not lines:
        tally.stale += stale_arguments(argued, mutants, path)
    return tally


def stale_arguments(argued: Iterable[Argued], mutants: Iterable[Mutant], path: str) -> list[str]:
    """Return a sentence for each argument that does not fit as many mutants as it says."""
    found, all_mutants = [], list(mutants)
    for entry in argued:
        count = sum(entry.covers(path, mutant) for mutant in all_mutants)
        if count != entry.count:
            change = f"{entry.before} -> {entry.after}"
            found.append(f"{path} {entry.scope}: {change}: {count} mutants, argued {entry.count}")
    return found


def _run_named(parts: Sequence[str], folder: Path) -> Iterable[Tally]:
    groups: dict[tuple[str, tuple[str, ...]], list[Named]] = {}
    for fault in NAMED:
        if _matches(fault.path, parts):
            groups.setdefault((fault.path, fault.tests), []).append(fault)
    for (path, tests), faults in groups.items():
        trials = run_contents(path, tests, [fault.apply() for fault in faults], folder)
        tally = Tally(name=f"{path}, named faults", mutants=len(faults))
        for fault, trial in zip(faults, trials, strict=True):
            tally.killed += not trial.survived
            tally.timed_out += trial.outcome == TIMED_OUT
            if trial.survived:
                tally.survivors.append(f"{path}: {fault.name}")
        yield tally


def _print(tally: Tally) -> None:
    print(f"{tally.name}: {tally.killed} of {tally.mutants} killed, {tally.seconds:.1f} s of CPU")
    for text in (*tally.survivors, *tally.stale):
        print(f"  {text}")
    sys.stdout.flush()


def table(tallies: Iterable[Tally]) -> str:
    """Return the counts of the modules as a table in Markdown."""
    lines = ["| module | mutants | killed | of them by time limit | argued equivalent | survived |"]
    lines.append("|---|---:|---:|---:|---:|---:|")
    for tally in tallies:
        counts = (tally.mutants, tally.killed, tally.timed_out, tally.argued)
        cells = [tally.name, *map(str, counts), str(len(tally.survivors))]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
