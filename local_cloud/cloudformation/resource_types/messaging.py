# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""SNS topics and SQS queues."""

import json
from typing import Any

from local_cloud import ACCOUNT_ID
from local_cloud.cloudformation.properties import Properties, as_strings, names
from local_cloud.cloudformation.provider import PhysicalResource
from local_cloud.cloudformation.resource_types.base import ServiceResource, generated_name
from local_cloud.cloudformation.stack import Resource, Stack


class Topic(ServiceResource):
    """``AWS::SNS::Topic``, without inline subscriptions."""

    service = "sns"
    takes = names("DisplayName", "KmsMasterKeyId", "TopicName")

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create the topic."""
        name = wanted.properties.get("TopicName") or generated_name(stack, wanted, 256)
        attributes = _attributes(wanted.properties, "TopicName")
        arn = self.client.create_topic(Name=name, Attributes=attributes)["TopicArn"]
        return PhysicalResource(arn, {"TopicArn": arn, "TopicName": name})

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Update its attributes; a new name means a new topic."""
        name = wanted.properties.get("TopicName", current.attributes["TopicName"])
        if name != current.attributes["TopicName"]:
            return self.create(stack, wanted)
        for key, value in _attributes(wanted.properties, "TopicName").items():
            self.client.set_topic_attributes(
                TopicArn=current.physical_id, AttributeName=key, AttributeValue=value
            )
        return PhysicalResource(current.physical_id, current.attributes)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete the topic with its subscriptions."""
        self.client.delete_topic(TopicArn=current.physical_id)


class TopicPolicy(ServiceResource):
    """``AWS::SNS::TopicPolicy``."""

    service = "sns"
    takes = names("PolicyDocument", "Topics")

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Set the policy of every topic."""
        for topic in wanted.properties["Topics"]:
            self._write(topic, wanted.properties["PolicyDocument"])
        return PhysicalResource(wanted.physical_id or generated_name(stack, wanted, 100))

    def delete(self, stack: Stack, current: Resource) -> None:
        """Restore a topic's default policy: its account may do everything."""
        for topic in current.properties["Topics"]:
            owner = {"StringEquals": {"AWS:SourceOwner": ACCOUNT_ID}}
            statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "SNS:*"}
            statement |= {"Resource": topic, "Condition": owner}
            self._write(topic, {"Version": "2008-10-17", "Statement": [statement]})

    def _write(self, topic: str, policy: Properties) -> None:
        self.client.set_topic_attributes(
            TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy)
        )


class Subscription(ServiceResource):
    """``AWS::SNS::Subscription``."""

    service = "sns"
    takes = names(
        "Endpoint",
        "FilterPolicy",
        "FilterPolicyScope",
        "Protocol",
        "RawMessageDelivery",
        "RedrivePolicy",
        "TopicArn",
    )

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Subscribe."""
        arn = self.client.subscribe(
            **{key: wanted.properties[key] for key in _SUBSCRIPTION},
            Attributes=_attributes(wanted.properties, *_SUBSCRIPTION),
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        return PhysicalResource(arn, {"Arn": arn})

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Update its attributes; a new topic or endpoint means a new subscription."""
        if any(current.properties[key] != wanted.properties[key] for key in _SUBSCRIPTION):
            return self.create(stack, wanted)
        for key, value in _attributes(wanted.properties, *_SUBSCRIPTION).items():
            self.client.set_subscription_attributes(
                SubscriptionArn=current.physical_id, AttributeName=key, AttributeValue=value
            )
        return PhysicalResource(current.physical_id, current.attributes)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Unsubscribe."""
        self.client.unsubscribe(SubscriptionArn=current.physical_id)


_SUBSCRIPTION = ("Endpoint", "Protocol", "TopicArn")


class Queue(ServiceResource):
    """``AWS::SQS::Queue``."""

    service = "sqs"
    takes = names(
        "ContentBasedDeduplication",
        "DelaySeconds",
        "FifoQueue",
        "KmsMasterKeyId",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "QueueName",
        "ReceiveMessageWaitTimeSeconds",
        "RedriveAllowPolicy",
        "RedrivePolicy",
        "SqsManagedSseEnabled",
        "VisibilityTimeout",
    )

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create the queue."""
        name = wanted.properties.get("QueueName") or generated_name(stack, wanted, 80)
        attributes = _attributes(wanted.properties, "QueueName")
        url = self.client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        asked = self.client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn = asked["Attributes"]["QueueArn"]
        return PhysicalResource(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Update its attributes; a new name means a new queue."""
        name = wanted.properties.get("QueueName", current.attributes["QueueName"])
        if name != current.attributes["QueueName"]:
            return self.create(stack, wanted)
        attributes = _attributes(wanted.properties, "QueueName")
        self.client.set_queue_attributes(QueueUrl=current.physical_id, Attributes=attributes)
        return PhysicalResource(current.physical_id, current.attributes)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete the queue with its messages."""
        self.client.delete_queue(QueueUrl=current.physical_id)


class QueuePolicy(ServiceResource):
    """``AWS::SQS::QueuePolicy``."""

    service = "sqs"
    takes = names("PolicyDocument", "Queues")

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Set the policy of every queue."""
        policy = json.dumps(wanted.properties["PolicyDocument"])
        for queue in wanted.properties["Queues"]:
            self.client.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        return PhysicalResource(wanted.physical_id or generated_name(stack, wanted, 100))

    def delete(self, stack: Stack, current: Resource) -> None:
        """Remove the policy from every queue."""
        for queue in current.properties["Queues"]:
            self.client.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})


def _attributes(properties: Properties, *others: str) -> dict[str, str]:
    """Convert properties to attributes (strings and JSON), without `others`."""
    return {key: _text(item) for key, item in properties.items() if key not in others}


def _text(value: Any) -> str:
    text: str = json.dumps(value) if isinstance(value, dict) else as_strings(value)
    return text
