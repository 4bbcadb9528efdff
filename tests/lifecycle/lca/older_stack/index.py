# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the function of Live Call Analytics' own stack does to AWS: nothing of it is tagged.

A model and an archive for each deployment, named for the time; a config named as the endpoint, and
another one for each update; a scalable target that an update registers again without its policy; a
deletion that guesses the model's name and always succeeds.
"""

import json
import time
import urllib.request
from typing import Any

import boto3
from botocore.exceptions import ClientError


def handler(event: dict[str, Any], context: Any) -> None:
    """Carry out a request of CloudFormation and answer it, all in one invocation."""
    del context
    physical_id = event.get("PhysicalResourceId", "")
    if event["RequestType"] == "Delete":
        _delete(physical_id)
    else:
        physical_id = _deploy(event["ResourceProperties"], physical_id)
    answer = {
        "Status": "SUCCESS",
        "Reason": "see the log",
        "PhysicalResourceId": physical_id,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"EndpointName": physical_id},
    }
    url = event["ResponseURL"].replace("https://", "http://")  # the local cloud has no TLS
    request = urllib.request.Request(url, json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(request).close()


def _deploy(properties: dict[str, str], existing: str) -> str:
    sagemaker = boto3.client("sagemaker")
    name = existing or properties["EndpointName"]
    stamp = str(time.time_ns())
    bucket, key = properties["S3Bucket"], f"{properties['S3Prefix']}/model_{stamp}.tar.gz"
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=b"the program")
    sagemaker.create_model(
        ModelName=f"whisper-model-{stamp}",
        PrimaryContainer={"Image": "pytorch-inference", "ModelDataUrl": f"s3://{bucket}/{key}"},
        ExecutionRoleArn=properties["SageMakerRoleArn"],
    )
    config = f"{name}-config-{stamp}" if existing else name
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": f"whisper-model-{stamp}",
        "InitialInstanceCount": int(properties["InstanceCount"]),
        "InstanceType": properties["InstanceType"],
    }
    targets = _deregistered(name) if existing else []
    sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant])
    bring = sagemaker.update_endpoint if existing else sagemaker.create_endpoint
    bring(EndpointName=name, EndpointConfigName=config)
    while sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] != "InService":
        time.sleep(0.1)
    for target in targets:
        boto3.client("application-autoscaling").register_scalable_target(**target)
    return name


def _deregistered(name: str) -> list[dict[str, Any]]:
    scaling = boto3.client("application-autoscaling")
    kept = ("ServiceNamespace", "ResourceId", "ScalableDimension", "MinCapacity", "MaxCapacity")
    found = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    targets = [
        {field: target[field] for field in kept}
        for target in found
        if target["ResourceId"].startswith(f"endpoint/{name}/variant/")
    ]
    for target in targets:
        scaling.deregister_scalable_target(**{field: target[field] for field in kept[:3]})
    return targets


def _delete(name: str) -> None:
    sagemaker = boto3.client("sagemaker")
    guessed = f"whisper-model-{name.rpartition('-')[2]}"
    for delete, thing in (
        (sagemaker.delete_endpoint, {"EndpointName": name}),
        (sagemaker.delete_endpoint_config, {"EndpointConfigName": name}),
        (sagemaker.delete_model, {"ModelName": guessed}),
    ):
        try:
            delete(**thing)
        except ClientError as error:
            print(error)
