"""The local proxy of production passes headers on, except those of one connection."""

from multidict import CIMultiDict

from function_app.adapters.local.production.production_server import end_to_end


def test_headers_for_the_other_end_pass_with_their_repetitions() -> None:
    given = CIMultiDict(
        [
            ("Authorization", "Bearer key"),
            ("X-Probe-Key", "secret"),
            ("traceparent", "00-1"),
            ("Accept", "a"),
            ("Accept", "b"),
        ]
    )

    assert list(end_to_end(given, frozenset()).items()) == list(given.items())


def test_headers_of_one_connection_do_not_pass() -> None:
    given = CIMultiDict(
        [
            ("Connection", "close, X-Own"),
            ("x-own", "1"),
            ("Keep-Alive", "5"),
            ("TE", "trailers"),
            ("Transfer-Encoding", "chunked"),
            ("Upgrade", "h2c"),
            ("Proxy-Authorization", "Basic x"),
            ("Host", "a"),
            ("X-Kept", "1"),
        ]
    )

    assert dict(end_to_end(given, frozenset(("host",)))) == {"X-Kept": "1"}
