"""Lifecycle policies against a cloud in memory, whose clock is moved."""

from collections.abc import Callable
from typing import Any

import pytest

from local.cloud.call import ServiceError

HUB, TARGET, OTHER = "111111111111", "222222222222", "333333333333"
HOME, AWAY = "us-east-1", "eu-west-1"
ROLE = "Ec2ImageBuilderCrossAccountLifecycleAccess"
DAY = 24 * 3600
OLD = {"type": "AGE", "value": 90, "unit": "DAYS"}
WITH_AMIS = {"type": "DELETE", "includeResources": {"amis": True, "snapshots": True}}


class Images:
    """A pipeline with two targets in two Regions, whose images are made on days that a test chooses."""

    def __init__(self, builder: Any, distributions: list[dict[str, Any]]) -> None:
        self.builder = builder
        self.recipe = builder.recipe(builder.component())
        self.pipeline = builder.pipeline(self.recipe, distributions)
        self.day = 0.0

    def on(self, day: float) -> None:
        """Let the time be that of a day."""
        self.builder.cloud.clock.move((day - self.day) * DAY)
        self.day = day

    def made(self, day: float) -> str:
        """An image of that day."""
        self.on(day)
        image = self.builder.ended(self.builder.start(self.pipeline, f"day {day}"))
        assert image["state"] == {"status": "AVAILABLE"}
        return image["arn"]

    def changed(self, version: str) -> None:
        """Build another version of the recipe from now on."""
        recipe = self.builder.recipe(self.recipe_component, version=version)
        pipeline = self.builder.call("GetImagePipeline", imagePipelineArn=self.pipeline)["imagePipeline"]
        names = ("infrastructureConfigurationArn", "distributionConfigurationArn", "executionRole")
        settings = {name: pipeline[name] for name in names}
        self.builder.call(
            "UpdateImagePipeline",
            imagePipelineArn=self.pipeline,
            imageRecipeArn=recipe,
            imageTestsConfiguration={"imageTestsEnabled": False},
            clientToken=version,
            **settings,
        )

    @property
    def recipe_component(self) -> str:
        recipe = self.builder.call("GetImageRecipe", imageRecipeArn=self.recipe)["imageRecipe"]
        return recipe["components"][0]["componentArn"]

    def policy(self, rule: dict[str, Any] | None = None, **more: Any) -> str:
        """A policy for all versions of the recipe."""
        details = {"action": WITH_AMIS, "filter": {**OLD, **(rule or {})}}
        settings: dict[str, Any] = {"policyDetails": [{**details, **more.pop("details", {})}]}
        made = self.builder.call(
            "CreateLifecyclePolicy",
            **{
                "name": "old images",
                "executionRole": "lifecycle",
                "resourceType": "AMI_IMAGE",
                "resourceSelection": {"recipes": [{"name": "Web Server", "semanticVersion": "x.x.x"}]},
                "clientToken": "policy",
                **settings,
                **more,
            },
        )
        return made["lifecyclePolicyArn"]

    def executions(self, arn: str) -> list[dict[str, Any]]:
        return self.builder.call("ListLifecycleExecutions", resourceArn=arn)["lifecycleExecutions"]

    def resources(self, arn: str, parent: str | None = None) -> dict[str, tuple[str, str | None]]:
        """What the last execution of a policy did, by resource."""
        given = {"parentResourceId": parent} if parent else {}
        execution = self.executions(arn)[0]["lifecycleExecutionId"]
        listed = self.builder.call("ListLifecycleExecutionResources", lifecycleExecutionId=execution, **given)
        return {
            each["resourceId"]: (each["state"]["status"], each["state"].get("reason")) for each in listed["resources"]
        }

    def left(self) -> list[str]:
        """Image resources that are still there, oldest first."""
        found = self.builder.call("ListImagePipelineImages", imagePipelineArn=self.pipeline)["imageSummaryList"]
        return [image["arn"] for image in found]

    def amis(self, arn: str) -> dict[tuple[str, str], str]:
        image = self.builder.call("GetImage", imageBuildVersionArn=arn)["image"]
        return {(ami["accountId"], ami["region"]): ami["image"] for ami in image["outputResources"]["amis"]}

    def there(self, amis: dict[tuple[str, str], str]) -> set[tuple[str, str]]:
        """Places in which an image's AMI is still there."""
        return {place for place, ami in amis.items() if (*place, ami) in self.builder.cloud.images}

    def put(self, amis: dict[tuple[str, str], str], place: tuple[str, str], **facts: Any) -> None:
        """Let EC2 tell something of an AMI."""
        self.builder.cloud.images[(*place, amis[place])].update(facts)


