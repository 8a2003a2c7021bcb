"""Quick builds of ACR Tasks, over the management API: four calls and one upload."""

from datetime import datetime
from typing import IO, Any, NotRequired, TypedDict

from function_app.adapters.azure.reach.connection import Body, Connection, translate
from function_app.adapters.azure.reach.web import Web
from function_app.addresses import url_segment
from function_app.errors import NotFoundError, PlatformError

API = "2019-06-01-preview"
UNDER_WAY = ("queued", "started", "running")
_TAIL = 12  # lines of a log that an error shows


class PushedImage(TypedDict, total=False):
    """An image that a run pushed."""

    repository: str
    tag: str
    digest: str


class BuildRun(TypedDict):
    """The properties of a run of the registry that this app reads."""

    runId: str
    status: str
    runType: NotRequired[str]
    createTime: NotRequired[str]
    runErrorMessage: NotRequired[str | None]
    outputImages: NotRequired[list[PushedImage] | None]


class BuildRuns:
    """Queues builds and polls them; ACR does not know which builds were requested before."""

    def __init__(self, connection: Connection, web: Web) -> None:
        self._connection, self._web = connection, web
        settings = connection.settings
        self._registry = (
            f"/subscriptions/{settings.subscription_id}"
            f"/resourceGroups/{settings.resource_group}"
            f"/providers/Microsoft.ContainerRegistry/registries/{settings.registry}"
        )

    def upload(self, context: IO[bytes]) -> str:
        """Upload the files of a build to the registry; return their path for the build."""
        target = self._need("POST", "/listBuildSourceUploadUrl", "uploadUrl", "relativePath")
        with translate("upload the files of a build", "build context"):
            headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/octet-stream"}
            self._web.send("PUT", target["uploadUrl"], headers=headers, content=context)
        return str(target["relativePath"])

    def queue(self, images: list[str], source: str, dockerfile: str) -> str | None:
        """Queue a build that pushes an image under these names; return the id of its run.

        None when the registry takes the build and does not say its id yet (202 without a body).
        """
        request = {
            "type": "DockerBuildRequest",
            "imageNames": images,
            "isPushEnabled": True,
            "noCache": False,
            "dockerFilePath": dockerfile,
            "sourceLocation": source,
            "platform": {"os": "Linux", "architecture": "amd64"},
            "agentConfiguration": {"cpu": 2},
            "timeout": self._connection.settings.build_seconds,
            "isArchiveEnabled": False,
        }
        made = self._ask("POST", "/scheduleRun", request)
        properties = (made or {}).get("properties") or {}
        return properties.get("runId")

    def get(self, run_id: str) -> BuildRun | None:
        """Return the state of a run, None when the registry has deleted its record."""
        try:
            answer = self._ask("GET", f"/runs/{url_segment(run_id)}") or {}
        except NotFoundError:
            return None
        properties: BuildRun | None = answer.get("properties")
        return properties

    def list_since(self, moment: datetime) -> list[BuildRun]:
        """Return the quick builds that were made since then, oldest first."""
        runs: list[BuildRun] = []
        page = self._ask("GET", "/runs")
        while page is not None:
            runs += [run["properties"] for run in page.get("value", [])]
            link = page.get("nextLink")
            page = self._connection.rest("GET", link, api_version=API) if link else None
        quick = [run for run in runs if run.get("runType") in ("QuickBuild", "QuickRun")]
        recent = [run for run in quick if _time(run.get("createTime")) >= moment]
        return sorted(recent, key=lambda run: _time(run.get("createTime")))

    def log_tail(self, run_id: str) -> str:
        """Return the last lines of a run's log, or why they cannot be read."""
        try:
            link = self._need("POST", f"/runs/{url_segment(run_id)}/listLogSasUrl", "logLink")[
                "logLink"
            ]
            with translate("read the log of a build", run_id):
                text = self._web.send("GET", link).text()
        except (NotFoundError, PlatformError) as error:
            return f"Its log cannot be read ({error.code})."
        return " | ".join(line for line in text.splitlines()[-_TAIL:] if line.strip())

    def _need(self, method: str, path: str, *fields: str) -> dict[str, Any]:
        """Return an answer that must have these fields; raise PlatformError when one is missing."""
        answer: dict[str, Any] = self._ask(method, path) or {}
        missing = [name for name in fields if not answer.get(name)]
        if missing:
            text = f"{path} answered without {', '.join(missing)}. Try again later."
            raise PlatformError("azure", f"{method} {path}", text)
        return answer

    def _ask(self, method: str, path: str, body: Body = None) -> Any:
        return self._connection.rest(method, self._registry + path, api_version=API, body=body)


def _time(text: str | None) -> datetime:
    # Azure gives seven digits of a second, and no time zone now and then.
    moment = datetime.fromisoformat((text or "1970-01-01T00:00:00Z")[:19] + "+00:00")
    return moment


def output_digest(run: BuildRun, repository: str, tag: str) -> str | None:
    """Return the digest that a run pushed under this tag."""
    for image in run.get("outputImages") or []:
        if image.get("repository") == repository and image.get("tag") == tag:
            return str(image["digest"])
    return None
