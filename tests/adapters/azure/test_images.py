"""Images by ACR Tasks: their content, the state after a crash, and the text of a failure."""

import hashlib
import io
import tarfile
import tracemalloc
from dataclasses import replace
from datetime import timedelta

import pytest

from function_app.adapters.azure.images.build_context import OWN
from function_app.domain.change.change import CodeVersion
from function_app.domain.release.serving import Image
from function_app.domain.training import ModelVersion, folder_digest
from function_app.errors import AttemptError, ContractError, NotFoundError, PlatformError
from tests.azure_servers.arm import BROKEN, DENIED, THROTTLED
from tests.azure_servers.azure import NOW, RUNS, VERSIONS, Azure

FILES = ("model.skops", "trusted_types.json", "deeper/weights.bin")
LATER = NOW + timedelta(minutes=10)


def registered(azure: Azure, number: str = "1", model: str = "diabetes") -> ModelVersion:
    for name in FILES:
        azure.wrote(f"runs/run-{number}/model/{name}", b"content")
    schema = b'{"features": ["a"], "target": "Y"}'
    azure.wrote(f"runs/run-{number}-vs-nothing/evaluation/model_schema.json", schema)
    return ModelVersion(
        model=model,
        version=number,
        run_id=f"run-{number}",
        uri=f"azureml:{model}:{number}",
        digest=folder_digest({name: hashlib.sha256(b"content").hexdigest() for name in FILES}),
        evaluation_id=f"run-{number}-vs-nothing",
    )


def built(azure: Azure, version: ModelVersion) -> Image:
    build = azure.images().build(version)
    if build.image is None:
        azure.acr.finish(max(azure.acr.runs))
        build = azure.images().build(version)
    assert build.image is not None
    return build.image


def test_an_image_is_built_once_and_named_by_the_digest_that_was_pushed(azure: Azure) -> None:
    version = registered(azure)

    first = azure.images().build(version)
    second = azure.images().build(version)
    azure.acr.finish("run1")
    third = azure.images().build(version)
    fourth = azure.images().build(version)

    assert (first.image, second.image) == (None, None)
    assert third.image is not None
    assert third == fourth
    assert third.image.digest == azure.acr.manifests["diabetes:1"]
    assert third.image.uri == f"{azure.acr.server}/diabetes@{third.image.digest}"
    assert len(azure.acr.runs) == 1


def test_the_files_of_a_build_are_the_service_the_model_and_nothing_else(azure: Azure) -> None:
    azure.images().build(registered(azure))

    with tarfile.open(fileobj=io.BytesIO(next(iter(azure.acr.contexts.values())))) as archive:
        names = archive.getnames()
        labels = archive.extractfile("Dockerfile")
        assert labels is not None
        text = labels.read().decode()

    assert {f"model/{name}" for name in (*FILES, "model_schema.json")} < set(names)
    assert "scoring/server.py" in names
    assert not [
        name for name in names if name.split("/")[0] not in ("scoring", "model", "Dockerfile")
    ]
    assert 'LABEL org.opencontainers.image.version="1"' in text


def test_the_same_version_is_the_same_archive(azure: Azure) -> None:
    version = registered(azure)
    azure.images().build(version)
    azure.blobs.delete("versions", "images/")
    azure.images().build(version)

    first, second = azure.acr.contexts.values()

    assert first == second


def test_a_build_of_published_code_takes_that_codes_service(azure: Azure) -> None:
    from dataclasses import replace

    from function_app.adapters.archives import pack
    from function_app.domain.change.change import CodeVersion

    archive = pack({"scoring/__main__.py": b"print('other')", "scoring/requirements.txt": b""})
    bundle = azure.bundles().store(archive, "c0ffee0000000000000000000000000000000000")
    code = CodeVersion(
        model="diabetes",
        version=bundle.digest,
        uri=bundle.uri,
        commit="c0ffee0000000000000000000000000000000000",
    )

    image = built(azure, replace(registered(azure), code=code))

    with tarfile.open(fileobj=io.BytesIO(next(iter(azure.acr.contexts.values())))) as packed:
        member = packed.extractfile("scoring/__main__.py")
        assert member is not None
        assert member.read() == b"print('other')"
    assert image.digest.startswith("sha256:")


def test_a_build_that_was_queued_before_a_crash_is_taken_over(azure: Azure) -> None:
    version = registered(azure)
    azure.arm.lose_answer("POST", "/scheduleRun")

    with pytest.raises(PlatformError):
        azure.images().build(version)
    again = azure.images().build(version)
    azure.acr.finish("run1")
    done = azure.images().build(version)

    assert again.image is None
    assert done.image is not None
    assert len(azure.acr.runs) == 1


