"""Reads what test tools write; the files come from untrusted code, so nothing of them is believed
beyond what they count."""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tests:
    """What a JUnit report counts; `first` names the first test that failed, and why."""

    count: int
    failed: int
    skipped: int
    first: str = ""


def read_junit(content: bytes) -> Tests | None:
    """Return what a JUnit report says, or None when it is none."""
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


def _parsed(content: bytes) -> ElementTree.Element | None:
    # Entities can make a small file large in memory; no test tool writes any.
    if b"<!ENTITY" in content:
        return None
    try:
        return ElementTree.fromstring(content)
    except ElementTree.ParseError:
        return None


def _named(case: ElementTree.Element, fault: ElementTree.Element) -> str:
    name = "::".join(part for part in (case.get("classname"), case.get("name")) if part)
    lines = (fault.get("message") or "").strip().splitlines()
    return f"{name}: {lines[0]}"[:300] if lines else name[:300]
