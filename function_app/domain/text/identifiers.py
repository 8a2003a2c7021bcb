"""The names from outside: one type with one pattern for each kind of name.

The codec checks a field that is annotated with such a type wherever it loads the field: inputs of
stories and activities, events, requests and stored records. Names become parts of paths, of blob
names and of URLs, and words of commands. So no pattern accepts a name that is absolute, that climbs
(`..`), that begins with a dash, or that contains a control character. Patterns match the whole
text, because `$` would also match before a line feed at its end.

The patterns accept the names that this app generates, and the names that Azure accepts for models,
versions and runs of other people, because their events arrive here too.
"""

import re
import typing
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, TypeVar

from function_app.domain.text.plain_text import clean
from function_app.domain.text.redaction import redact
from function_app.errors import ContractError

CODE = "BAD_NAME"
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Pattern:
    """The form of one kind of name: in words for people, and as a function.

    With `or_empty` the empty text is a name too: that of nothing.
    """

    noun: str
    words: str
    accepts: Callable[[str], object]
    advice: str = ""
    or_empty: bool = False

    def fits(self, text: str) -> bool:
        """Return whether the text is such a name."""
        return bool((self.or_empty and not text) or self.accepts(text))

    def check(self, text: str, field: str) -> str:
        """Return the text; ContractError with the code BAD_NAME when it is no such name."""
        if self.fits(text):
            return text
        # ASCII only: a message must not carry the characters that the pattern keeps out.
        shown = ascii(redact(text[:_SHOWN]))
        message = f"{field}: {shown} is not {self.noun}. Expected {self.words}. {self.advice}"
        raise ContractError(message.strip(), code=CODE)


@dataclass(frozen=True, slots=True)
class OneLine:
    """Marks a text that people are shown on one line, such as the name of an author."""


def _matches(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern, re.ASCII).fullmatch


def _is_printable(text: str) -> bool:
    return text == clean(text) and "\n" not in text and "\t" not in text


def _is_opaque(text: str) -> bool:
    return 0 < len(text) <= 1024 and _is_printable(text)


def _is_folder_name(text: str) -> bool:
    plain = 0 < len(text) <= 255 and _is_printable(text) and text not in (".", "..")
    return plain and "/" not in text and "\\" not in text and not text.startswith("-")


def _is_blob_path(text: str) -> bool:
    steps = text.split("/")
    climbs = any(step in (".", "..") for step in steps)
    return (
        0 < len(text) <= 1024
        and not climbs
        and not text.startswith("/")
        and "\\" not in text
        and _is_printable(text)
    )


def _is_address(text: str) -> bool:
    # One letter before the colon is a drive of Windows.
    begins = re.match(r"/|[A-Za-z][A-Za-z0-9+.-]+:", text)
    return len(text) <= 4096 and begins is not None and _is_printable(text)


def _is_image_address(text: str) -> bool:
    server = re.match(r"[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?/", text)
    digest = re.search(r"@sha256:[0-9a-f]{64}\Z", text)
    begins = text.startswith("/") or server is not None
    return len(text) <= 4096 and begins and digest is not None and _is_printable(text)


def _is_repository(text: str) -> bool:
    local = text.startswith(("/", "file://"))
    plain = _is_printable(text) and (local or not re.search(r"\s", text))
    begins = re.match(r"/|[A-Za-z][A-Za-z0-9+.-]+://|(?:[\w.-]+@)?[A-Za-z0-9_.-]{2,}:[^/\\-]", text)
    return len(text) <= 2048 and plain and begins is not None


def _is_branch(text: str) -> bool:
    """Return whether git takes the name (git-check-ref-format), and no option looks like it."""
    steps = text.split("/")
    odd = any(not s or s.startswith(".") or s.endswith((".", ".lock")) for s in steps)
    return (
        len(text) <= 255
        and not odd
        and not text.startswith("-")
        and ".." not in text
        and "@{" not in text
        and text != "@"
        and not re.search(r"[\s~^:?*\[\\]", text)
        and _is_printable(text)
    )


