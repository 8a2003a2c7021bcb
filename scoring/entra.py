"""Authenticates callers by Entra tokens, where SCORING_ENTRA configures them, beside the keys.

A token counts when Entra signed it for this audience, it has not expired, and it names a role
(`roles`) or an application (`appid`, `azp`) of the lists. Any other token of the tenant is refused.

Source: Microsoft identity platform documentation, "Access token claims reference" and "Validate
tokens".
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SETTING = "SCORING_ENTRA"
ALGORITHM = "RS256"
_COOLDOWN_SECONDS = 30.0
_FORM = (
    '{"keys": "https://login.microsoftonline.com/<tenant>/discovery/v2.0/keys", "issuers": '
    '["https://login.microsoftonline.com/<tenant>/v2.0"], "audience": "<app id>", "roles": '
    '["<role>"], "apps": ["<app id>"]}'
)


class EntraDownError(Exception):
    """Entra's keys cannot be read, so that no token can be verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntraRules:
    """The rules of valid tokens; `keys` is the address of the keys that sign them."""

    keys: str
    issuers: tuple[str, ...]
    audience: str
    roles: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    cooldown: float = field(default=_COOLDOWN_SECONDS)


class Entra:
    """Checks tokens; the keys are read when the first token comes, and again for an unknown key.

    An unknown key makes it read them at most once in `cooldown` seconds.
    """

    def __init__(self, rules: EntraRules) -> None:
        # Imported late, because most services take keys only and a custom image may have no PyJWT.
        import jwt

        self._jwt, self._rules = jwt, rules
        self._keys = jwt.PyJWKClient(
            rules.keys,
            ssl_context=ssl.create_default_context(),
            timeout=10,
            cooldown_duration=rules.cooldown,
        )

    def application(self, token: str) -> str | None:
        """Return the id of the application that calls with this token, "" when it names none.

        None when the token is no caller's. It may wait for Entra: do not call it on the loop.
        EntraDownError when the keys cannot be read.
        """
        rules = self._rules
        try:
            key = self._keys.get_signing_key_from_jwt(token).key
            claims: Mapping[str, Any] = self._jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=rules.audience,
                issuer=list(rules.issuers),
                options={"require": ["exp", "iss", "aud"]},
            )
        except self._jwt.PyJWKClientConnectionError as error:
            raise EntraDownError(str(error)) from error
        # Bytes that are no UTF-8 arrive as surrogates, which no token has.
        except (self._jwt.PyJWTError, UnicodeError):
            return None
        roles, app = claims.get("roles"), claims.get("azp") or claims.get("appid")
        # `in` would find "Model.Caller" within the text "Model.CallerReader".
        named = isinstance(roles, list) and any(role in roles for role in rules.roles)
        known = isinstance(app, str) and app in rules.apps
        if not named and not known:
            return None
        return app if isinstance(app, str) else ""


def is_token(text: str) -> bool:
    """Return whether a credential looks like a token of Entra: three parts with points between."""
    return text.count(".") == 2 and text.startswith("ey")


def read_entra(environ: Mapping[str, str]) -> Entra | None:
    """Return the check of tokens that the environment configures, None when it configures none.

    ValueError when it is wrong.
    """
    text = environ.get(SETTING, "")
    if not text:
        return None
    try:
        content = json.loads(text)
        rules = EntraRules(
            keys=_text(content["keys"]),
            issuers=_texts(content["issuers"]),
            audience=_text(content["audience"]),
            roles=_texts(content.get("roles", [])),
            apps=_texts(content.get("apps", [])),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{SETTING} is not {_FORM}.") from error
    if not rules.keys.startswith("https://"):
        raise ValueError(f"{SETTING} has keys at {rules.keys[:100]!r}; the address must be https.")
    if not rules.issuers or not (rules.roles or rules.apps):
        raise ValueError(f"{SETTING} needs an issuer, and a role or an application that may call.")
    return Entra(rules)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("no text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("no list")
    return tuple(_text(item) for item in value)
