"""A container registry: its tasks on the management API, and its own data plane."""

import hashlib
import io
import re
import tarfile
from pathlib import Path
from typing import Any

from function_app.domain.release.base_image import base_images
from tests.azure_servers.arm import ArmServer, audience, error, refuse_unknown
from tests.azure_servers.base import Answer, Request, Server
from tests.azure_servers.tls import Tls

_PATH = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers"
    r"/Microsoft\.ContainerRegistry/registries/registry(?P<rest>/.*)?"
)
# The published definition of DockerBuildRequest, 2019-06-01-preview.
_BUILD: dict[str, set[str]] = {
    "allowed": {
        "type", "isArchiveEnabled", "agentPoolName", "logTemplate", "imageNames", "isPushEnabled",
        "noCache", "dockerFilePath", "target", "arguments", "timeout", "platform",
        "agentConfiguration", "sourceLocation", "credentials",
    },
    "required": {"type", "dockerFilePath", "platform"},
}  # fmt: skip


ROOT = Path(__file__).parents[2]
[BASE] = base_images((ROOT / "scoring" / "Dockerfile").read_text("utf-8"), "")


class Registry(Server):
    """The data plane; `tasks` is its part of the management API."""

    def __init__(self, tls: Tls, arm: ArmServer) -> None:
        self.manifests: dict[str, str] = {}  # "repository:tag" to digest
        self.runs: dict[str, dict[str, Any]] = {}
        self.contexts: dict[str, bytes] = {}
        # The public images that an import finds, and the imports that a test has not ended.
        self.public = {BASE.address: BASE.reference}
        self.imports: list[dict[str, Any]] = []
        self.imports_end_at_once = True
        self.says_the_run = True  # else a queued build is taken with a 202 that has no body
        self.requests_of: dict[str, dict[str, Any]] = {}
        self.log = "Step 1/3 : FROM base\nerror: no space left\n"
        self.created = "2026-01-01T00:00:00.1234567Z"
        super().__init__(self._respond, tls)
        self.server = self.url.removeprefix("https://")
        arm.services.append(_Tasks(self, arm))

    def finish(self, run_id: str, status: str = "Succeeded") -> None:
        """Let a build end; a successful build pushes the image of its files."""
        run, asked = self.runs[run_id]["properties"], self.requests_of[run_id]
        run["status"] = status
        if status != "Succeeded":
            run["runErrorMessage"] = "failed during run, err: exit status 1"
            return
        content = self.contexts[asked["sourceLocation"]]
        self.check_context(content, asked["dockerFilePath"])
        digest = "sha256:" + hashlib.sha256(content + run_id.encode()).hexdigest()
        run["outputImages"] = []
        for name in asked["imageNames"]:
            self.manifests[name] = digest
            repository, _, tag = name.partition(":")
            image = {"registry": self.server, "repository": repository, "tag": tag}
            run["outputImages"].append({**image, "digest": digest})

    def finish_import(self) -> None:
        """Let the oldest import end; it fails when no such public image exists."""
        asked = self.imports.pop(0)
        source, body = f"{asked['source']['registryUri']}/{asked['source']['sourceImage']}", asked
        digest = self.public.get(source)
        for tag in body["targetTags"] if digest else ():
            self.manifests[tag] = str(digest)

    def check_context(self, content: bytes, dockerfile: str) -> None:
        """Raise when the Dockerfile copies a file that the archive does not contain."""
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            names = archive.getnames()
            found = archive.extractfile(dockerfile)
            assert found is not None
            text = found.read().decode()
        for source in re.findall(r"^COPY (?:--\S+ )*(\S+) \S+$", text, re.MULTILINE):
            held = any(name == source or name.startswith(f"{source}/") for name in names)
            assert held, f"COPY {source} finds nothing among {names}"

    def _respond(self, request: Request) -> Answer:
        if request.path.startswith("/upload/"):
            return self._upload(request)
        if request.path.startswith("/log/"):
            if request.query.get("sig") != "secret-of-log":
                return Answer(status=403)
            return Answer(body=self.log.encode(), headers={"Content-Type": "text/plain"})
        if request.path == "/oauth2/exchange":
            token = _form(request)["access_token"]
            if audience(token) != "https://containerregistry.azure.net":
                return Answer(status=401, content={"errors": [{"code": "UNAUTHORIZED"}]})
            return Answer(content={"refresh_token": "refresh"})
        if request.path == "/oauth2/token":
            form = _form(request)
            if form["refresh_token"] != "refresh":
                return Answer(status=401, content={"errors": [{"code": "UNAUTHORIZED"}]})
            return Answer(content={"access_token": form["scope"]})
        return self._manifest(request)

    def _upload(self, request: Request) -> Answer:
        blob = request.headers.get("x-ms-blob-type") == "BlockBlob"
        if request.method != "PUT" or request.query.get("sig") != "secret" or not blob:
            return Answer(status=403)
        self.contexts[request.path.removeprefix("/upload/")] = request.body
        return Answer(status=201)

    def _manifest(self, request: Request) -> Answer:
        found = re.fullmatch(r"/v2/(.+)/manifests/(.+)", request.path)
        if found is None:
            return Answer(status=404)
        repository, reference = found.groups()
        action = "delete" if request.method == "DELETE" else "pull"
        if request.headers.get("authorization") != f"Bearer repository:{repository}:{action}":
            return Answer(status=401, content={"errors": [{"code": "UNAUTHORIZED"}]})
        digest = self.manifests.get(f"{repository}:{reference}")
        pushed = {d for name, d in self.manifests.items() if name.startswith(f"{repository}:")}
        if reference in pushed:
            digest = reference
        if digest is None:
            return Answer(status=404, content={"errors": [{"code": "MANIFEST_UNKNOWN"}]})
        if request.method == "DELETE":
            kept = {n: d for n, d in self.manifests.items() if d != digest}
            self.manifests = kept
            return Answer(status=202)
        return Answer(headers={"Docker-Content-Digest": digest})


