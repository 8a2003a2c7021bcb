"""Reads the reports of test tools; untrusted code writes them, so only their counts are used."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring


@dataclass(frozen=True, slots=True, kw_only=True)
class Tests:
    """The counts of a JUnit report; `first` names the first failed test and its message."""

    count: int
    failed: int
    skipped: int
    first: str = ""


def read_junit(content: bytes) -> Tests | None:
    """Return the counts of a JUnit report, None when the text is no report."""
    root = _parsed(content)
    if root is None or root.tag not in ("testsuites", "testsuite"):
        return None
    count = failed = skipped = 0
    first = ""
    for case in root.iter("testcase"):
        count += 1
        skipped += case.find("skipped") is not None
        fault = case.find("failure")
        if fault is None:
            fault = case.find("error")
        if fault is not None:
            failed += 1
            if not first:
                first = _named(case, fault)
    return Tests(count=count, failed=failed, skipped=skipped, first=first)


def read_coverage(content: bytes) -> float | None:
    """Return the share of lines that ran, in percent, or None when the report does not say."""
    root = _parsed(content)
    if root is None or root.tag != "coverage":
        return None
    try:
        rate = float(root.get("line-rate", ""))
    except ValueError:
        return None
    return round(100 * rate, 2) if 0 <= rate <= 1 else None


def _parsed(content: bytes) -> Element | None:
    """Return the root; None for a file that is no XML, or that has a document type or entities."""
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return None
    return root


def _named(case: Element, fault: Element) -> str:
    name = "::".join(part for part in (case.get("classname"), case.get("name")) if part)
    lines = (fault.get("message") or "").strip().splitlines()
    return f"{name}: {lines[0]}"[:300] if lines else name[:300]
