"""A product on the served local cloud, and what can be read of it there.

Its image stays in the hub, so that a build is as short as it can be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from model.distribution import DistributionPlan, RegionTarget
from model.manifest import MANIFEST_FILE, Manifest
from model.names import BUILD_PREFIX, LOCK_KEY, SCRIPTS_PREFIX, STATE_KEY, TAG_MANIFEST, ProductNames
from runtime.functions.build_state import BuildState
from tests.local.cloud.served_cloud import HOME, HUB, Role, ServedCloud

ENTRY_SCRIPT = "install.sh"
PLAN = DistributionPlan(HUB, HOME, (RegionTarget(HOME, ()),), ())
NAMES = ProductNames("web", HUB, HOME)

DIGEST = re.compile(r"Stdout: (?P<digest>[0-9a-f]{64})  (?P<path>\S+)")
"""A line of `sha256sum` in a build's log."""


@dataclass(frozen=True)
class BuiltImage:
    """An image as Image Builder shows it."""

    arn: str
    status: str
    reason: str | None
    tags: dict[str, str]

    @property
    def manifest_sha256(self) -> str:
        """The digest of the manifest that the image says it was built from."""
        return self.tags[TAG_MANIFEST]


@dataclass
class ServedProduct:
    """What the schedules work with: two roles, the data key, and queues for what the cloud tells."""

    cloud: ServedCloud
    data_key: str
    start_function: Role
    uploader: Role
    reports: str
    """URL of the queue that is subscribed to the product's topic."""
    image_states: str
    """URL of the queue in which the events of ended images are."""
    heard: set[str] = field(default_factory=set[str])
    """Images whose end was heard of."""
    earlier: set[str] = field(default_factory=set[str])
    """Images that earlier schedules made."""

    def function_clients(self, *services: str) -> dict[str, Any]:
        """New clients of the start function's role, by service."""
        nobody_elses = replace(self.cloud, clients={})
        return {service: nobody_elses.client(service, self.start_function) for service in services}

    def clean(self) -> None:
        """Forget all uploads, states, reports and images."""
        while self.hear_of_end():
            pass
        s3, images = self.cloud.client("s3"), self.cloud.client("imagebuilder")
        # Deleting by version is what an administrator can do, whom the bucket's policy keeps from writing builds.
        for key, version in self._every_version():
            s3.delete_object(Bucket=NAMES.bucket, Key=key, VersionId=version)
        # The last one stays: its number is not given again, and neither is its log.
        for image in self._listed()[:-1]:
            images.delete_image(imageBuildVersionArn=image["arn"])
        self.earlier = {image["arn"] for image in self._listed()}
        self.cloud.client("sqs").purge_queue(QueueUrl=self.reports)

    def upload(self, path: str, content: bytes) -> str:
        """Upload a file as the team does; returns its version id."""
        s3 = self.cloud.client("s3", self.uploader)
        return s3.put_object(Bucket=NAMES.bucket, Key=f"{SCRIPTS_PREFIX}{path}", Body=content)["VersionId"]

    def delete(self, path: str) -> None:
        """Withdraw a file as the team does."""
        s3 = self.cloud.client("s3", self.uploader)
        s3.delete_object(Bucket=NAMES.bucket, Key=f"{SCRIPTS_PREFIX}{path}")

    def hear_of_end(self) -> bool:
        """Wait for the event of a build that runs or ran; False where all were heard of."""
        if not self.unheard():
            return False
        sqs = self.cloud.client("sqs")
        answer = sqs.receive_message(QueueUrl=self.image_states, WaitTimeSeconds=20, MaxNumberOfMessages=1)
        assert answer.get("Messages"), "no image ended within 20 s"
        (message,) = answer["Messages"]
        sqs.delete_message(QueueUrl=self.image_states, ReceiptHandle=message["ReceiptHandle"])
        self.heard.update(json.loads(message["Body"])["resources"])
        return True

    def unheard(self) -> set[str]:
        """Images whose end was not heard of yet."""
        return {image["arn"] for image in self._listed()} - self.heard

    def images(self) -> list[BuiltImage]:
        """All images since the last cleaning."""
        return [
            BuiltImage(image["arn"], image["state"]["status"], image["state"].get("reason"), image["tags"])
            for image in self._listed()
            if image["arn"] not in self.earlier
        ]

    def installed(self, image: BuiltImage) -> dict[str, str]:
        """Digests by path of what the instance of a build held, as its own script told in the build's log."""
        events = self.cloud.client("logs").get_log_events(
            logGroupName=NAMES.build_log_group, logStreamName="/".join(image.arn.split("/")[-2:]), startFromHead=True
        )["events"]
        found = [DIGEST.fullmatch(event["message"]) for event in events]
        return {match["path"]: match["digest"] for match in found if match}

    def manifests(self) -> dict[str, Manifest]:
        """Every manifest that was ever pinned, by its digest."""
        pinned = [Manifest.from_json(text) for text in self._texts(f"{BUILD_PREFIX}{MANIFEST_FILE}")]
        return {manifest.sha256: manifest for manifest in pinned}

    def states(self) -> list[BuildState]:
        """Every state that the function wrote, in order."""
        return [BuildState.from_json(text) for text in self._texts(STATE_KEY)]

    def newest(self) -> dict[str, str]:
        """Version ids of what lies under the script prefix, by path."""
        pages = self._pages("list_object_versions", Prefix=SCRIPTS_PREFIX)
        found = [entry for page in pages for entry in page.get("Versions", []) if entry["IsLatest"]]
        return {entry["Key"].removeprefix(SCRIPTS_PREFIX): entry["VersionId"] for entry in found}

    def locked(self) -> bool:
        """Whether a lock lies in the bucket."""
        return any(page.get("Contents") for page in self._pages("list_objects_v2", Prefix=LOCK_KEY))

    def told(self) -> list[dict[str, Any]]:
        """The reports on the topic since they were read last."""
        sqs, found = self.cloud.client("sqs"), list[dict[str, Any]]()
        while messages := sqs.receive_message(QueueUrl=self.reports, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                sqs.delete_message(QueueUrl=self.reports, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
        return found

    def _texts(self, key: str) -> list[str]:
        """All versions of an object, the oldest first."""
        s3 = self.cloud.client("s3")
        pages = self._pages("list_object_versions", Prefix=key)
        versions = [entry["VersionId"] for page in pages for entry in page.get("Versions", [])]
        return [
            s3.get_object(Bucket=NAMES.bucket, Key=key, VersionId=version)["Body"].read().decode()
            for version in reversed(versions)
        ]

    def _every_version(self) -> list[tuple[str, str]]:
        """Keys and version ids of all versions and delete markers."""
        return [
            (entry["Key"], entry["VersionId"])
            for page in self._pages("list_object_versions")
            for kind in ("Versions", "DeleteMarkers")
            for entry in page.get(kind, [])
        ]

    def _pages(self, operation: str, **more: str) -> Iterator[dict[str, Any]]:
        return self.cloud.client("s3").get_paginator(operation).paginate(Bucket=NAMES.bucket, **more)

    def _listed(self) -> list[dict[str, Any]]:
        images, found = self.cloud.client("imagebuilder"), list[dict[str, Any]]()
        page = images.list_image_pipeline_images(imagePipelineArn=NAMES.pipeline_arn)
        found += page["imageSummaryList"]
        while token := page.get("nextToken"):
            page = images.list_image_pipeline_images(imagePipelineArn=NAMES.pipeline_arn, nextToken=token)
            found += page["imageSummaryList"]
        return found
