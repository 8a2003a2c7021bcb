from pathlib import Path

import pytest

from infra.check.evaluate import EvaluationError, Instance
from infra.check.parser import parse
from infra.check.problems import BicepSyntaxError
from infra.check.program import Program
from infra.check.render import render
from infra.check.syntax import Call, Lambda, Literal, Object, Operation
from tests.infra.conftest import ROOT


def value_of(expression: str, **params: object) -> object:
    """Return what a Bicep expression comes to."""
    declared = "".join(f"param {name} object\n" for name in params)
    file = parse("a.bicep", f"{declared}var x = {expression}\n")
    program = Program(root=Path("."), files={"a.bicep": file})
    return Instance(program, file, params, {}).symbol("x", 1)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("!(1 == 2) && 3 >= 2", True),
        ("false ? 1 : true ? 2 : 3", 2),
        ("null ?? 'other'", "other"),
        ("'a' =~ 'A'", True),
        ("'it\\'s ${'x'}${1 + 1} \\${no}'", "it's x2 ${no}"),
        ("'${'{${'deep'}}'}'", "{deep}"),
        ("'''\nline // no comment\n${raw}'''", "line // no comment\n${raw}"),
        ("[1, 2\n 3\n]", [1, 2, 3]),
        ("[for n in [1, 2]: n * 2]", [2, 4]),
        ("[for (n, i) in ['a', 'b']: '${n}${i}']", ["a0", "b1"]),
        ("[for n in [1, 2, 3]: if (n > 1) n]", [2, 3]),
        ("{ a: 1, 'b-c': { d: [true] } }['b-c'].d[0]", True),
        ("{ ...{ a: 1 }, b: 2 }", {"a": 1, "b": 2}),
        ("toObject(['x'], k => 'key-${k}', k => toUpper(k))", {"key-x": "X"}),
        ("union({ a: 1 }, { a: 2 })", {"a": 2}),
        ("last(split('a/b/c', '/'))", "c"),
        ("length(uniqueString('x'))", 13),
        ("-3 % 2", -1),
        ("1 /* in the middle */ + 1 // at the end", 2),
    ],
)
def test_an_expression_comes_to_what_bicep_says(expression: str, value: object) -> None:
    assert value_of(expression) == value


def test_a_value_that_only_azure_knows_stays_unknown_through_everything() -> None:
    file = parse("a.bicep", "param x object\nvar y = 'https://${toLower(x.y[0].z)}/'\n")
    program = Program(root=Path("."), files={"a.bicep": file})

    assert "<" in repr(Instance(program, file, {}, {}).symbol("y", 1))


def test_a_member_that_is_not_there_is_an_error_with_its_line() -> None:
    with pytest.raises(EvaluationError, match="no c in"):
        value_of("{ a: { b: 1 } }.a.c")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("var x = 'a", 1, "not closed"),
        ("\nvar x = '''a", 2, "multi-line string is not closed"),
        ("var x = 1 /* a", 1, "comment is not closed"),
        ("var x = '${a'", 1, "not closed"),
        ("var x = '\\q'", 1, "escape"),
        ("var x = [1 2]", 1, "comma or a new line"),
        ("var x = { a 1 }", 1, "':'"),
        ("var x = 1 var y = 2", 1, "end of the line"),
        ("var x = a.", 1, "a name"),
        ("var x = f(1", 1, "','"),
        ("\n\nfunc f() string => 'a'", 3, "Expected param, var"),
        ("type t = string", 1, "Expected param, var"),
        ("param x stringy", 1, "is none of string"),
        ("resource r 'Microsoft.Web/sites' = {}", 1, "is not of the form"),
        ("resource r 'Microsoft.Web/sites@2024-11-01' = 'text'", 1, "an object or a loop"),
        ("targetScope = 'planet'", 1, "is none of"),
        ("var x = 1\nvar y = 2\nvar x = 3", 3, "declared twice"),
        ("var x = #", 1, "no part of Bicep"),
        ("var x = [for a b: c]", 1, "'in'"),
        ("var x = (1, 2)", 1, "names of a lambda"),
    ],
)
def test_what_is_no_bicep_is_refused_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(BicepSyntaxError, match=message.replace("(", r"\(")) as caught:
        parse("a.bicep", text)

    assert caught.value.line == line


def test_declarations_keep_what_the_checks_ask_for() -> None:
    file = parse(
        "a.bicep",
        "targetScope = 'subscription'\n"
        "@description('Why')\n@maxLength(20)\nparam name string = 'x'\n"
        "resource a 'T/a@1' existing = {\n  name: name\n}\n"
        "resource b 'T/b@2' = if (name == 'x') {\n  parent: a\n  name: 'b'\n}\n"
        "module c 'c.bicep' = [for i in [1]: {\n  name: 'c${i}'\n}]\n"
        "output o string = b.id\n",
    )

    assert file.scope == "subscription"
    name, a, b = file.declarations[:3]
    limit = name.decorator("maxLength")
    assert limit == Call(
        line=3, base=None, name="maxLength", arguments=(Literal(line=3, value=20),)
    )
    assert (a.existing, b.existing, b.type) == (True, False, "T/b@2")
    assert isinstance(b.condition, Operation)
    assert render(b.condition) == "name == 'x'"
    assert isinstance(file.declarations[3].body(), Object)
    assert [d.line for d in file.declarations] == [4, 5, 8, 12, 15]


def test_a_lambda_of_several_arguments_is_read() -> None:
    file = parse("a.bicep", "var x = f([1], (a, b) => a + b)\n")

    call = file.declarations[0].value
    assert isinstance(call, Call)
    assert isinstance(call.arguments[1], Lambda)
    assert call.arguments[1].names == ("a", "b")


def test_a_parser_of_others_reads_the_templates_too() -> None:
    bicep = pytest.importorskip("tree_sitter_bicep", reason="a second opinion, when installed")
    tree_sitter = pytest.importorskip("tree_sitter")
    parser = tree_sitter.Parser(tree_sitter.Language(bicep.language()))

    for path in sorted((ROOT / "infra").rglob("*.bicep")):
        tree = parser.parse(path.read_bytes())
        assert not tree.root_node.has_error, path