class _Tasks:
    def __init__(self, registry: Registry, arm: ArmServer) -> None:
        self._registry, self._arm = registry, arm

    def respond(self, request: Request) -> Answer | None:
        found = _PATH.fullmatch(request.path)
        if found is None:
            return None
        rest, registry = found["rest"] or "", self._registry
        if rest == "/listBuildSourceUploadUrl":
            name = f"source/{len(registry.contexts)}.tar.gz"
            url = f"{registry.url}/upload/{name}?sv=1&sig=secret"
            return Answer(content={"uploadUrl": url, "relativePath": name})
        if rest == "/scheduleRun":
            return self._schedule(request)
        if rest == "/importImage":
            return self._import(request)
        if rest == "/runs":
            return self._list(request)
        run_id = rest.split("/")[2]
        if run_id not in registry.runs:
            return error(404, "RunNotFound", f"The run {run_id} was not found.")
        if rest.endswith("/listLogSasUrl"):
            return Answer(content={"logLink": f"{registry.url}/log/{run_id}?sig=secret-of-log"})
        return Answer(content=registry.runs[run_id])

    def _import(self, request: Request) -> Answer:
        """Take an import; its answer has no body, as the published definition says."""
        body, registry = request.json, self._registry
        source = f"{body['source']['registryUri']}/{body['source']['sourceImage']}"
        registry.imports.append(body)
        if registry.imports_end_at_once:
            registry.finish_import()

        def check() -> Answer:
            if body in registry.imports:
                return Answer(status=202, headers={"Retry-After": "1"})
            if source not in registry.public:
                return error(404, "InvalidImage", f"{source} was not found.")
            return Answer(status=200)

        address = self._arm.begin(check)["Azure-AsyncOperation"]
        return Answer(status=202, headers={"Location": address, "Retry-After": "1"})

    def _schedule(self, request: Request) -> Answer:
        wrong = refuse_unknown(request.json, **_BUILD)
        if wrong:
            return error(400, "InvalidRequest", wrong)
        run_id = f"run{len(self._registry.runs) + 1}"
        properties = {
            "runId": run_id,
            "status": "Queued",
            "runType": "QuickBuild",
            "createTime": self._registry.created,
            "provisioningState": "Succeeded",
        }
        made = {"id": request.path, "name": run_id, "properties": properties}
        self._registry.runs[run_id] = made
        self._registry.requests_of[run_id] = request.json
        return Answer(content=made) if self._registry.says_the_run else Answer(status=202)

    def _list(self, request: Request) -> Answer:
        runs = list(reversed(self._registry.runs.values()))
        first = int(request.query.get("$skiptoken", "0"))
        content: dict[str, Any] = {"value": runs[first : first + 2]}
        if first + 2 < len(runs):
            version = request.query["api-version"]
            query = f"api-version={version}&$skiptoken={first + 2}"
            endpoint = f"https://{request.headers['host']}"
            content["nextLink"] = f"{endpoint}{request.path}?{query}"
        return Answer(content=content)


def _form(request: Request) -> dict[str, str]:
    from urllib.parse import parse_qsl

    return dict(parse_qsl(request.body.decode()))
