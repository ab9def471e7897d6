"""What the program's provider calls as a deployment role, one call for each statement that lets it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from local.people import PLATFORM_ENGINEER
from local.session import Actor
from model.key_policies import AUTO_SCALING_OPERATIONS
from model.names import (
    COMPONENTS_PREFIX,
    DISTRIBUTION_MANAGED_POLICY,
    DISTRIBUTION_ROLE,
    LIFECYCLE_MANAGED_POLICY,
    LIFECYCLE_ROLE,
    ProductNames,
    auto_scaling_role_arn,
    role_arn,
)
from model.pipeline_policies import INSTANCE_MANAGED_POLICIES
from tests.stacks.permissions.documents import HUB, PRODUCT
from tests.stacks.world import World

REGION = "us-east-1"
ROLE = "golden-ami-deployment"
CHANNEL = "/golden-ami/deployment-probe/stable"


class Deployer:
    """The platform engineer in an account's deployment role."""

    def __init__(self, world: World, account: str) -> None:
        self.world = world
        self.account = account
        self.names: ProductNames = world.session.files.names(PRODUCT)
        self._actor = self.assume()
        self._clients: dict[str, Any] = {}

    def assume(self) -> Actor:
        """The role's session; raises botocore's `ClientError` where its trust refuses."""
        engineer = self.world.session.person(PLATFORM_ENGINEER, HUB)
        return engineer.assume(role_arn(self.account, ROLE), "deployment")

    def client(self, service: Any) -> Any:
        """A client that acts as the role."""
        if service not in self._clients:
            address = self.world.session.address
            self._clients[service] = self._actor.clients.client(service, region_name=REGION, endpoint_url=address)
        return self._clients[service]

    def root(self, service: Any) -> Any:
        """A client of the account's root, for what a call leaves behind."""
        return self.world.client(service, self.account)


Call = Callable[[Deployer], object]
"""Does what a provider does; raises botocore's `ClientError` where it is refused."""


def assume(deployer: Deployer) -> None:
    """Begin a deployment."""
    deployer.assume()


def read_role(role: str) -> Call:
    """Read a role, as before any change of it."""
    return lambda deployer: deployer.client("iam").get_role(RoleName=role)


def read_hub_role(deployer: Deployer) -> None:
    """Read the product's execution role."""
    deployer.client("iam").get_role(RoleName=deployer.names.execution_role)


def read_role_policy(role: str, policy: str) -> Call:
    """Read a policy that the program added to a role."""
    return lambda deployer: deployer.client("iam").get_role_policy(RoleName=role, PolicyName=policy)


def attach_instance_policy(deployer: Deployer) -> None:
    """Attach what is attached already, which changes nothing."""
    deployer.client("iam").attach_role_policy(
        RoleName=deployer.names.instance_role, PolicyArn=INSTANCE_MANAGED_POLICIES[0]
    )


def attach_distribution_policy(deployer: Deployer) -> None:
    """Attach what is attached already, which changes nothing."""
    deployer.client("iam").attach_role_policy(RoleName=DISTRIBUTION_ROLE, PolicyArn=DISTRIBUTION_MANAGED_POLICY)


def attach_lifecycle_policy(deployer: Deployer) -> None:
    """Attach what is attached already, which changes nothing."""
    deployer.client("iam").attach_role_policy(RoleName=LIFECYCLE_ROLE, PolicyArn=LIFECYCLE_MANAGED_POLICY)


def read_hub_profile(deployer: Deployer) -> None:
    """Read the build instance's profile."""
    deployer.client("iam").get_instance_profile(InstanceProfileName=deployer.names.instance_role)


def read_profile(profile: str) -> Call:
    """Read a consumer role's profile."""
    return lambda deployer: deployer.client("iam").get_instance_profile(InstanceProfileName=profile)


def hand_role_to_function(deployer: Deployer) -> None:
    """Give a function the role that it has."""
    role = role_arn(HUB, deployer.names.report_function)
    deployer.client("lambda").update_function_configuration(FunctionName=deployer.names.report_function, Role=role)


