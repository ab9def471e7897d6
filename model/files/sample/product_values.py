"""A product file from the sample's configuration, with a decision for all that has no counterpart or was insecure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from model.files.component_steps import moves
from model.files.fields import HUB
from model.files.problems import Location
from model.files.sample.accounts import AccountNames
from model.files.sample.configuration import (
    BaseImageType,
    Component,
    Configuration,
    Distribution,
    RemovalPolicy,
    StartCondition,
    YesOrNo,
)
from model.files.sample.draft import Draft
from model.files.sample.steps import Runs, Steps, bucket_prefix
from model.names import ProductNames, image_key_alias

ENTRY_SCRIPT = "install.sh"

OPTIONS = {"name": "PRODUCT", "notifications.topicKey": "TOPIC_KEY"}
"""Fields of a product's file that an import is told beside the configuration."""

INSPECTOR_PARAMETERS = ("version", "high_severity_findings_threshold", "region", "ignore_findings")


@dataclass(frozen=True)
class Wanted:
    """What an import is told beside the configuration."""

    names: ProductNames
    accounts: AccountNames
    mandatory: frozenset[Runs] = frozenset()
    """What the landing zone runs for every product (`steps.runs`)."""
    topic_key: str | None = None


def draft_product(config: Configuration, draft: Draft, wanted: Wanted) -> None:
    """Fill a draft with the product's values, and with everything that is to be told."""
    _Drafting(config, draft, wanted).run()


