"""Whether the policies that a file leads to keep AWS's sizes: each names accounts, roles or Regions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from model.distribution import DistributionPlan
from model.documents import PolicyDocument
from model.files.fields import Inconsistency
from model.files.landing_zone import LandingZone
from model.files.product import Product
from model.hub_policies import bucket_policy, report_function_policy, sweep_function_policy
from model.key_policies import KEY_POLICY_MAXIMUM, data_key_policy, image_key_policy
from model.pipeline_policies import execution_policy
from model.scan_policies import scan_execution_policy
from model.target_policies import consumer_key_policy, consumer_launch_policy

INLINE_MAXIMUM = 10_240
"""Characters of a role's inline policies together (IAM User Guide, "IAM and AWS STS quotas")."""

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

    def longest(sizes: Callable[[DistributionPlan], Iterator[int]]) -> Measure:
        return lambda changed: max(sizes(changed.plan(landing_zone)), default=0)

    def execution(plan: DistributionPlan) -> Iterator[int]:
        keys = tuple(_key(region, names.account) for region in plan.key_regions)
        building = execution_policy(names, plan, keys, product.base_image.product)
        yield _size(building) + (_size(scan_execution_policy(names, data_key)) if product.scan else 0)

    def report(plan: DistributionPlan) -> Iterator[int]:
        yield _size(report_function_policy(names, plan, data_key))

    def sweep(plan: DistributionPlan) -> Iterator[int]:
        if plan.retention:
            yield _size(sweep_function_policy(names, plan, data_key))

    def consumer(plan: DistributionPlan) -> Iterator[int]:
        for one in plan.consumers:
            regions = plan.regions_of(one.account)
            key = consumer_key_policy(tuple(_key(region, names.account) for region in regions))
            launch = consumer_launch_policy(names.product, one.arn, regions, plan.shared_with(one.account))
            yield _size(key) + (_size(launch) if one.create else 0)

    def image_key(plan: DistributionPlan) -> Iterator[int]:
        yield from (_size(image_key_policy(plan, region, administrators)) for region in plan.key_regions)

    def data_key_of(plan: DistributionPlan) -> Iterator[int]:
        yield _size(data_key_policy(names, plan, administrators, product.scan is not None))

    def bucket(plan: DistributionPlan) -> Iterator[int]:
        yield _size(bucket_policy(names, plan, data_key))

    return {
        "the policy of Image Builder's execution role": (longest(execution), INLINE_MAXIMUM, ("distribution",)),
        "the policy of the function that reports": (longest(report), INLINE_MAXIMUM, ("distribution",)),
        "the policy of the function that sweeps": (longest(sweep), INLINE_MAXIMUM, ("distribution",)),
        "the policies of a consumer role": (longest(consumer), INLINE_MAXIMUM, ("distribution",)),
        "the image key's policy": (longest(image_key), KEY_POLICY_MAXIMUM, ("consumers", "distribution")),
        "the data key's policy": (longest(data_key_of), KEY_POLICY_MAXIMUM, ("uploaders",)),
        "the script bucket's policy": (longest(bucket), BUCKET_POLICY_MAXIMUM, ("uploaders",)),
    }


def _size(document: PolicyDocument) -> int:
    return len(document.json())


def _key(region: str, account: str) -> str:
    """An ARN as long as a key's will be."""
    return f"arn:aws:kms:{region}:{account}:key/mrk-{'0' * 32}"