def test_a_build_of_somebody_else_is_not_taken_for_ours(azure: Azure) -> None:
    version, other = registered(azure), registered(azure, "2")
    azure.images().build(other)
    azure.arm.fail("POST", "/scheduleRun", DENIED)
    with pytest.raises(PlatformError):
        azure.images().build(version)

    waiting = azure.images(lambda: LATER).build(version)
    azure.acr.finish("run1")
    queued = azure.images(lambda: LATER).build(version)
    azure.acr.finish("run2")
    done = azure.images(lambda: LATER).build(version)

    assert waiting.image is None
    assert queued.image is None
    assert done.image is not None
    assert done.image.digest == azure.acr.manifests["diabetes:1"]
    assert len(azure.acr.runs) == 2


def test_a_wish_without_a_run_is_queued_when_its_process_had_time_enough(azure: Azure) -> None:
    version = registered(azure)
    azure.arm.fail("POST", "/scheduleRun", DENIED)
    with pytest.raises(PlatformError):
        azure.images().build(version)

    soon = azure.images().build(version)
    runs = len(azure.acr.runs)
    later = azure.images(lambda: LATER).build(version)

    assert soon.image is None
    assert runs == 0
    assert later.image is None
    assert len(azure.acr.runs) == 1


def test_a_failed_build_shows_the_end_of_its_log_once_and_is_queued_by_the_next_request(
    azure: Azure,
) -> None:
    version = registered(azure)
    azure.images().build(version)
    azure.acr.log = "Step 1\nfetched https://a/b?sig=abcdef123456\nerror: no space left\n"
    azure.acr.finish("run1", "Failed")

    with pytest.raises(AttemptError, match="error: no space left") as caught:
        azure.images().build(version)
    again = azure.images().build(version)
    polled = azure.images().build(version)
    azure.acr.finish("run2")

    assert "abcdef123456" not in str(caught.value)
    assert (again.image, polled.image) == (None, None)
    assert azure.images().build(version).image is not None
    assert len(azure.acr.runs) == 2


def test_a_new_attempt_whose_answer_was_lost_does_not_take_over_the_build_that_failed(
    azure: Azure,
) -> None:
    version = registered(azure)
    azure.images().build(version)
    azure.acr.finish("run1", "Failed")
    with pytest.raises(AttemptError):
        azure.images().build(version)
    azure.arm.lose_answer("POST", "/scheduleRun")
    with pytest.raises(PlatformError):
        azure.images().build(version)

    azure.images().build(version)
    azure.acr.finish("run2")

    assert azure.images().build(version).image is not None
    assert len(azure.acr.runs) == 2


def test_an_image_whose_tag_was_moved_is_still_the_one_that_was_built(azure: Azure) -> None:
    version = registered(azure)
    image = built(azure, version)
    azure.acr.manifests["diabetes:old"] = image.digest
    azure.acr.manifests["diabetes:1"] = "sha256:" + "0" * 64

    assert built(azure, version) == image


def test_an_image_that_was_deleted_is_an_error_and_not_built_anew(azure: Azure) -> None:
    version = registered(azure)
    built(azure, version)
    azure.acr.manifests.clear()

    with pytest.raises(PlatformError, match="is gone from"):
        azure.images().build(version)
    assert len(azure.acr.runs) == 1


def test_a_tag_that_somebody_pushed_is_not_taken_for_a_build(azure: Azure) -> None:
    version = registered(azure)
    azure.acr.manifests["diabetes:1"] = foreign = "sha256:" + "f" * 64

    image = built(azure, version)

    assert len(azure.acr.runs) == 1
    assert image.digest != foreign


@pytest.mark.parametrize("record", [None, b"[]", b"no JSON", b'{"asked_at": 3}', b'{"run_id": ""}'])
def test_an_image_whose_record_was_lost_is_built_again(azure: Azure, record: bytes | None) -> None:
    version = registered(azure)
    built(azure, version)
    name = next(n for n in azure.blobs.containers[VERSIONS] if n.startswith("images/diabetes/"))
    azure.blobs.delete("versions", "images/")
    if record is not None:
        azure.wrote(name, record)

    image = built(azure, version)

    assert len(azure.acr.runs) == 2
    assert image.digest == azure.acr.manifests["diabetes:1"]


def test_a_build_whose_run_was_deleted_is_built_again(azure: Azure) -> None:
    version = registered(azure)
    azure.images().build(version)
    azure.acr.finish("run1")
    del azure.acr.runs["run1"]

    assert azure.images().build(version).image is None
    azure.acr.finish(max(azure.acr.runs))
    assert azure.images().build(version).image is not None


def test_a_model_file_that_was_changed_is_not_built(azure: Azure) -> None:
    version = registered(azure)
    azure.wrote("runs/run-1/model/model.skops", b"other")

    with pytest.raises(PlatformError, match="differs from the registered one"):
        azure.images().build(version)
    assert azure.acr.runs == {}