def hand_role_to_profile(role: str) -> Call:
    """Take a consumer role out of its profile and put it back."""

    def call(deployer: Deployer) -> None:
        one = {"InstanceProfileName": role, "RoleName": role}
        deployer.client("iam").remove_role_from_instance_profile(**one)
        try:
            deployer.client("iam").add_role_to_instance_profile(**one)
        except ClientError:
            deployer.root("iam").add_role_to_instance_profile(**one)
            raise

    return call


def make_first_pipeline(deployer: Deployer) -> None:
    """Make the account's first pipeline, with which Image Builder makes its service-linked role as the caller."""
    iam, role = deployer.root("iam"), "AWSServiceRoleForImageBuilder"
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=role)
    try:
        _pipeline(deployer, deployer.client("imagebuilder"))
    except ClientError:
        _pipeline(deployer, deployer.root("imagebuilder"))
        raise


def _pipeline(deployer: Deployer, builder: Any) -> None:
    like = deployer.root("imagebuilder").get_image_pipeline(imagePipelineArn=deployer.names.pipeline_arn)
    same = ("imageRecipeArn", "infrastructureConfigurationArn", "distributionConfigurationArn", "executionRole")
    made = builder.create_image_pipeline(
        name=f"golden-ami-probe-{uuid.uuid4().hex[:8]}", **{name: like["imagePipeline"][name] for name in same}
    )
    builder.delete_image_pipeline(imagePipelineArn=made["imagePipelineArn"])


def find_aliases(deployer: Deployer) -> None:
    """Look an alias up, which has no other way than the list."""
    deployer.client("kms").list_aliases()


def read_key(deployer: Deployer) -> None:
    """Read a key's policy."""
    deployer.client("kms").get_key_policy(KeyId=data_key(deployer), PolicyName="default")


def keep_alias(deployer: Deployer) -> None:
    """Point an alias to the key that it points to."""
    deployer.client("kms").update_alias(AliasName=f"alias/golden-ami/{PRODUCT}/data", TargetKeyId=data_key(deployer))


def data_key(deployer: Deployer) -> str:
    """The data key's id, looked up by root: no call of the role's."""
    kms = deployer.world.client("kms")
    return kms.describe_key(KeyId=f"alias/golden-ami/{PRODUCT}/data")["KeyMetadata"]["KeyId"]


def image_key(deployer: Deployer) -> str:
    """The image key's ARN, looked up by the hub's root."""
    kms = deployer.world.client("kms")
    return kms.describe_key(KeyId=f"alias/golden-ami/{PRODUCT}/image")["KeyMetadata"]["Arn"]


def read_bucket(deployer: Deployer) -> None:
    """Read the bucket's policy."""
    deployer.client("s3").get_bucket_policy(Bucket=deployer.names.bucket)


def read_function(deployer: Deployer) -> None:
    """Read a function."""
    deployer.client("lambda").get_function(FunctionName=deployer.names.start_function)


def read_layer(deployer: Deployer) -> None:
    """Read the functions' layer."""
    deployer.client("lambda").get_layer_version(LayerName=deployer.names.function_layer, VersionNumber=1)


def read_alarm_tags(deployer: Deployer) -> None:
    """Read the tags of the alarm."""
    deployer.client("cloudwatch").list_tags_for_resource(ResourceARN=deployer.names.dead_letter_alarm_arn)


def find_alarm(deployer: Deployer) -> None:
    """Look the alarm up by its name."""
    deployer.client("cloudwatch").describe_alarms(AlarmNames=[deployer.names.dead_letter_alarm])


def read_queue(deployer: Deployer) -> None:
    """Read the queue's attributes."""
    url = deployer.root("sqs").get_queue_url(QueueName=deployer.names.dead_letter_queue)["QueueUrl"]
    deployer.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])


def read_topic(deployer: Deployer) -> None:
    """Read the topic's attributes."""
    deployer.client("sns").get_topic_attributes(TopicArn=deployer.names.topic_arn)


def read_rule(deployer: Deployer) -> None:
    """Read the rule on image states."""
    deployer.client("events").describe_rule(Name=deployer.names.image_state_rule)


