"""The mutation operators find the faults that they promise, and nothing else."""

import ast

import pytest

from tests.mutants.__main__ import stale_arguments
from tests.mutants.named import NAMED, Named
from tests.mutants.operators import find_mutants
from tests.mutants.subjects import ROOT, SUBJECTS, Argued, read_argued

PATHS = [path for path in SUBJECTS if (ROOT / path).exists()]


def faults(source: str) -> set[str]:
    """Return the texts of all mutants of a source."""
    return {mutant.apply(source) for mutant in find_mutants(source)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a < b", {"x = (a <= b)", "x = (a >= b)"}),
        ("x = a is b", {"x = (a is not b)"}),
        ("x = a and b", {"x = (a or b)", "x = (b)", "x = (a)"}),
        ("x = not a", {"x = (a)"}),
        ("x = a * b", {"x = (a / b)"}),
        ("x = a[-1]", {"x = (a[0])", "x = a[(1)]"}),
        ("x = 0.5", {"x = (1.0)"}),
        ("x = 'ä', 3", {"x = (''), 3", "x = 'ä', (4)"}),
        ("x = f'{a}' 'b'", {"x = ('')"}),
        ("x = min(a)", {"x = (max(a))"}),
        ("x = f(a, b=c)", {"x = (f(a))"}),
        ("f(a)", {"pass"}),
        ("x: int = True", {"x: int = (False)"}),
        ("for a in b:\n    continue", {"for a in b:\n    break"}),
        ("x = [a for a in b if c]", {"x = [a for a in b if (True)]", "x = [a for a in b if (False)]"}),
        ("def f():\n    'Text.'\n    return a", {"def f():\n    'Text.'\n    return None"}),
        ("if a:\n    raise b", {"if (True):\n    raise b", "if (False):\n    raise b", "if a:\n    pass"}),
        ("x += a", {"x -= a", "pass"}),
        ("'Text.'\nimport a\n@d(slots=True)\nclass C(B):\n    'Text.'\n    a: 'int'", set()),
    ],
)  # fmt: skip
def test_the_faults_of_a_source_are_exactly_these(source: str, expected: set[str]) -> None:
    assert faults(source) == expected


def test_a_mutant_says_its_line_and_its_function() -> None:
    (mutant,) = find_mutants("class C:\n    def f(self):\n        return not a\n")[1:]

    assert (mutant.line, mutant.scope, mutant.before, mutant.after) == (
        *(3, "C.f", "not a", "(a)"),
    )


@pytest.mark.parametrize("path", PATHS)
def test_each_mutant_of_a_subject_is_valid_and_differs(path: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    whole = ast.dump(ast.parse(source))

    mutants = find_mutants(source)
    # Parsing all of them takes seconds.
    dumps = [ast.dump(ast.parse(mutant.apply(source))) for mutant in mutants[::40]]

    assert whole not in dumps
    assert len(mutants) > 5


@pytest.mark.parametrize("path", PATHS)
def test_the_tests_of_a_subject_exist(path: str) -> None:
    assert [test for test in SUBJECTS[path] if not (ROOT / test).exists()] == []


@pytest.mark.parametrize("fault", NAMED, ids=lambda fault: fault.name)
def test_a_named_fault_fits_its_file(fault: Named) -> None:
    ast.parse(fault.apply())
    assert [test for test in fault.tests if not (ROOT / test).exists()] == []


def test_each_argument_fits_a_mutant_and_gives_a_reason() -> None:
    argued = read_argued()

    for path in {entry.module for entry in argued}:
        mutants = find_mutants((ROOT / path).read_text(encoding="utf-8"))
        assert stale_arguments([e for e in argued if e.module == path], mutants, path) == []
    assert all(len(entry.reason) > 20 for entry in argued)


def test_an_argument_that_fits_no_mutant_is_reported() -> None:
    entry = Argued(module="m", scope="f", before="not a", after="(a)", reason="none")

    assert stale_arguments([entry], find_mutants("x = not a"), "m") == [
        "m f: not a -> (a): 0 mutants, argued 1"
    ]
