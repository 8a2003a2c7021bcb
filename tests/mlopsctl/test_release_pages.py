"""`mlopsctl releases` follows the links of the pages."""

from typing import Any, cast

from mlopsctl.reach.client import Api, read_pages


class Pages:
    """An app with 2,500 releases, which answers in pages."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get(self, path: str) -> Any:
        self.asked.append(path)
        begin = int(path.partition("after=")[2] or 0)
        limit = int(path.partition("limit=")[2].partition("&")[0])
        end = min(begin + limit, 2500)
        releases = [{"release_id": str(number)} for number in range(begin, end)]
        link = f"/api/releases?limit={limit}&after={end}" if end < 2500 else None
        return {"releases": releases, "next": link}


def test_all_pages_are_read_for_all_releases() -> None:
    pages = Pages()

    content = read_pages(cast(Api, pages), "releases", None)

    assert [release["release_id"] for release in content["releases"]] == list(map(str, range(2500)))
    assert (content["next"], len(pages.asked)) == (None, 3)


def test_no_more_pages_are_read_than_were_asked_for() -> None:
    few, many = Pages(), Pages()

    assert len(read_pages(cast(Api, few), "releases", 100)["releases"]) == 100
    content = read_pages(cast(Api, many), "releases", 1500)

    assert few.asked == ["/api/releases?limit=100"]
    assert (len(content["releases"]), len(many.asked)) == (1500, 2)
    assert content["next"], "the caller can say that there are more"
