"""Commit statuses on servers with GitHub's API (GitHub Enterprise, Gitea) and on Azure DevOps.

Sources: GitHub REST documentation, "Create a commit status"; Azure DevOps REST documentation 7.1,
"Statuses - Create".
"""

import base64
import logging
import re
from typing import Any
from urllib.parse import quote, unquote

from function_app.adapters.git.address import Address
from function_app.domain.text.redaction import redact
from function_app.late_imports import importing
from function_app.settings.git import GitSettings

_LOG = logging.getLogger(__name__)
_AZURE_STATES = {"success": "succeeded", "failure": "failed"}
_LONGEST_DETAIL = 140
_TIMEOUT = (5, 15)


def post_status(
    address: Address,
    settings: GitSettings,
    commit: str,
    model: str,
    state: str,
    detail: str,
    link: str,
) -> bool:
    """Post a status; False when there is no token, or when the host does not take it."""
    host = "dev.azure.com" if address.host == "ssh.dev.azure.com" else address.host
    token = settings.token(host)
    if not host or not token:
        return False
    target = _absolute(settings.public_url, link)
    if _is_azure(address):
        url = _azure_url(address, settings.api(host), commit)
        basic = base64.b64encode(f":{token}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}"}
        body: dict[str, Any] = {
            "state": _AZURE_STATES.get(state, state),
            "description": _short(detail),
            "context": {"name": model, "genre": "mlops"},
        }
        if target:
            body["targetUrl"] = target
    else:
        url = _github_url(address, settings.api(host), commit)
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        body = {"state": state, "description": _short(detail), "context": f"mlops/{model}"}
        if target:
            body["target_url"] = target
    return _post(url, headers, body, settings.ca_file)


def _post(url: str, headers: dict[str, str], body: dict[str, Any], ca_file: str) -> bool:
    with importing():
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3.util.retry import Retry

    # A later status of the same context replaces the earlier one, so that posting is idempotent.
    retry = Retry(
        total=3,
        backoff_factor=0.5,
        status_forcelist=(429, 500, 502, 503, 504),
        allowed_methods=None,
        redirect=0,
        retry_after_max=10,  # the longest wait for a status, in seconds
        raise_on_status=False,
    )
    where = re.sub(r"\?.*", "", url)
    with requests.Session() as session:
        session.trust_env = False  # no .netrc: the token is this host's
        session.mount("https://", HTTPAdapter(max_retries=retry))
        session.mount("http://", HTTPAdapter(max_retries=retry))
        try:
            answer = session.post(
                url,
                json=body,
                headers=headers,
                timeout=_TIMEOUT,
                allow_redirects=False,
                verify=ca_file or True,
            )
        except requests.RequestException as error:
            _LOG.warning("commit status not posted to %s: %s", where, type(error).__name__)
            return False
    if answer.status_code not in (200, 201):
        _LOG.warning("commit status not posted to %s: HTTP %s", where, answer.status_code)
        return False
    return True


def _is_azure(address: Address) -> bool:
    return "_git" in address.path.split("/") or address.host == "ssh.dev.azure.com"


def _github_url(address: Address, api: str, commit: str) -> str:
    if not api:
        api = "https://api.github.com"
        if address.host != "github.com":
            api = f"https://{address.host}/api/v3"
    repository = address.path.removesuffix(".git").strip("/")
    return f"{api}/repos/{quote(unquote(repository))}/statuses/{commit}"


def _azure_url(address: Address, api: str, commit: str) -> str:
    """Return the URL for `{org}/{project}/_git/{repo}` or `v3/{org}/{project}/{repo}`."""
    parts = [unquote(part) for part in address.path.strip("/").split("/")]
    base = api or "https://dev.azure.com"
    if address.host == "ssh.dev.azure.com":
        before, repository = parts[1:3], parts[-1]
    else:
        before, repository = parts[: parts.index("_git")], parts[-1]
        if address.host.endswith(".visualstudio.com"):
            base = api or f"https://{address.host}"
            before = [part for part in before if part != "DefaultCollection"]
        # A repository named like its project has an address without the project.
        if len(before) < 2 and not address.host.endswith(".visualstudio.com"):
            before = [*before, repository]
    path = "/".join(quote(part, safe="") for part in before)
    return (
        f"{base}/{path}/_apis/git/repositories/{quote(repository, safe='')}/commits/{commit}"
        "/statuses?api-version=7.1"
    )


def _absolute(public_url: str, link: str) -> str:
    if link.startswith("https://"):
        return link
    return f"{public_url}{link}" if public_url and link.startswith("/") else ""


def _short(detail: str) -> str:
    text = " ".join(redact(detail).split())
    return text if len(text) <= _LONGEST_DETAIL else text[: _LONGEST_DETAIL - 1] + "…"
