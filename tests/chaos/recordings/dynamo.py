# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""In-memory DynamoDB for the job table; its tests also run against moto."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from tests.fakes.object_store import refusal

Item = dict[str, Any]
_INDEXES = {"by-status": "status", "by-batch": "batch"}
_CLAUSE = re.compile(r"\b(SET|ADD|REMOVE)\b")


class FakeDynamo:
    """One table with the key ``id``.

    Attributes
    ----------
    items : dict of str to dict
        By id, with DynamoDB's types.
    on_write : callable
        Called with every written item, before and after.
    is_index_late : bool
        Whether indexes show what was so at the last query: DynamoDB's lag behind the table.
    """

    def __init__(self, on_write: Callable[[Item, Item], None] = lambda before, after: None) -> None:
        self.items: dict[str, Item] = {}
        self.on_write = on_write
        self.is_index_late = False
        self._indexed: dict[str, Item] = {}

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Execute an operation by boto3's name."""
        method: Callable[..., dict[str, Any]] = getattr(self, f"_{operation}")
        return method(request)

    def _put_item(self, request: dict[str, Any]) -> dict[str, Any]:
        key = request["Item"]["id"]["S"]
        before = self.items.get(key, {})
        self._require(request, before, "PutItem")
        self.items[key] = dict(request["Item"])
        self.on_write(before, self.items[key])
        return {}

    def _get_item(self, request: dict[str, Any]) -> dict[str, Any]:
        item = self.items.get(request["Key"]["id"]["S"])
        return {"Item": dict(item)} if item else {}

    def _update_item(self, request: dict[str, Any]) -> dict[str, Any]:
        key = request["Key"]["id"]["S"]
        before = self.items.get(key, {})
        self._require(request, before, "UpdateItem")
        after = dict(before) or dict(request["Key"])
        parts = _CLAUSE.split(request["UpdateExpression"])[1:]
        for kind, text in zip(parts[::2], parts[1::2], strict=True):
            for one in re.split(r",(?![^()]*(?:\([^()]*\)[^()]*)*\))", text):
                _apply(kind, one.strip(), request, before, after)
        self.items[key] = after
        self.on_write(before, after)
        return {"Attributes": dict(after)} if request.get("ReturnValues") == "ALL_NEW" else {}

    def _transact_write_items(self, request: dict[str, Any]) -> dict[str, Any]:
        puts = [one["Put"] for one in request["TransactItems"]]
        there = [self.items.get(put["Item"]["id"]["S"], {}) for put in puts]
        held = [
            _holds(put["ConditionExpression"], item, put)
            for put, item in zip(puts, there, strict=True)
        ]
        if not all(held):
            error = refusal("TransactionCanceledException", "TransactWriteItems")
            codes = ["None" if one else "ConditionalCheckFailed" for one in held]
            error.response["CancellationReasons"] = [{"Code": code} for code in codes]
            raise error
        for put in puts:
            self._put_item(put)
        return {}

    def _query(self, request: dict[str, Any]) -> dict[str, Any]:
        name = _INDEXES[request["IndexName"]]
        condition = request["KeyConditionExpression"]
        shown = self._indexed if self.is_index_late else self.items
        self._indexed = dict(self.items)
        is_newest_first = not request.get("ScanIndexForward", True)
        found = sorted(
            (one for one in shown.values() if name in one and _holds(condition, one, request)),
            key=_place,
            reverse=is_newest_first,
        )
        begin = 0
        if "ExclusiveStartKey" in request:  # which another write may have taken out of the index
            last = _place(self.items[request["ExclusiveStartKey"]["S"]])
            begin = sum(
                _place(one) == last or (_place(one) > last) == is_newest_first for one in found
            )
        read = found[begin : begin + request.get("Limit", len(found))]
        more = {"LastEvaluatedKey": read[-1]["id"]} if found[-1:] != read[-1:] else {}
        return {"Items": [dict(item) for item in read], **more}

    def _require(self, request: dict[str, Any], item: Item, operation: str) -> None:
        condition = request.get("ConditionExpression")
        if condition is not None and not _holds(condition, item, request):
            raise refusal("ConditionalCheckFailedException", operation)


def _place(item: Item) -> tuple[Decimal, str]:
    return Decimal(item["submitted_at"]["N"]), item["id"]["S"]


def throttled(operation: str) -> ClientError:
    """Return DynamoDB's throttling error."""
    return refusal("ProvisionedThroughputExceededException", operation)


def _holds(condition: str, item: Item, request: dict[str, Any]) -> bool:
    for word, needed in ((" OR ", any), (" AND ", all)):
        if word in condition:
            return needed(_holds(part, item, request) for part in condition.split(word))
    condition = condition.strip()
    if match := re.fullmatch(r"attribute_(not_)?exists\((.+)\)", condition):
        return (_name(match[2], request) in item) != bool(match[1])
    if match := re.fullmatch(r"(\S+) IN \((.+)\)", condition):
        values = [_value(one.strip(), request, item) for one in match[2].split(",")]
        return item.get(_name(match[1], request)) in values
    if match := re.fullmatch(r"size\((\S+)\) > (\S+)", condition):
        held = len(item.get(_name(match[1], request), {"L": []})["L"])
        return held > int(_value(match[2], request, item)["N"])
    match = re.fullmatch(r"(\S+) (=|<) (\S+)", condition)
    assert match, condition
    left, right = item.get(_name(match[1], request)), _value(match[3], request, item)
    if left is None or match[2] == "=":
        return bool(left == right)
    return Decimal(left["N"]) < Decimal(right["N"])


def _apply(kind: str, text: str, request: dict[str, Any], before: Item, after: Item) -> None:
    if kind == "REMOVE" and (match := re.fullmatch(r"(\S+)\[0\]", text)):
        name = _name(match[1], request)
        after[name] = {"L": before[name]["L"][1:]}
    elif kind == "REMOVE":
        after.pop(_name(text, request), None)
    elif kind == "ADD":
        name, value = text.split()
        old = Decimal(before.get(name, {"N": "0"})["N"])
        after[name] = {"N": str(old + Decimal(_value(value, request, before)["N"]))}
    else:
        target, _, value = text.partition("=")
        after[_name(target.strip(), request)] = _value(value.strip(), request, before)


def _value(text: str, request: dict[str, Any], item: Item) -> Any:
    if match := re.fullmatch(r"list_append\((.+), (\S+)\)", text):
        both = [_value(one, request, item)["L"] for one in match.groups()]
        return {"L": both[0] + both[1]}
    if match := re.fullmatch(r"if_not_exists\((\S+), (\S+)\)", text):
        name = _name(match[1], request)
        return item[name] if name in item else _value(match[2], request, item)
    return request["ExpressionAttributeValues"][text]


def _name(text: str, request: dict[str, Any]) -> str:
    return str(request.get("ExpressionAttributeNames", {}).get(text, text))
