"""Limits of the real host, enforced here so that an app does not first meet them in Azure."""

import json

# The extension refuses a custom status whose JSON text, in UTF-16, has more KB than this.
MOST_STATUS_KB = 16


class StatusTooLargeError(Exception):
    """Says that a custom status is over the limit, in the words of the real host."""


def check_status(custom: str | None) -> None:
    """Raise StatusTooLargeError when this JSON text is too large for a custom status."""
    # A short text cannot exceed the limit with any separators and escapes of its JSON.
    if custom is None or len(custom) <= MOST_STATUS_KB * 512:
        return
    compact = json.dumps(json.loads(custom), ensure_ascii=False, separators=(",", ":"))
    size = len(compact.encode("utf-16-le", "surrogatepass")) // 1024
    if size > MOST_STATUS_KB:
        raise StatusTooLargeError(
            "The UTF-16 size of the JSON-serialized payload must not exceed "
            f"{MOST_STATUS_KB} KB. The current payload size is {size} KB."
        )
