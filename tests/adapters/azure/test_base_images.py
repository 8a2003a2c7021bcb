"""The base image of scoring: imported into the registry once, pinned by digest in each build."""

import io
import tarfile
from datetime import timedelta

import pytest

from function_app.domain.platform import PartState
from function_app.domain.release.base_image import base_images
from function_app.errors import PlatformError
from tests.adapters.azure.test_images import registered
from tests.azure_servers.acr import BASE
from tests.azure_servers.arm import DENIED
from tests.azure_servers.azure import NOW, Azure

SOURCE, DIGEST = BASE.address, BASE.reference
COPY = "base/docker.io/library/python"
PART = "base image"


def dockerfile(azure: Azure) -> str:
    archive = io.BytesIO(list(azure.acr.contexts.values())[-1])
    with tarfile.open(fileobj=archive) as files:
        found = files.extractfile("Dockerfile")
        assert found is not None
        return found.read().decode()


def test_a_build_names_its_base_by_the_digest_of_the_copy_in_the_registry(azure: Azure) -> None:
    azure.images().build(registered(azure))

    assert f"FROM {azure.acr.server}/{COPY}@{azure.acr.public[SOURCE]} AS base" in dockerfile(azure)
    assert "FROM python" not in dockerfile(azure)
    [asked] = azure.arm.asked("POST", "/importImage")
    assert asked.json["source"] == {
        "registryUri": "docker.io",
        "sourceImage": f"library/python@{DIGEST}",
    }


def test_the_base_stays_what_it_was_when_the_tag_of_its_copy_moves(azure: Azure) -> None:
    azure.images().build(registered(azure))
    before = dockerfile(azure)
    azure.acr.manifests[f"{COPY}:old"] = DIGEST
    azure.acr.manifests[f"{COPY}:{BASE.copy_tag}"] = "sha256:" + "f" * 64

    azure.images().build(registered(azure, "2"))

    assert base_images(dockerfile(azure), "") == base_images(before, "")
    assert DIGEST in dockerfile(azure)
    assert len(azure.arm.asked("POST", "/importImage")) == 1


def test_a_build_waits_for_an_import_that_is_under_way_and_asks_for_it_once(azure: Azure) -> None:
    azure.acr.imports_end_at_once = False
    version = registered(azure)

    first, second = azure.images().build(version), azure.images().build(version)

    assert "is being imported" in first.detail
    assert "is being imported" in second.detail
    assert azure.acr.runs == {}
    assert len(azure.arm.asked("POST", "/importImage")) == 1
    azure.acr.finish_import()
    assert "is queued" in azure.images().build(version).detail


def test_an_import_that_failed_says_why_and_is_asked_for_again(azure: Azure) -> None:
    azure.acr.imports_end_at_once = False
    digest = azure.acr.public.pop(SOURCE)
    version = registered(azure)
    azure.images().build(version)
    azure.acr.finish_import()

    with pytest.raises(PlatformError, match=r"could not be imported.*az acr import"):
        azure.images().build(version)

    azure.acr.public[SOURCE] = digest
    azure.acr.imports_end_at_once = True
    assert "is queued" in azure.images().build(version).detail


def test_an_import_that_says_nothing_for_long_is_asked_for_again(azure: Azure) -> None:
    azure.acr.imports_end_at_once = False
    version = registered(azure)
    azure.images().build(version)

    azure.images(lambda: NOW + timedelta(minutes=11)).build(version)

    assert len(azure.arm.asked("POST", "/importImage")) == 2


def test_an_import_that_is_not_allowed_names_the_role(azure: Azure) -> None:
    azure.arm.fail("POST", "/importImage", DENIED)

    with pytest.raises(PlatformError, match="Give the app's identity the role"):
        azure.images().build(registered(azure))


def test_provisioning_plans_imports_and_removes_the_base(azure: Azure) -> None:
    assert azure.platform().plan(PART).state is PartState.ABSENT
    assert SOURCE in azure.platform().plan(PART).detail
    assert azure.arm.asked("POST", "/importImage") == []

    assert not azure.platform().ensure(PART).ready
    assert azure.platform().ensure(PART).ready
    assert azure.platform().plan(PART).state is PartState.PRESENT
    assert azure.acr.manifests == {f"{COPY}:{BASE.copy_tag}": DIGEST}

    azure.platform().remove(PART)
    assert azure.acr.manifests == {}
    assert azure.platform().plan(PART).state is PartState.ABSENT
    assert not azure.platform().ensure(PART).ready
    assert azure.platform().ensure(PART).ready


def test_an_image_that_is_there_already_needs_no_import(azure: Azure) -> None:
    azure.acr.manifests[f"{COPY}:{BASE.copy_tag}"] = DIGEST

    azure.images().build(registered(azure))

    assert azure.arm.asked("POST", "/importImage") == []
    assert f"{COPY}@{DIGEST}" in dockerfile(azure)


def test_another_image_under_the_tag_of_the_copy_is_not_taken_for_the_base(azure: Azure) -> None:
    azure.acr.manifests[f"{COPY}:{BASE.copy_tag}"] = "sha256:" + "c" * 64

    azure.images().build(registered(azure))

    assert len(azure.arm.asked("POST", "/importImage")) == 1
    assert azure.acr.manifests[f"{COPY}:{BASE.copy_tag}"] == DIGEST
    assert f"{COPY}@{DIGEST}" in dockerfile(azure)
