"""From a product's scripts on this machine to its image in every account and Region that it is distributed to."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from commands.follow import FAILED, Copy, EndedImage, Follower
from local.build_following import POLL_SECONDS, BuildError, Pipeline
from local.consumer_launch import Launch, Launcher
from local.image_report import Row, key_of, recorded
from local.people import APPLICATION_OPERATOR, PRODUCT_ENGINEER, SCRIPT_AUTHOR
from local.script_upload import ScriptFolder
from local.session import Actor, Session
from model.names import channel_parameter

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

PARAMETER_SECONDS = 30.0
"""Time in which the parameter of a shared image has to name it."""


@dataclass(frozen=True)
class CustomisedImage:
    """One product's image on the local cloud, made of the scripts in a folder."""

    session: Session
    product: str
    scripts: Path

    def build(self) -> EndedImage:
        """Upload the scripts unless they are there, and follow the build that they start.

        Scripts whose image is available already start nothing. Raises `UploadError` or `BuildError`.
        """
        report = self.session.report
        names = self.session.files.names(self.product)
        engineer = self._engineer()
        s3 = self._uploader().s3(names.region)
        folder = ScriptFolder(self.product, self.session.files.product(self.product).entry_script, self.scripts)
        with report.task(f"Upload {self.product}'s scripts to {names.bucket}"):
            upload = folder.upload(s3, names.bucket)
        wanted = upload.manifest.sha256
        image_builder = engineer.image_builder(names.region)
        pipeline = Pipeline(names.pipeline_arn, image_builder)
        before = pipeline.image_of(wanted)
        status = before.get("state", {}).get("status", "") if before else ""
        failed = before.get("arn") if before and status in FAILED else None
        if before and status == "AVAILABLE":
            report.remark(f"these {len(upload.manifest.files)} scripts are built already: {before.get('arn')}")
            return Follower(image_builder, Console(quiet=True)).follow(before.get("arn", ""))
        if not upload.uploaded and (failed or before is None):
            report.remark("these scripts were uploaded before and have no image: their build is started by hand")
            self._start_by_hand(engineer)
        if not before or failed:
            with report.task("Wait for the build to start"):
                try:
                    arn = pipeline.started(wanted, ignore=failed)
                except BuildError as error:
                    raise BuildError(f"{error}\n{self._log_tail(engineer)}") from None
        else:
            arn = before.get("arn", "")
        report.remark(f"image: {arn}")
        image = Follower(image_builder, report.console, wait=lambda _: time.sleep(POLL_SECONDS)).follow(arn)
        if not image.available:
            reason = image.reason or "Image Builder gave no reason"
            raise BuildError(f"the build ended {image.status}: {reason}\n{self._log_tail(engineer)}")
        return image

    def rows(self, image: EndedImage) -> list[Row]:
        """The closing table's rows; launches from each copy as each consumer role that has not done so yet."""
        parameter = channel_parameter(self.product)
        plan = self.session.files.plan(self.product)
        launches = Launches(self.session.folder.cloud / "launches.json", self.session.cloud.run)
        rows: list[Row] = []
        with self.session.report.task("Launch from the image as each consumer role") as task:
            for account, copy in self._launching(image):
                operator = self.session.person(APPLICATION_OPERATOR, account)
                # Snapshots of a shared AMI are seen by its owner only.
                key = key_of(copy.ami, self.session.person(APPLICATION_OPERATOR, copy.account).ec2(copy.region))
                value = self._named(operator.ssm(copy.region), parameter, copy.ami)
                stated = parameter if value == copy.ami else f"{parameter} holds {value}"
                roles = [consumer.arn for consumer in plan.consumers if consumer.account == account] or [""]
                for role in roles:
                    task.update(f"{role} in {copy.region}", None)
                    launched = ""
                    if role:
                        launched = launches.get(copy.ami, role) or self._launch(copy.region, role, parameter, operator)
                        launches.note(copy.ami, role, launched)
                    name = self.session.files.account_name(account)
                    consumer = role.partition("role/")[2]
                    rows.append(Row(account, name, copy.region, copy.ami, key, stated, consumer, launched))
        return rows

    def _launching(self, image: EndedImage) -> Iterator[tuple[str, Copy]]:
        """Every account that launches from a copy, with that copy: its owner, and whom the hub shares it with."""
        plan = self.session.files.plan(self.product)
        for copy in image.copies:
            yield copy.account, copy
            for target in plan.regions:
                if (copy.account, copy.region) == (plan.hub, target.region):
                    yield from ((account, copy) for account in target.shared.accounts)

    @staticmethod
    def _named(ssm: SSMClient, parameter: str, ami: str) -> str:
        """What a parameter names; where an image is shared, it is written a moment after the image is available."""
        deadline, value = time.monotonic() + PARAMETER_SECONDS, ""
        while value != ami and time.monotonic() < deadline:
            found = ssm.get_parameters(Names=[parameter])["Parameters"]
            value = found[0].get("Value", "") if found else ""
            if value != ami:
                time.sleep(POLL_SECONDS)
        return value

    def recorded(self, image: EndedImage) -> list[str]:
        """What the image's build recorded and did not execute."""
        names = self.session.files.names(self.product)
        engineer = self._engineer()
        logs = engineer.logs(names.region)
        return recorded(image.arn, names.build_log_group, logs)

    def _launch(self, region: str, role: str, parameter: str, operator: Actor) -> str:
        consumer = operator.assume(role, "launch")
        launcher = Launcher(
            consumer.ec2(region),
            operator.ec2(region),
        )
        result: Launch = launcher.launch(parameter, self.session.files.product(self.product).build_instance_types[0])
        return str(result)

    def _uploader(self) -> Actor:
        """The team's role where this program gave it its rights; a product without one has the hub's engineer."""
        uploaders = [uploader for uploader in self.session.files.plan(self.product).uploaders if uploader.ours]
        if not uploaders:
            return self._engineer()
        return self.session.person(SCRIPT_AUTHOR, uploaders[0].account).assume(uploaders[0].arn, "upload")

    def _engineer(self) -> Actor:
        return self.session.person(PRODUCT_ENGINEER, self.session.files.landing_zone.hub.account)

    def _start_by_hand(self, engineer: Actor) -> None:
        names = self.session.files.names(self.product)
        client = engineer.functions(names.region)
        request = {"source": "manual", "requestId": uuid.uuid4().hex}
        answer = client.invoke(FunctionName=names.start_function, Payload=json.dumps(request).encode())
        if answer.get("FunctionError"):
            raise BuildError(f"the start function failed: {answer['Payload'].read().decode(errors='replace')}")

    def _log_tail(self, engineer: Actor, lines: int = 15) -> str:
        names = self.session.files.names(self.product)
        logs = engineer.logs(names.region)
        tail: list[str] = []
        for group in (names.log_group(names.start_function), names.build_log_group):
            events = logs.filter_log_events(logGroupName=group).get("events", [])
            tail += [f"{group}: {event.get('message', '').rstrip()}" for event in events[-lines:]]
        return "\n".join(tail) or "its logs are empty"


class Launches:
    """Launches that succeeded, so that a second run launches nothing again; of one run of the cloud."""

    def __init__(self, file: Path, run: str) -> None:
        self._file = file
        self._run = run
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        self._done: dict[str, str] = content.get("launches", {}) if content.get("run") == run else {}

    def get(self, ami: str, role: str) -> str:
        """What came of a launch before; empty where it has not succeeded yet."""
        return self._done.get(f"{ami} {role}", "")

    def note(self, ami: str, role: str, launched: str) -> None:
        """Keep a launch that succeeded."""
        if launched == "yes":
            self._done[f"{ami} {role}"] = launched
            self._file.write_text(json.dumps({"run": self._run, "launches": self._done}), encoding="utf-8")
