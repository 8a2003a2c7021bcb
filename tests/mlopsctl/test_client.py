"""What the command line says when the app is slow or away."""

import socket
from pathlib import Path

import pytest

from mlopsctl.reach.client import Api, ApiError


def test_an_app_that_takes_its_time_is_not_called_away(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = Api(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path, seconds=0.2)

        with pytest.raises(ApiError, match=r"has not answered yet\. It may still carry it out"):
            api.get("/api/models")
        api.close()


def test_an_app_that_is_away_is_called_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    api = Api(f"http://127.0.0.1:{port}", tmp_path)

    with pytest.raises(ApiError, match=r"does not answer\. Start it with `make up`"):
        api.get("/api/models")
    api.close()
