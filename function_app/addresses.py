"""The one pair of functions that turns paths into addresses and back.

A path is percent-encoded in an address: a blank, a letter outside ASCII, `%`, `#` and `?` all have
another meaning there. So no other module may join or cut such addresses by hand.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from function_app.errors import ContractError

FILE = "file"


def file_address(path: Path) -> str:
    """Return the file:// address of an absolute path."""
    return path.as_uri()


def file_path(address: str) -> Path:
    """Return the path of a file:// address of this machine; ContractError when it is none."""
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise ContractError(f"{address[:200]} is no address: {error}.") from None
    path = unquote(parts.path)
    here = parts.netloc in ("", "localhost")
    if parts.scheme != FILE or not here or not path.startswith("/") or "\0" in path:
        raise ContractError(f"{address[:200]} is no address of a file on this machine.")
    if parts.query or parts.fragment:
        raise ContractError(f"{address[:200]} has a `?` or `#`. Write %3F or %23 for them.")
    return Path(path)
