"""Addresses of files in the container of arriving data; no other container is read for data."""

from urllib.parse import SplitResult, unquote, urlsplit

from function_app.errors import ContractError
from function_app.settings.azure import AzureSettings

_PORTS = {"https": 443, "http": 80}


def landed_name(settings: AzureSettings, url: str) -> str:
    """Return the name of the blob at this address; ContractError when it did not land as data.

    A name that walks (`..`) is refused: on its way it could turn into another container's.
    """
    try:
        given = urlsplit(url)
        port = given.port
    except ValueError:
        raise _foreign(settings, "The address of the data is not a URL.") from None
    account = urlsplit(settings.blob_endpoint)
    # Neither a query nor a user is shown: they can be keys.
    shown = f"{given.scheme}://{given.hostname or ''}{given.path}"[:300]
    if not _is_of(account, given, port):
        raise _foreign(settings, f"{shown} is not of the storage account of data.")
    if given.query or given.fragment:
        raise _foreign(settings, f"{shown} has a query.")
    prefix = f"{account.path.rstrip('/')}/{settings.data_container}/"
    path = unquote(given.path)
    name = path.removeprefix(prefix)
    steps = name.split("/")
    is_odd = "\\" in name or not name.isprintable() or any(s in ("", ".", "..") for s in steps)
    if not path.startswith(prefix) or is_odd:
        raise _foreign(settings, f"{shown} is not a file of the container of data.")
    return name


def _is_of(account: SplitResult, given: SplitResult, port: int | None) -> bool:
    host, default = account.hostname or "", _PORTS.get(account.scheme)
    # A write by the Data Lake API is announced with that API's host.
    hosts = {host, host.replace(".blob.", ".dfs.", 1)}
    return (
        given.scheme == account.scheme
        and given.hostname in hosts
        and (port or default) == (account.port or default)
        and given.username is None
    )


def _foreign(settings: AzureSettings, seen: str) -> ContractError:
    where = f"{settings.blob_endpoint.rstrip('/')}/{settings.data_container}/"
    return ContractError(f"{seen} Put the file under {where}.")
