# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The AWS that the recordings' tests run in: moto's, with the table as the template makes it."""

from typing import Any

import boto3

REGION = "eu-west-1"


def make_table(client: Any, name: str = "jobs") -> None:
    """Make the job table with its indexes."""
    by = {"by-status": "status", "by-batch": "batch"}
    attributes = {"id": "S", "status": "S", "batch": "S", "submitted_at": "N"}
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": kind} for key, kind in attributes.items()
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": key, "KeyType": "HASH"},
                    {"AttributeName": "submitted_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
            for index, key in by.items()
        ],
    )


def client(service: str) -> Any:
    """Return a client of moto's account."""
    return boto3.client(service, region_name=REGION)
