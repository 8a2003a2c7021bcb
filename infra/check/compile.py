"""The Bicep compiler: it is found here, and it compiles every configuration that the checks read.

`python -m infra.check --write-snapshots` writes infra/snapshots/ with it.
"""

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from http.client import parse_headers
from pathlib import Path
from typing import Any

from infra.check.choices import CHOICES, LOCATION, NONE, SUBSCRIPTION

Json = dict[str, Any]  # an object of a template, a snapshot or an answer of the compiler

PINNED = "0.49.2"
INSTALL = f"Install it: az bicep install --version v{PINNED}"
TEMPLATES, PARAMETERS = ("main", "events"), ("main", "dev", "prod")
NO_TENANT = "00000000-0000-0000-0000-000000000000"
SNAPSHOTS = {f"{name}.json" for name in (*CHOICES, "events", "template")}
_SCOPE = {
    "tenantId": NO_TENANT,
    "subscriptionId": SUBSCRIPTION,
    "location": LOCATION,
    "deploymentName": "check",
}
_MODULE = "Microsoft.Resources/deployments"
_KEPT = ("HOME", "PATH", "XDG_CACHE_HOME", "TMPDIR")


class CompileError(Exception):
    """The compiler is missing, of another version, or refuses the templates."""


def find(environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the compiler and its version: BICEP, `bicep` in the PATH, or that of the Azure CLI.

    Raises CompileError when there is none, or one that is older than the pinned version.
    """
    own = Path(environ.get("HOME") or Path.home()) / ".azure" / "bin" / "bicep"
    in_path = shutil.which("bicep", path=environ.get("PATH"))
    compiler = environ.get("BICEP") or in_path or (str(own) if own.exists() else "")
    if not compiler:
        raise CompileError("There is no Bicep compiler.")
    try:
        text = run([compiler, "--version"], environ).stdout
    except OSError as error:
        raise CompileError(f"{compiler} cannot be started: {error.strerror}.") from error
    if (match := re.search(r"(\d+)\.(\d+)\.(\d+)", text)) is None:
        raise CompileError(f"{compiler} does not say its version.")
    if tuple(map(int, match.groups())) < tuple(map(int, PINNED.split("."))):
        raise CompileError(f"Bicep is {match[0]}; the templates are checked with {PINNED}.")
    return compiler, match[0]


def find_pinned(environ: Mapping[str, str]) -> str:
    """Return the compiler of the pinned version; raise CompileError when there is none."""
    compiler, version = find(environ)
    if version != PINNED:
        raise CompileError(f"Bicep is {version}; the snapshots are those of {PINNED}.")
    return compiler


def copy(root: Path, folder: Path) -> Path:
    """Copy the files of `root` that the compiler reads into `folder`, and return the copy."""
    ignored = shutil.ignore_patterns("*.py", "__pycache__", "snapshots", "check", "cost")
    return Path(shutil.copytree(root, folder / "infra", ignore=ignored))


def compile_all(
    compiler: str, root: Path, environ: Mapping[str, str], names: Sequence[str] = tuple(CHOICES)
) -> tuple[Json, list[str]]:
    """Return the snapshots by file name, and every finding of the compiler as `file:line: text`.

    A file that does not compile is left out; its error is a finding. One compiler process does all
    of it, because its start takes longer than its work.
    """
    snapshots: Json = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Server(compiler, environ, copy(root, Path(folder)))) as server,
    ):
        built = {name: server.ask("compile", f"{name}.bicep") for name in TEMPLATES}
        if all(answer.get("contents") for answer in built.values()):
            outlines = {n: outline(json.loads(a["contents"])) for n, a in built.items()}
            snapshots["template.json"] = {"sources": digests(root), **outlines}
        for name in PARAMETERS:
            server.ask("compileParams", f"{name}.bicepparam", parameterOverrides={})
        for name in (*names, "events"):
            file = _write_parameters(server.folder, name)
            scope = {**_SCOPE, "resourceGroup": "rg" if name == "events" else None}
            if made := server.ask("getSnapshot", file, metadata=scope, externalInputs=None):
                snapshots[f"{name}.json"] = json.loads(made["snapshot"])
        return snapshots, sorted(server.findings)


def _write_parameters(folder: Path, name: str) -> str:
    """Write the parameters of a configuration, with its variables as values; return the file.

    They are written down, because the environment is that of the process.
    """
    choice = CHOICES.get(name, NONE)

    def value(read: re.Match[str]) -> str:
        return f"'{choice.environ[read[1]]}'" if read[1] in choice.environ else read[0]

    text = (folder / f"{choice.file or name}.bicepparam").read_text("utf-8")
    text = re.sub(r"readEnvironmentVariable\('(\w+)', '[^']*'\)", value, text)
    (folder / f"{name}.bicepparam").write_text(text, "utf-8")
    return f"{name}.bicepparam"


class Server:
    """`bicep jsonrpc`: JSON with a header, as in the Language Server Protocol."""

    def __init__(self, compiler: str, environ: Mapping[str, str], folder: Path) -> None:
        self.folder = folder  # of the templates
        self.findings: set[str] = set()
        self._process = subprocess.Popen(
            [compiler, "jsonrpc", "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={name: environ[name] for name in _KEPT if name in environ},
        )

    def ask(self, method: str, file: str, **parameters: Any) -> Json:
        """Return the result of a method for a file, {} when there is none.

        The warnings and errors of the compiler, and the reason for no result, become findings.
        """
        asked = {"path": str(self.folder / file), **parameters}
        message = {"jsonrpc": "2.0", "id": 1, "method": f"bicep/{method}", "params": asked}
        body = json.dumps(message).encode()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # A process that has ended closes both pipes: its answer is empty.
        with suppress(BrokenPipeError):
            self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            self._process.stdin.flush()
        length = int(parse_headers(self._process.stdout)["Content-Length"] or 0)
        answer = json.loads(self._process.stdout.read(length) or b"{}")
        if "result" not in answer:
            self.findings.add(f"{file}:1: {answer.get('error', 'The compiler ended.')}")
        result: Json = answer.get("result", {})
        for entry in result.get("diagnostics", ()):
            source = Path(entry["source"]).relative_to(self.folder).as_posix()
            line = entry["range"]["start"]["line"] + 1
            text = f"{entry['level']} {entry['code']}: {entry['message']}"
            self.findings.add(f"{source}:{line}: {text}")
        return result

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.communicate()


def digests(root: Path) -> dict[str, str]:
    """Return a digest of each file that the compiler reads; comments do not count."""
    result = {}
    tables = root / "sizes.json", root / "host" / "azure.json"
    for path in (
        *root.rglob("*.bicep"),
        *root.rglob("*.bicepparam"),
        *root.rglob("*.kql"),
        *tables,
    ):
        lines = (line.strip() for line in path.read_text("utf-8").splitlines())
        text = "\n".join(line for line in lines if line and not line.startswith("//"))
        result[path.relative_to(root).as_posix()] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return result


def outline(template: Json) -> Json:
    """Return the facts that no snapshot has: parameters, outputs, and the order of the modules."""
    parameters, outputs = template.get("parameters", {}), template.get("outputs", {})
    result: Json = {
        "parameters": {
            name: entry["type"] + (f"({entry['maxLength']})" if "maxLength" in entry else "")
            for name, entry in parameters.items()
        },
        "outputs": {name: entry["value"] for name, entry in outputs.items()},
    }
    modules = [entry for entry in template["resources"] if entry["type"] == _MODULE]
    if modules:
        result["modules"] = {_module_name(entry["name"]): _module(entry) for entry in modules}
    return result


def _module(deployment: Json) -> Json:
    template = deployment["properties"]["template"]
    before = (text for text in deployment.get("dependsOn", ()) if _MODULE in text)
    return {
        "after": sorted(map(_module_name, before)),
        "makes": sorted({resource["type"] for resource in template["resources"]}),
        **outline(template),
    }


def _module_name(text: str) -> str:
    """Return the module's name of an expression: `roles`, and `budget` for `budget-<name>`."""
    names = re.findall(r"'([a-z][a-z-]*?)(?:-\{0\})?'", text)
    return names[-2 if names[-1] == "environmentName" else -1] if names else text


def run(command: list[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, env=dict(environ))
