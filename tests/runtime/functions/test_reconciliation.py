"""Starting builds: the newest uploads, exactly pinned, once."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from model.manifest import Manifest
from runtime.functions.build_state import StateStore
from runtime.functions.dependencies import Dependencies
from runtime.functions.pinning import PinnedBuild
from runtime.functions.pipeline_runs import PipelineRuns
from runtime.functions.reconciliation import Outcome, Reconciliation
from runtime.functions.reports import Topic
from runtime.functions.script_checks import ScriptChecks
from runtime.functions.uploads import UploadReader
from tests.runtime.fakes import FakeBucket, FakeImageBuilder, FakeParameters, FakeTopic, sha256

KEY = "arn:aws:kms:us-east-1:111111111111:key/data"
PIPELINE = "arn:aws:imagebuilder:us-east-1:111111111111:image-pipeline/golden-ami-ledger"


@dataclass
class Product:
    """One product's start function on stand-ins, its lock always free."""

    bucket: FakeBucket = field(default_factory=FakeBucket)
    image_builder: FakeImageBuilder = field(default_factory=FakeImageBuilder)
    topic: FakeTopic = field(default_factory=FakeTopic)
    parameters: FakeParameters = field(default_factory=FakeParameters)
    dependencies: tuple[str, ...] = ()

    @property
    def work(self) -> Reconciliation:
        s3 = cast(Any, self.bucket)
        place = (s3, self.bucket.name, self.bucket.owner)
        return Reconciliation(
            product="ledger",
            entry_script="install.sh",
            lock=nullcontext,
            states=StateStore(*place, KEY),
            reader=UploadReader(*place),
            checks=ScriptChecks("install.sh", "linux"),
            pinned=PinnedBuild(*place, KEY),
            runs=PipelineRuns(cast(Any, self.image_builder), PIPELINE, "ledger"),
            topic=Topic("topic", "ledger", cast(Any, self.topic)),
            clock=lambda: 1000.0,
            dependencies=Dependencies(self.dependencies, cast(Any, self.parameters), cast(Any, self.image_builder)),
        )

    def upload(self, path: str, content: bytes, deleted: bool = False) -> str:
        return self.bucket.upload(f"scripts/{path}", content, deleted)

    def pinned(self) -> dict[str, bytes]:
        prefix = "builds/current/"
        return {key.removeprefix(prefix): version.body for key, version in self.bucket.newest(prefix).items()}

    def reports(self) -> list[tuple[str, Any]]:
        return [(one["status"], one.get("uploads") or one.get("findings")) for one in self.topic.messages]


@pytest.fixture
def product() -> Product:
    return Product()


def test_an_upload_starts_a_build_of_exactly_its_versions(product: Product) -> None:
    product.upload("install.sh", b"echo old")
    version = product.upload("install.sh", b"echo new")
    product.upload("files/app.conf", b"port=1")
    result = product.work.reconcile()
    assert result.outcome is Outcome.STARTED
    files = product.pinned()
    manifest = Manifest.from_json(files["manifest.json"].decode())
    assert {file.path: (file.sha256, file.size) for file in manifest.files} == {
        "install.sh": (sha256(b"echo new"), 8),
        "files/app.conf": (sha256(b"port=1"), 6),
    }
    assert (files["files/install.sh"], files["files/files/app.conf"]) == (b"echo new", b"port=1")
    assert product.image_builder.images[0]["tags"] == {
        "golden-ami:product": "ledger",
        "golden-ami:manifest-sha256": manifest.sha256,
        "golden-ami:script-version-id": version,
        "golden-ami:client-token": manifest.sha256,
    }


def test_everything_written_is_encrypted_with_the_products_key(product: Product) -> None:
    product.upload("install.sh", b"true")
    product.work.reconcile()
    assert {entry["Key"] for entry in product.bucket.written} == {
        "builds/current/files/install.sh",
        "builds/current/manifest.json",
        "builds/current/SHA256SUMS",
        "builds/state.json",
    }
    assert {(entry["ServerSideEncryption"], entry["SSEKMSKeyId"]) for entry in product.bucket.written} == {
        ("aws:kms", KEY)
    }


def test_a_file_that_was_deleted_is_neither_built_nor_left_over(product: Product) -> None:
    product.bucket.upload("builds/current/files/old.conf", b"left over")
    product.upload("old.conf", b"x")
    product.upload("old.conf", b"", deleted=True)
    product.upload("install.sh", b"true")
    product.work.reconcile()
    assert sorted(product.pinned()) == ["SHA256SUMS", "files/install.sh", "manifest.json"]


def test_a_repeated_event_starts_nothing_more(product: Product) -> None:
    product.upload("install.sh", b"true")
    product.work.reconcile()
    assert product.work.reconcile().outcome is Outcome.RUNNING
    product.image_builder.end()
    assert product.work.reconcile().outcome is Outcome.NOTHING_TO_BUILD
    assert len(product.image_builder.images) == 1


