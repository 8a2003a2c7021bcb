"""Faults of each kind are planted: into the committed snapshots, and, by the compiler, into Bicep.

`make infra-check` compiles the templates themselves; here the compiler runs once.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from copy import deepcopy
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest

from infra.check import arm
from infra.check.__main__ import FOLDER, check, check_sources, compare, main
from infra.check.choices import CHOICES, Choice
from infra.check.compile import SNAPSHOTS, CompileError, compile_all, find, find_pinned
from infra.check.roles import write_page
from tests.infra.conftest import ROOT, read_variables
from tests.infra.faults import SILENT, WARNED
from tests.infra.more_faults import MORE, ROLE_FAULTS
from tests.infra.snapshot_faults import COMMITTED

IN_SNAPSHOTS = {**COMMITTED, **MORE, **ROLE_FAULTS}

Found = tuple[list[str], list[str]]


@pytest.fixture(scope="module")
def committed() -> Mapping[str, Any]:
    return arm.load(FOLDER)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Plant every fault into one copy, compile it once, and return the text of all findings."""
    compiler = compiler_or_skip()
    repository = copy_repository(tmp_path_factory.mktemp("planted"))
    for fault in (*SILENT.values(), *WARNED.values()):
        for name, old, new in fault.edits:
            path = repository / "infra" / name
            text = path.read_text()
            assert old in text, f"{name} has no {old!r} any more"
            path.write_text(text.replace(old, new, 1))
    snapshots, findings = compile_all(
        compiler, repository / "infra", os.environ, ("private", "all")
    )
    return findings, [str(problem) for problem in check(snapshots, repository)]


def compiler_or_skip() -> str:
    try:
        return find_pinned(os.environ)
    except CompileError as error:
        pytest.skip(str(error))


def copy_repository(folder: Path) -> Path:
    """Return a repository that shares all with this one but a copy of infra/."""
    for path in ROOT.iterdir():
        if path.name not in ("infra", ".git"):
            (folder / path.name).symlink_to(path)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "infra", folder / "infra", ignore=ignored)
    return folder


def test_the_committed_snapshots_have_no_problem(committed: Mapping[str, Any]) -> None:
    assert [str(problem) for problem in check(committed, ROOT)] == []


def test_the_committed_snapshots_are_those_of_the_templates(committed: Mapping[str, Any]) -> None:
    assert check_sources(committed, ROOT / "infra") == []


@pytest.mark.parametrize("kind", IN_SNAPSHOTS)
def test_a_fault_in_a_committed_snapshot_is_found(kind: str, committed: Mapping[str, Any]) -> None:
    fault = IN_SNAPSHOTS[kind]
    # One configuration is enough, and quicker than seven.
    names = {f"{fault.snapshot}.json", "events.json", "template.json"}
    broken = deepcopy({name: committed[name] for name in names})
    fault.plant(broken)

    problems = [str(problem) for problem in check(broken, ROOT)]

    assert any(fault.says in text for text in problems), problems


@pytest.mark.parametrize("kind", SILENT)
def test_a_fault_that_the_compiler_does_not_see_is_found(kind: str, planted: Found) -> None:
    _, problems = planted

    assert any(SILENT[kind].says in text for text in problems), problems


def test_a_warning_of_the_compiler_is_a_finding_and_it_is_silent_on_the_others(
    planted: Found,
) -> None:
    findings, _ = planted

    for kind, fault in WARNED.items():
        assert any(fault.says in text and fault.edits[0][0] in text for text in findings), kind
    assert [text for text in findings if not any(f.says in text for f in WARNED.values())] == []


def test_templates_that_do_not_compile_are_a_finding(tmp_path: Path) -> None:
    compiler = compiler_or_skip()
    # Few and small files, because the compiler needs seconds for the real ones.
    (tmp_path / "main.bicep").write_text("module vault 'vault.bicep' = { name: 'vault' }\n")
    (tmp_path / "vault.bicep").write_text("param name strin\n")
    (tmp_path / "events.bicep").write_text("param appName string\noutput name string = appName\n")
    for name in ("main", "dev", "prod", "events"):
        (tmp_path / f"{name}.bicepparam").write_text("using 'main.bicep'\n")

    snapshots, findings = compile_all(compiler, tmp_path, os.environ, ())

    assert "template.json" not in snapshots
    assert any("vault.bicep:1: Error" in text for text in findings), findings


