"""Every `az` command that the pages, the pipelines and the hooks name is one of the Azure CLI.

The shell runs the scripts with programs that record their calls. infra/check/lookup_az.py has read
the options of each command from the CLI.
"""

import json
import re
import shlex
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra import hooks
from tests.infra.conftest import ROOT

TABLE: dict[str, Any] = json.loads((ROOT / "infra" / "az-options.json").read_text())["commands"]
PAGES = [ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
PIPELINES = [ROOT / ".github" / "workflows" / "deploy.yml", ROOT / "infra" / "azure-pipelines.yml"]
PROGRAMS = ("az", "azd", "gh", "jq", "zip", "make", "mlopsctl", "python", ".venv/bin/python")
PROGRAM = """#!/bin/sh
for word in "$(basename "$0")" "$@"; do printf '%s\\0' "$word"; done >> "$CALLS"
printf '\\n' >> "$CALLS"
[ "$1 $2" = "account get-access-token" ] && echo a.eyJvaWQiOiAieCJ9.c && exit
[ "$1 $2" = "acr import" ] && touch "$CALLS.imported"
if [ "$1 $2" = "acr repository" ]; then
    [ -e "$CALLS.imported" ] && echo sha256:0 && exit
    exit 1
fi
echo 0
"""
# Variables that an earlier script sets, on the page or in the pipeline.
GIVEN = ("APPROVERS", "VAULT", "AZURE_ENV_NAME", "AZURE_LOCATION", "PARAMETERS")
Call = list[str]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like the repository's, with every program that scripts call."""
    for folder in ("bin", ".venv/bin", "dist/app", "infra/approvers"):
        (tmp_path / folder).mkdir(parents=True)
    for name in PROGRAMS:
        program = tmp_path / (name if "/" in name else f"bin/{name}")
        program.write_text(PROGRAM)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return tmp_path


def run(script: str, checkout: Path) -> list[Call]:
    """Run a script; return how it called `az`."""
    # Values that a reader or a pipeline fills in.
    script = re.sub(r"<[\w .-]+>|\$\((?:\w+)\)|\$\{\{[^}]*\}\}", "x", script)
    environ = {"PATH": f"{checkout / 'bin'}:/usr/bin:/bin", "CALLS": str(checkout / "calls")}
    environ |= {"GITHUB_ENV": str(checkout / "env"), "HOME": "/x"}
    environ |= dict.fromkeys(GIVEN, "x")
    done = subprocess.run(
        ["bash", "-eu", "-c", script], cwd=checkout, env=environ, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, ""), script
    return calls(checkout)


def calls(checkout: Path) -> list[Call]:
    lines = (checkout / "calls").read_text().split("\0\n")[:-1]
    return [words[1:] for words in (line.split("\0") for line in lines) if words[0] == "az"]


def faults(call: Call) -> Iterator[str]:
    """Yield options of a call that the Azure CLI does not accept."""
    words = [word for word in call if word.startswith("-")]
    command = " ".join(call[: call.index(words[0])] if words else call)
    if command not in TABLE:
        yield f"`az {command}` is not in infra/az-options.json: is it a command?"
        return
    options = {word.partition("=")[0] for word in words}
    for option in sorted(options - set(TABLE[command]["options"].split())):
        yield f"`az {command}` has no option {option}."
    for spellings in TABLE[command]["required"]:
        if not options & set(spellings.split()):
            yield f"`az {command}` needs {spellings}."


def blocks() -> list[Any]:
    found = []
    for page in PAGES:
        fences = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.M | re.S)
        for number, (language, block) in enumerate(fences):
            if language != "toml" and re.search(r"\baz ", block):
                found.append(pytest.param(block, id=f"{page.stem}-{number}"))
    return found


def steps() -> list[Any]:
    found = []
    for path in PIPELINES:
        for number, script in enumerate(scripts(yaml.safe_load(path.read_text()))):
            if re.search(r"\baz ", script):
                found.append(pytest.param(script, id=f"{path.stem}-{number}"))
    return found


def scripts(content: Any) -> Iterator[str]:
    """Yield the scripts of a pipeline."""
    if isinstance(content, list):
        for entry in content:
            yield from scripts(entry)
    elif isinstance(content, dict):
        for name, entry in content.items():
            if name in ("run", "script", "inlineScript", "bash"):
                yield entry
            else:
                yield from scripts(entry)


@pytest.mark.parametrize("script", [*blocks(), *steps()])
def test_a_script_calls_the_azure_cli_as_it_wants_to_be_called(script: str, checkout: Path) -> None:
    called = run(script, checkout)

    assert called
    assert [fault for call in called for fault in faults(call)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_command_in_a_sentence_is_one(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    for command in re.findall(r"`az ([^`]+)`", text):
        call = shlex.split(re.sub(r"<[\w .-]+>|…", "x", command))
        # A sentence may omit required options of a command.
        assert [fault for fault in faults(call) if " needs " not in fault] == []


def test_hooks_call_the_azure_cli_as_it_wants_to_be_called(checkout: Path) -> None:
    values = dict.fromkeys(
        (
            "AZURE_RESOURCE_GROUP",
            *("MLOPS_APP_NAME", "MLOPS_DATA_TOPIC", "MLOPS_WORKSPACE_TOPIC"),
            *("MLOPS_REGISTRY_TOPIC", "MLOPS_OWN_TOPIC", "MLOPS_DATA_STORAGE"),
            "MLOPS_REGISTRY",
        ),
        "x",
    )

    for step in (hooks.principal, hooks.base, hooks.events):
        step(values)

    called = calls(checkout)
    assert len(called) == 5
    assert [fault for call in called for fault in faults(call)] == []


def test_options_unknown_to_the_azure_cli_are_found() -> None:
    assert list(faults(["keyvault", "updat", "-n", "x"])) == [
        "`az keyvault updat` is not in infra/az-options.json: is it a command?"
    ]
    assert list(faults(["keyvault", "update", "--public-network", "Enabled"])) == [
        "`az keyvault update` has no option --public-network.",
        "`az keyvault update` needs --name -n.",
    ]
