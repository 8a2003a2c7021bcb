"""Hostile names, and the places of every name in the types that come in, by introspection.

A new field of an event, an input or a record is covered without a change here: its place is found
by its type. `check_typed` refuses a field that is called like a name and has no pattern.
"""

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated, Any

from hypothesis import strategies as st

from function_app.domain.text import identifiers as ids

HOSTILE = (
    "..",
    ".",
    "../../../../tmp/mlops-canary",
    "/tmp/mlops-canary",
    "a/../../b",
    "..\\..\\x",
    "C:\\x",
    "C:x",
    "~/x",
    "-rf",
    "--upload-pack=touch /tmp/mlops-canary",
    "%2e%2e%2fx",
    "a%00b",
    "a\x00b",
    "a\n",
    "\n",
    " ",
    "a b",
    "\u0663",  # a digit outside ASCII
    "\uff0e\uff0e",  # full-width dots, which NFKC turns into ..
    "a\u2028b",
    "\x1b[31m",
    "\u202eab",
    "x" * 5000,
    "'; DROP TABLE releases; --",
    "' or kind eq 'x",
    "{x}",
    "$(touch /tmp/mlops-canary)",
    "\ud800",
)
# Characters that no pattern may accept, because they steer terminals, logs and C strings.
_NEVER = "\x00\n\r\x1b\u2028\u202e"
names = st.sampled_from(HOSTILE) | st.text(max_size=30)
# Names of fields that contain names: such a field needs a pattern.
NAMES = ("model", "version", "digest", "commit", "branch", "repository", "container", "lane")
ENDINGS = ("_id", "_uri", "_digest", "_version", "_hash", "uri", "_by")

_EXAMPLES = {
    ids.MODEL: "diabetes",
    ids.VERSION: "1",
    ids.RUN_ID: "train-diabetes-0123456789ab",
    ids.RELEASE_ID: "release-diabetes-1",
    ids.INSTANCE_ID: "release-diabetes-1",
    ids.IMAGE_DIGEST: "sha256:" + "a" * 64,
    ids.IMAGE_NAME: "base/docker.io/library/python",
    ids.TAG: "1",
    ids.SHA256: "a" * 64,
    ids.CODE_VERSION: "b" * 64,
    ids.DATA_VERSION: "c" * 64,
    ids.COMMIT: "d" * 40,
    ids.PROPOSAL: "7",
    ids.BRANCH: "main",
    ids.REPOSITORY: "https://example.com/r.git",
    ids.CAUSE: "e" * 32,
    ids.EVENT_KEY: "f" * 32,
    ids.ADDRESS: "https://example.com/data.csv",
    ids.IMAGE_ADDRESS: "example.com/diabetes@sha256:" + "a" * 64,
    ids.CONTAINER: "data",
    ids.BLOB_PATH: "diabetes/new.csv",
    ids.OPAQUE: "0x8D4BCC2E4835CD0",
    ids.LANE: "train-diabetes",
    ids.PERSON: "ada",
    ids.MODULE: "training",
    ids.FILE: "junit.xml",
    ids.PART: "baseline dataset",
}
Path = tuple[str | int, ...]


def example(kind: Any) -> Any:
    """Return a JSON value that the codec loads as this type, with every field filled in."""
    if pattern := ids.pattern_of(kind):
        return _EXAMPLES[dataclasses.replace(pattern, or_empty=False)]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return example(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return example(next(option for option in arguments if option is not type(None)))
    if origin is tuple:
        several = len(arguments) == 2 and arguments[1] is ...
        return [example(each) for each in (arguments[:1] if several else arguments)]
    if origin in (dict, Mapping) or origin is typing.get_origin(Mapping[str, str]):
        return {"key": example(arguments[1])}
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        return {field.name: example(hints[field.name]) for field in dataclasses.fields(kind)}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind)).value
    simple = {str: "text", int: 1, float: 0.25, bool: True, timedelta: 1.0}
    return "2026-01-01T00:00:00Z" if kind is datetime else simple.get(kind)


def texts(kind: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the place of every text in `example(kind)`, with the type that it is annotated with."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is str or origin is Annotated:
        yield path, kind
    elif origin in (typing.Union, types.UnionType):
        yield from texts(next(o for o in arguments if o is not type(None)), path)
    elif origin is tuple:
        several = len(arguments) == 2 and arguments[1] is ...
        for number, each in enumerate(arguments[:1] if several else arguments):
            yield from texts(each, (*path, number))
    elif origin in (dict, Mapping) or origin is typing.get_origin(Mapping[str, str]):
        yield from texts(arguments[1], (*path, "key"))
    elif dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        for field in dataclasses.fields(kind):
            yield from texts(hints[field.name], (*path, field.name))


def changed(content: Any, path: Path, value: str) -> Any:
    """Return the JSON value with another text at a place."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(content, dict):
        return {k: changed(v, rest, value) if k == step else v for k, v in content.items()}
    return [changed(v, rest, value) if n == step else v for n, v in enumerate(content)]


def at(value: Any, path: Path) -> Any:
    """Return the part of a loaded value at a path."""
    for step in path:
        value = getattr(value, str(step)) if dataclasses.is_dataclass(value) else value[step]
    return value


def is_harmless(text: str) -> bool:
    """Tell whether a text that was accepted carries no sign that steers anything."""
    return not any(sign in text for sign in _NEVER)


def untyped(kind: Any) -> list[str]:
    """Return the fields of a type that are called like names and have no pattern."""
    found = []
    for path, annotated in texts(kind):
        name = next((step for step in reversed(path) if isinstance(step, str)), "")
        called = name in NAMES or name.endswith(ENDINGS)
        if called and ids.pattern_of(annotated) is None:
            found.append(f"{getattr(kind, '__name__', kind)}.{'.'.join(map(str, path))}")
    return found
