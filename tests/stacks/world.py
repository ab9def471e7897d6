"""A copy of the project on a local cloud of the tests' own, and what tests do with it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from commands.follow import EndedImage
from local import start
from local.customised_image import CustomisedImage
from local.environment import REPOSITORY, LocalFolder
from local.image_report import Row
from local.progress import Report
from local.session import Actor, Session
from local.stack_files import StackFiles
from local.stacks import Stacks, Update


@dataclass
class World:
    """A copy of the project, its cloud, and what was done to both."""

    project: Path
    session: Session
    updates: dict[str, Update]
    clients: dict[tuple[str, str, str], Any] = field(default_factory=dict[tuple[str, str, str], Any], repr=False)
    """Clients of accounts' roots by account, Region and service: making one takes longer than its calls."""

    @property
    def stacks(self) -> Stacks:
        """The copy's stacks on the tests' cloud."""
        return Stacks(self.session.folder, self.session.environment, self.session.report, self.project)

    def up(self, stack: str) -> Update:
        """Deploy a stack of the copy."""
        return self.stacks.up(stack)

    def root(self, account: str) -> Actor:
        """An account's root, for what a test prepares or looks up."""
        return Actor.root(account, self.session.address)

    def client(self, service: Any, account: str = "111111111111", region: str = "us-east-1") -> Any:
        """A client of an account's root."""
        place = (account, region, service)
        if place not in self.clients:
            session = self.root(account).clients
            self.clients[place] = session.client(service, region_name=region, endpoint_url=self.session.address)
        return self.clients[place]

    def image(self, product: str, scripts: Path) -> CustomisedImage:
        """A product's image from a folder of scripts."""
        return CustomisedImage(self.session, product, scripts)

    def scripts(self, product: str, folder: Path, **replaced: str) -> Path:
        """The example's scripts with some files replaced; dots in names are written as underscores."""
        shutil.copytree(REPOSITORY / "examples" / product, folder)
        for name, text in replaced.items():
            (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
        return folder

    def add_product(self, name: str, text: str) -> None:
        """Write a product's file and make known what its accounts must hold before."""
        (self.project / "stacks" / f"Pulumi.{name}.yaml").write_text(text, encoding="utf-8")
        self.session = prepared(self.project, self.session.folder, self.session.report, self.session.cloud)

    def remove_product(self, name: str) -> None:
        """Take a product's file away, and with it what the deployment roles hold for it alone; what it made stays."""
        (self.project / "stacks" / f"Pulumi.{name}.yaml").unlink()
        self.session = prepared(self.project, self.session.folder, self.session.report, self.session.cloud)

    def parameters(self, product: str) -> dict[tuple[str, str], str]:
        """A product's stable parameter by account and Region, where it is there."""
        found: dict[tuple[str, str], str] = {}
        plan = self.session.files.plan(product)
        for target in plan.regions:
            for account in plan.holders(target):
                ssm = self.client("ssm", account, target.region)
                answer = ssm.get_parameters(Names=[f"/golden-ami/{product}/stable"])
                for entry in answer["Parameters"]:
                    found[account, target.region] = entry["Value"]
        return found

    def amis(self, product: str) -> set[str]:
        """Ids of all images of a product in all accounts and Regions that receive it."""
        plan = self.session.files.plan(product)
        places = {(account, region) for region in plan.key_regions for account in (plan.hub, *plan.target_accounts)}
        return {
            image["ImageId"]
            for account, region in places
            for image in self.client("ec2", account, region).describe_images(
                Owners=["self"], Filters=[{"Name": "tag:golden-ami:product", "Values": [product]}]
            )["Images"]
        }


@dataclass
class Deployed:
    """An example product that went all the way."""

    image: EndedImage
    rows: list[Row]
    reports: Reports


@dataclass
class Reports:
    """A queue that is subscribed to a product's topic."""

    sqs: Any
    url: str

    def receive(self, *statuses: str, script: str | None = None) -> dict[str, Any]:
        """The next report with one of the statuses (and of a script's version); waits for it, passes over others."""
        while True:
            found = self._next()
            if found["status"] in statuses and script in {None, found.get("scriptVersionId")}:
                return found

    def _next(self) -> dict[str, Any]:
        answer = self.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=20, MaxNumberOfMessages=1)
        assert answer.get("Messages"), "no report came within 20 s"
        (message,) = answer["Messages"]
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return json.loads(json.loads(message["Body"])["Message"])


def prepared(project: Path, folder: LocalFolder, report: Report, record: Any) -> Session:
    """A session of the project on a running cloud, its accounts holding what the files take for granted."""
    files = StackFiles.read(project)
    return start.prepared(folder, record, report, files)


def subscribed(world: World, product: str) -> Reports:
    """Listen to a product's topic from now on."""
    names = world.session.files.names(product)
    sqs, sns = world.client("sqs"), world.client("sns")
    url = sqs.create_queue(QueueName=f"{product}-listener")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=names.topic_arn, Protocol="sqs", Endpoint=arn)
    return Reports(sqs, url)


def deployed(world: World, product: str) -> Deployed:
    """Upload an example's scripts and follow its image to every account."""
    reports = subscribed(world, product)
    image = world.image(product, REPOSITORY / "examples" / product)
    ended = image.build()
    return Deployed(ended, image.rows(ended), reports)
