"""`mlopsctl explain` prints the chain of a version in the order of its links."""

import pytest

from function_app.domain.codec import dump
from function_app.domain.lineage.chain import Known, chain
from mlopsctl.reach.client import ApiError
from mlopsctl.versions.explain import lines, version_path
from tests.domain.test_lineage import DATA, ORDER, VERSION, WHOLE


def printed(known: Known) -> list[str]:
    links = [{**link, "at": dump(link["at"])} for link in chain(known)]
    return lines({"model": "diabetes", "version": "3", "own": True, "links": links})


def test_every_link_is_printed_with_its_digest_and_its_time() -> None:
    text = printed(WHOLE)

    assert text[0] == "diabetes version 3"
    heads = [line.split()[0] for line in text if line.startswith("  ") and line[2] != " "]
    assert tuple(heads) == ORDER
    assert sum("2026-01-01T00:00:00Z" in line for line in text) == 7
    assert any(line.strip() == f"sha256 {DATA}" for line in text)
    assert any("reported.alpha: 0.4" in line for line in text)


def test_a_missing_part_is_a_sentence_below_its_link() -> None:
    text = printed(Known(version=VERSION))

    run = next(n for n, line in enumerate(text) if line.startswith("  run"))
    assert "does not have run train-diabetes-1 any more" in " ".join(text[run:])


@pytest.mark.parametrize("name", ["diabetes", "diabetes:", ":3", ""])
def test_a_name_of_another_form_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(ApiError, match="diabetes:3"):
        version_path(name)


def test_a_name_stays_one_step_of_the_path() -> None:
    assert version_path("a/b:3") == "/api/models/a%2Fb/versions/3"
