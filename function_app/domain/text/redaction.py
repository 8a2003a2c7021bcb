"""Removes credentials from texts before they are stored, logged or sent: the one border for all.

Sources: GitHub documentation, "Token formats"; Azure DevOps documentation, "Personal access token
format"; Azure Storage documentation, "Service SAS"; Slack documentation, "Token types"; RFC 7468.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from function_app.domain.text.plain_text import MAX_DEPTH, clean

MARK = "***"

_END = r"[^&\s\"'<>\\]*"
# The characters before and after the name of a parameter, also in a query inside of a query.
_BEFORE = (
    r"(?:(?<![A-Za-z0-9_-])|(?<=%26)|(?<=%3F)|(?<=%2526)|(?<=%253F)|(?<=\\u0026)|(?<=\\u003f))"
)
_EQUALS = r"(?:=|%3D|%253D|\\u003d)"
_NAMED = (
    "sig|se|st|sv|sp|sr|ss|srt|spr|sip|skoid|sktid|skt|ske|sks|skv|sdd|saoid|suoid|scid|"
    "aeg-sas-token|aeg-sas-key"
)
_WORDS = (
    "access[_-]?token|refresh[_-]?token|id[_-]?token|auth[_-]?token|client[_-]?secret|"
    "client[_-]?assertion|account[_-]?key|shared[_-]?access[_-]?key|shared[_-]?access[_-]?signature|"
    "primary[_-]?key|secondary[_-]?key|access[_-]?key|private[_-]?key|signing[_-]?key|api[_-]?key|"
    "x-functions-key|x-identity-header|x-gitlab-token|password|passwd|pwd|passphrase|secret|"
    "credentials?|instrumentationkey"
)
# A word may go on: SECRET_KEY, password2, MLOPS_WEBHOOK_SECRET_GITHUB.
_NAME = rf"(?<![A-Za-z0-9])(?:{_WORDS})(?:_[A-Za-z0-9_]{{1,60}}|[0-9])?"
# The shortest texts that every one of the words, or of the named parameters, has one of.
_CORES = "token secret assertion key signature pass pwd credential x-identity"
_SIGNS = "= %3d %253d \\u003d"
_TOKEN = r"(?<![A-Za-z0-9])[A-Za-z_]{0,40}?token"
_PEM = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_SCHEMES = "Bearer|SharedKey|SharedKeyLite|SharedAccessSignature|AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class _Rule:
    """A pattern and its replacement; it is tried when a hint is in the text in lower case."""

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str


def _rule(hints: str, pattern: str, replacement: str = MARK, flags: int = 0) -> _Rule:
    return _Rule(tuple(hints.split(" ")), re.compile(pattern, flags), replacement)


_RULES: tuple[_Rule, ...] = (
    # A private key; without its end, all that follows its beginning.
    _rule("-----begin", rf"-----BEGIN {_PEM}[\s\S]*?(?:-----END {_PEM}|\Z)"),
    # Lines of a key whose beginning is not in this text.
    _rule("\n", r"(?m)^(?=.*[A-Z])(?=.*[g-z])(?=.*[0-9])[A-Za-z0-9+/]{60,76}={0,2}$"),
    # https://user:password@host; the longest match, because a password may hold an @.
    _rule("@", r"(:(?:\\?/){2})[^/:\s\"'<>\\]*:[^/\s\"'<>\\]*@", rf"\1{MARK}@"),
    # https://token@host; the names in addresses of these other schemes are users or containers.
    _rule(
        "@",
        r"(?<!\bssh)(?<!\bsftp)(?<!\babfs)(?<!\babfss)(?<!\bwasb)(?<!\bwasbs)"
        r"(:(?:\\?/){2})[^/\s\"'<>\\]*@",
        rf"\1{MARK}@",
    ),
    # A password with a slash; a port and a path are not one.
    _rule(
        "@",
        r"(:(?:\\?/){2})[^/\s\"'<>\\@:]{1,200}:(?!\d{1,5}/)[^\s\"'<>]{1,200}@(?=[A-Za-z0-9\[])",
        rf"\1{MARK}@",
    ),
    _rule("%40", r"(%3A%2F%2F)(?:(?!%2F)[^\s\"'<>&]){0,400}%40", rf"\1{MARK}%40", re.I),
    # The path is the secret of an incoming webhook.
    _rule(
        "hooks.slack webhook.office outlook.office discord",
        r"((?:hooks\.slack(?:-gov)?\.com|webhook\.office\.com|"
        r"outlook\.office(?:365)?\.com(?:\\?/|%2F)webhook|discord(?:app)?\.com(?:\\?/|%2F)api"
        r"(?:\\?/|%2F)webhooks)(?:\\?/|%2F))[^\s\"'<>]+",
        rf"\1{MARK}",
        re.I,
    ),
    _rule(
        ".logic.azure.com .api.powerplatform.com",
        r"(\.logic\.azure\.com(?::\d{1,5})?\\?/workflows\\?/|"
        r"\.api\.powerplatform\.com(?::\d{1,5})?\\?/)[^\s\"'<>]+",
        rf"\1{MARK}",
        re.I,
    ),
    # Shared access signatures and function keys, also inside of another URL's query.
    _rule(f"{_SIGNS}", rf"{_BEFORE}((?:{_NAMED}){_EQUALS}){_END}", rf"\1{MARK}", re.I),
    _rule("code", rf"{_BEFORE}(code{_EQUALS})(?={_END[:-1]}{{8}}){_END}", rf"\1{MARK}", re.I),
    # Headers. `Basic` stands before many words, so its value must be in base64.
    _rule(
        "authorization",
        r"((?:proxy-)?authorization(?:\\*[\"'])?\s*[:=]\s*(?:\\*[\"'])?(?:b[\"'])?)"
        r"(?!\*\*\*)(?!\w+ <)(?:[A-Za-z0-9-]{1,40}\s+)?[^\s\"'<>\\]+",
        rf"\1{MARK}",
        re.I,
    ),
    _rule(
        "bearer sharedkey sharedaccesssignature aws4",
        rf"\b({_SCHEMES})\s+(?!(?-i:[a-z]+)\b)[^\s\"'<>\\]+",
        rf"\1 {MARK}",
        re.I,
    ),
    _rule(
        "basic",
        r"\b(Basic)\s+(?=[a-z0-9+/]*(?-i:[A-Z0-9+/=]))[a-z0-9+/]{8,}={0,2}",
        rf"\1 {MARK}",
        re.I,
    ),
    # Connection strings, forms, JSON, also JSON inside of JSON, and dicts of Python.
    _rule(
        _CORES,
        rf"({_NAME}[\"']?\s*[:=]\s*)([\"'])(?:(?!\2)[^\\\n]|\\.)+(\2|\n|\Z)",
        rf"\1\2{MARK}\3",
        re.I,
    ),
    _rule(
        _CORES,
        rf"({_NAME}\\+[\"']\s*[:=]\s*)(\\+[\"'])(?:(?!\2).){{1,4000}}(\2|\Z)",
        rf"\1\2{MARK}\3",
        re.I,
    ),
    _rule(_CORES, rf"({_NAME}[\"']?\s*[:=]\s*)(?!\*\*\*)[^\"'\s;&,\\]+", rf"\1{MARK}", re.I),
    _rule(
        "token",
        rf"({_TOKEN}(?:\\*[\"'])?\s*[:=]\s*(?:\\*[\"'])?)(?!\*\*\*)[^\"'\s;&,\\]{{8,}}",
        rf"\1{MARK}",
        re.I,
    ),
    # Credentials that have a recognizable form.
    _rule(
        "ghp_ gho_ ghu_ ghs_ ghr_",
        r"(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{16,}(?:[._-][A-Za-z0-9_-]+)*",
    ),
    _rule("github_pat_", r"(?<![A-Za-z0-9])github_pat_[A-Za-z0-9_]{20,}"),
    _rule("gl", r"(?<![A-Za-z0-9])gl(?:pat|dt|rt|cbt|ptt|ft|soat)-[A-Za-z0-9_.-]{16,}"),
    _rule("xox xapp", r"(?<![A-Za-z0-9])(?:xox[a-z]|xapp)(?:\.xox[a-z])?-[A-Za-z0-9-]{8,}"),
    # Azure DevOps: 84 characters with a signature, and the older 52 of base32.
    _rule("jqqj9", r"(?<![A-Za-z0-9])[A-Za-z0-9]{52}JQQJ9[9D][A-Za-z0-9]{26}(?![A-Za-z0-9])"),
    _rule("azdo", r"(?<![A-Za-z0-9])[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}(?![A-Za-z0-9])"),
    _rule("", r"(?<![A-Za-z0-9])(?=[a-f2-7]*[g-z])[a-z2-7]{52}(?![A-Za-z0-9])"),
    # Azure Container Registry, client secrets of Entra, and the tokens of this app's approvers.
    _rule("+acr", r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{42}\+ACR[A-Za-z0-9]{6}(?![A-Za-z0-9/+])"),
    _rule("q~", r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"),
    _rule("mlopsat_", r"(?<![A-Za-z0-9])mlopsat_[A-Za-z0-9_-]{20,}"),
    # Amazon, Google, Hugging Face, npm, PyPI, Databricks.
    _rule("akia asia", r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _rule("aiza", r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}"),
    _rule(
        "hf_ npm_ pypi- sk-proj- sk-ant-",
        r"(?<![A-Za-z0-9])(?:hf_|npm_|pypi-|sk-(?:proj|ant)-)[A-Za-z0-9_-]{20,}",
    ),
    _rule("dapi", r"(?<![A-Za-z0-9])dapi[0-9a-f]{32}(?![A-Za-z0-9])"),
    # JSON web tokens and keys in base64.
    _rule("eyj", r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*"),
    _rule("=", r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{40,}(?:==|=(?![A-Za-z0-9/]))"),
)
_SECRET_KEY = re.compile(
    rf"(?:.*[^A-Za-z0-9])?(?:{_WORDS}|authorization|cookie|[a-z_-]*token)", re.I | re.S
)
# The fields of results that are written for people; other fields, such as digests, are data.
TEXT_FIELDS = frozenset(
    {"reason", "reasons", "detail", "comment", "message", "refused", "failure", "output", "notes"}
)


def redact(text: str) -> str:
    """Return the text without control characters, with a mark instead of every credential.

    Idempotent. An escape sequence may hide a credential or a letter of it, so that a text that has
    some is searched before and after they are taken out.
    """
    cleaned = clean(text)
    return _marked(text if cleaned == text else clean(_marked(text)))


def _marked(text: str) -> str:
    lowered = text.lower()
    for rule in _RULES:
        if any(hint in lowered for hint in rule.hints):
            text = rule.pattern.sub(rule.replacement, text)
    return text


def redact_content(content: Any) -> Any:
    """Return a JSON value whose texts hold no credentials.

    The text below a key that names a secret (`password`, `client_secret`) is replaced as a whole.
    """
    return _walk(content, redact, 0)


def redact_fields(content: Any) -> Any:
    """Return a JSON value whose fields for people (TEXT_FIELDS) hold no credentials."""
    if isinstance(content, list):
        return [redact_fields(item) for item in content]
    if not isinstance(content, dict):
        return content
    return {
        key: _walk(value, redact, 0) if key in TEXT_FIELDS else redact_fields(value)
        for key, value in content.items()
    }


def _walk(content: Any, change: Callable[[str], str], depth: int) -> Any:
    if isinstance(content, str):
        return change(content)
    if not isinstance(content, dict | list):
        return content
    if depth > MAX_DEPTH:
        return MARK
    if isinstance(content, list):
        return [_walk(item, change, depth + 1) for item in content]
    return {
        change(key): MARK
        if isinstance(value, str) and value and _SECRET_KEY.fullmatch(key)
        else _walk(value, change, depth + 1)
        for key, value in content.items()
    }
