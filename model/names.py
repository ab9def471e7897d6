"""Names and ARNs of everything that golden-ami makes, computed from known parts.

A preview therefore needs no other stack's outputs. Limits are AWS's: 63 characters for a bucket, 64 for a role or a
function. The longest product name that keeps them all is 24 characters (`PRODUCT_NAME_PATTERN`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

PRODUCT_NAME_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
PRODUCT_NAME_MAXIMUM = 24
"""Characters. `golden-ami-<product>-<account>-<region>` must fit S3's 63 with the longest Region name."""

REGION_MAXIMUM = 14
"""Characters of the longest Region names, such as `ap-southeast-1`."""

DISTRIBUTION_ROLE = "EC2ImageBuilderDistributionCrossAccountRole"
"""Image Builder assumes this exact name in target accounts (Image Builder User Guide, "Cross-account distribution")."""

DISTRIBUTION_MANAGED_POLICY = "arn:aws:iam::aws:policy/Ec2ImageBuilderCrossAccountDistributionAccess"

LIFECYCLE_ROLE = "Ec2ImageBuilderCrossAccountLifecycleAccess"
"""Image Builder assumes this exact name to remove images in target accounts (Image Builder User Guide, "Lifecycle
management prerequisites")."""

LIFECYCLE_MANAGED_POLICY = "arn:aws:iam::aws:policy/service-role/EC2ImageBuilderLifecycleExecutionPolicy"
INSPECTOR_ROLE = "AWSServiceRoleForAmazonInspector2"
INSPECTOR_ROLE_PATH = "/aws-service-role/inspector2.amazonaws.com/"
"""Inspector's service-linked role (Amazon Inspector User Guide, "Using service-linked roles")."""

SCRIPTS_PREFIX = "scripts/"
BUILDS_PREFIX = "builds/"
COMPONENTS_PREFIX = "components/"
BUILD_PREFIX = f"{BUILDS_PREFIX}current/"
LOCK_KEY = f"{BUILDS_PREFIX}lock.json"
STATE_KEY = f"{BUILDS_PREFIX}state.json"

TAG_PRODUCT = "golden-ami:product"
TAG_MANIFEST = "golden-ami:manifest-sha256"
TAG_SCRIPT_VERSION = "golden-ami:script-version-id"
TAG_CONTENT = "golden-ami:content-sha256"
TAG_BASE_OWNER = "golden-ami:base-owner"
"""On a recipe that starts from an AMI id: whose AMI that is, as EC2 told when the program looked it up."""
TAG_CLIENT_TOKEN = "golden-ami:client-token"
TAG_CHANNEL = "golden-ami:channel"
"""On what a channel names; lifecycle policies leave out what has it with `TAG_SET`."""
TAG_KEPT = "golden-ami:kept"
"""On what is among the newest or in use in its account, where no channel names it; as above."""
TAG_SET = "true"
"""Value of a tag that tells by being there."""

CREATED_BY_IMAGE_BUILDER = "EC2 Image Builder"
"""Value of the tag `CreatedBy` that Image Builder puts on what it makes (its service-linked role's policy)."""


def account_root_arn(account: str) -> str:
    """The principal that stands for an account as a whole."""
    return f"arn:aws:iam::{account}:root"


def role_arn(account: str, role: str) -> str:
    """ARN of a role given by name, or by path and name (`path/name`)."""
    return f"arn:aws:iam::{account}:role/{role}"


def role_name(role: str) -> str:
    """The name of a role given by path and name, as IAM's operations take it."""
    return role.rsplit("/", 1)[-1]


def distribution_role_arn(account: str) -> str:
    """ARN of the role that Image Builder assumes in a target account."""
    return role_arn(account, DISTRIBUTION_ROLE)


def lifecycle_role_arn(account: str) -> str:
    """ARN of the role with which images are removed in a target account."""
    return role_arn(account, LIFECYCLE_ROLE)


def auto_scaling_role_arn(account: str) -> str:
    """ARN of the role with which Auto Scaling launches instances in an account (EC2 Auto Scaling User Guide)."""
    return role_arn(account, "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling")


def fast_launch_role_arn(account: str) -> str:
    """ARN of the role with which EC2 makes snapshots ready for fast launches (EC2 User Guide)."""
    return role_arn(account, "aws-service-role/ec2fastlaunch.amazonaws.com/AWSServiceRoleForEC2FastLaunch")


