# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Buckets and their policies."""

import json

from local_cloud.cloudformation.properties import Properties, names
from local_cloud.cloudformation.provider import PhysicalResource
from local_cloud.cloudformation.resource_types.base import ServiceResource, generated_name
from local_cloud.cloudformation.stack import Resource, Stack


class S3Bucket(ServiceResource):
    """``AWS::S3::Bucket``."""

    service = "s3"
    takes = names(
        "BucketName",
        "PublicAccessBlockConfiguration",
        "BucketEncryption.ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault",
    )

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Make a bucket, or write its settings again."""
        properties = wanted.properties
        name = (
            wanted.physical_id or properties.get("BucketName") or generated_name(stack, wanted, 63)
        )
        if not wanted.physical_id:
            place = {"CreateBucketConfiguration": {"LocationConstraint": stack.region}}
            self.client.create_bucket(Bucket=name, **(place if stack.region != "us-east-1" else {}))
        if block := properties.get("PublicAccessBlockConfiguration"):
            self.client.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
        encryption = properties.get("BucketEncryption", {})
        if rules := encryption.get("ServerSideEncryptionConfiguration"):
            renamed = [
                {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
                for rule in rules
            ]
            self.client.put_bucket_encryption(
                Bucket=name, ServerSideEncryptionConfiguration={"Rules": renamed}
            )
        return PhysicalResource(name, {"Arn": f"arn:aws:s3:::{name}"})

    def delete(self, stack: Stack, current: Resource) -> None:
        """Remove it; like the service, refuses while anything is in it."""
        self.client.delete_bucket(Bucket=current.physical_id)


class BucketPolicy(ServiceResource):
    """``AWS::S3::BucketPolicy``."""

    service = "s3"
    takes = names("Bucket", "PolicyDocument")

    def known(self, properties: Properties) -> tuple[Properties, list[str]]:
        """Ignore statements that ask for TLS: this cloud speaks plain HTTP."""
        properties, ignored = super().known(properties)
        policy = properties["PolicyDocument"]
        statements = policy["Statement"]
        kept = [
            s for s in statements if "aws:SecureTransport" not in json.dumps(s.get("Condition"))
        ]
        if kept != statements:
            ignored = [*ignored, "PolicyDocument.Statement on aws:SecureTransport"]
        return {**properties, "PolicyDocument": {**policy, "Statement": kept}}, ignored

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Write the policy."""
        bucket, policy = wanted.properties["Bucket"], wanted.properties["PolicyDocument"]
        if policy["Statement"]:
            self.client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
        return PhysicalResource(bucket)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Remove the policy."""
        self.client.delete_bucket_policy(Bucket=current.properties["Bucket"])
