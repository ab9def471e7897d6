"""The bucket to which a product's team uploads its scripts."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from components.arguments import ComponentArgs
from model.distribution import DistributionPlan
from model.hub_policies import bucket_policy
from model.names import BUILDS_PREFIX, ProductNames

BUILD_VERSION_DAYS = 7
"""Days that earlier versions of locks, states and pinned builds are kept; the scripts' own versions stay."""


UNFINISHED_UPLOAD_DAYS = 7
"""Days after which parts of an upload that nobody finished are dropped."""


class ScriptBucketArgs(ComponentArgs):
    """Names, and the key that encrypts what is uploaded."""

    names: ProductNames
    plan: DistributionPlan
    data_key_arn: pulumi.Output[str]


class ScriptBucket(pulumi.ComponentResource):
    """Versioned, under the product's data key, TLS only, never public; protected because it holds a team's work."""

    bucket: pulumi.Output[str]
    """Name of the bucket once it is safe to write to: after its policy and encryption."""

    def __init__(self, name: str, args: ScriptBucketArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("golden-ami:scripts:ScriptBucket", name, None, opts)
        # The settings are protected like the bucket: what stays of a product stays encrypted, versioned and closed.
        mine = ResourceOptions(parent=self, protect=True)
        bucket = aws.s3.Bucket(f"{name}-bucket", bucket=args.names.bucket, opts=mine)
        aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.bucket,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=mine,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.bucket,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="aws:kms", kms_master_key_id=args.data_key_arn
                    ),
                    bucket_key_enabled=True,
                )
            ],
            opts=mine,
        )
        public_access = aws.s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=mine,
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.bucket,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=mine,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.bucket,
            rules=[
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="abort-unfinished-uploads",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                        days_after_initiation=UNFINISHED_UPLOAD_DAYS
                    ),
                ),
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="forget-old-locks-and-pins",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=BUILDS_PREFIX),
                    noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                        noncurrent_days=BUILD_VERSION_DAYS
                    ),
                    expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(expired_object_delete_marker=True),
                ),
            ],
            opts=mine,
        )
        policy = aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.bucket,
            policy=args.data_key_arn.apply(lambda arn: bucket_policy(args.names, args.plan, arn).json()),
            # AWS refuses two changes of a bucket's access at once.
            opts=ResourceOptions(parent=self, protect=True, depends_on=[public_access]),
        )
        self.bucket = policy.bucket
        self.register_outputs({"bucket": self.bucket})