def test_a_broken_host_file_is_named(committed: Mapping[str, Any], tmp_path: Path) -> None:
    repository = copy_repository(tmp_path)
    for name in ("scheduler", "storage"):
        path = repository / "infra" / "host" / f"{name}.json"
        path.write_text(path.read_text().replace('"extensions": {', '"extensions" {'))

    problems = [str(problem) for problem in check(committed, repository)]

    for snapshot, name in (("all", "scheduler"), ("other", "storage")):
        said = f"snapshots/{snapshot}.json: infra/host/{name}.json is not JSON"
        assert any(said in text for text in problems), problems


def test_a_connection_of_the_host_without_a_setting_is_named(
    committed: Mapping[str, Any], tmp_path: Path
) -> None:
    repository = copy_repository(tmp_path)
    path = repository / "infra" / "host" / "storage.json"
    path.write_text(path.read_text().replace('"AzureWebJobsStorage"', '"AzureWebJobStorage"'))

    problems = [str(problem) for problem in check(committed, repository)]

    said = "snapshots/other.json: host/storage.json names the connection 'AzureWebJobStorage'"
    assert any(text.startswith(said) for text in problems), problems


def test_a_workflow_with_another_default_than_the_parameter_files_is_named(
    committed: Mapping[str, Any], tmp_path: Path
) -> None:
    repository = copy_repository(tmp_path)
    (repository / ".github").unlink()
    shutil.copytree(ROOT / ".github", repository / ".github")
    workflow = repository / ".github" / "workflows" / "deploy.yml"
    text = workflow.read_text()
    for old, new in (("vars.MLOPS_MAIL_TO || '[]'", "vars.MLOPS_MAIL_TO || '[\"'"),
                     ("vars.AZURE_LOCATION || 'westeurope'", "vars.AZURE_LOCATION || 'west'")):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    workflow.write_text(text)

    problems = [str(problem) for problem in check(committed, repository)]

    for variable, default in (("MLOPS_MAIL_TO", "[]"), ("AZURE_LOCATION", "westeurope")):
        for file in ("dev", "prod"):
            said = f"{file}.bicepparam: {variable} is {default!r} by default; .github/workflows"
            assert any(text.startswith(said) for text in problems), problems


def test_a_variable_that_one_file_reads_for_another_parameter_is_named(
    committed: Mapping[str, Any], tmp_path: Path
) -> None:
    repository = copy_repository(tmp_path)
    path = repository / "infra" / "prod.bicepparam"
    path.write_text(path.read_text().replace("'MLOPS_MAIL_FROM'", "'MLOPS_MAIL_GROUP'"))

    problems = [str(problem) for problem in check(committed, repository)]

    assert any("mailFrom is read from MLOPS_MAIL_GROUP" in text for text in problems), problems


def test_one_configuration_sets_every_variable_and_none_hides_a_warning() -> None:
    # The region is the same everywhere: names.py holds every resource to it.
    assert set(read_variables("main")) - set(CHOICES["all"].environ) == {"AZURE_LOCATION"}
    assert set(read_variables("main")) >= set(CHOICES["all"].environ)
    assert not list((ROOT / "infra").rglob("bicepconfig.json"))
    hidden = [
        line.strip()
        for path in (ROOT / "infra").rglob("*.bicep*")
        for line in path.read_text().splitlines()
        if "#disable" in line
    ]
    # The compiler has no type for the scope of a role inside of a cluster.
    assert hidden == ["#disable-next-line BCP081"]


def read_choices(choice: Choice) -> dict[str, str]:
    """Return each parameter of a configuration; variables that the configuration sets count."""
    text = (ROOT / "infra" / f"{choice.file}.bicepparam").read_text()
    values = dict(re.findall(r"^param (\w+) = (.*)$", text, re.MULTILINE))
    for name, value in values.items():
        if read := re.search(r"readEnvironmentVariable\('(\w+)', '([^']*)'\)", value):
            values[name] = choice.environ.get(read[1], read[2])
    return {name: value.strip("'") for name, value in values.items()}


def test_each_pair_of_choices_is_compiled_in_a_configuration(committed: Mapping[str, Any]) -> None:
    template = (ROOT / "infra" / "main.bicep").read_text()
    allowed = re.findall(r"@allowed\(\['(\w+)', '(\w+)'\]\)\nparam (\w+) ", template)
    choices = {name: {one, other} for one, other, name in allowed}
    switches = re.findall(r"^param (\w+) bool ", template, re.MULTILINE)
    choices |= {name: {"true", "false"} for name in switches}
    # It is a text in role assignments and decides about no resource.
    del choices["deployerPrincipalType"]
    assert choices.keys() >= {"tier", "durableBackend", "privateNetwork", "withCluster"}
    compiled = [read_choices(c) for name, c in CHOICES.items() if f"{name}.json" in committed]

    missing = [
        {first: one, second: other}
        for first, second in combinations(choices, 2)
        for one, other in product(choices[first], choices[second])
        if not any(c[first] == one and c[second] == other for c in compiled)
    ]

    assert missing == []
    assert {f"{name}.json" for name in CHOICES} < set(committed) == SNAPSHOTS


