"""Every file that comes from outside is named by its content: packages, images, actions."""

import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.listening import Listening

ROOT = Path(__file__).parents[2]
LISTS = ("requirements.txt", "scoring/requirements.txt", "scripts/setup-requirements.txt")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
COMMIT = re.compile(r"@[0-9a-f]{40}$")
VULNERABILITY = {
    "id": "TEST-1",
    "modified": "2026-01-01T00:00:00Z",
    "summary": "A made-up vulnerability",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "requests"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99"}]}],
        }
    ],
}


def requirements(name: str) -> list[str]:
    """Return the entries of a list of requirements, each with its continuation lines."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def locked() -> set[tuple[str, str]]:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    return {(package["name"], package["version"]) for package in lock["package"]}


@pytest.mark.parametrize("name", LISTS)
def test_every_requirement_has_a_version_and_the_hashes_of_its_files(name: str) -> None:
    entries = requirements(name)

    assert entries
    assert [entry for entry in entries if not HASH.search(entry)] == []
    assert [entry for entry in entries if "==" not in entry] == []


@pytest.mark.parametrize("name", LISTS[:2])
def test_the_lists_name_the_versions_that_are_tested(name: str) -> None:
    pairs = set()
    for entry in requirements(name):
        package, _, rest = entry.partition("==")
        pairs.add((package.split("[")[0].strip(), rest.split()[0]))

    assert pairs - locked() == set()


@pytest.mark.parametrize("name", ["scoring/requirements", "scripts/setup-requirements"])
def test_a_list_has_every_package_that_its_source_asks_for(name: str) -> None:
    wanted = {re.split(r"[<>=\[ ]", line)[0] for line in requirements(f"{name}.in")}
    given = {re.split(r"[<>=\[ ]", line)[0] for line in requirements(f"{name}.txt")}

    assert wanted <= given


def test_the_setup_and_the_images_install_nothing_without_its_hash() -> None:
    for name in ("scripts/setup", "scoring/Dockerfile", "scripts/base-image"):
        installs = [
            line
            for line in (ROOT / name).read_text().splitlines()
            if "pip install" in line and not line.lstrip().startswith("#")
        ]
        assert installs, name
        assert [line for line in installs if "--require-hashes" not in line] == []


def test_base_images_are_named_by_digest() -> None:
    lines = (ROOT / "scoring/Dockerfile").read_text().splitlines()
    first = next(line for line in lines if line.startswith("FROM"))

    assert re.match(r"FROM \S+@sha256:[0-9a-f]{64} ", first)


def test_actions_are_named_by_commit() -> None:
    used = [
        line.split("uses:")[1].split("#")[0].strip()
        for path in (ROOT / ".github/workflows").glob("*.yml")
        for line in path.read_text().splitlines()
        if "uses:" in line
    ]

    assert used
    assert [name for name in used if not COMMIT.search(name)] == []


@contextmanager
def osv(vulnerable: str) -> Iterator[str]:
    """Serve OSV's two answers: packages with a vulnerability, and the vulnerability itself."""

    class Osv(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            queries = json.loads(self.rfile.read(length))["queries"]
            known = {"id": VULNERABILITY["id"], "modified": VULNERABILITY["modified"]}
            self._send(
                {
                    "results": [
                        {"vulns": [known]} if query["package"]["name"] == vulnerable else {}
                        for query in queries
                    ]
                }
            )

        def do_GET(self) -> None:
            self._send(VULNERABILITY)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

        def _send(self, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = Listening(("127.0.0.1", 0), Osv)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def advisories(address: str, cache: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "OSV_URL": address, "UV_CACHE_DIR": str(cache)}
    command = [sys.executable, "scripts/advisories"]
    return subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )


def test_a_known_vulnerability_fails_the_check_and_says_which_version_mends_it(
    tmp_path: Path,
) -> None:
    with osv("requests") as address:
        ended = advisories(address, tmp_path)

    assert ended.returncode == 1
    assert "TEST-1, A made-up vulnerability" in ended.stdout
    assert "Fixed in 99." in ended.stdout


def test_no_known_vulnerability_passes(tmp_path: Path) -> None:
    with osv("none") as address:
        ended = advisories(address, tmp_path)

    assert ended.returncode == 0
    assert "0 known vulnerabilities" in ended.stdout
    assert "COULD NOT LOOK" not in ended.stderr


def test_a_check_that_could_not_look_says_so(tmp_path: Path) -> None:
    with osv("none") as address:
        closed = address
    ended = advisories(closed, tmp_path)

    assert ended.returncode == 0
    assert "COULD NOT LOOK for known vulnerabilities" in ended.stderr
