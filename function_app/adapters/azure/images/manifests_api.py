"""The data plane of the container registry: the digests of tags."""

from urllib.parse import quote

from function_app.adapters.azure.reach.connection import Connection, translate
from function_app.adapters.azure.reach.web import Web
from function_app.addresses import blob_name
from function_app.errors import NotFoundError, PlatformError

_ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


class Manifests:
    """Reads manifests with this app's identity, exchanged for a token of one repository."""

    def __init__(self, connection: Connection, web: Web) -> None:
        self._connection, self._web = connection, web

    @property
    def server(self) -> str:
        """Return the registry's login server."""
        settings = self._connection.settings
        return settings.registry_server or f"{settings.registry}.azurecr.io"

    def digest(self, repository: str, reference: str) -> str | None:
        """Return the digest of a tag or of a digest, None when there is no such image."""
        url = self._url(repository, reference)
        resource = f"{repository}:{reference}"
        try:
            with translate("read an image", resource):
                token = self._token(repository)
                headers = {"Authorization": f"Bearer {token}", "Accept": _ACCEPT}
                answer = self._web.send("HEAD", url, headers=headers)
        except NotFoundError:
            return None
        digest = str(answer.headers.get("Docker-Content-Digest", ""))
        if not digest.startswith("sha256:"):
            text = f"{resource} has no digest. Check the registry {self.server}."
            raise PlatformError("azure", "read an image", text)
        return digest

    def _url(self, repository: str, reference: str) -> str:
        """Return the address of a manifest; a repository may have several steps."""
        path = quote(blob_name(f"{repository}/manifests/{reference}"), safe="/:")
        return f"https://{self.server}/v2/{path}"

    def delete(self, repository: str, digest: str) -> None:
        """Delete an image with all of its tags; nothing happens when it is gone."""
        url = self._url(repository, digest)
        try:
            with translate("delete an image", f"{repository}@{digest}"):
                headers = {"Authorization": f"Bearer {self._token(repository, 'delete')}"}
                self._web.send("DELETE", url, headers=headers)
        except NotFoundError:
            return

    def _token(self, repository: str, action: str = "pull") -> str:
        settings, server = self._connection.settings, self.server
        identity = self._connection.credential.get_token(settings.registry_scope).token
        form = {"grant_type": "access_token", "service": server, "access_token": identity}
        if settings.tenant_id:
            form["tenant"] = settings.tenant_id
        exchange = self._web.send("POST", f"https://{server}/oauth2/exchange", form=form)
        form = {
            "grant_type": "refresh_token",
            "service": server,
            "scope": f"repository:{repository}:{action}",
            "refresh_token": str(exchange.json()["refresh_token"]),
        }
        answer = self._web.send("POST", f"https://{server}/oauth2/token", form=form)
        return str(answer.json()["access_token"])