def read_schedule(deployer: Deployer) -> None:
    """Read the schedule that the product does not have."""
    scheduler = deployer.client("scheduler")
    with suppress(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name=deployer.names.build_schedule)


def read_log_group_tags(deployer: Deployer) -> None:
    """Read the tags of the build's log group."""
    arn = deployer.names.log_group_arn(deployer.names.build_log_group)
    deployer.client("logs").list_tags_for_resource(resourceArn=arn)


def find_log_group(deployer: Deployer) -> None:
    """Look the build's log group up by its name."""
    deployer.client("logs").describe_log_groups(logGroupNamePrefix=deployer.names.build_log_group)


def read_pipeline(deployer: Deployer) -> None:
    """Read the pipeline."""
    deployer.client("imagebuilder").get_image_pipeline(imagePipelineArn=deployer.names.pipeline_arn)


def find_versions(deployer: Deployer) -> None:
    """List the versions of a component."""
    deployer.client("imagebuilder").list_components(owner="Self")


def read_managed_component(deployer: Deployer) -> None:
    """Read a component of Amazon's, as before a recipe that names it."""
    arn = f"arn:aws:imagebuilder:{REGION}:aws:component/simple-boot-test-linux/x.x.x"
    deployer.client("imagebuilder").get_component(componentBuildVersionArn=arn)


def store_document(deployer: Deployer) -> None:
    """Store a component's document."""
    place = {"Bucket": deployer.names.bucket, "Key": f"{COMPONENTS_PREFIX}probe.yaml"}
    made = deployer.client("s3").put_object(**place, Body=b"phases: []")
    deployer.root("s3").delete_object(**place, VersionId=made["VersionId"])


def read_subscription(deployer: Deployer) -> None:
    """Read the attributes of a subscriber of the topic."""
    listed = deployer.root("sns").list_subscriptions_by_topic(TopicArn=deployer.names.topic_arn)["Subscriptions"]
    arn = next(each["SubscriptionArn"] for each in listed if each["SubscriptionArn"].startswith("arn:"))
    deployer.client("sns").get_subscription_attributes(SubscriptionArn=arn)


def make_security_group(deployer: Deployer) -> None:
    """Make a security group for a build's instances, and delete it."""
    vpc = deployer.root("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    name = f"golden-ami-probe-{uuid.uuid4().hex[:8]}"
    made = deployer.client("ec2").create_security_group(GroupName=name, Description="Probe", VpcId=vpc)
    deployer.client("ec2").delete_security_group(GroupId=made["GroupId"])


def read_subnet(deployer: Deployer) -> None:
    """Find the network of the build's subnet."""
    deployer.client("ec2").describe_subnets()


def read_base_image(deployer: Deployer) -> None:
    """Read the parameter that names AWS's image to build on."""
    parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    deployer.client("ssm").get_parameter(Name=parameter)


def read_channel(deployer: Deployer) -> None:
    """Read which image a product's parameter names."""
    deployer.client("ssm").get_parameter(Name=CHANNEL)


def read_images(deployer: Deployer) -> None:
    """Read the account's images."""
    deployer.client("ec2").describe_images(Owners=["self"])


def read_attached_policy(deployer: Deployer) -> None:
    """Read a managed policy, as for a role that has it attached."""
    deployer.client("iam").get_policy(PolicyArn=INSTANCE_MANAGED_POLICIES[1])


def grant_to(grantee: str) -> Call:
    """Grant the image key to a principal."""

    def call(deployer: Deployer) -> None:
        key = image_key(deployer)
        operations = list(AUTO_SCALING_OPERATIONS)
        made = deployer.client("kms").create_grant(KeyId=key, GranteePrincipal=grantee, Operations=operations)
        deployer.world.client("kms").revoke_grant(KeyId=key, GrantId=made["GrantId"])

    return call


def grant_to_auto_scaling(deployer: Deployer) -> None:
    """Grant the image key to Auto Scaling's role of the account."""
    grant_to(auto_scaling_role_arn(deployer.account))(deployer)


def read_grants(deployer: Deployer) -> None:
    """Read the image key's grants."""
    deployer.client("kms").list_grants(KeyId=image_key(deployer))