def test_an_attempt_that_cannot_be_packed_delays_no_later_attempt(azure: Azure) -> None:
    version = registered(azure)
    schema = "runs/run-1-vs-nothing/evaluation/model_schema.json"
    good = azure.written(schema)
    judged = replace(version, schema_digest=hashlib.sha256(good).hexdigest())
    azure.wrote(schema, b"{}")
    for _ in range(2):
        with pytest.raises(PlatformError, match="differs from the registered one"):
            azure.images().build(judged)
    azure.wrote(schema, good)
    azure.images().build(judged)
    azure.acr.finish("run1", "Failed")
    with pytest.raises(AttemptError):
        azure.images().build(judged)
    azure.wrote(schema, b"{}")
    for _ in range(2):
        with pytest.raises(PlatformError, match="differs from the registered one"):
            azure.images().build(judged)

    assert len(azure.acr.runs) == 1


def test_a_schema_that_was_changed_after_it_was_judged_is_not_built(azure: Azure) -> None:
    version = registered(azure)
    schema = b'{"features": ["a"], "target": "Y"}'
    judged = replace(version, schema_digest=hashlib.sha256(schema).hexdigest())
    azure.wrote("runs/run-1-vs-nothing/evaluation/model_schema.json", b'{"features": []}')

    with pytest.raises(
        PlatformError, match=r"model_schema\.json of .* differs from the registered one"
    ):
        azure.images().build(judged)
    assert azure.acr.runs == {}


def test_a_model_that_the_own_service_cannot_serve_is_not_built(azure: Azure) -> None:
    version = registered(azure)
    del azure.blobs.containers[RUNS]["runs/run-1/model/model.skops"]
    kept = {name: hashlib.sha256(b"content").hexdigest() for name in FILES[1:]}

    with pytest.raises(ContractError, match=r"no model\.skops, .* or name a folder with a service"):
        azure.images().build(replace(version, digest=folder_digest(kept)))
    assert azure.acr.runs == {}


def test_a_model_that_mlops_toml_does_not_name_is_not_built(azure: Azure) -> None:
    with pytest.raises(NotFoundError, match=r"mlops\.toml"):
        azure.images().build(registered(azure, model="other"))


def test_throttling_and_faults_of_the_registry_are_waited_for(azure: Azure) -> None:
    azure.arm.fail("POST", "/listBuildSourceUploadUrl", THROTTLED)
    version = registered(azure)
    azure.images().build(version)
    azure.arm.fail("GET", "/runs/", BROKEN)

    assert azure.images().build(version).image is None


def test_missing_rights_to_build_are_reported(azure: Azure) -> None:
    azure.arm.fail("POST", "/listBuildSourceUploadUrl", DENIED, times=9)

    with pytest.raises(PlatformError, match=r"AuthorizationFailed.*role"):
        azure.images().build(registered(azure))


def test_a_model_whose_training_wrote_a_schema_is_served_by_that_one(azure: Azure) -> None:
    version = registered(azure)
    azure.wrote("runs/run-1/model/model_schema.json", b"own")
    digests = {name: hashlib.sha256(b"content").hexdigest() for name in FILES}
    digests["model_schema.json"] = hashlib.sha256(b"own").hexdigest()

    azure.images().build(replace(version, digest=folder_digest(digests)))

    with tarfile.open(fileobj=io.BytesIO(next(iter(azure.acr.contexts.values())))) as archive:
        schema = archive.extractfile("model/model_schema.json")
        assert schema is not None
        assert schema.read() == b"own"


def test_code_without_a_service_is_served_by_the_apps_own(azure: Azure) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("training/__init__.py"), io.BytesIO())
    bundle = azure.bundles().store(out.getvalue(), "c0ffee0000000000000000000000000000000000")
    code = CodeVersion(
        model="diabetes",
        version=bundle.digest,
        uri=bundle.uri,
        commit="c0ffee0000000000000000000000000000000000",
    )

    azure.images().build(replace(registered(azure), code=code))

    with tarfile.open(fileobj=io.BytesIO(next(iter(azure.acr.contexts.values())))) as archive:
        assert "scoring/server.py" in archive.getnames()


def test_a_model_is_packed_piece_by_piece(azure: Azure) -> None:
    large = bytes(160 << 20)
    version = registered(azure)
    azure.wrote("runs/run-1/model/model.skops", large)
    digests = {name: hashlib.sha256(b"content").hexdigest() for name in FILES}
    digests["model.skops"] = hashlib.sha256(large).hexdigest()
    assert azure.contexts().missing_bases(version, OWN) == ()

    tracemalloc.start()
    try:
        with azure.contexts().pack(replace(version, digest=folder_digest(digests)), OWN) as context:
            _, peak = tracemalloc.get_traced_memory()
            with tarfile.open(fileobj=context.content, mode="r:gz") as packed:
                size = packed.getmember("model/model.skops").size
    finally:
        tracemalloc.stop()

    assert size == len(large)
    # Pieces of 4 MiB, which the server of the test holds, too.
    assert peak < 100 << 20
