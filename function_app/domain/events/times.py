"""The texts of an event that Azure rewrites before a function gets them, in one form.

The Event Grid extension of the Functions host reads such a text as a time and rewrites it:
without trailing zeros, and an offset in the host's zone. Source: Newtonsoft.Json documentation,
"Serializing Dates in JSON"; recorded answers of the extension 3.3.0.
"""

import re
from datetime import UTC, datetime, timedelta

# Azure ignores two digits, a colon, or both, where the minutes of a zone would be.
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2})(:[0-9]{2}:[0-9]{2})"
    r"(?:\.([0-9]{7}|[0-9]{1,6}(?![0-9])))?"
    r"(?:([Zz])|(?:([+-])([0-9]{2}))?(?::([0-9]{2})?|([0-9]{2}))?)"
)
_MILLISECONDS = re.compile(r"/Date\((-?[0-9]{1,15})([+-][0-9]{2}(?:[0-9]{2})?)?\)/")


def in_one_form(value: object) -> object:
    """Return a JSON value whose texts that are times have the form that Azure gives them in UTC.

    A value that Azure has rewritten is returned unchanged, for every zone of the host.
    """
    if isinstance(value, str):
        return _in_utc(value)
    if isinstance(value, dict):
        return {key: in_one_form(each) for key, each in value.items()}
    return [in_one_form(each) for each in value] if isinstance(value, list | tuple) else value


def _in_utc(text: str) -> str:
    try:
        if match := _MILLISECONDS.fullmatch(text):
            seconds, rest = divmod(int(match[1]), 1000)
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
            return _written(moment, f"{rest:03d}", "+00:00" if match[2] else "Z")
        match = _TIME.fullmatch(text)
        return _from_iso(match) if match else text
    except (ValueError, OverflowError):
        return text


def _from_iso(match: re.Match[str]) -> str:
    """Return the time of a match in UTC; ValueError when there is no such time."""
    day, hour, rest, fraction, utc, sign, hours, *zone = match.groups()
    is_midnight = hour == "24" and rest == ":00:00" and not (fraction or "").strip("0")
    # Python's fromisoformat reads hour 24 in some versions only.
    moment = datetime.fromisoformat(f"{day}T{'00' if is_midnight else hour}{rest}+00:00")
    if hour == "24" and not is_midnight:
        raise ValueError("hour 24 is midnight only")
    moment += timedelta(days=int(is_midnight))
    if sign is None:
        return _written(moment, fraction or "", "Z" if utc else "")
    offset = timedelta(hours=int(hours), minutes=int(zone[0] or zone[1] or 0))
    try:
        moment = moment - offset if sign == "+" else moment + offset
    except OverflowError:
        edge = "0001-01-01T00:00:00" if sign == "+" else "9999-12-31T23:59:59.9999999"
        return f"{edge}+00:00"
    return _written(moment, fraction or "", "+00:00")


def _written(moment: datetime, fraction: str, zone: str) -> str:
    digits = fraction.rstrip("0")
    return f"{moment.isoformat()[:19]}{f'.{digits}' if digits else ''}{zone}"