@dataclass(frozen=True)
class _Drafting:
    config: Configuration
    draft: Draft
    wanted: Wanted

    def run(self) -> None:
        config, draft = self.config, self.draft
        what = config.distribution_description or f"Golden AMI of {config.attribute or self.wanted.names.product}"
        draft.put(("name",), ("attr",), self.wanted.names.product)
        draft.put(("description",), ("distributionDescription",), what)
        draft.values["operatingSystem"] = "linux"
        self._base_image()
        draft.values["entryScript"] = ENTRY_SCRIPT
        self._components()
        draft.put(("recipeVersion",), ("image_receipe", "image_recipe_version"), config.recipe.version)
        if config.removal_policy is RemovalPolicy.DESTROY:
            draft.put(("retainOldVersions",), ("resource_removal_policy",), False)
        self._infrastructure()
        self._image()
        self._root_volume()
        self._scan()
        self._distribution()
        self._schedule()
        self._topic()
        self._names()
        self._always()

    def _base_image(self) -> None:
        config, draft = self.config, self.draft
        kind = config.base_image_type
        if kind is None:
            kind = BaseImageType.SSM if config.base_image.startswith("/") else BaseImageType.ID
            if kind is BaseImageType.SSM:
                draft.decide(("baseImageType",), "ssm", "baseImage is the name of a parameter, not an AMI id")
        field = "ssmParameter" if kind is BaseImageType.SSM else "amiId"
        draft.put(("baseImage", field), ("baseImage",), config.base_image)

    def _components(self) -> None:
        config, draft = self.config, self.draft
        steps = [*config.components.build, *config.components.test]
        files = [step.file for step in steps if step.file is not None and step.arn is None]
        prefix = None if config.bucket_create or not files else bucket_prefix(config.components_prefix, files)
        own = Steps(draft, self.wanted.names.product, prefix, self.wanted.mandatory)
        found = own.of(config.components, ("Component_Config",), ("components",))
        if found:
            draft.values["components"] = found
        if prefix is not None:
            draft.put(("componentBucket", "name"), ("ami_component_bucket_name",), config.bucket_name)
            draft.put(("componentBucket", "prefix"), ("components_prefix",), prefix)
            draft.comes_from(("componentBucket",), ("ami_component_bucket_name",))
        else:
            folder = f"stacks/{self.wanted.names.product}/"
            reason = "documents lie beside the product's file, and large ones go to the product's own bucket"
            draft.decide(("components_prefix",), folder, reason)
            if config.bucket_name is not None:
                draft.decide(("ami_component_bucket_name",), self.wanted.names.bucket, reason)
        if config.bucket_version is False:
            reason = "a bucket without versions loses what was built; an existing one without is refused at preview"
            draft.decide(("ami_component_bucket_version",), "versioned", reason)

    def _infrastructure(self) -> None:
        draft, stated = self.draft, self.config.infrastructure
        place = "infrastructure"
        types = list(stated.instance_type) if stated.instance_type is not None else None
        draft.put(("instanceTypes",), (place, "instance_type"), types)
        draft.put(("subnet",), (place, "subnet_id"), stated.subnet_id)
        draft.put(("securityGroups",), (place, "security_groups"), list(stated.security_groups) or None)
        if stated.subnet_id is not None and not stated.security_groups:
            reason = "a subnet needs one: the product's own lets nothing in and only TLS out"
            draft.decide((place, "security_groups"), "a security group of the product's own", reason)

    def _image(self) -> None:
        draft, config = self.draft, self.config
        for key, value in config.ami_tags.items():
            draft.put(("image", "tags", key), ("amitag", key), value)
        draft.comes_from(("image", "tags"), ("amitag",))
        if config.golden_ami is not None:
            if "golden_ami" not in config.ami_tags:
                draft.put(("image", "tags", "golden_ami"), ("golden_ami",), config.golden_ami)
            reason = "the sample reads it nowhere; its example has it among the AMI's tags"
            draft.decide(("golden_ami",), "the tag golden_ami of each AMI", reason)
        for key, value in config.tags.items():
            draft.put(("tags", key), ("tag", key), value)
        draft.comes_from(("tags",), ("tag",))

    def _root_volume(self) -> None:
        draft, recipe = self.draft, self.config.recipe
        place = "image_receipe"
        draft.comes_from(("rootVolume",), (place,))
        draft.put(("rootVolume", "size"), (place, "volume_size"), recipe.volume_size)
        draft.put(("rootVolume", "type"), (place, "volume_type"), recipe.volume_type)
        draft.comes_from(("rootVolume", "iops"), (place, "volume_type"))
        draft.put(("rootVolume", "deleteOnTermination"), (place, "deleteOnTermination"), recipe.delete_on_termination)

    def _scan(self) -> None:
        draft, config = self.draft, self.config
        if not config.inspector_validation:
            if config.inspector is not None:
                draft.decide(("Inspector_Config",), "left out", "inspector_validation does not turn it on")
            return
        assert config.inspector is not None
        (step,) = config.inspector.build
        place: Location = ("Inspector_Config", "Build", 0)
        places = {parameter.name: (*place, "parameter", index) for index, parameter in enumerate(step.parameter)}
        values = {parameter.name: parameter.value for parameter in step.parameter}
        draft.put(("scan", "maximum", "high"), *self._threshold(values, places, place))
        ignores = self._ignores(values, places, place)
        if ignores is not None:
            draft.put(("scan", "onFindings"), places["ignore_findings"], "continue" if ignores else "fail")
        draft.comes_from(("scan",), ("Inspector_Config",))
        self._inspector_decisions(step, places)

    def _threshold(
        self, values: dict[str, tuple[str, ...]], places: dict[str, Location], around: Location
    ) -> tuple[Location, int | None]:
        name = "high_severity_findings_threshold"
        if name not in values:
            self.draft.refuse(around, f"has no parameter {name}; add it: more high findings than that fail the image")
            return around, None
        text = values[name][0] if len(values[name]) == 1 else ""
        if not (text.isascii() and text.isdecimal()) or len(text) > 9:
            self.draft.refuse(places[name], f"{name} must be one whole number, got {list(values[name])!r}")
            return places[name], None
        return places[name], int(text)

    def _ignores(
        self, values: dict[str, tuple[str, ...]], places: dict[str, Location], around: Location
    ) -> bool | None:
        name = "ignore_findings"
        if name not in values:
            self.draft.refuse(around, f"has no parameter {name}; add it: yes or no")
            return None
        if values[name] not in {(YesOrNo.YES.value,), (YesOrNo.NO.value,)}:
            self.draft.refuse(places[name], f"{name} must be yes or no, got {list(values[name])!r}")
            return None
        return values[name] == (YesOrNo.YES.value,)

    def _inspector_decisions(self, step: Component, places: dict[str, Location]) -> None:
        draft = self.draft
        reason = "Inspector's classic agent and script gave way to Image Builder's scan with Amazon Inspector"
        for part in ("name", "version", "file", "arn"):
            if getattr(step, part) is not None:
                draft.decide(("Inspector_Config", "Build", 0, part), "scan", reason)
        told = {
            "version": ("left out", "the service that scans has no version of a component"),
            "region": (self.wanted.names.region, "images are scanned where they are built"),
            "inspector_finding_script_path": ("left out", "the program judges the findings itself"),
        }
        for name, place in places.items():
            if name in told:
                draft.decide(place, *told[name])
            elif name not in INSPECTOR_PARAMETERS:
                draft.refuse(place, f"{name!r} is no parameter of the sample's Inspector step; remove it")

    def _distribution(self) -> None:
        entries = [self._region(index, entry) for index, entry in enumerate(self.config.distribution)]
        self.draft.put(("distribution",), ("Distribution",), entries or None)

    def _region(self, index: int, entry: Distribution) -> dict[str, Any]:
        draft, origin = self.draft, ("Distribution", index)
        draft.comes_from(("distribution", index), origin)
        draft.comes_from(("distribution", index, "region"), (*origin, "region"))
        names: list[str] = []
        for position, account in enumerate(entry.accounts):
            name = self.wanted.accounts.name(account)
            if name is None:
                draft.refuse((*origin, "accounts", position), self.wanted.accounts.unknown(account))
            elif name == HUB and len(entry.accounts) > 1:
                reason = "the hub keeps the image that it builds; only other accounts get copies"
                draft.decide((*origin, "accounts", position), "left out", reason)
            elif name != HUB:
                draft.comes_from(("distribution", index, "accounts", len(names)), (*origin, "accounts", position))
                names.append(name)
        return {"region": entry.region, **({"accounts": names} if names else {})}

    def _schedule(self) -> None:
        draft, schedule = self.draft, self.config.schedule
        if schedule is None:
            return
        place = "schedule"
        draft.comes_from((place,), (place,))
        draft.put((place, "expression"), (place, "scheduleExpression"), schedule.expression)
        draft.put((place, "timeZone"), (place, "timezone"), schedule.time_zone)
        condition: Location = (place, "pipelineExecutionStartCondition")
        # Left out, Image Builder takes the second one (API Reference, Schedule).
        always = schedule.start_condition is StartCondition.ALWAYS
        if not always and not self._something_moves():
            always = True
            reason = "base image and components are exact, so that no update of them would ever start a build"
            draft.decide(condition, "always", reason)
        draft.put((place, "startCondition"), condition, "always" if always else "updates-available")

    def _something_moves(self) -> bool:
        """Whether there can be updates of what the image is made of."""
        components = self.config.components
        arns = [step.arn or "" for step in (*components.build, *components.test)]
        held = [step.arn for step in self.wanted.mandatory]
        return any(map(moves, (*arns, *held))) or "ssmParameter" in self.draft.values["baseImage"]

    def _topic(self) -> None:
        draft, topic = self.draft, self.config.topic
        if topic is None:
            return
        if self.wanted.topic_key is None:
            reason = "messages go to encrypted topics only, and the configuration does not name the key of this one"
            draft.decide(("sns_topic",), "a topic of the product's own; TOPIC_KEY=<key's ARN> keeps this one", reason)
            return
        parts = topic.split(":")
        if len(parts) > 4:
            parts[4] = self.wanted.accounts.account_id(parts[4])
        draft.put(("notifications", "topic"), ("sns_topic",), ":".join(parts))
        draft.values["notifications"]["topicKey"] = self.wanted.topic_key

    def _names(self) -> None:
        """Names that a product computes for itself."""
        names, draft = self.wanted.names, self.draft
        computed: dict[Location, str] = {
            ("attr",): names.product,
            ("imagePipelineName",): names.stem,
            ("image_receipe", "image_recipe_name"): names.stem,
            ("infrastructure", "name"): names.stem,
            ("distributionName",): names.stem,
            ("key_alias",): image_key_alias(names.product),
        }
        for place, name in computed.items():
            if draft.source.stated(place) is not None:
                draft.decide(place, name, "names follow the product's, so that permissions can name them")
        for place in (("instanceProfileName",), ("instanceProfileRoleName",)):
            if draft.source.stated(place) is not None:
                reason = (
                    "the sample's role may write its bucket and everything in Inspector; the product's own reads its "
                    "script only (instanceProfile names an existing one)"
                )
                draft.decide(place, names.instance_role, reason)

    def _always(self) -> None:
        draft, names = self.draft, self.wanted.names
        if not self.config.encryption:
            reason = "encryption is not optional: a key of the product's own, with a replica in every Region"
            draft.decide(("iamEncryption",), "true", reason)
        reason = f"a product runs its team's script; put one into s3://{names.bucket}/scripts/, however short"
        draft.decide(("entryScript",), ENTRY_SCRIPT, reason)