@pytest.fixture
def images(builder: Any, targets: Callable[[], list[dict[str, Any]]]) -> Images:
    return Images(builder, targets())


PLACES = {(account, region) for account in (TARGET, OTHER) for region in (HOME, AWAY)}


def test_images_go_by_age_with_amis_and_snapshots_in_all_accounts(images: Images) -> None:
    policy = images.policy()
    first, second, third = (images.made(day) for day in (0, 10, 20))
    amis = [images.amis(arn) for arn in (first, second, third)]
    images.on(100)
    assert images.left() == [third]
    assert [images.there(each) for each in amis] == [set(), set(), PLACES]
    assert images.resources(policy) == {first: ("SUCCESS", None), second: ("SUCCESS", None)}
    assert set(images.resources(policy, first)) == set(amis[0].values())
    removed = [(who, region) for who, operation, region in images.builder.cloud.calls if operation == "DeregisterImage"]
    assert set(removed) == {(f"{account}:{ROLE}", region) for account, region in PLACES}
    assert sum(operation == "DeleteSnapshot" for _, operation, _ in images.builder.cloud.calls) == 8


def test_a_policy_runs_once_a_day_while_it_is_enabled(images: Images) -> None:
    policy = images.policy()
    images.on(0.9)
    assert images.executions(policy) == []
    images.on(1)
    assert len(images.executions(policy)) == 1
    images.on(1.5)
    (execution,) = images.executions(policy)
    assert execution["state"] == {"status": "SUCCESS"}
    assert execution["resourcesImpactedSummary"] == {"hasImpactedResources": False}
    images.on(2)
    assert len(images.executions(policy)) == 2
    found = images.builder.call("GetLifecyclePolicy", lifecyclePolicyArn=policy)["lifecyclePolicy"]
    kept = {name: found[name] for name in ("executionRole", "resourceType", "policyDetails", "resourceSelection")}
    images.builder.call("UpdateLifecyclePolicy", lifecyclePolicyArn=policy, status="DISABLED", clientToken="u", **kept)
    images.on(9)
    assert len(images.executions(policy)) == 2
    images.builder.call("DeleteLifecyclePolicy", lifecyclePolicyArn=policy)
    assert images.builder.call("ListLifecyclePolicies")["lifecyclePolicySummaryList"] == []


def test_what_a_rule_retains_is_counted_for_each_version_of_the_recipe(images: Images) -> None:
    images.policy({"retainAtLeast": 1})
    first, second = images.made(0), images.made(1)
    images.changed("1.0.1")
    third, fourth = images.made(2), images.made(3)
    images.on(200)
    assert images.left() == [second, fourth]
    assert {first, third}.isdisjoint(images.left())


def test_a_rule_by_count_keeps_the_newest_of_each_version(images: Images) -> None:
    images.policy(details={"filter": {"type": "COUNT", "value": 2}})
    made = [images.made(day) for day in range(3)]
    images.on(4)
    assert images.left() == made[1:]


@pytest.mark.parametrize(
    ("rules", "facts", "reason"),
    [
        ({"tagMap": {"hold": "true"}}, {"Tags": [{"Key": "hold", "Value": "true"}]}, "It has a tag that excludes it."),
        ({"tagMap": {"hold": "true"}}, {"Tags": [{"Key": "hold", "Value": "false"}]}, None),
        ({"isPublic": True}, {"Public": True}, "It is public."),
        ({"regions": [AWAY]}, {}, "The Region eu-west-1 is excluded."),
        ({"sharedAccounts": ["999999999999"]}, {"shared": {"999999999999"}}, "It is shared with 999999999999."),
        (
            {"lastLaunched": {"value": 4, "unit": "WEEKS"}},
            {"launched": "2026-03-20T00:00:00.000Z"},
            "It was launched at 2026-03-20T00:00:00.000Z.",
        ),
        ({"lastLaunched": {"value": 2, "unit": "WEEKS"}}, {"launched": "2026-03-20T00:00:00.000Z"}, None),
        ({"lastLaunched": {"value": 365, "unit": "DAYS"}}, {}, None),
    ],
)
def test_what_is_excluded_keeps_its_image_resource(
    images: Images, rules: dict[str, Any], facts: dict[str, Any], reason: str | None
) -> None:
    policy = images.policy(details={"exclusionRules": {"amis": rules}})
    arn = images.made(0)
    amis = images.amis(arn)
    images.put(amis, (TARGET, AWAY), **facts)
    images.on(100)
    left = [arn] if reason else []
    assert images.left() == left
    assert (TARGET, AWAY) in images.there(amis) if reason else images.there(amis) == set()
    if reason:
        assert images.resources(policy, arn)[amis[(TARGET, AWAY)]] == ("SKIPPED", reason)
        assert images.resources(policy)[arn][0] == "SKIPPED"


