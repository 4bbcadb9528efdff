# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import os
import re
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
import urllib3

import local_cloud
from local_cloud import inventory
from local_cloud.server import LocalCloud
from tests.fakes.stand_ins import ScriptedHosting


def test_the_inventory_counts_what_costs_money_or_blocks_a_name(cloud):
    before = inventory.take(cloud)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="counted")
    s3.put_bucket_versioning(Bucket="counted", VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        s3.put_object(Bucket="counted", Key="a", Body=b"")
    s3.delete_object(Bucket="counted", Key="a")
    upload = s3.create_multipart_upload(Bucket="counted", Key="b")["UploadId"]
    cloud.client("logs").create_log_group(logGroupName="g")
    cloud.client("events").put_rule(Name="r", ScheduleExpression="rate(2 minutes)")
    cloud.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")
    cloud.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/e/variant/v",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=1,
        MaxCapacity=2,
    )
    source = {"S3Uri": "s3://b/m/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    cloud.client("sagemaker").create_model(
        ModelName="m",
        PrimaryContainer={"Image": "i", "ModelDataSource": {"S3DataSource": source}},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/role",
    )
    assert inventory.take(cloud) - before == {
        "S3 buckets": 1,
        "S3 object versions": 2,
        "S3 delete markers": 1,
        "S3 unfinished uploads": 1,
        "log groups": 1,
        "EventBridge rules": 1,
        "IAM roles": 1,
        "scalable targets": 1,
        "SageMaker models": 1,
    }
    s3.abort_multipart_upload(Bucket="counted", Key="b", UploadId=upload)


def test_any_client_finds_the_cloud_through_its_environment(cloud):
    assert cloud.environment() == {
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_ACCESS_KEY_ID": cloud.keys.key_id,
        "AWS_SECRET_ACCESS_KEY": cloud.keys.secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }


def test_an_answer_that_nobody_waits_for(cloud):
    answer = urllib3.request("PUT", f"{cloud.url}/_local/responses/none", body=b"{}")
    assert answer.status == 403


def test_processes_of_somebody_else_do_not_count():
    asleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(asleep) as earlier:
        with LocalCloud(ScriptedHosting) as cloud:
            assert inventory.take(cloud) == {}
            with subprocess.Popen(asleep) as later:
                assert [process.pid for process in cloud.processes()] == [later.pid]
                assert inventory.take(cloud) == {"processes": 1}
                later.kill()
            assert inventory.take(cloud) == {}
        earlier.kill()


# In a process of its own: Ctrl-C ends more than a test.
IMPATIENT = """
import signal
from local_cloud.server import LocalCloud
from tests.fakes.stand_ins import ScriptedHosting

class Impatient(ScriptedHosting):
    def close(self):
        print("ending", flush=True)
        signal.raise_signal(signal.SIGINT)
        super().close()

signal.signal(signal.SIGINT, signal.default_int_handler)
cloud = LocalCloud(Impatient)
print(cloud.folder, cloud.url, flush=True)
try:
    with cloud:
        signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("ended", cloud.folder.exists(), flush=True)
"""


def test_a_second_ctrl_c_while_it_ends_leaves_nothing():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", IMPATIENT], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        first, *ending = process.stdout.read().splitlines()
    folder, url = first.split()
    assert (ending, process.returncode) == (["ending", "ended False"], 0)
    assert not Path(folder).exists()
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("GET", url, retries=False)


def test_every_cloud_begins_empty():
    for _ in range(2):
        with LocalCloud(ScriptedHosting) as cloud:
            assert inventory.take(cloud) == {}
            cloud.client("s3").create_bucket(Bucket="only-once")
            cloud.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")


def test_the_example_of_the_readme(monkeypatch, capsys):
    text = (Path(local_cloud.__file__).parent / "README.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    found = []

    def visited(prompt):
        for name, value in re.findall(r"export (\w+)=(\S+)", capsys.readouterr().out):
            monkeypatch.setenv(name, value)
        assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:45661"
        found.extend(boto3.client("s3").list_buckets()["Buckets"])

    monkeypatch.setattr("builtins.input", visited)
    exec(example.replace("4566", "45661"), {})
    assert [bucket["Name"] for bucket in found] == ["mine"]
