"""Texts of libraries without the credentials that they may hold."""

import re

from function_app.domain.plain_text import clean

MARK = "***"

_END = r"[^&\s\"'<>]*"
_NAMED = (
    "sig|se|st|sv|sp|sr|ss|srt|spr|sip|skoid|sktid|skt|ske|sks|skv|sdd|saoid|suoid|scid|"
    "code|aeg-sas-token|aeg-sas-key"
)
_WORDS = (
    "access_?token|refresh_?token|id_?token|client_?secret|client_?assertion|account_?key|"
    "shared_?access_?key|shared_?access_?signature|primary_?key|secondary_?key|access_?key|"
    "api_?key|x-functions-key|x-identity-header|password|passwd|pwd|secret|instrumentationkey"
)
_RULES = (
    # https://user:password@host; the greatest match, because a password may hold an @.
    (re.compile(r"(?<=://)[^/\s\"'<>]*@"), f"{MARK}@"),
    # The path is the secret of an incoming webhook of Slack.
    (re.compile(r"(hooks\.slack\.com/)[^\s\"'<>]+", re.IGNORECASE), rf"\1{MARK}"),
    # Shared access signatures and function keys, also inside of another URL's query.
    (
        re.compile(rf"(?<![A-Za-z0-9_-])((?:{_NAMED})(?:=|%3D)){_END}", re.IGNORECASE),
        rf"\1{MARK}",
    ),
    (
        re.compile(rf"(%26(?:{_NAMED})(?:=|%3D)){_END}", re.IGNORECASE),
        rf"\1{MARK}",
    ),
    (
        re.compile(
            r"\b(Bearer|Basic|SharedKey|SharedKeyLite|SharedAccessSignature)\s+[^\s\"'<>]+", re.I
        ),
        rf"\1 {MARK}",
    ),
    # Connection strings, forms and JSON.
    (
        re.compile(rf"(?<![A-Za-z0-9])((?:{_WORDS})[\"']?\s*[:=]\s*[\"']?)[^\"'\s;&]+", re.I),
        rf"\1{MARK}",
    ),
    # What nobody named: JSON web tokens and keys in base64.
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*"), MARK),
    (re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{40,}={1,2}"), MARK),
)


def redact(text: str) -> str:
    """Return the text without control characters, with a mark instead of every credential."""
    text = clean(text)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
