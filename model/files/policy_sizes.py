"""Whether the policies that a file leads to keep AWS's sizes: each names accounts, roles or Regions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from model.distribution import DistributionPlan
from model.documents import PolicyDocument
from model.files.fields import Inconsistency
from model.files.landing_zone import LandingZone
from model.files.product import Product
from model.hub_policies import bucket_policy, report_function_policy
from model.key_policies import KEY_POLICY_MAXIMUM, data_key_policy, image_key_policy
from model.pipeline_policies import execution_policy
from model.target_policies import consumer_key_policy, consumer_launch_policy

INLINE_MAXIMUM = 10_240
"""Characters of a role's inline policies together (IAM User Guide, "IAM and AWS STS quotas")."""

FRAME = len(PolicyDocument(()).json())
"""Characters of a document without statements."""

BUCKET_POLICY_MAXIMUM = 20_480
"""Bytes of a bucket policy (S3 User Guide, "Bucket policies")."""

Measure = Callable[[Product], int]


def policy_problems(product: Product, landing_zone: LandingZone) -> Iterator[Inconsistency]:
    """Policies that would be too long, each at the field that has most of it."""
    for what, (measure, most, causes) in _measures(product, landing_zone).items():
        if (size := measure(product)) > most:
            fits = (name for name in causes if measure(product.model_copy(update={name: ()})) <= most)
            cause = next(fits, causes[-1])
            message = f"makes {what} {size} characters long, and AWS takes {most}; state fewer entries or shorter names"
            yield Inconsistency((cause,), message)


def _measures(product: Product, landing_zone: LandingZone) -> Mapping[str, tuple[Measure, int, tuple[str, ...]]]:
    names, administrators = product.names(landing_zone), landing_zone.key_administrators
    data_key = _key(names.region, names.account)

    def longest(documents: Callable[[DistributionPlan], Iterator[PolicyDocument]]) -> Measure:
        return lambda changed: max((len(each.json()) for each in documents(changed.plan(landing_zone))), default=0)

    def execution(plan: DistributionPlan) -> Iterator[PolicyDocument]:
        keys = tuple(_key(region, names.account) for region in plan.key_regions)
        yield execution_policy(names, plan, keys, product.base_image.product)

    def report(plan: DistributionPlan) -> Iterator[PolicyDocument]:
        yield report_function_policy(names, plan, data_key)

    def consumer(plan: DistributionPlan) -> Iterator[PolicyDocument]:
        for one in plan.consumers:
            regions = plan.regions_of(one.account)
            key = consumer_key_policy(tuple(_key(region, names.account) for region in regions))
            launch = consumer_launch_policy(names.product, one.arn, regions).statements if one.create else ()
            # As long as both together, but for the frame of the second one.
            yield PolicyDocument((*key.statements, *launch))

    def image_key(plan: DistributionPlan) -> Iterator[PolicyDocument]:
        for region in plan.key_regions:
            yield image_key_policy(plan, region, administrators)

    def data_key_of(plan: DistributionPlan) -> Iterator[PolicyDocument]:
        yield data_key_policy(names, plan, administrators)

    def bucket(plan: DistributionPlan) -> Iterator[PolicyDocument]:
        yield bucket_policy(names, plan, data_key)

    return {
        "the policy of Image Builder's execution role": (longest(execution), INLINE_MAXIMUM, ("distribution",)),
        "the policy of the function that reports": (longest(report), INLINE_MAXIMUM, ("distribution",)),
        "the policies of a consumer role": (longest(consumer), INLINE_MAXIMUM - FRAME, ("distribution",)),
        "the image key's policy": (longest(image_key), KEY_POLICY_MAXIMUM, ("consumers", "distribution")),
        "the data key's policy": (longest(data_key_of), KEY_POLICY_MAXIMUM, ("uploaders",)),
        "the script bucket's policy": (longest(bucket), BUCKET_POLICY_MAXIMUM, ("uploaders",)),
    }


def _key(region: str, account: str) -> str:
    """An ARN as long as a key's will be."""
    return f"arn:aws:kms:{region}:{account}:key/mrk-{'0' * 32}"
