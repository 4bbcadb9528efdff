# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""S3 buckets and bucket policies."""

import json
import secrets

from local_cloud.cloudformation.properties import Properties, names, number
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
        "CorsConfiguration.CorsRules",
        "LifecycleConfiguration.Rules.AbortIncompleteMultipartUpload",
        "LifecycleConfiguration.Rules.ExpirationInDays",
        "LifecycleConfiguration.Rules.Id",
        "LifecycleConfiguration.Rules.NoncurrentVersionExpiration",
        "LifecycleConfiguration.Rules.Prefix",
        "LifecycleConfiguration.Rules.Status",
        "NotificationConfiguration.EventBridgeConfiguration",
        "VersioningConfiguration",
    )

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create a bucket, or rewrite its settings."""
        properties = wanted.properties
        name = (
            wanted.physical_id or properties.get("BucketName") or generated_name(stack, wanted, 63)
        )
        cors = list(map(_cors_rule, properties.get("CorsConfiguration", {}).get("CorsRules", [])))
        lifecycle = list(
            map(_lifecycle_rule, properties.get("LifecycleConfiguration", {}).get("Rules", []))
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
        self._write_rules(name, properties, cors, lifecycle)
        return PhysicalResource(name, {"Arn": f"arn:aws:s3:::{name}"})

    def _write_rules(
        self,
        bucket: str,
        properties: Properties,
        cors: list[Properties],
        lifecycle: list[Properties],
    ) -> None:
        """Set versioning, CORS, lifecycle and events, or their defaults."""
        if versioning := properties.get("VersioningConfiguration"):
            self.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=versioning)
        if cors:
            self.client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": cors})
        else:
            self.client.delete_bucket_cors(Bucket=bucket)
        if lifecycle:
            self.client.put_bucket_lifecycle_configuration(
                Bucket=bucket, LifecycleConfiguration={"Rules": lifecycle}
            )
        else:
            self.client.delete_bucket_lifecycle(Bucket=bucket)
        events = properties.get("NotificationConfiguration", {}).get("EventBridgeConfiguration")
        told = events is not None and _is_true(events.get("EventBridgeEnabled", True))
        self.client.put_bucket_notification_configuration(
            Bucket=bucket,
            NotificationConfiguration={"EventBridgeConfiguration": {}} if told else {},
        )

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete it; like S3, refuse unless it is empty."""
        self.client.delete_bucket(Bucket=current.physical_id)


def _cors_rule(rule: Properties) -> Properties:
    """Convert a rule to the API's names."""
    renamed = {"ExposedHeaders": "ExposeHeaders", "Id": "ID", "MaxAge": "MaxAgeSeconds"}
    written = {renamed.get(key, key): item for key, item in rule.items()}
    if "MaxAgeSeconds" in written:
        written["MaxAgeSeconds"] = number(written["MaxAgeSeconds"], "#/MaxAge")
    return written


def _lifecycle_rule(rule: Properties) -> Properties:
    """Convert a rule to the API's names, with days as numbers."""
    written: Properties = {
        "ID": rule.get("Id", secrets.token_hex(8)),
        "Status": rule["Status"],
        "Filter": {"Prefix": rule.get("Prefix", "")},
    }
    if "ExpirationInDays" in rule:
        written["Expiration"] = {"Days": number(rule["ExpirationInDays"], "#/ExpirationInDays")}
    for key in ("AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration"):
        if key in rule:
            written[key] = {
                name: number(value, f"#/{key}/{name}") for name, value in rule[key].items()
            }
    return written


def _is_true(value: object) -> bool:
    return str(value).lower() == "true"


class BucketPolicy(ServiceResource):
    """``AWS::S3::BucketPolicy``."""

    service = "s3"
    takes = names("Bucket", "PolicyDocument")

    def known(self, properties: Properties) -> tuple[Properties, list[str]]:
        """Ignore statements that require TLS: this cloud speaks plain HTTP."""
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
        """Delete the policy."""
        self.client.delete_bucket_policy(Bucket=current.properties["Bucket"])