def test_an_image_resource_with_an_excluded_tag_stays_with_its_amis(images: Images) -> None:
    images.policy(details={"exclusionRules": {"tagMap": {"hold": "true"}}})
    arn = images.made(0)
    amis = images.amis(arn)
    images.builder.call("TagResource", resourceArn=arn, tags={"hold": "true"})
    images.on(100)
    assert images.left() == [arn]
    assert images.there(amis) == PLACES


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (f"arn:aws:iam::{OTHER}:role/{ROLE}", "is not trusted by"),
        (f"DeregisterImage {OTHER}", f"{ROLE} may not DeregisterImage"),
        ("imagebuilder:DeleteImage", "may not imagebuilder:DeleteImage"),
    ],
)
def test_what_is_refused_is_told_and_tried_again_the_next_day(images: Images, refused: str, reason: str) -> None:
    policy = images.policy()
    arn = images.made(0)
    amis = images.amis(arn)
    images.builder.cloud.refuse = {refused}
    images.on(100)
    assert images.left() == [arn]
    assert images.executions(policy)[0]["state"] == {"status": "FAILED"}
    told = [*images.resources(policy).values(), *images.resources(policy, arn).values()]
    assert any(status == "FAILED" and reason in str(why) for status, why in told)
    assert images.there(amis) <= {(OTHER, HOME), (OTHER, AWAY)}
    images.builder.cloud.refuse = set()
    images.on(101)
    assert images.left() == []
    assert images.there(amis) == set()


def test_an_ami_that_somebody_removed_before_is_no_hindrance(images: Images) -> None:
    images.policy()
    arn = images.made(0)
    amis = images.amis(arn)
    del images.builder.cloud.images[(TARGET, HOME, amis[(TARGET, HOME)])]
    images.on(100)
    assert images.left() == []


def test_without_amis_in_the_action_only_the_image_resource_goes(images: Images) -> None:
    images.policy(details={"action": {"type": "DELETE"}})
    arn = images.made(0)
    amis = images.amis(arn)
    images.on(100)
    assert images.left() == []
    assert images.there(amis) == PLACES


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"resourceType": "CONTAINER_IMAGE"}, "keeps AMI images only"),
        ({"resourceSelection": {}}, "either recipes or a tag map"),
        ({"resourceSelection": {"recipes": [{"name": "web", "semanticVersion": "1.x"}]}}, "does not match the pattern"),
        ({"details": {"action": {"type": "DISABLE"}}}, "only deletes"),
        ({"details": {"action": {"type": "DELETE", "includeResources": {"snapshots": True}}}}, "with their AMIs only"),
        ({"details": {"filter": {"type": "AGE", "value": 1}}}, "needs a unit"),
        ({"details": {"filter": {"type": "COUNT", "value": 1, "retainAtLeast": 2}}}, "neither a unit nor"),
        ({"rule": {"retainAtLeast": 11}}, "at most 10"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(images: Images, given: dict[str, Any], told: str) -> None:
    with pytest.raises(ServiceError, match=told):
        images.policy(**given)


def test_who_makes_a_policy_passes_its_role_which_must_admit_image_builder(images: Images) -> None:
    role = f"arn:aws:iam::{HUB}:role/lifecycle"
    images.builder.cloud.refuse = {f"iam:PassRole {role}"}
    with pytest.raises(ServiceError, match="may not iam:PassRole"):
        images.policy()
    images.builder.cloud.refuse = {role}
    with pytest.raises(ServiceError, match=r"must exist and its trust policy must admit imagebuilder\.amazonaws\.com"):
        images.policy()
    images.builder.cloud.refuse = set()
    images.policy()
    with pytest.raises(ServiceError, match="already exists"):
        images.policy(clientToken="another")
