# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import threading

from moto.dynamodb.models.dynamo_type import Item


def is_written_while_it_is_read(client, monkeypatch):
    """Tell whether an item may be written while a query copies it."""
    key = [{"AttributeName": "id", "KeyType": "HASH"}]
    kinds = [{"AttributeName": "id", "AttributeType": "S"}]
    client.create_table(
        TableName="jobs", KeySchema=key, AttributeDefinitions=kinds, BillingMode="PAY_PER_REQUEST"
    )
    item = {"id": {"S": "one"}}
    client.put_item(TableName="jobs", Item=item)
    written = threading.Event()
    copy = Item.__deepcopy__

    def write():
        client.put_item(TableName="jobs", Item=item | {"more": {"S": "a word"}})
        written.set()

    writer = threading.Thread(target=write)
    seen: list[bool] = []

    def slowly(self, memo):
        if not seen:
            writer.start()
            seen.append(written.wait(0.5))
        return copy(self, memo)

    monkeypatch.setattr(Item, "__deepcopy__", slowly)
    values = {":id": {"S": "one"}}
    client.query(
        TableName="jobs", KeyConditionExpression="id = :id", ExpressionAttributeValues=values
    )
    writer.join()
    return seen.pop()


def test_an_item_is_read_whole_while_others_write(cloud, monkeypatch):
    client = cloud.client("dynamodb")
    assert not is_written_while_it_is_read(client, monkeypatch)
    client.delete_table(TableName="jobs")