def _is_module(text: str) -> bool:
    return len(text) <= 255 and all(word.isidentifier() for word in text.split("."))


_HEX = "hex digits of SHA-256, in lower case"
_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}"
_SEGMENT_WORDS = "1 to 255 letters, digits, `_`, `-` and `.`, with a letter, digit or `_` first"

MODEL = Pattern(
    "the name of a model",
    "1 to 255 letters, digits, `_`, `-` and `.`, with a letter or digit first",
    _matches(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}"),
    "mlops.toml has the names of the models.",
)
VERSION = Pattern(
    "the version of a model",
    "1 to 64 letters, digits, `_`, `-` and `.`, with a letter or digit first",
    _matches(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"),
    "The registry has the versions.",
)
RUN_ID = Pattern("the id of a run", _SEGMENT_WORDS, _matches(_SEGMENT), "See GET /api/status.")
RELEASE_ID = Pattern(
    "the id of a release", _SEGMENT_WORDS, _matches(_SEGMENT), "See GET /api/releases."
)
INSTANCE_ID = Pattern(
    "the id of a story", _SEGMENT_WORDS, _matches(_SEGMENT), "See GET /api/status."
)
IMAGE_DIGEST = Pattern(
    "the digest of an image",
    f"`sha256:` and 64 {_HEX}",
    _matches(r"sha256:[0-9a-f]{64}"),
    "GET /api/releases has the digests.",
)
IMAGE_NAME = Pattern(
    "the name of an image",
    "up to 255 letters, digits, `_`, `-` and `.`, in steps with `/` between them",
    _matches(r"(?=.{1,255}\Z)[A-Za-z0-9][A-Za-z0-9_.-]*(?:/[A-Za-z0-9][A-Za-z0-9_.-]*)*"),
)
TAG = Pattern(
    "the tag of an image",
    "1 to 128 letters, digits, `_`, `-` and `.`, with a letter, digit or `_` first",
    _matches(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"),
)
SHA256 = Pattern("a digest", f"64 {_HEX}", _matches(r"[0-9a-f]{64}"), "Copy it whole.")
CODE_VERSION = Pattern(
    "the version of a model's code",
    f"64 {_HEX}",
    _matches(r"[0-9a-f]{64}"),
    "It is the digest of the published files.",
)
DATA_VERSION = Pattern(
    "the version of a model's data",
    f"64 {_HEX}",
    _matches(r"[0-9a-f]{64}"),
    "It is the digest of the file.",
)
COMMIT = Pattern(
    "the id of a commit",
    "40 or 64 hex digits of a commit, in lower case",
    _matches(r"[0-9a-f]{40}|[0-9a-f]{64}"),
    "`git rev-parse HEAD` shows it whole.",
)
PROPOSAL = Pattern("the number of a pull request", "1 to 12 digits", _matches(r"[0-9]{1,12}"))
BRANCH = Pattern(
    "the name of a branch",
    "a name that git accepts, of at most 255 characters, without a dash first",
    _is_branch,
)
REPOSITORY = Pattern(
    "the address of a repository",
    "https://, ssh:// or git@host:path, or file:/// or an absolute path",
    _is_repository,
)
CAUSE = Pattern(
    "the key of a cause",
    "1 to 64 letters, digits, `_` and `-`, with a letter or digit first",
    _matches(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"),
    "The app computes it from the event.",
)
EVENT_KEY = Pattern(
    "the key of an event",
    "32 hex digits, in lower case",
    _matches(r"[0-9a-f]{32}"),
    "See GET /api/events.",
)
ADDRESS = Pattern(
    "an address",
    "a URL or an absolute path of at most 4096 characters, without control characters",
    _is_address,
)
IMAGE_ADDRESS = Pattern(
    "the address of an image",
    "a registry's host or an absolute path, and `@sha256:` with 64 hex digits at the end",
    _is_image_address,
)
CONTAINER = Pattern(
    "the name of a container",
    "one folder's name of at most 255 characters, without `/`, `\\` and control characters",
    _is_folder_name,
)
BLOB_PATH = Pattern(
    "the path of a file in a container",
    "a relative path of at most 1024 characters with `/` between its steps, without the steps `.` "
    "and `..`, without `\\` and control characters",
    _is_blob_path,
    "Rename the file.",
)
OPAQUE = Pattern(
    "a key",
    "1 to 1024 characters on one line, without control characters",
    _is_opaque,
)
LANE = Pattern("the name of a lane", _SEGMENT_WORDS, _matches(_SEGMENT))
PERSON = Pattern(
    "the name of a person",
    "a name of up to 113 letters, digits and . _ @ + ' # ! ~ ^ -, with no / in it",
    _matches(r"[A-Za-z0-9][A-Za-z0-9._@+'#!~^-]{0,112}"),
    "mlops.toml has the names of the approvers.",
)
MODULE = Pattern(
    "the name of a module",
    "words of letters, digits and `_` with dots between them",
    _is_module,
    "See `training` in mlops.toml.",
)
FILE = Pattern("the name of a file", _SEGMENT_WORDS, _matches(_SEGMENT))
PART = Pattern(
    "the name of a part of the platform",
    "1 to 100 letters, digits, blanks, `_`, `-` and `.`, with a letter or digit first",
    _matches(r"[A-Za-z0-9][A-Za-z0-9_. -]{0,99}"),
    "GET /api/platform lists the parts.",
)

ModelName = Annotated[str, MODEL]
Version = Annotated[str, VERSION]
RunId = Annotated[str, RUN_ID]
ReleaseId = Annotated[str, RELEASE_ID]
InstanceId = Annotated[str, INSTANCE_ID]
ImageDigest = Annotated[str, IMAGE_DIGEST]
Sha256 = Annotated[str, SHA256]
CodeDigest = Annotated[str, CODE_VERSION]
DataDigest = Annotated[str, DATA_VERSION]
CommitId = Annotated[str, COMMIT]
Proposal = Annotated[str, PROPOSAL]
BranchName = Annotated[str, BRANCH]
Repository = Annotated[str, REPOSITORY]
CauseKey = Annotated[str, CAUSE]
EventKey = Annotated[str, EVENT_KEY]
Address = Annotated[str, ADDRESS]
ImageName = Annotated[str, IMAGE_NAME]
Tag = Annotated[str, TAG]
ImageAddress = Annotated[str, IMAGE_ADDRESS]
ContainerName = Annotated[str, CONTAINER]
BlobPath = Annotated[str, BLOB_PATH]
Opaque = Annotated[str, OPAQUE]
LaneName = Annotated[str, LANE]
Person = Annotated[str, PERSON]
Module = Annotated[str, MODULE]
FileName = Annotated[str, FILE]
PartName = Annotated[str, PART]
Line = Annotated[str, OneLine()]

_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True)
class Empty:
    """Marks a name that may be the empty text, which names nothing."""


OrEmpty = Annotated[_Kind, Empty()]


def pattern_of(kind: object) -> Pattern | None:
    """Return the pattern of an annotated type; None when it is no type of a name."""
    marks = typing.get_args(kind)[1:] if typing.get_origin(kind) is Annotated else ()
    pattern = next((mark for mark in marks if isinstance(mark, Pattern)), None)
    if pattern is not None and any(isinstance(mark, Empty) for mark in marks):
        return replace(pattern, or_empty=True)
    return pattern


def is_one_line(kind: object) -> bool:
    """Return whether an annotated type is a text that is shown on one line."""
    marks = typing.get_args(kind)[1:] if typing.get_origin(kind) is Annotated else ()
    return any(isinstance(mark, OneLine) for mark in marks)
