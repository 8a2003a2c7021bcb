"""A blob container: versions (bundles, pointers, outputs of runs) or arriving data."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from function_app.adapters.azure.reach.connection import Connection, translate
from function_app.addresses import blob_name
from function_app.domain.events.arrivals import MIB, FileLimit
from function_app.errors import ContractError, NotFoundError, PlatformError
from function_app.late_imports import importing
from function_app.settings.azure import AzureSettings

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

# The size limit of a record in bytes: model code may have written anything under its name.
RECORD_LIMIT = FileLimit(most=20 * MIB)
PIECE = 4 << 20  # bytes of a download that are in memory at a time
MOST_CHANGES = 20  # of one pointer by others, while this process tries to write it


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobEntry:
    """A blob of a list: its size in bytes, and when it was written last, in whole seconds."""

    name: str
    size: int
    last_modified: datetime
    etag: str


class Blobs:
    """Reads and writes whole blobs; a pointer is a small JSON blob."""

    def __init__(self, connection: Connection, container: str = "") -> None:
        """Take the name of the container; the container of versions when it is None."""
        self._connection = connection
        self.container = container or connection.settings.versions_container
        self._made: ContainerClient | None = None

    @property
    def settings(self) -> AzureSettings:
        """Return the settings of the platform."""
        return self._connection.settings

    def beside(self, container: str) -> "Blobs":
        """Return another container of the same storage account."""
        return Blobs(self._connection, container)

    @property
    def address(self) -> str:
        """The address of the container, without a slash at its end."""
        settings = self._connection.settings
        return f"{settings.blob_endpoint.rstrip('/')}/{self.container}"

    def url(self, name: str) -> str:
        """Return the address of a blob."""
        return f"{self.address}/{name}"

    def name_of(self, url: str) -> str | None:
        """Return the name of the blob at this address, None when it is not of this container."""
        prefix = f"{self.address}/"
        return url.removeprefix(prefix) if url.startswith(prefix) else None

    def read(self, name: str) -> bytes | None:
        """Return the content of a blob, or None when there is none."""
        with importing():
            from azure.core.exceptions import ResourceNotFoundError

        with translate("read a blob", name):
            try:
                content: bytes = self._container().download_blob(blob_name(name)).readall()
            except ResourceNotFoundError:
                return None
        return content

    def copy_at(self, name: str, etag: str, limit: FileLimit | None, out: IO[bytes]) -> str | None:
        """Write a blob within the limit to `out` if it has this etag.

        Return its SHA-256 as hex digits, None when it has another etag. Without an etag any content
        counts. ContractError, code TOO_LARGE, when it is larger; NotFoundError when there is no
        blob.
        """
        with importing():
            from azure.core import MatchConditions
            from azure.core.exceptions import ResourceModifiedError

        options: dict[str, Any] = {}
        if etag:
            # Events name etags without the quotes that HTTP wants.
            quoted = f'"{etag.strip(chr(34))}"'
            options = {"etag": quoted, "match_condition": MatchConditions.IfNotModified}
        digest = hashlib.sha256()
        with translate("read a blob", name):
            try:
                # The size is read first, so that nothing of a blob that is too large is read.
                known = self._container().get_blob_client(blob_name(name)).get_blob_properties()
                if limit is not None:
                    limit.check(name, known.size)
                stream = self._container().download_blob(blob_name(name), **options)
                if limit is not None:
                    limit.check(name, stream.size)
                for chunk in stream.chunks():
                    digest.update(chunk)
                    out.write(chunk)
            except ResourceModifiedError:
                return None
        return digest.hexdigest()

    def read_at(self, name: str, etag: str, limit: FileLimit) -> bytes | None:
        """Return the blob that `copy_at` writes, None when it has another etag."""
        out = io.BytesIO()
        return out.getvalue() if self.copy_at(name, etag, limit, out) is not None else None

    def entry(self, name: str) -> BlobEntry | None:
        """Return the listing entry of a blob; None for a folder or when there is none."""
        with importing():
            from azure.core.exceptions import ResourceNotFoundError

        with translate("read the properties of a blob", name):
            try:
                properties = (
                    self._container().get_blob_client(blob_name(name)).get_blob_properties()
                )
            except ResourceNotFoundError:
                return None
        # A storage account with folders keeps each as an empty blob with this mark.
        if (properties.metadata or {}).get("hdi_isfolder") == "true":
            return None
        return BlobEntry(
            name=name,
            size=int(properties.size),
            last_modified=properties.last_modified,
            etag=str(properties.etag or "").strip('"'),
        )

    def read_part(self, name: str, begin: int, length: int) -> bytes:
        """Return at most `length` bytes from `begin` on; b"" behind the end, or without a blob."""
        with importing():
            from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

        with translate("read a blob", name):
            try:
                container = self._container()
                stream = container.download_blob(blob_name(name), offset=begin, length=length)
                content: bytes = stream.readall()
            except ResourceNotFoundError:
                return b""
            except HttpResponseError as error:
                if error.status_code == 416:  # the offset is behind its end
                    return b""
                raise
        return content

    def list(self, prefix: str) -> list[BlobEntry]:
        """Return the blobs with this prefix, in the order of their names."""
        return [*self.pages(prefix)]

    def pages(self, prefix: str = "") -> Iterator[BlobEntry]:
        """Yield the blobs with this prefix, in the order of their names, page by page."""
        with translate("list the blobs", f"{self.address}/{prefix}"):
            begin = blob_name(prefix) if prefix else prefix
            for b in self._container().list_blobs(name_starts_with=begin):
                yield BlobEntry(
                    name=b.name,
                    size=int(b.size),
                    last_modified=b.last_modified,
                    etag=str(b.etag or "").strip('"'),
                )

    def digest(self, name: str) -> str | None:
        """Return the SHA-256 of a blob as hex digits, reading it piece by piece."""
        with importing():
            from azure.core.exceptions import ResourceNotFoundError

        digest = hashlib.sha256()
        with translate("read a blob", name):
            try:
                for piece in self._container().download_blob(blob_name(name)).chunks():
                    digest.update(piece)
            except ResourceNotFoundError:
                return None
        return digest.hexdigest()

    def create(self, name: str, content: bytes | IO[bytes]) -> bool:
        """Write a blob unless there is one; return whether it was written."""
        with importing():
            from azure.core.exceptions import ResourceExistsError, ResourceModifiedError

        with translate("write a blob", name):
            try:
                self._container().upload_blob(blob_name(name), content, overwrite=False)
            except (ResourceExistsError, ResourceModifiedError):
                return False
        return True

    def write(self, name: str, content: bytes) -> None:
        """Write a blob, instead of an earlier one."""
        with translate("write a blob", name):
            self._container().upload_blob(blob_name(name), content, overwrite=True)

    def read_json(self, name: str) -> Any:
        """Return the content of a pointer, None when there is none.

        PlatformError when the blob holds anything else.
        """
        content = self.read(name)
        try:
            return None if content is None else json.loads(content)
        except (ValueError, RecursionError) as error:
            text = f"{self.url(name)} is not JSON. Restore an earlier version, or delete it."
            raise PlatformError("azure", "read a record", text) from error

    def read_record(self, name: str) -> dict[str, Any] | None:
        """Return the object of a pointer; {} for other content, None when there is no blob.

        A blob that is larger than RECORD_LIMIT is not read. PlatformError when the storage does
        not answer: the pointer must not count as absent then.
        """
        try:
            content = self.read_at(name, "", RECORD_LIMIT)
        except NotFoundError:
            return None
        except ContractError:
            return {}
        try:
            record = json.loads(content or b"")
        except (ValueError, RecursionError):
            return {}
        return record if isinstance(record, dict) else {}

    def write_json(self, name: str, content: object) -> None:
        """Write a pointer."""
        self.write(name, _text(content))

    def change_record(
        self, name: str, change: Callable[[dict[str, Any]], Mapping[str, object] | None]
    ) -> None:
        """Replace a pointer's object by the result of `change`, atomically; None keeps it.

        `change` gets {} when there is no object, and is called again when another process wrote in
        between.
        """
        with importing():
            from azure.core import MatchConditions
            from azure.core.exceptions import ResourceExistsError, ResourceModifiedError

        for _ in range(MOST_CHANGES):
            etag = self.etag(name)
            content = change(self.read_record(name) or {})
            if content is None:
                return
            condition: dict[str, Any] = {"overwrite": False}
            if etag is not None:
                unchanged = MatchConditions.IfNotModified
                condition = {"overwrite": True, "etag": etag, "match_condition": unchanged}
            with translate("write a blob", name):
                try:
                    self._container().upload_blob(blob_name(name), _text(content), **condition)
                except (ResourceExistsError, ResourceModifiedError):
                    continue
            return
        text = f"{name} was changed by others {MOST_CHANGES} times in a row. Try again later."
        raise PlatformError("azure", "write a blob", text)

    def etag(self, name: str) -> str | None:
        """Return the etag of a blob, or None when there is none."""
        with importing():
            from azure.core.exceptions import ResourceNotFoundError

        with translate("read the properties of a blob", name):
            try:
                client = self._container().get_blob_client(blob_name(name))
                return str(client.get_blob_properties().etag)
            except ResourceNotFoundError:
                return None

    def create_json(self, name: str, content: object) -> bool:
        """Write a pointer unless there is one; return whether it was written."""
        return self.create(name, _text(content))

    def delete(self, name: str) -> None:
        """Delete a blob; nothing happens when there is none."""
        with importing():
            from azure.core.exceptions import ResourceNotFoundError

        with translate("delete a blob", name):
            try:
                self._container().delete_blob(blob_name(name))
            except ResourceNotFoundError:
                return

    def ensure_container(self) -> bool:
        """Create the container if it does not exist; return whether it was created."""
        with importing():
            from azure.core.exceptions import ResourceExistsError

        with translate("make the container", self.address):
            try:
                self._container().create_container()
            except ResourceExistsError:
                return False
        return True

    def container_exists(self) -> bool:
        """Return whether the container stands."""
        with translate("read the container", self.address):
            return bool(self._container().exists())

    def _container(self) -> "ContainerClient":
        if self._made is None:
            with importing():
                from azure.storage.blob import ContainerClient

            settings, connection = self._connection.settings, self._connection
            self._made = ContainerClient(
                settings.blob_endpoint,
                self.container,
                credential=connection.credential,
                # Storage has a policy of its own, which waits 15 s before its first retry.
                initial_backoff=1,
                # By default a download begins with 32 MiB, which is copied several times.
                max_single_get_size=PIECE,
                increment_base=2,
                raw_response_hook=_read_refusal,
                **connection.options(),
            )
        return self._made


def _read_refusal(response: Any) -> None:
    # The SDK throws the refusal of a download away unread before it asks again, which keeps the
    # connection from the next request and open until memory is collected.
    if response.http_response.status_code >= 400:
        response.http_response.body()


def _text(content: object) -> bytes:
    return (json.dumps(content, sort_keys=True) + "\n").encode()
