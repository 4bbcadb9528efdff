# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The Tagging API and SageMaker's listings are as late, and as many pages, as AWS's are."""

import time

import pytest
from botocore.exceptions import ClientError

from local_cloud.sagemaker.tagging import LAG_SECONDS, TaggingApi

ARN = "arn:aws:sagemaker:us-east-1:123456789012"
TAG = {"Key": "owner", "Value": "me"}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def found(api, **request):
    answer = api.handle("GetResources", request)
    arns = [
        item["ResourceARN"].removeprefix(f"{ARN}:") for item in answer["ResourceTagMappingList"]
    ]
    return arns, answer["PaginationToken"]


def test_what_is_tagged_or_deleted_shows_later():
    clock = Clock()
    api = TaggingApi(clock, lag=60)
    api.note(f"{ARN}:model/m", {"owner": "me"})
    clock.now = 59
    assert found(api) == ([], "")
    clock.now = 60
    assert found(api) == (["model/m"], "")
    api.note(f"{ARN}:model/m", {})
    assert found(api) == (["model/m"], "")
    clock.now = 120
    assert found(api) == ([], "")


def test_filters_and_pages():
    api = TaggingApi(lag=0)
    for number in range(250):
        api.note(f"{ARN}:model/m{number:03}", {"owner": "me"})
    api.note(f"{ARN}:endpoint/e", {"owner": "me", "team": "a"})
    mine = {"TagFilters": [{"Key": "owner", "Values": ["me", "you"]}]}
    of_models = {**mine, "ResourceTypeFilters": ["sagemaker:model"]}
    sizes: list[int] = []
    token = ""
    while not sizes or token:
        arns, token = found(api, **of_models, PaginationToken=token)
        sizes.append(len(arns))
    assert sizes == [100, 100, 50]
    assert found(api, TagFilters=[{"Key": "team"}])[0] == ["endpoint/e"]
    assert found(api, TagFilters=[{"Key": "owner", "Values": ["you"]}])[0] == []
    assert found(api, **mine, ResourceTypeFilters=["sagemaker"], ResourcesPerPage=1)[0] == [
        "endpoint/e"
    ]


def test_over_http_it_is_there_after_its_time(cloud):
    sagemaker, tagging = cloud.client("sagemaker"), cloud.client("resourcegroupstaggingapi")
    container = {"Image": "i", "ModelDataUrl": "s3://b/m.tar.gz"}
    for number in range(12):
        sagemaker.create_model(ModelName=f"m{number}", PrimaryContainer=container, Tags=[TAG])
    page = sagemaker.list_models()
    assert [m["ModelName"] for m in page["Models"]] == [f"m{n}" for n in range(11, 1, -1)]
    rest = sagemaker.list_models(NextToken=page["NextToken"])
    assert [m["ModelName"] for m in rest["Models"]] == ["m1", "m0"]
    with pytest.raises(ClientError, match="MaxResults"):
        sagemaker.list_models(MaxResults=101)
    with pytest.raises(ClientError, match="more than 50 tags"):
        arn = rest["Models"][0]["ModelArn"]
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": str(n), "Value": ""} for n in range(50)])
    pages = tagging.get_paginator("get_resources")
    filters = {"TagFilters": [{"Key": "owner", "Values": ["me"]}]}
    assert list(pages.paginate(**filters).search("ResourceTagMappingList[]")) == []
    time.sleep(LAG_SECONDS)
    shown = pages.paginate(**filters, PaginationConfig={"PageSize": 5})
    assert len(list(shown.search("ResourceTagMappingList[]"))) == 12
    for number in range(12):
        sagemaker.delete_model(ModelName=f"m{number}")
