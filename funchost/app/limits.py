"""Limits of the real host, enforced here so that an app does not first meet them in Azure."""

import json

# The extension refuses a custom status whose JSON text, in UTF-16, has more KB than this.
MOST_STATUS_KB = 16
LARGE_STATUS_KB = 15  # the host warns from here


class StatusTooLargeError(Exception):
    """Says that a custom status is over the limit, in the words of the real host."""


def check_status(custom: str | None) -> None:
    """Raise StatusTooLargeError when this JSON text is too large for a custom status."""
    size = status_size(custom)
    if size > MOST_STATUS_KB:
        raise StatusTooLargeError(
            "The UTF-16 size of the JSON-serialized payload must not exceed "
            f"{MOST_STATUS_KB} KB. The current payload size is {size} KB."
        )


def status_size(custom: str | None) -> int:
    """Return the size in KB by which the real host measures a custom status, 0 for a short one."""
    # The JSON text is no shorter than the one that the host measures, so a short one is enough.
    if custom is None or len(custom) < LARGE_STATUS_KB * 512:
        return 0
    compact = json.dumps(json.loads(custom), ensure_ascii=False, separators=(",", ":"))
    return len(compact.encode("utf-16-le", "surrogatepass")) // 1024
