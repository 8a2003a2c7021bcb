"""Suggests the known name that a misspelt name was meant to be."""

from collections.abc import Iterable


def find_nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most like this one, "" when none is like it."""
    by_plain = {_plain(word): word for word in known}
    plain = _plain(name)
    if plain in by_plain:
        return by_plain[plain]
    from difflib import get_close_matches  # late: most files have no wrong name

    near = get_close_matches(plain, by_plain, n=1, cutoff=0.7)
    if not near and len(plain) >= 4:
        near = [word for word in by_plain if plain in word.split("_") or word.startswith(plain)]
    return by_plain[near[0]] if near else ""


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")
