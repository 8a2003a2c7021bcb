"""The Bicep compiler: it is found here, and it compiles every configuration that the checks read.

`python -m infra.check --write-snapshots` writes infra/snapshots/ with it.
"""

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.check.choices import CHOICES, LOCATION, SUBSCRIPTION

PINNED = "0.49.2"
INSTALL = f"Install it: az bicep install --version v{PINNED}"
TEMPLATES, PARAMETERS = ("main", "events"), ("main", "dev", "prod")
NO_TENANT = "00000000-0000-0000-0000-000000000000"
_SCOPE = {
    "tenantId": NO_TENANT,
    "subscriptionId": SUBSCRIPTION,
    "location": LOCATION,
    "deploymentName": "check",
}
_KEPT = ("HOME", "PATH", "XDG_CACHE_HOME", "TMPDIR")

_EVENTS = """using 'events.bicep'
param appName = 'func-x'
param dataTopicName = 'evgs-data-x'
param workspaceTopicName = 'evgs-ml-x'
param registryTopicName = 'evgs-images-x'
param ownTopicName = 'evgt-mlops-x'
param dataStorageName = 'stdatax'
"""


class CompileError(Exception):
    """The compiler is missing, too old, or refuses the templates; the text says which."""


def find(environ: Mapping[str, str]) -> str:
    """Return the compiler: BICEP, `bicep` in the PATH, or the one that the Azure CLI installed.

    Raises CompileError when there is none.
    """
    own = Path(environ.get("HOME") or Path.home()) / ".azure" / "bin" / "bicep"
    in_path = shutil.which("bicep", path=environ.get("PATH"))
    program = environ.get("BICEP") or in_path or (str(own) if own.exists() else "")
    if not program:
        raise CompileError("There is no Bicep compiler.")
    return program


def version(compiler: str, environ: Mapping[str, str]) -> str:
    """Return the version of a compiler; raise CompileError when it is older than the pinned one."""
    try:
        text = run([compiler, "--version"], environ).stdout
    except OSError as error:
        raise CompileError(f"{compiler} cannot be started: {error.strerror}.") from error
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    if match is None:
        raise CompileError(f"{compiler} does not say its version.")
    if tuple(map(int, match.groups())) < tuple(map(int, PINNED.split("."))):
        raise CompileError(f"Bicep is {match[0]}; the templates are checked with {PINNED}.")
    return match[0]


def copy(root: Path, folder: Path) -> Path:
    """Copy the files of `root` that the compiler reads into `folder`, and return the copy."""
    ignored = shutil.ignore_patterns("*.py", "__pycache__", "snapshots", "check", "cost")
    return Path(shutil.copytree(root, folder / "infra", ignore=ignored))


def compile_all(
    compiler: str, root: Path, environ: Mapping[str, str], names: Sequence[str] = tuple(CHOICES)
) -> tuple[dict[str, Any], list[str]]:
    """Return the snapshots by file name, and every finding of the compiler as `file:line: text`.

    A file that does not compile is left out; its error is a finding. One compiler process does all
    of it, because its start takes longer than its work.
    """
    snapshots: dict[str, Any] = {}
    findings: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        copied = copy(root, Path(folder))
        server = Server(compiler, environ)

        def ask(method: str, name: str, **more: Any) -> dict[str, Any]:
            answer = server.ask(method, {"path": str(copied / name), **more})
            for entry in answer.get("diagnostics", ()):
                file = Path(entry["source"]).relative_to(copied).as_posix()
                line = entry["range"]["start"]["line"] + 1
                text = f"{entry['level']} {entry['code']}: {entry['message']}"
                findings.add(f"{file}:{line}: {text}")
            return answer

        try:
            built = {name: ask("compile", f"{name}.bicep").get("contents") for name in TEMPLATES}
            if all(built.values()):
                outlines = {name: outline(json.loads(str(text))) for name, text in built.items()}
                snapshots["template.json"] = {"sources": digests(root), **outlines}
            (copied / "events.bicepparam").write_text(_EVENTS, "utf-8")
            for name in (*names, "events"):
                file = copied / f"{name}.bicepparam"
                if name in CHOICES:
                    source = (copied / f"{CHOICES[name].file}.bicepparam").read_text("utf-8")
                    file.write_text(_fill(source, CHOICES[name].environ), "utf-8")
                if (
                    name in PARAMETERS
                    and not ask("compileParams", file.name, parameterOverrides={})["success"]
                ):
                    continue
                scope = {**_SCOPE, "resourceGroup": "rg" if name == "events" else None}
                try:
                    found = ask("getSnapshot", file.name, metadata=scope, externalInputs=None)
                except CompileError as error:
                    findings.add(f"{file.name}:1: {error}")
                else:
                    snapshots[f"{name}.json"] = json.loads(found["snapshot"])
        except CompileError as error:
            findings.add(f"{compiler}: {error}")
        finally:
            server.close()
    return snapshots, sorted(findings)


