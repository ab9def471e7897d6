"""Asks S3 for the component documents that a product has in a bucket, before anything is declared."""

from __future__ import annotations

import base64

import pulumi
import pulumi_aws as aws

from components.look_up import RefusedError, asked
from model.files.component_bucket import ComponentBucket, StoredDocument, StoredDocuments
from model.files.product import Product


def stored_documents(product: Product, provider: aws.Provider) -> StoredDocuments:
    """What the product's bucket holds of each document that it names there, as `provider` sees it."""
    bucket = product.component_bucket
    if bucket is None:
        return {}
    options = pulumi.InvokeOptions(provider=provider)
    names = dict.fromkeys(name for _, name in product.components.bucket_documents)
    return {name: _stored(bucket, name, options) for name in names}


def _stored(bucket: ComponentBucket, name: str, options: pulumi.InvokeOptions) -> StoredDocument:
    try:
        # Many uploads leave YAML without a type of text, whose body would not be downloaded by itself.
        found = asked(
            lambda: aws.s3.get_object(bucket=bucket.name, key=bucket.key(name), download_body="true", opts=options)
        )
    except RefusedError as error:
        return StoredDocument(refused=str(error).partition(" failed: ")[2])
    return StoredDocument(
        base64.b64decode(found.body_base64 or ""), found.version_id or None, found.server_side_encryption or None
    )
