"""Base images of Dockerfiles: which a build would pull from elsewhere, and their copies."""

import pytest

from function_app.domain.release.base_image import base_images, parse_image, pin

SERVER = "registry.azurecr.io"
DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("python:3.12-slim", "docker.io/library/python:3.12-slim"),
        ("python", "docker.io/library/python:latest"),
        ("nvidia/cuda:12.4", "docker.io/nvidia/cuda:12.4"),
        ("docker.io/python:3.12", "docker.io/library/python:3.12"),
        ("mcr.microsoft.com/a/b:1", "mcr.microsoft.com/a/b:1"),
        ("localhost:5000/a", "localhost:5000/a:latest"),
        (f"python:3.12@{DIGEST}", f"docker.io/library/python@{DIGEST}"),
        (f"quay.io/a/b@{DIGEST}", f"quay.io/a/b@{DIGEST}"),
    ],
)
def test_an_image_is_read_as_docker_reads_it(text: str, address: str) -> None:
    assert parse_image(text).address == address


def test_copies_have_the_names_of_their_images() -> None:
    assert parse_image("python:3.12").copy == "base/docker.io/library/python"
    assert parse_image("python:3.12").copy_tag == "3.12"
    assert parse_image(f"python@{DIGEST}").copy_tag == DIGEST.replace(":", "-")
    assert parse_image("localhost:5000/A").copy == "base/localhost-5000/a"


def test_stages_own_images_and_arguments_are_no_base_images() -> None:
    dockerfile = (
        "ARG BASE=python\n"
        "FROM --platform=linux/amd64 python:3.12-slim AS base\n"
        "from base as next\n"
        "FROM scratch\n"
        "FROM $BASE\n"
        f"FROM {SERVER}/mine:1\n"
        "FROM quay.io/a/b:2\n"
        "FROM python:3.12-slim\n"
        "# FROM python:2\n"
    )

    found = [image.address for image in base_images(dockerfile, SERVER)]

    assert found == ["docker.io/library/python:3.12-slim", "quay.io/a/b:2"]


def test_a_pinned_dockerfile_names_the_copies_and_is_else_the_same() -> None:
    dockerfile = "FROM --platform=linux/amd64 python:3.12 AS base\nRUN x\nFROM base\nCOPY a b\n"
    [image] = base_images(dockerfile, SERVER)

    text = pin(dockerfile, SERVER, {image: DIGEST})

    assert text == (
        f"FROM --platform=linux/amd64 {SERVER}/base/docker.io/library/python@{DIGEST} AS base\n"
        "RUN x\nFROM base\nCOPY a b\n"
    )
    assert base_images(text, SERVER) == ()