def test_what_is_uploaded_during_a_build_is_built_after_it(product: Product) -> None:
    product.upload("install.sh", b"echo one")
    product.work.reconcile()
    product.upload("install.sh", b"echo two")
    before = product.pinned()
    assert product.work.reconcile().outcome is Outcome.RUNNING
    assert product.pinned() == before
    product.image_builder.end()
    assert product.work.reconcile().outcome is Outcome.STARTED
    assert product.pinned()["files/install.sh"] == b"echo two"
    assert product.reports() == []


def test_an_upload_that_was_overtaken_while_it_waited_is_reported_as_superseded_once(product: Product) -> None:
    product.upload("install.sh", b"echo one")
    product.work.reconcile()
    second = product.upload("install.sh", b"echo two")
    third = product.upload("install.sh", b"echo three")
    product.work.reconcile()
    assert product.reports() == []
    product.image_builder.end()
    product.work.reconcile()
    told = ("SUPERSEDED", [{"path": "install.sh", "scriptVersionId": second, "supersededBy": third}])
    assert product.reports() == [told]
    product.image_builder.end()
    product.work.reconcile()
    assert product.reports() == [told]


def test_a_refused_upload_is_reported_once_and_not_built(product: Product) -> None:
    product.upload("install.sh", b"true")
    product.upload("setup.ps1", b"exit 0")
    for _ in range(2):
        result = product.work.reconcile()
        assert result.outcome is Outcome.REFUSED
        assert result.reason == "setup.ps1: .ps1 is no script for linux"
    ((status, findings),) = product.reports()
    assert (status, [finding["rule"] for finding in findings]) == ("REFUSED", ["extension"])
    assert product.image_builder.images == []
    product.upload("setup.ps1", b"", deleted=True)
    assert product.work.reconcile().outcome is Outcome.STARTED


def test_a_file_that_was_refused_stays_refused_when_another_one_changes(product: Product) -> None:
    product.upload("install.sh", b"\xff\xfe")
    assert product.work.reconcile().outcome is Outcome.REFUSED
    product.upload("app.conf", b"port=1")
    assert product.work.reconcile().outcome is Outcome.REFUSED


def test_what_shellcheck_takes_for_an_error_is_built_with_a_warning(product: Product) -> None:
    product.upload("install.sh", b"#!/bin/bash\nif [ 1 -eq 1 ]; then\n  echo yes\nfi\nfoo = 1 | [ 1\n")
    assert product.work.reconcile().outcome is Outcome.STARTED
    ((status, findings),) = product.reports()
    assert status == "WARNING"
    assert all(finding["rule"].startswith("SC") for finding in findings)


