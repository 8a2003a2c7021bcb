"""Paths of the management API: decoded, matched and written as the real extension does."""

import httpx
import pytest
from yarl import URL

from funchost.web.management.bindings import encoded
from funchost.web.paths import as_asked, segments
from tests.funchost.conftest import Host


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ("/instances/a+b", ["instances", "a b"]),
        ("/instances/a%2Bb", ["instances", "a b"]),
        ("/instances/a%2541", ["instances", "aA"]),
        ("/instances/a%25", ["instances", "a%"]),
        ("/instances/a%2Fb", ["instances", "a", "b"]),
        ("//instances///x/", ["instances", "x"]),
        ("/instances/%C3%A9", ["instances", "é"]),
        ("", []),
    ],
)
def test_a_path_is_decoded_twice_and_empty_segments_do_not_count(
    sent: str, found: list[str]
) -> None:
    assert segments(sent) == found


@pytest.mark.parametrize(
    ("plain", "written"),
    [
        ("a b", "a+b"),
        ("a:b~c'd@e", "a%3Ab%7Ec%27d%40e"),
        ("Az09-_.!*()", "Az09-_.!*()"),
        ("é😀", "%C3%A9%F0%9F%98%80"),
        ("[a]{b},c", "%5Ba%5D%7Bb%7D%2Cc"),
    ],
)
def test_an_id_is_form_encoded_in_urls(plain: str, written: str) -> None:
    assert encoded(plain) == written


def test_a_location_repeats_the_path_as_asked() -> None:
    url = URL("http://h:1/A//instances/%40c%40k%20x/?code=k", encoded=True)

    assert as_asked(url) == "http://h:1/A//instances/@c@k%20x/?code=k"


@pytest.mark.parametrize("name", ["a b", "ä[x]{y}", "a'b~c", "a&b=c,d", " around "])
def test_the_urls_of_a_started_instance_lead_to_it(host: Host, name: str) -> None:
    path = f"/orchestrators/waiting/{httpx.URL(path='/' + name).raw_path.decode()[1:]}"
    started = host.manage("POST", path.replace("&", "%26"))

    urls = started.json()
    shown = httpx.get(urls["statusQueryGetUri"])

    assert (started.status_code, urls["id"]) == (202, name)
    assert "rewindPostUri" not in urls
    assert shown.json()["instanceId"] == name
    assert httpx.post(urls["terminatePostUri"].replace("{text}", "x")).status_code == 202


def test_routes_match_in_any_case_and_with_more_slashes(host: Host) -> None:
    host.manage("POST", "/orchestrators/waiting/routes")
    key = {"code": host.keys()["systemKey"]}

    for path in ("/INSTANCES/routes", "/instances/routes/", "//instances//routes"):
        assert host.manage("GET", path).status_code == 202
    shouted = f"{host.url}/RUNTIME/webhooks/DurableTask/instances/routes/TERMINATE"
    assert httpx.post(shouted).status_code == 401
    assert httpx.post(shouted, params=key).status_code == 202
    for method, path in (("PUT", "/instances/routes"), ("GET", ""), ("POST", "/instances/a/b/c/d")):
        assert host.manage(method, path).status_code == 404
