"""Executions of lifecycle policies: once a day, when the clock is moved or somebody next asks Image Builder.

What a rule retains is counted for each version of a recipe by itself. An image resource goes after all of its AMIs; AWS
does not say what becomes of one of which an AMI was left: here it stays. Source: User Guide, "How lifecycle policy
execution works"; API Reference, LifecyclePolicyDetailFilter, LifecyclePolicyDetailExclusionRules.
"""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from local.cloud.call import Credentials
from local.cloud.image_builder.context import AWS_ERRORS, PRINCIPAL, Context, reason_of
from local.cloud.image_builder.lifecycle_policies import EXECUTION, KIND
from local.cloud.image_builder.store import Record, Shelf
from local.cloud.image_builder.versions import ResourceArn, Version, arn_name

ROLE = "Ec2ImageBuilderCrossAccountLifecycleAccess"
"""The role's fixed name in each account that received AMIs."""

INTERVAL = timedelta(days=1)
UNITS = {"DAYS": 1, "WEEKS": 7, "MONTHS": 30, "YEARS": 365}
"""Days of a unit; AWS does not say how it counts months."""


@dataclass(frozen=True)
class Ami:
    """An AMI of an image resource."""

    id: str
    account: str
    region: str


class LifecycleExecutions:
    """Carries out what is due."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._running = threading.Lock()

    def catch_up(self) -> None:
        """Run what is due; whoever asks meanwhile does not wait for it."""
        if self._running.acquire(blocking=False):
            try:
                self._run()
            finally:
                self._running.release()

    def next_time(self) -> datetime | None:
        """When the next policy is due."""
        return min((_due(policy) for _, policy in self._enabled()), default=None)

    def happen(self) -> None:
        """Run what is due."""
        with self._running:
            self._run()

    def _run(self) -> None:
        now = self._context.gateway.clock.now()
        for shelf, policy in self._enabled():
            if _due(policy) <= now:
                policy["dateLastRun"] = now
                _Execution(self._context, shelf, policy, now).run()

    def _enabled(self) -> list[tuple[Shelf, Record]]:
        shelves = self._context.store.shelves()
        return [(shelf, policy) for shelf in shelves for policy in shelf.all(KIND) if policy["status"] == "ENABLED"]


def _due(policy: Record) -> datetime:
    return (policy.get("dateLastRun") or policy["dateCreated"]) + INTERVAL


class _Execution:
    """One execution of one policy."""

    def __init__(self, context: Context, shelf: Shelf, policy: Record, now: datetime) -> None:
        self._context = context
        self._shelf = shelf
        self._policy = policy
        self._now = now
        self._account = ResourceArn.parse(policy["arn"]).account
        self._found: list[Record] = []

    def run(self) -> None:
        for detail in self._policy["policyDetails"]:
            for image in self._impacted(detail["filter"]):
                self._image(image, detail)
        failed = any(each["state"]["status"] == "FAILED" for each in self._found)
        self._shelf.put(
            EXECUTION,
            {
                "arn": f"lce-{uuid.uuid4()}",
                "lifecyclePolicyArn": self._policy["arn"],
                "state": {"status": "FAILED" if failed else "SUCCESS"},
                "startTime": self._now,
                "endTime": self._context.gateway.clock.now(),
                "resources": self._found,
            },
        )

    def _impacted(self, rule: Mapping[str, Any]) -> Iterator[Record]:
        """The images that a rule is about, oldest first."""
        by_version: dict[str, list[Record]] = defaultdict(list)
        for image in self._shelf.all("image"):
            if image["state"]["status"] == "AVAILABLE" and self._selected(image):
                by_version[ResourceArn.parse(image["arn"]).unbuilt].append(image)
        for images in by_version.values():
            images.sort(key=lambda image: image["dateCreated"])
            if rule["type"] == "COUNT":
                yield from images[: -rule["value"]]
                continue
            retained = rule.get("retainAtLeast") or 0
            limit = self._now - timedelta(days=rule["value"] * UNITS[rule["unit"]])
            candidates = images[:-retained] if retained else images
            yield from (image for image in candidates if datetime.fromisoformat(image["dateCreated"]) <= limit)

    def _selected(self, image: Record) -> bool:
        selection = self._policy["resourceSelection"]
        if tags := selection.get("tagMap"):
            return _has_any(image["tags"], tags)
        arn = ResourceArn.parse(image["arn"])
        return any(
            arn.name == arn_name(recipe["name"]) and Version.parse(arn.version or "").matches(recipe["semanticVersion"])
            for recipe in selection["recipes"]
        )

    def _image(self, image: Record, detail: Mapping[str, Any]) -> None:
        arn = image["arn"]
        exclusions: Mapping[str, Any] = detail.get("exclusionRules") or {}
        if _has_any(image["tags"], exclusions.get("tagMap") or {}):
            self._note(arn, self._account, ResourceArn.parse(arn).region, "SKIPPED", "It has a tag that excludes it.")
            return
        included: Mapping[str, Any] = detail["action"].get("includeResources") or {}
        outputs = [
            Ami(output["image"], output["accountId"], output["region"])
            for output in image["outputResources"]["amis"]
            if output.get("image") and included.get("amis")
        ]
        left = [ami for ami in outputs if not self._ami(arn, ami, exclusions.get("amis") or {}, included)]
        region = ResourceArn.parse(arn).region
        if left:
            self._note(arn, self._account, region, "SKIPPED", f"AMIs are left: {', '.join(ami.id for ami in left)}")
            return
        try:
            role = self._context.assume(self._account, self._policy["executionRole"], arn)
            self._context.gateway.authorize(role, "imagebuilder:DeleteImage", arn, region)
        except AWS_ERRORS as error:
            self._note(arn, self._account, region, "FAILED", reason_of(error))
            return
        with self._context.store.lock:
            if self._shelf.find("image", arn):
                self._shelf.delete("image", arn)
        self._note(arn, self._account, region, "SUCCESS")

    def _ami(self, image_arn: str, ami: Ami, exclusions: Mapping[str, Any], included: Mapping[str, Any]) -> bool:
        """Whether an AMI is gone; one that somebody removed before is."""
        status, reason, snapshots = "SUCCESS", None, list[Record]()
        try:
            client = self._context.gateway.client("ec2", ami.region, self._role(image_arn, ami))
            described: list[Any] = client.describe_images(
                Filters=[{"Name": "image-id", "Values": [ami.id]}], Owners=["self"], IncludeDeprecated=True
            )["Images"]
            if described and (excluded := self._excluded(client, described[0], ami, exclusions)):
                status, reason = "SKIPPED", excluded
            elif described:
                client.deregister_image(ImageId=ami.id)
                for snapshot in _snapshots(described[0]) if included.get("snapshots") else ():
                    snapshots.append({"snapshotId": snapshot, "state": {"status": "SUCCESS"}})
                    client.delete_snapshot(SnapshotId=snapshot)
        except AWS_ERRORS as error:
            status, reason = "FAILED", reason_of(error)
            if snapshots:
                snapshots[-1]["state"] = {"status": "FAILED", "reason": reason}
        self._note(ami.id, ami.account, ami.region, status, reason, parent=image_arn, snapshots=snapshots)
        return status == "SUCCESS"

    def _role(self, image_arn: str, ami: Ami) -> Credentials:
        if ami.account == self._account:
            return self._context.assume(self._account, self._policy["executionRole"], image_arn)
        source = {"aws:SourceAccount": self._account, "aws:SourceArn": image_arn}
        arn = f"arn:aws:iam::{ami.account}:role/{ROLE}"
        return self._context.gateway.assume_service_role(arn, PRINCIPAL, "ImageBuilder", source)

    def _excluded(self, client: Any, image: Mapping[str, Any], ami: Ami, rules: Mapping[str, Any]) -> str | None:
        """Why an AMI is left, if it is."""
        if _has_any({tag["Key"]: tag["Value"] for tag in image.get("Tags", [])}, rules.get("tagMap") or {}):
            return "It has a tag that excludes it."
        if ami.region in (rules.get("regions") or ()):
            return f"The Region {ami.region} is excluded."
        if rules.get("isPublic") and image["Public"]:
            return "It is public."
        if launched := rules.get("lastLaunched"):
            # The permission is that of the attribute, whatever else tells the same (managed policy).
            told = client.describe_image_attribute(ImageId=ami.id, Attribute="lastLaunchedTime")
            time = told.get("LastLaunchedTime", {}).get("Value")
            period = timedelta(days=launched["value"] * UNITS[launched["unit"]])
            if time and self._now - datetime.fromisoformat(time) < period:
                return f"It was launched at {time}."
        if accounts := set(rules.get("sharedAccounts") or ()):
            told = client.describe_image_attribute(ImageId=ami.id, Attribute="launchPermission")
            if shared := accounts & {entry.get("UserId") for entry in told["LaunchPermissions"]}:
                return f"It is shared with {', '.join(sorted(map(str, shared)))}."
        return None

    def _note(
        self,
        resource: str,
        account: str,
        region: str,
        status: str,
        reason: str | None = None,
        parent: str | None = None,
        snapshots: list[Record] | None = None,
    ) -> None:
        state = {"status": status, **({"reason": reason[:1024]} if reason else {})}
        entry: Record = {"accountId": account, "resourceId": resource, "region": region, "state": state}
        entry |= {"action": {"name": "DELETE"}, "startTime": self._now, "endTime": self._now, "parent": parent}
        self._found.append({**entry, "snapshots": snapshots} if snapshots else entry)


def _has_any(tags: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether there is any of some tags, key and value alike."""
    return any(tags.get(key) == value for key, value in wanted.items())


def _snapshots(image: Mapping[str, Any]) -> list[str]:
    devices: list[dict[str, Any]] = image.get("BlockDeviceMappings", [])
    return [device["Ebs"]["SnapshotId"] for device in devices if device.get("Ebs", {}).get("SnapshotId")]