def test_a_file_in_which_nothing_was_found_is_read_once(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    product.upload("install.sh", b"true")
    product.work.reconcile()
    product.image_builder.end()
    product.upload("app.conf", b"port=1")
    read: list[str] = []
    original = product.bucket.get_object

    def noting(**request: Any) -> dict[str, Any]:
        read.append(request["Key"])
        return original(**request)

    monkeypatch.setattr(product.bucket, "get_object", noting)
    product.work.reconcile()
    assert [key for key in read if key.startswith("scripts/")] == ["scripts/app.conf"]


def test_versions_that_failed_are_not_built_again_by_a_late_event(product: Product) -> None:
    product.upload("install.sh", b"true")
    product.work.reconcile()
    product.image_builder.end("FAILED")
    result = product.work.reconcile()
    assert (result.outcome, result.reason) == (Outcome.NOTHING_TO_BUILD, "these versions were built before (FAILED)")


def test_a_request_by_hand_builds_again_once(product: Product) -> None:
    product.upload("install.sh", b"true")
    product.work.reconcile()
    product.image_builder.end()
    first = product.work.reconcile("request-1")
    assert first.outcome is Outcome.STARTED
    product.image_builder.end()
    product.image_builder.forget_tokens()
    again = product.work.reconcile("request-1")
    assert again.outcome is Outcome.NOTHING_TO_BUILD
    assert again.image_build_version_arn == first.image_build_version_arn
    assert len(product.image_builder.images) == 2


def test_a_failed_distribution_is_repeated_without_a_build(product: Product) -> None:
    product.upload("install.sh", b"true")
    started = product.work.reconcile()
    assert product.work.retry().outcome is Outcome.RUNNING
    product.image_builder.end("FAILED")
    assert product.work.retry().image_build_version_arn == started.image_build_version_arn
    assert product.image_builder.retried == [started.image_build_version_arn]
    assert product.work.reconcile().outcome is Outcome.RUNNING
    product.image_builder.end()
    assert product.work.retry().outcome is Outcome.NOTHING_TO_BUILD
    assert len(product.image_builder.images) == 1


def test_images_of_all_pages_are_looked_at(product: Product) -> None:
    for content in (b"echo 1", b"echo 2", b"echo 3", b"echo 4", b"echo 5"):
        product.upload("install.sh", content)
        product.work.reconcile()
        product.image_builder.end()
    assert product.work.reconcile().outcome is Outcome.NOTHING_TO_BUILD


def test_a_run_that_the_list_does_not_show_yet_is_not_pinned_over(product: Product) -> None:
    product.image_builder.settles_at_once = False
    product.upload("install.sh", b"true")
    product.work.reconcile()
    before = product.pinned()
    product.upload("install.sh", b"false")
    assert product.work.reconcile().outcome is Outcome.RUNNING
    assert product.pinned() == before


def test_the_answer_has_the_shape_that_callers_read(product: Product) -> None:
    product.upload("install.sh", b"true")
    answer = product.work.reconcile().as_dict()
    assert json.loads(json.dumps(answer)) == {
        "outcome": "started",
        "imageBuildVersionArn": "arn:aws:imagebuilder:us-east-1:111111111111:image/golden-ami-ledger/1.0.0/1",
        "manifestSha256": answer["manifestSha256"],
        "reason": None,
    }


TEN, ELEVEN = "2026-11-28T10:00:00Z", "2026-11-28T11:00:00Z"
COMPONENT = "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/x.x.x"


def built(product: Product) -> Product:
    """A product whose first build is over."""
    product.upload("install.sh", b"true")
    product.work.reconcile()
    product.image_builder.end()
    return product


def test_an_occurrence_builds_the_same_versions_again_with_their_provenance(product: Product) -> None:
    result = built(product).work.occur(TEN, only_updates=False)
    assert result.outcome is Outcome.STARTED
    first, again = (image["tags"] for image in product.image_builder.images)
    assert first.pop("golden-ami:client-token") != again.pop("golden-ami:client-token")
    assert first == again


def test_an_occurrence_that_is_delivered_again_or_too_late_builds_nothing(product: Product) -> None:
    built(product).work.occur(ELEVEN, only_updates=False)
    product.image_builder.end()
    for occurrence in (ELEVEN, TEN):
        result = product.work.occur(occurrence, only_updates=False)
        assert (result.outcome, result.reason) == (Outcome.NOTHING_TO_BUILD, f"built for {ELEVEN} already")
    assert len(product.image_builder.images) == 2


def test_an_occurrence_during_a_build_leaves_it_at_that(product: Product) -> None:
    product.upload("install.sh", b"true")
    product.work.reconcile()
    assert product.work.occur(TEN, only_updates=False).outcome is Outcome.RUNNING


@pytest.mark.parametrize("moved", ["base image", "component", "recipe"])
def test_with_only_updates_nothing_is_built_until_something_moves(product: Product, moved: str) -> None:
    product.dependencies = ("recipe/1", "ssm:/base", COMPONENT)
    product.image_builder.components[COMPONENT] = COMPONENT.replace("x.x.x", "1.0.0/1")
    result = built(product).work.occur(TEN, only_updates=True)
    assert (result.outcome, result.reason) == (
        Outcome.NOTHING_TO_BUILD,
        "the last build was made from the newest base image, components and recipe",
    )
    match moved:
        case "base image":
            product.parameters.value = "ami-2"
        case "component":
            product.image_builder.components[COMPONENT] = COMPONENT.replace("x.x.x", "1.0.1/1")
        case _:
            product.dependencies = ("recipe/2", "ssm:/base", COMPONENT)
    assert product.work.occur(ELEVEN, only_updates=True).outcome is Outcome.STARTED
    product.image_builder.end()
    assert product.work.occur("2026-11-28T12:00:00Z", only_updates=True).outcome is Outcome.NOTHING_TO_BUILD


def test_with_only_updates_a_build_is_from_what_was_looked_at(product: Product) -> None:
    product.dependencies = ("ssm:/base",)
    built(product)
    values = iter(("ami-2", "ami-1"))

    def move_there_and_back(call: str) -> None:
        if call == "before get_parameter":
            product.parameters.value = next(values)

    product.parameters.step = move_there_and_back
    assert product.work.occur(TEN, only_updates=True).outcome is Outcome.STARTED
    run = product.work.states.read().run
    assert run is not None
    assert run.built_from == {"ssm:/base": "ami-2"}


def test_with_only_updates_a_build_that_failed_is_made_again(product: Product) -> None:
    product.dependencies = ("ssm:/base",)
    built(product)
    product.parameters.value = "ami-2"
    product.work.occur(TEN, only_updates=True)
    product.image_builder.end("FAILED")
    assert product.work.occur(ELEVEN, only_updates=True).outcome is Outcome.STARTED


def test_with_only_updates_an_upload_whose_event_was_lost_is_built(product: Product) -> None:
    built(product).upload("install.sh", b"false")
    assert product.work.occur(TEN, only_updates=True).outcome is Outcome.STARTED
