"""An activity decodes, calls a port or one use case, and encodes; its length is limited.

A long activity mixes rules with calls, so that neither can be tried or used by itself. Rules belong
in function_app/domain, calls of several ports and records in function_app/services.
"""

import ast
import inspect
import textwrap

import pytest

from function_app import composition, steps
from function_app.steps.step import Step, check_bound

# Lines of a body without its docstring.
LONGEST = 10
assert composition.ACTIVITIES  # importing them binds each step to its activity


def body_lines(source: str) -> int:
    """Return how many lines the body of the only function in a source has, docstring excluded."""
    function = ast.parse(textwrap.dedent(source)).body[0]
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    end, body = function.end_lineno, function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    assert end is not None
    return end - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("step", steps.STEPS, ids=lambda step: step.name)
def test_an_activity_is_short(step: Step[object, object]) -> None:
    check_bound((step,))
    assert step.run is not None
    lines = body_lines(inspect.getsource(step.run))

    assert lines <= LONGEST, (
        f"{step.name} has {lines} lines. Move its rules into function_app/domain and its calls "
        "into function_app/services."
    )


def test_only_the_lines_of_a_body_are_counted() -> None:
    source = '''
    @steps.smoke_test.activity
    def smoke_test(
        ports: Ports, test: SmokeTest
    ) -> GateResult:
        """Say what it does.

        In several lines.
        """
        result = judge(
            test,
        )

        return result
    '''

    assert body_lines(source) == 5