# A fault in a row of roles.json, and the text of the check.
ROW_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no reason": ({"operation": " "}, "`operation` and `by` must say what needs the role"),
    "no reader of the role": ({"by": ""}, "`operation` and `by` must say what needs the role"),
    "a file that is gone": (
        {"by": "function_app/adapters/azure/events.py, scoring/gone.py"}, "scoring/gone.py is not a file"
    ),
    "the name of another role": ({"role": "Reader"}, "is Reader."),
    "a role that no template gives": (
        {"id": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "role": "Owner"}, "Owner for app on"
    ),
    "a wider scope": ({"scope": "vault"}, "on vault is not assigned"),
    "an identity that is unknown": ({"identity": "somebody"}, "for somebody on"),
    "a scope that is unknown": ({"scope": "everything"}, "on everything is not assigned"),
    "a condition that never holds": ({"when": "sometimes"}, "no configuration has the condition"),
    "a condition on what is read": ({"reads": ["*"]}, "is not assigned"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ROW_FAULTS)
def test_a_fault_in_a_row_of_roles_is_found(
    kind: str, committed: Mapping[str, Any], tmp_path: Path
) -> None:
    changed, says = ROW_FAULTS[kind]
    repository = copy_repository(tmp_path)
    path = repository / "infra" / "roles.json"
    table = json.loads(path.read_text())
    [row] = [r for r in table["assignments"] if r["operation"] == "publish our own events"]
    row |= changed
    path.write_text(json.dumps(table))

    problems = [str(problem) for problem in check(committed, repository)]

    assert any(says in text for text in problems), problems


def test_a_snapshot_that_the_compiler_makes_otherwise_is_named(
    committed: Mapping[str, Any],
) -> None:
    made = deepcopy(dict(committed))
    made["dev.json"]["outputs"]["MLOPS_REGISTRY"] = "other"

    assert [problem.path for problem in compare(committed, made)] == ["snapshots/dev.json"]
    assert [problem.path for problem in compare({}, {"prod.json": {}})] == ["snapshots/prod.json"]


def test_without_a_compiler_a_template_that_changed_is_named(
    committed: Mapping[str, Any], tmp_path: Path
) -> None:
    root = copy_repository(tmp_path) / "infra"
    vault, topics = root / "modules" / "vault.bicep", root / "modules" / "topics.bicep"
    vault.write_text(vault.read_text().replace("softDeleteRetentionInDays: 7", "x: 7"))
    topics.write_text("// A comment.\n" + topics.read_text())

    assert [p.path for p in check_sources(committed, root)] == ["modules/vault.bicep"]


def test_without_a_compiler_the_command_says_so_and_checks_the_committed_snapshots(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    alone = {"PATH": str(tmp_path), "HOME": str(tmp_path)}

    assert main([], alone) == 0

    text = capsys.readouterr().out
    assert "There is no Bicep compiler. The checks read the committed snapshots" in text
    assert text.endswith("0 problems\n")
    assert main(["--more"], alone) == 2
    assert main(["--write-snapshots"], alone) == 1


def test_the_compiler_of_the_azure_cli_is_found_and_another_version_is_not_used(
    tmp_path: Path,
) -> None:
    program = tmp_path / ".azure" / "bin" / "bicep"
    environ = {"HOME": str(tmp_path), "PATH": "/no/such"}
    with pytest.raises(CompileError, match="no Bicep compiler"):
        find(environ)
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho 'Bicep CLI version 0.50.0 (abc)'\n")
    program.chmod(0o755)

    assert find(environ) == (str(program), "0.50.0")
    with pytest.raises(CompileError, match=r"Bicep is 0\.50\.0; the snapshots are"):
        find_pinned(environ)


def test_a_port_whose_adapter_has_neither_a_role_nor_a_reason_is_found(
    committed: Mapping[str, Any], tmp_path: Path
) -> None:
    repository = copy_repository(tmp_path)
    path = repository / "infra" / "roles.json"
    table = json.loads(path.read_text())
    table["without"]["searches"] = table["without"].pop("clock")
    path.write_text(json.dumps(table))

    texts = [problem.text for problem in check(committed, repository)]

    assert "searches.py is the adapter of no port." in texts
    assert "clock.py has neither a row in `assignments` nor a reason in `without`." in texts


def test_the_page_of_roles_is_current() -> None:
    assert (ROOT / "docs" / "reference" / "roles.md").read_text() == write_page(ROOT / "infra")