def channel_path(product: str) -> str:
    """What the names of all of a product's channels begin with."""
    return f"/golden-ami/{product}/"


def channel_parameter(product: str, channel: str = "stable") -> str:
    """Name of the SSM parameter that consumers of a product read."""
    return f"{channel_path(product)}{channel}"


def parameter_arn(name: str, account: str, region: str) -> str:
    """ARN of an SSM parameter, whose name begins with a slash."""
    return f"arn:aws:ssm:{region}:{account}:parameter{name}"


def channel_parameter_arn(product: str, account: str, region: str, channel: str = "stable") -> str:
    """ARN of a product's channel parameter in one account and Region."""
    return parameter_arn(channel_parameter(product, channel), account, region)


def launch_template_arn(template: str, account: str, region: str) -> str:
    """ARN of a launch template by its id."""
    return f"arn:aws:ec2:{region}:{account}:launch-template/{template}"


def image_key_alias(product: str) -> str:
    """Alias of the key that encrypts a product's images, the same in every Region."""
    return f"alias/golden-ami/{product}/image"


def data_key_alias(product: str) -> str:
    """Alias of the key for a product's scripts, messages and logs."""
    return f"alias/golden-ami/{product}/data"


@dataclass(frozen=True)
class GivenTopic:
    """A topic that was there before the product, and the key that encrypts it."""

    arn: str
    key_arn: str


