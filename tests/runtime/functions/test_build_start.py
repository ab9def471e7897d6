"""Starting builds: the newest uploads, exactly pinned, once."""

import json
from typing import Any, cast

import pytest

from model.manifest import Manifest
from runtime.functions.build_start import BuildStarter, Outcome
from runtime.functions.settings import Settings
from tests.runtime.fakes import FakeBucket, FakeImageBuilder, sha256

SETTINGS = Settings(
    product="ledger",
    entry_script="install.sh",
    bucket="scripts",
    hub="111111111111",
    data_key_arn="arn:aws:kms:us-east-1:111111111111:key/data",
    pipeline_arn="arn:aws:imagebuilder:us-east-1:111111111111:image-pipeline/golden-ami-ledger",
    topic_arn="arn:aws:sns:us-east-1:111111111111:golden-ami-ledger-outcomes",
)


@pytest.fixture
def bucket() -> FakeBucket:
    return FakeBucket("scripts", "111111111111")


@pytest.fixture
def image_builder() -> FakeImageBuilder:
    return FakeImageBuilder()


@pytest.fixture
def starter(bucket: FakeBucket, image_builder: FakeImageBuilder) -> BuildStarter:
    return BuildStarter(SETTINGS, cast(Any, bucket), cast(Any, image_builder))


def pinned(bucket: FakeBucket) -> dict[str, bytes]:
    prefix = "builds/current/"
    return {key.removeprefix(prefix): version.body for key, version in bucket.newest(prefix).items()}


def test_an_upload_starts_a_build_of_exactly_its_versions(
    starter: BuildStarter, bucket: FakeBucket, image_builder: FakeImageBuilder
) -> None:
    bucket.upload("scripts/install.sh", b"echo old")
    version = bucket.upload("scripts/install.sh", b"echo new")
    bucket.upload("scripts/files/app.conf", b"port=1")
    result = starter.start()
    assert result.outcome is Outcome.STARTED
    files = pinned(bucket)
    manifest = Manifest.from_json(files["manifest.json"].decode())
    assert {file.path: (file.sha256, file.size) for file in manifest.files} == {
        "install.sh": (sha256(b"echo new"), 8),
        "files/app.conf": (sha256(b"port=1"), 6),
    }
    assert (files["files/install.sh"], files["files/files/app.conf"]) == (b"echo new", b"port=1")
    assert image_builder.images[0]["tags"] == {
        "golden-ami:product": "ledger",
        "golden-ami:manifest-sha256": manifest.sha256,
        "golden-ami:script-version-id": version,
    }


def test_everything_pinned_is_encrypted_with_the_products_key(starter: BuildStarter, bucket: FakeBucket) -> None:
    bucket.upload("scripts/install.sh", b"x")
    starter.start()
    assert len(bucket.written) == 3
    assert {(entry["ServerSideEncryption"], entry["SSEKMSKeyId"]) for entry in bucket.written} == {
        ("aws:kms", SETTINGS.data_key_arn)
    }


def test_a_file_that_was_deleted_is_neither_built_nor_left_over(starter: BuildStarter, bucket: FakeBucket) -> None:
    bucket.upload("builds/current/files/old.conf", b"left over")
    bucket.upload("scripts/old.conf", b"x")
    bucket.upload("scripts/old.conf", b"", deleted=True)
    bucket.upload("scripts/install.sh", b"x")
    starter.start()
    assert sorted(pinned(bucket)) == ["SHA256SUMS", "files/install.sh", "manifest.json"]


def test_a_repeated_event_starts_nothing_more(
    starter: BuildStarter, bucket: FakeBucket, image_builder: FakeImageBuilder
) -> None:
    bucket.upload("scripts/install.sh", b"x")
    starter.start()
    assert starter.start().outcome is Outcome.RUNNING
    image_builder.end()
    assert starter.start().outcome is Outcome.NOTHING_TO_BUILD
    assert len(image_builder.images) == 1


def test_what_is_uploaded_during_a_build_is_built_after_it(
    starter: BuildStarter, bucket: FakeBucket, image_builder: FakeImageBuilder
) -> None:
    bucket.upload("scripts/install.sh", b"one")
    starter.start()
    bucket.upload("scripts/install.sh", b"two")
    before = pinned(bucket)
    assert starter.start().outcome is Outcome.RUNNING
    assert pinned(bucket) == before
    image_builder.end()
    assert starter.start().outcome is Outcome.STARTED
    assert pinned(bucket)["files/install.sh"] == b"two"


def test_versions_that_failed_are_not_built_again_by_a_late_event(
    starter: BuildStarter, bucket: FakeBucket, image_builder: FakeImageBuilder
) -> None:
    bucket.upload("scripts/install.sh", b"x")
    starter.start()
    image_builder.end("FAILED")
    result = starter.start()
    assert (result.outcome, result.reason) == (Outcome.NOTHING_TO_BUILD, "these versions were built before (FAILED)")


def test_a_request_by_hand_builds_again_once(
    starter: BuildStarter, bucket: FakeBucket, image_builder: FakeImageBuilder
) -> None:
    bucket.upload("scripts/install.sh", b"x")
    starter.start()
    image_builder.end()
    first = starter.start("request-1")
    image_builder.end()
    assert first.outcome is Outcome.STARTED
    assert starter.start("request-1").image_build_version_arn == first.image_build_version_arn
    assert len(image_builder.images) == 2


def test_images_of_all_pages_are_looked_at(
    starter: BuildStarter, bucket: FakeBucket, image_builder: FakeImageBuilder
) -> None:
    for content in (b"1", b"2", b"3", b"4", b"5"):
        bucket.upload("scripts/install.sh", content)
        starter.start()
        image_builder.end()
    assert starter.start().outcome is Outcome.NOTHING_TO_BUILD


def test_without_its_entry_script_nothing_is_built(starter: BuildStarter, bucket: FakeBucket) -> None:
    bucket.upload("scripts/other.sh", b"x")
    result = starter.start()
    assert result.outcome is Outcome.REFUSED
    assert result.reason == "the entry script scripts/install.sh has not been uploaded"
    assert pinned(bucket) == {}


def test_a_run_that_began_meanwhile_is_no_error(
    starter: BuildStarter, bucket: FakeBucket, image_builder: FakeImageBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.upload("scripts/install.sh", b"x")
    starter.start()

    def nothing_yet(**_arguments: str) -> dict[str, Any]:
        return {}

    monkeypatch.setattr(image_builder, "list_image_pipeline_images", nothing_yet)
    bucket.upload("scripts/install.sh", b"y")
    assert starter.start().outcome is Outcome.RUNNING


def test_the_answer_has_the_shape_that_callers_read(starter: BuildStarter, bucket: FakeBucket) -> None:
    bucket.upload("scripts/install.sh", b"x")
    answer = starter.start().as_dict()
    assert json.loads(json.dumps(answer)) == {
        "outcome": "started",
        "imageBuildVersionArn": "arn:aws:imagebuilder:us-east-1:111111111111:image/golden-ami-ledger/1.0.0/1",
        "manifestSha256": answer["manifestSha256"],
        "reason": None,
    }
