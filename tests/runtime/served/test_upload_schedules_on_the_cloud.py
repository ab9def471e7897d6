"""Any schedule of uploads, deliveries, repetitions, losses, crashes and builds ends the same on a local cloud."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest

from model.manifest import MANIFEST_FILE
from model.names import TAG_CLIENT_TOKEN, TAG_PRODUCT, TAG_SCRIPT_VERSION
from tests.local.cloud.served_cloud import ServedCloud
from tests.runtime.served.product import ENTRY_SCRIPT, NAMES, BuiltImage, ServedProduct
from tests.runtime.served.schedules import ServedSchedule

SCHEDULES = 28
STEPS = 20

seen: Counter[str] = Counter()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_each_upload_is_built_at_most_once_and_the_newest_always(
    cloud: ServedCloud, product: ServedProduct, seed: int
) -> None:
    schedule = ServedSchedule(product, seed)
    schedule.run(STEPS)
    hold(schedule)
    seen.update(schedule.counts)


def hold(schedule: ServedSchedule) -> None:
    """What is true after every schedule."""
    product, uploads = schedule.product, schedule.uploads
    assert schedule.unexpected == []
    assert not product.locked()
    images, told = product.images(), product.told()
    manifests = product.manifests()
    digests = [image.manifest_sha256 for image in images]
    assert len(set(digests)) == len(digests), "an upload was built twice"
    for image in images:
        hold_image(schedule, image)
    built = [{file.path: file.version_id for file in manifests[digest].files} for digest in digests]
    everywhere = {version for files in built for version in files.values()}
    assert not any(uploads[version].refused for version in everywhere)
    # The newest is built, or refused with a report.
    newest = product.newest()
    if ENTRY_SCRIPT not in newest or any(uploads[version].refused for version in newest.values()):
        assert newest not in built
        assert any(message["status"] == "REFUSED" for message in told)
    else:
        assert newest in built, "the newest upload was lost"
    # Every upload is built, or reported as overtaken, or was refused with a report; and never two of the former.
    overtaken = {
        entry["scriptVersionId"]
        for message in told
        if message["status"] == "SUPERSEDED"
        for entry in message["uploads"]
    }
    assert overtaken.isdisjoint(everywhere)
    verdicts = [state for state in product.states() if state.refused]
    refusals = {message["manifestSha256"] for message in told if message["status"] == "REFUSED"}
    assert {verdict.refused for verdict in verdicts} <= refusals
    refused = {version for verdict in verdicts for version in verdict.considered.values()}
    assert set(uploads) <= everywhere | overtaken | refused


def hold_image(schedule: ServedSchedule, image: BuiltImage) -> None:
    """An image holds exactly what its tags say, and fails only by its own script."""
    manifest = schedule.product.manifests()[image.manifest_sha256]
    files = {file.path: schedule.uploads[file.version_id] for file in manifest.files}
    assert image.status == ("FAILED" if files[ENTRY_SCRIPT].failing else "AVAILABLE"), image.reason
    assert image.tags[TAG_PRODUCT] == NAMES.product
    assert image.tags[TAG_SCRIPT_VERSION] == manifest.entry_version_id
    assert image.tags[TAG_CLIENT_TOKEN] == image.manifest_sha256
    contents = {path: sha256(upload.content) for path, upload in files.items()}
    assert schedule.product.installed(image) == {f"../{MANIFEST_FILE}": image.manifest_sha256, **contents}


def test_the_schedules_cross_and_break(cloud: ServedCloud) -> None:
    """Runs after the above: what was generated really held what it is about."""
    for wanted in ("at once", "killed", "crashed", "throttled", "repeated events", "lost events", "builds"):
        assert seen[wanted] > SCHEDULES / 10, (wanted, seen)