@dataclass(frozen=True)
class GivenRoles:
    """Roles of the hub that were there before the product, with their paths in front where they have one."""

    instance: str | None = None
    instance_profile: str | None = None
    execution: str | None = None

    @property
    def all(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(role for role in (self.instance, self.execution) if role)


@dataclass(frozen=True)
class ProductNames:
    """Names and ARNs of one product's resources in the hub account and build Region."""

    product: str
    account: str
    region: str
    given_topic: GivenTopic | None = None
    """Topic for outcomes that the product does not make itself."""
    given_roles: GivenRoles = field(default_factory=GivenRoles)
    """Roles that the product does not make itself."""

    @property
    def stem(self) -> str:
        """What every name of the product begins with."""
        return f"golden-ami-{self.product}"

    @property
    def bucket(self) -> str:
        """The product's script bucket; account and Region keep it unique in S3's global namespace."""
        return f"{self.stem}-{self.account}-{self.region}"

    @property
    def bucket_arn(self) -> str:
        """ARN of the script bucket."""
        return f"arn:aws:s3:::{self.bucket}"

    @property
    def start_function(self) -> str:
        """The function that starts builds."""
        return f"{self.stem}-start-build"

    @property
    def report_function(self) -> str:
        """The function that reports outcomes."""
        return f"{self.stem}-report-outcome"

    @property
    def sweep_function(self) -> str:
        """The function that removes images which lifecycle policies do not see."""
        return f"{self.stem}-sweep-images"

    @property
    def topic(self) -> str:
        """The topic for outcomes."""
        return f"{self.stem}-outcomes"

    @property
    def topic_arn(self) -> str:
        """ARN of the topic for outcomes."""
        if self.given_topic:
            return self.given_topic.arn
        return f"arn:aws:sns:{self.region}:{self.account}:{self.topic}"

    @property
    def dead_letter_queue(self) -> str:
        """The queue that keeps events whose function failed for good."""
        return f"{self.stem}-dead-letters"

    @property
    def dead_letter_queue_arn(self) -> str:
        """ARN of the dead-letter queue."""
        return f"arn:aws:sqs:{self.region}:{self.account}:{self.dead_letter_queue}"

    @property
    def dead_letter_alarm(self) -> str:
        """The alarm for events that ended in the dead-letter queue."""
        return f"{self.stem}-dead-letters"

    @property
    def dead_letter_alarm_arn(self) -> str:
        """ARN of that alarm."""
        return f"arn:aws:cloudwatch:{self.region}:{self.account}:alarm:{self.dead_letter_alarm}"

    @property
    def function_layer(self) -> str:
        """The layer that holds what the functions import."""
        return f"{self.stem}-functions"

    @property
    def rule_arns(self) -> tuple[str, str]:
        """ARNs of the product's rules, on the default event bus."""
        stem = f"arn:aws:events:{self.region}:{self.account}:rule/"
        return (f"{stem}{self.image_state_rule}", f"{stem}{self.reconciliation_rule}")

    @property
    def reconciliation_rule(self) -> str:
        """The EventBridge rule that makes up for lost events."""
        return f"{self.stem}-reconciliation"

    @property
    def build_schedule(self) -> str:
        """The schedule that starts builds, and the role with which it does."""
        return f"{self.stem}-schedule"

    @property
    def schedule_group_arn(self) -> str:
        """ARN of the group that holds the schedule: every account's default one."""
        return f"arn:aws:scheduler:{self.region}:{self.account}:schedule-group/default"

    @property
    def sweep_rule(self) -> str:
        """The EventBridge rule that calls the sweeping function."""
        return f"{self.stem}-sweep"

    @property
    def sweep_rule_arn(self) -> str:
        """ARN of that rule."""
        return f"arn:aws:events:{self.region}:{self.account}:rule/{self.sweep_rule}"

    @property
    def image_state_rule(self) -> str:
        """The EventBridge rule for the product's image state changes."""
        return f"{self.stem}-image-state"

    @property
    def instance_role(self) -> str:
        """Role of build instances."""
        return self.given_roles.instance or f"{self.stem}-build-instance"

    @property
    def instance_profile(self) -> str:
        """Instance profile of build instances."""
        return self.given_roles.instance_profile or f"{self.stem}-build-instance"

    @property
    def execution_role(self) -> str:
        """The role with which Image Builder runs the pipeline."""
        return self.given_roles.execution or f"{self.stem}-execution"

    @property
    def lifecycle_role(self) -> str:
        """The role with which Image Builder removes the product's images in the hub."""
        return f"{self.stem}-lifecycle"

    @property
    def scan_function(self) -> str:
        """The function that judges scans."""
        return f"{self.stem}-judge-scan"

    @property
    def scan_gate(self) -> str:
        """State machine and its role between a scan and the rest of a build."""
        return f"{self.stem}-scan-gate"

    @property
    def scan_gate_arn(self) -> str:
        """ARN of that state machine."""
        return f"arn:aws:states:{self.region}:{self.account}:stateMachine:{self.scan_gate}"

    @property
    def scan_gate_executions(self) -> str:
        """Pattern of the ARNs of its executions."""
        return f"arn:aws:states:{self.region}:{self.account}:execution:{self.scan_gate}:*"

    @property
    def scan_gate_log_group(self) -> str:
        """Log group of the gate; under `/aws/vendedlogs/` a log group's resource policy stays short."""
        return f"/aws/vendedlogs/states/{self.scan_gate}"

    @property
    def scan_workflow(self) -> str:
        """The test workflow that scans."""
        return f"{self.stem}-scan"

    def component(self, label: str) -> str:
        """Name of one of the recipe's components."""
        return f"{self.stem}-{label}"

    def component_arn(self, component: str) -> str:
        """ARN of a component without its version."""
        return f"arn:aws:imagebuilder:{self.region}:{self.account}:component/{component}"

    @property
    def pipeline_arn(self) -> str:
        """ARN of the image pipeline."""
        return self._image_builder("image-pipeline")

    @property
    def distribution_arn(self) -> str:
        """ARN of the distribution configuration."""
        return self._image_builder("distribution-configuration")

    @property
    def image_arn_pattern(self) -> str:
        """Pattern of the ARNs of all images that the product's recipe makes."""
        return f"{self._image_builder('image')}/*"

    def function_arn(self, function: str) -> str:
        """ARN of a function of the product."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{function}"

    def log_group(self, function: str) -> str:
        """Log group of a function of the product."""
        return f"/aws/lambda/{function}"

    @property
    def build_log_group(self) -> str:
        """Log group of the product's builds; Image Builder writes under `/aws/imagebuilder/`."""
        return f"/aws/imagebuilder/{self.stem}"

    def log_group_arn(self, log_group: str) -> str:
        """ARN of a log group in the hub's build Region."""
        return f"arn:aws:logs:{self.region}:{self.account}:log-group:{log_group}"

    def _image_builder(self, kind: str) -> str:
        return f"arn:aws:imagebuilder:{self.region}:{self.account}:{kind}/{self.stem}"
