"""Reports of test tools come from code that is not trusted."""

import pytest

from checks import reports
from checks.reports import read_coverage, read_junit

JUNIT = b'<testsuite><testcase classname="t" name="a"/><testcase name="b"><failure message="no"/></testcase></testsuite>'
DTD = b'<!DOCTYPE testsuite SYSTEM "http://example.invalid/t.dtd">'
ENTITY = b'<!DOCTYPE testsuite [<!ENTITY name "value">]>'


def test_a_report_says_what_it_counts() -> None:
    assert read_junit(JUNIT) == reports.Tests(count=2, failed=1, skipped=0, first="b: no")
    assert read_coverage(b'<coverage line-rate="0.5"/>') == 50.0


@pytest.mark.parametrize("head", [DTD, ENTITY, ENTITY.decode().encode("utf-16")])
def test_a_report_with_a_document_type_is_not_read(head: bytes) -> None:
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    content = head + JUNIT.decode().encode(encoding).removeprefix(b"\xff\xfe")

    assert read_junit(content) is None


def test_a_report_that_is_no_xml_is_not_read() -> None:
    assert read_junit(b"passed") is None
    assert read_coverage(b"\xff") is None
