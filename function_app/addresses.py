"""The functions that turn names into paths and URLs, and paths into addresses and back.

A path is percent-encoded in an address: a blank, a letter outside ASCII, `%`, `#` and `?` all have
another meaning there. So no other module may join or cut such addresses by hand.

Names are checked where they come in (domain/text/identifiers.py). `below`, `blob_name` and
`url_segment` check them again where a path, a blob's name or a URL is made of them, so that one
name that a pattern forgot does not lead out of its folder.
"""

from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from function_app.errors import ContractError

FILE = "file"
BAD_NAME = "BAD_NAME"


def below(root: Path, *names: str) -> Path:
    """Return the path of these names below a folder, each one step of it.

    ContractError when a name is empty, absolute, `.` or `..`, or holds a separator, a drive or a
    control character: the path would lead out of the folder.
    """
    for name in names:
        _check_step(name)
    return root.joinpath(*names)


def blob_name(name: str) -> str:
    """Return the name of a blob, or its prefix, after a check of its steps.

    ContractError when a step is empty, `.` or `..`: a client resolves such a URL to another blob.
    """
    for step in name.removesuffix("/").split("/"):
        if step in ("", ".", "..") or "\\" in step or any(ord(sign) < 32 for sign in step):
            raise _no_step(name)
    return name


def url_segment(name: str) -> str:
    """Return a name as one percent-encoded segment of a URL's path.

    ContractError when it is empty, holds a control character, or is `.` or `..`, which clients
    resolve.
    """
    if name in ("", ".", "..") or any(ord(sign) < 32 or ord(sign) == 127 for sign in name):
        raise _no_step(name)
    return quote(name, safe="")


def _check_step(name: str) -> None:
    odd = any(sign in "/\\" or ord(sign) < 32 or ord(sign) == 127 for sign in name)
    drive = len(name) > 1 and name[0].isalpha() and name[1] == ":"
    if name in ("", ".", "..") or odd or drive:
        raise _no_step(name)


def _no_step(name: str) -> ContractError:
    text = f"{name[:80]!a} is a path or no name at all. Give a name without / and `..`."
    return ContractError(text, code=BAD_NAME)


def file_address(path: Path) -> str:
    """Return the file:// address of an absolute path."""
    return path.as_uri()


def file_path(address: str) -> Path:
    """Return the path of a file:// address of this machine; ContractError for any other address."""
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise ContractError(f"{address[:200]} is not an address: {error}.") from None
    path = unquote(parts.path)
    here = parts.netloc in ("", "localhost")
    if parts.scheme != FILE or not here or not path.startswith("/") or "\0" in path:
        raise ContractError(f"{address[:200]} is not an address of a file on this machine.")
    if parts.query or parts.fragment:
        raise ContractError(f"{address[:200]} has a `?` or `#`. Write %3F or %23 for them.")
    return Path(path)
