"""Pages of lists: how many entries a caller asks for, and the link to the next page."""

from urllib.parse import urlencode

from function_app.errors import ContractError
from function_app.triggers.invocation import Request

DEFAULT_LIMIT, MOST = 100, 1000


def limit_of(request: Request) -> int:
    """Return the number of entries of a page; ContractError for a number out of range."""
    text = request.query.get("limit", "") or str(DEFAULT_LIMIT)
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= MOST:
        raise ContractError(f"limit={text[:20]!a}: expected a number from 1 to {MOST}.")
    return int(text)


def next_link(path: str, request: Request, cursor: str | None) -> str | None:
    """Return the path and query of the next page of the same list, None after the last page."""
    if cursor is None:
        return None
    query = {name: text for name, text in request.query.items() if name not in ("after", "code")}
    return f"{path}?{urlencode({**query, 'after': cursor})}"
