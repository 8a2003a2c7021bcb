"""The text of a failure without the words that the Durable host and Python put before it."""

import re

# "Activity function 'x' failed:  ContractError: CONTRACT: ...". The real extension leaves one or
# two blanks, and the texts of sub-orchestrations nest. The Python worker adds "Result: Failure" and
# "Exception:" on lines of their own.
_HOST = re.compile(
    r"\s*(?:(?:Activity|Orchestrator|Entity) function '[^']{0,256}' failed:"
    r"|Result: Failure\s*|Exception:)\s*"
)
# An error of this app begins with its code; the name of its class adds nothing for people.
_CLASS = re.compile(r"(?:[A-Za-z_][\w.]*)(?:Error|Exception): (?=[A-Z][A-Z0-9_]+: )")


def plain_reason(text: str) -> str:
    """Return the text without the words of the host and without the class of this app's errors.

    The class of any other error stays, because it explains the rest: "KeyError: 'bmi'". A text that
    is nothing but such words is returned unchanged. Idempotent.
    """
    rest = text
    while match := _HOST.match(rest):
        rest = rest[match.end() :]
    rest = _CLASS.sub("", rest, count=1) if _CLASS.match(rest) else rest
    return rest.strip() or text
