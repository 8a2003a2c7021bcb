"""`mlopsctl releases` follows the links of the pages."""

from typing import Any

from mlopsctl.reach.client import read_pages


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

    content = read_pages(pages.get, "/api/releases", "releases", None)

    assert [release["release_id"] for release in content["releases"]] == list(map(str, range(2500)))
    assert (content["next"], len(pages.asked)) == (None, 3)


def test_no_more_pages_are_read_than_were_asked_for() -> None:
    few, many = Pages(), Pages()

    assert len(read_pages(few.get, "/api/releases", "releases", 100)["releases"]) == 100
    content = read_pages(many.get, "/api/releases", "releases", 1500)

    assert few.asked == ["/api/releases?limit=100"]
    assert (len(content["releases"]), len(many.asked)) == (1500, 2)
    assert content["next"], "the caller can say that there are more"


def test_a_list_of_another_name_is_followed_too() -> None:
    links: list[str] = []

    def get(link: str) -> Any:
        links.append(link)
        first = len(links) == 1
        return {"entries": [len(links)], "next": "/api/audit?after=7" if first else None}

    content = read_pages(get, "/api/audit", "entries", None, {"model": "m"})

    assert content == {"entries": [1, 2], "next": None}
    assert links == ["/api/audit?model=m&limit=1000", "/api/audit?after=7"]
