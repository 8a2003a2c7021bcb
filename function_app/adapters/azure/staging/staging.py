"""Staging on Azure Container Instances: one group per release, created, polled and removed.

A group is disposable: it never changes its image in place, it has its release and its last day as
tags, and a repeated call finds it by its name.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from function_app.adapters.azure.keys import VaultKeys
from function_app.adapters.azure.reach.connection import Connection, begin, translate
from function_app.adapters.azure.staging import container_groups as groups
from function_app.adapters.azure.staging.container_groups import describe_group, group_name
from function_app.adapters.scoring_service.scoring_keys import describe_keys
from function_app.domain.release.serving import Deployment, Environment, Image, Rollout
from function_app.domain.text.redaction import redact
from function_app.errors import AttemptError, NotFoundError, PlatformError
from function_app.late_imports import importing

if TYPE_CHECKING:
    from azure.mgmt.containerinstance import ContainerInstanceManagementClient
    from azure.mgmt.containerinstance.models import ContainerGroup

RUNTIME = "container instance"
_FAILED = ("Failed", "Unhealthy", "Repairing")
_TAIL = 20
_RESTARTS = 3  # of a container that ends again and again


class AzureStaging:
    """Requests a group and returns its state; the story waits."""

    def __init__(
        self,
        connection: Connection,
        server: str,
        keys: VaultKeys,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._connection, self._server, self._now = connection, server, now
        self._keys = keys
        settings = connection.settings
        self._group = settings.staging_resource_group or settings.resource_group
        self._made: ContainerInstanceManagementClient | None = None

    def deploy(self, release_id: str, image: Image) -> Rollout:
        name = group_name(release_id)
        group = self._get(name)
        if group is None:
            self._create(name, release_id, image)
            return _under_way(f"Container group {name} is requested.")
        tags = group.tags or {}
        if tags.get(groups.RELEASE) != release_id:
            text = f"{name} is there and carries no tag of {release_id}. Rename or delete it."
            raise PlatformError("azure", "deploy to staging", text)
        state = group.provisioning_state or ""
        if state == "Deleting":
            return _under_way(f"The former container group {name} is being deleted.")
        if tags.get(groups.DIGEST) != image.digest:
            self._delete(name)
            return _under_way(f"Container group {name} ran another image and is deleted.")
        return self._rollout(name, group, image)

    def remove(self, release_id: str) -> None:
        name = group_name(release_id)
        group = self._get(name)
        if group is not None and (group.tags or {}).get(groups.RELEASE) == release_id:
            self._delete(name)

    def list_releases(self) -> tuple[str, ...]:
        return tuple(sorted(tags[groups.RELEASE] for tags in self._tags()))

    def list_foreign(self) -> tuple[str, ...]:
        foreign = [_name(group) for group in self._list() if not _is_own(group)]
        return tuple(sorted(name for name in foreign if name.startswith(group_name(""))))

    def expired(self, now: datetime) -> tuple[str, ...]:
        return tuple(
            sorted(
                tags[groups.RELEASE]
                for tags in self._tags()
                if _is_past(tags.get(groups.EXPIRES, ""), now)
            )
        )

    def identity(self, name: str) -> tuple[str, str]:
        """Return the release of a container group and its certificate's SHA-256, "" for none.

        NotFoundError when the group is gone.
        """
        group = self._get(name)
        if group is None:
            raise NotFoundError(f"There is no container group {name}.")
        tags = group.tags or {}
        return str(tags.get(groups.RELEASE, "")), str(tags.get(groups.CERTIFICATE, ""))

    def _rollout(self, name: str, group: "ContainerGroup", image: Image) -> Rollout:
        """Return the deployment when it serves, else its progress; AttemptError when it failed."""
        container = group.containers[0]
        view = getattr(container, "instance_view", None)
        current = getattr(view, "current_state", None)
        state = (getattr(group.instance_view, "state", "") if group.instance_view else "") or ""
        # The SDK declares this field as None, because a request does not have it.
        provisioned: str = getattr(group, "provisioning_state", None) or ""
        state_text = f"{provisioned or 'unknown'}, {state or 'no state yet'}"
        restarts = getattr(view, "restart_count", 0) or 0
        ended = getattr(current, "state", "") == "Terminated"
        if provisioned in _FAILED or state == "Failed" or restarts >= _RESTARTS:
            text = self._failure(name, state_text, view)
            # The next call creates the group again.
            self._delete(name)
            raise AttemptError("azure", "deploy to staging", text)
        if ended or provisioned != "Succeeded" or state != "Running":
            return _under_way(f"Container group {name} is {state_text}.")
        if getattr(current, "state", "") != "Running" or not _is_ready(view):
            return _under_way(f"Container group {name} runs and is not ready.")
        endpoint = _endpoint(group)
        if not endpoint:
            return _under_way(f"Container group {name} runs and has no address yet.")
        deployment = Deployment(
            deployment_id=name,
            environment=Environment.STAGING,
            endpoint=endpoint,
            image=image,
            runtime=RUNTIME,
        )
        return Rollout(deployment=deployment)

    def _failure(self, name: str, state_text: str, view: Any) -> str:
        events = [event.message for event in (getattr(view, "events", None) or [])[-3:]]
        try:
            with translate("read the log of a container", name):
                log = self._client().containers.list_logs(
                    self._group, name, groups.CONTAINER, tail=_TAIL
                )
            tail = " | ".join((log.content or "").splitlines()[-_TAIL:])
        except (NotFoundError, PlatformError) as error:
            tail = f"cannot be read ({error.code})"
        messages = " ".join(str(message) for message in events)
        text = f"Container group {name} is {state_text}. {messages} Its log: {tail}"
        return redact(f"{text} Correct the image or the identity that pulls it.")

    def _get(self, name: str) -> "ContainerGroup | None":
        try:
            with translate("read a container group", name):
                return self._client().container_groups.get(self._group, name)
        except NotFoundError:
            self._confirm()
            return None

    def _confirm(self) -> None:
        """Raise when the resource group itself is gone, which answers like an absent group."""
        settings = self._connection.settings
        path = f"/subscriptions/{settings.subscription_id}/resourceGroups/{self._group}"
        try:
            self._connection.rest("GET", path, api_version="2021-04-01")
        except NotFoundError as error:
            text = f"There is no resource group {self._group}. Make it, or correct the settings."
            raise PlatformError("azure", "read staging", text) from error

    def _create(self, name: str, release_id: str, image: Image) -> None:
        settings = self._connection.settings
        keys = describe_keys(None, self._keys.staging_secret(release_id))
        group = describe_group(settings, release_id, image, self._server, keys, self._now())
        with begin("deploy to staging", name):
            # The poller is left alone: pulling an image may take minutes.
            self._client().container_groups.begin_create_or_update(
                self._group, name, group, polling=False
            )

    def _delete(self, name: str) -> None:
        try:
            with begin("remove a container group", name):
                self._client().container_groups.begin_delete(self._group, name, polling=False)
        except NotFoundError:
            return

    def _list(self) -> "list[ContainerGroup]":
        with translate("list the container groups", self._group):
            return list(self._client().container_groups.list_by_resource_group(self._group))

    def _tags(self) -> list[dict[str, str]]:
        return [group.tags or {} for group in self._list() if _is_own(group)]

    def _client(self) -> "ContainerInstanceManagementClient":
        if self._made is None:
            with importing():
                from azure.mgmt.containerinstance import ContainerInstanceManagementClient

            self._made = self._connection.management(ContainerInstanceManagementClient)
        return self._made


def _name(group: "ContainerGroup") -> str:
    # The SDK declares this field as None, because a request does not have it.
    return getattr(group, "name", None) or ""


def _endpoint(group: "ContainerGroup") -> str:
    """Return the URL of a container group, "" while it has no address."""
    address = group.ip_address
    if address is None or not address.ports:
        return ""
    host = address.fqdn or address.ip
    scheme = "https" if (group.tags or {}).get(groups.CERTIFICATE) else "http"
    return f"{scheme}://{host}:{address.ports[0].port}"


def _is_ready(view: Any) -> bool:
    """Return whether the last word of the probe is not that the container is unready."""
    events = [e for e in (getattr(view, "events", None) or []) if e.name in ("Unhealthy", "Ready")]
    return not events or events[-1].name != "Unhealthy"


def _is_past(text: str, now: datetime) -> bool:
    """Return whether the time of a tag is over; False when the tag is garbled."""
    try:
        return datetime.fromisoformat(text) <= now
    except (TypeError, ValueError):
        return False


def _is_own(group: "ContainerGroup") -> bool:
    """Return whether this app made a container group: its tags name the release of its name."""
    tags = group.tags or {}
    release_id = tags.get(groups.RELEASE)
    if tags.get(groups.OWNER) != "staging" or not release_id:
        return False
    return _name(group) == group_name(release_id)


def _under_way(detail: str) -> Rollout:
    return Rollout(done=False, detail=detail)