def _fill(source: str, variables: Mapping[str, str]) -> str:
    """Return a parameter file with these variables in it: the environment is of the process."""

    def value(matched: re.Match[str]) -> str:
        return f"'{variables[matched[1]]}'" if matched[1] in variables else matched[0]

    return re.sub(r"readEnvironmentVariable\('(\w+)', '[^']*'\)", value, source)


class Server:
    """`bicep jsonrpc`: JSON with a header, as in the Language Server Protocol."""

    def __init__(self, compiler: str, environ: Mapping[str, str]) -> None:
        variables = {name: environ[name] for name in _KEPT if name in environ}
        command = [compiler, "jsonrpc", "--stdio"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=variables)
        self._number = 0

    def ask(self, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of a method; raise CompileError when there is none."""
        self._number += 1
        asked = {"jsonrpc": "2.0", "id": self._number, "method": f"bicep/{method}"}
        body = json.dumps({**asked, "params": parameters}).encode()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise CompileError("The compiler ended.") from error
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        answer = json.loads(self._process.stdout.read(length) or b"{}")
        if "result" not in answer:
            raise CompileError(str(answer.get("error", "The compiler ended.")))
        return dict(answer["result"])

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.communicate()


def digests(root: Path) -> dict[str, str]:
    """Return a digest of each file that the compiler reads; comments do not count."""
    files = [p for p in root.rglob("*") if p.suffix in (".bicep", ".bicepparam", ".kql")]
    files += [root / "sizes.json", root / "host" / "azure.json"]
    result = {}
    for path in sorted(path for path in files if path.is_file()):
        lines = (line.strip() for line in path.read_text("utf-8").splitlines())
        text = "\n".join(line for line in lines if line and not line.startswith("//"))
        name = path.relative_to(root).as_posix()
        result[name] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return result


def outline(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that no snapshot has: parameters, outputs, and the order of the modules."""
    result: dict[str, Any] = {
        "parameters": {
            name: entry["type"] + (f"({entry['maxLength']})" if "maxLength" in entry else "")
            for name, entry in template.get("parameters", {}).items()
        },
        "outputs": {name: entry["value"] for name, entry in template.get("outputs", {}).items()},
    }
    modules = dict(_modules(template))
    return {**result, "modules": modules} if modules else result


def _modules(template: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for resource in template["resources"]:
        if resource["type"] == "Microsoft.Resources/deployments":
            inner = resource["properties"]["template"]
            yield (
                _module_name(resource["name"]),
                {
                    "after": sorted(
                        _module_name(text)
                        for text in resource.get("dependsOn", ())
                        if "Microsoft.Resources/deployments" in text
                    ),
                    "makes": sorted({made["type"] for made in inner["resources"]}),
                    **outline(inner),
                },
            )


def _module_name(text: str) -> str:
    """Return the module's name of an expression: `roles`, and `budget` for `budget-<name>`."""
    names = re.findall(r"'([a-z][a-z-]*?)(?:-\{0\})?'", text)
    return names[-2 if names[-1] == "environmentName" else -1] if names else text


def run(command: list[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, env=dict(environ))
