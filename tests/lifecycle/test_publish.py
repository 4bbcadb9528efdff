# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""publish.sh as Live Call Analytics runs it, with the real AWS CLI against moto's server."""

import os
import shutil
import socket
import sys
from unittest import mock

import boto3
import pytest
from moto.cloudformation import models
from moto.server import ThreadedMotoServer

from local_cloud.cloudformation.parameters import check, resolver
from local_cloud.template_reader import read_template
from tests.lifecycle.publishing import ROOT, check_out, run, variables

BUCKET = "lca-artifacts-us-east-1"
PREFIX = "artifacts/lca/0.9.7"
KEY = f"{PREFIX}/lca-whisper-sagemaker-stack/template.yaml"
REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@pytest.fixture(scope="module")
def errors_alone():
    """As CloudFormation, whose ValidateTemplate says nothing of what cfn-lint only warns of.

    The nested template's address, of this server, is no https and a warning.
    """
    original = models.validate_template_cfn_lint

    def errors(template):
        return [match for match in original(template) if match.rule.id.startswith("E")]

    with mock.patch.object(models, "validate_template_cfn_lint", errors):
        yield


@pytest.fixture(scope="module")
def cloud(errors_alone):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture(scope="module")
def s3(cloud):
    client = boto3.client(
        "s3",
        endpoint_url=cloud,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return check_out(tmp_path_factory.mktemp("lca"))


@pytest.fixture(scope="module")
def environment(cloud, tmp_path_factory):
    access = {"AWS_ENDPOINT_URL": cloud, **KEYS}
    return variables(access, tmp_path_factory.mktemp("home"))


def publish(checkout, environment, *arguments):
    # The parent changes into the directory and calls the script there.
    return run(["./publish.sh", *arguments], checkout, environment)


def watched(checkout):
    """What LCA looks at to see whether a stack has changed."""
    return {
        str(path.relative_to(checkout)): path.stat().st_mtime_ns
        for path in checkout.rglob("*")
        if path.is_file() and "build" not in path.relative_to(checkout).parts
    }


def newest(s3):
    versions = s3.list_object_versions(Bucket=BUCKET, Prefix=PREFIX)["Versions"]
    return {(item["Key"], item["ETag"]) for item in versions if item["IsLatest"]}


@pytest.fixture(scope="module")
def published(checkout, environment, s3):
    """What publishing twice said, and each time the newest objects and the template."""
    before = watched(checkout)
    results, listings, templates = [], [], []
    for _ in range(2):
        results.append(publish(checkout, environment, BUCKET, PREFIX, REGION))
        listings.append(newest(s3))
        templates.append(s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read().decode())
    assert watched(checkout) == before
    return results, listings, templates


@pytest.mark.slow
def test_publish_twice(published, s3):
    results, listings, templates = published
    url = f"https://s3.{REGION}.amazonaws.com/{BUCKET}/{KEY}"
    assert [(item.stdout, item.returncode) for item in results] == [(f"{url}\n", 0)] * 2, results
    # Quiet where nobody watches.
    assert [item.stderr for item in results] == ["", ""]
    assert templates[0] == templates[1]
    assert listings[0] == listings[1]
    keys = [key for key, _ in listings[0]]
    assert len(keys) == 9  # two templates, four zip files, three state machines
    assert all(key.startswith(f"{PREFIX}/lca-whisper-sagemaker-stack/") for key in keys)

    template = read_template(templates[0])
    resources = template["Resources"]
    for name, where in {
        "WhisperDeploymentFunction": "Code",
        "DependenciesLayer": "Content",
        "EndpointProgramLayer": "Content",
    }.items():
        place = resources[name]["Properties"][where]
        assert place["S3Bucket"] == BUCKET
        assert place["S3Key"] in keys
    nested = resources["Recordings"]["Properties"]["TemplateURL"].partition(f"/{BUCKET}/")[2]
    assert nested in keys
    body = s3.get_object(Bucket=BUCKET, Key=nested)["Body"].read().decode()
    resources = read_template(body)["Resources"]
    for name, where, bucket, key in (
        ("AcceptFunction", "Code", "S3Bucket", "S3Key"),
        ("RecordingStateMachine", "DefinitionS3Location", "Bucket", "Key"),
        ("BatchStateMachine", "DefinitionS3Location", "Bucket", "Key"),
    ):
        place = resources[name]["Properties"][where]
        assert place[bucket] == BUCKET
        assert place[key] in keys


@pytest.mark.slow
def test_the_published_template_is_the_one_in_the_checkout(checkout, published):
    text = published[2][-1]
    # CloudFormation's limit for a template that is given by its address.
    assert len(text.encode()) <= 1_000_000
    packaged = read_template(text)
    source = read_template((checkout / "template.yaml").read_text())
    for section in ("Parameters", "Rules", "Conditions", "Outputs", "Mappings", "Metadata"):
        assert packaged[section] == source[section]
    assert check(packaged, {}, REGION, ["CAPABILITY_IAM"]) == []
    for name, resource in packaged["Resources"].items():
        assert resource["Type"] == source["Resources"][name]["Type"]
        resolver(packaged, {}, REGION).resolve(resource["Properties"])


@pytest.mark.slow
def test_public_lets_everybody_read_what_is_published(checkout, environment, published, s3):
    prefix = "public/1"
    result = publish(checkout, environment, BUCKET, prefix, REGION, "public")
    assert result.returncode == 0, result.stderr
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]]
    assert len(keys) == 9  # two templates, four zip files, three state machines
    for key in keys:
        assert everybody_may(s3, key)
    assert not everybody_may(s3, KEY)


def everybody_may(s3, key):
    grants = s3.get_object_acl(Bucket=BUCKET, Key=key)["Grants"]
    return any(
        grant["Permission"] == "READ" and grant["Grantee"].get("URI", "").endswith("/AllUsers")
        for grant in grants
    )


@pytest.mark.slow
def test_failures_are_passed_on(checkout, environment, s3):
    result = publish(checkout, environment, "no-such-bucket", PREFIX, REGION)
    assert result.returncode != 0
    assert "Check the bucket no-such-bucket and the credentials: " in result.stderr

    moved = checkout / "inference/config.yaml"
    moved.rename(checkout / "config.yaml")
    result = publish(checkout, environment, BUCKET, "other", REGION)
    (checkout / "config.yaml").rename(moved)
    assert result.returncode != 0
    assert "inference/config.yaml is missing" in result.stderr
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="other")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (BUCKET, PREFIX),
        (BUCKET, PREFIX, ""),
        ("", PREFIX, REGION),
        (BUCKET, PREFIX, REGION, "private"),
        (BUCKET, PREFIX, REGION, "public", "more"),
    ],
    ids=len,
)
def test_wrong_arguments_give_the_usage(arguments):
    # Without tools or credentials: it must not come that far.
    result = run([str(ROOT / "publish.sh"), *arguments], "/", {"PATH": os.environ["PATH"]})
    assert result.returncode == 2
    assert result.stderr.startswith("usage: ./publish.sh <bucket> <prefix/version> <region>")


def test_a_missing_tool_is_named(tmp_path):
    for tool in ("bash", "dirname"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    command = [str(tmp_path / "bash"), str(ROOT / "publish.sh"), BUCKET, PREFIX, REGION]
    result = run(command, "/", {"PATH": str(tmp_path)})
    assert (result.stderr, result.returncode) == (
        "publish: install python3, which is not on the PATH.\n",
        1,
    )


@pytest.mark.slow
def test_package_and_deploy_with_the_aws_cli_alone(checkout, environment, s3, cloud, tmp_path):
    region = ["--region", REGION]
    package = ["aws", "cloudformation", "package", "--template-file", "template.yaml"]
    package += ["--s3-bucket", BUCKET, "--s3-prefix", "alone", *region]
    package += ["--output-template-file", "build/alone.yaml"]
    # What plain packaging needs is what the build leaves next to the template.
    built = run([sys.executable, "-B", "-m", "scripts.publish.build"], checkout, environment)
    assert (built.stdout, built.returncode) == ("build/template.yaml\n", 0)
    result = run(package, checkout, environment)
    assert result.returncode == 0, result.stderr

    deploy = ["aws", "cloudformation", "deploy", "--template-file", "build/alone.yaml"]
    deploy += ["--stack-name", "whisper", "--capabilities", "CAPABILITY_IAM", *region]
    deploy += ["--s3-bucket", BUCKET, "--s3-prefix", "alone"]
    deploy += ["--parameter-overrides", "EndpointName=whisper-test", "--no-execute-changeset"]
    # moto finds the bucket in a template's address only where that is at localhost.
    config = tmp_path / "config"
    config.write_text("[default]\ns3 =\n  addressing_style = path\n")
    at_localhost = {
        **environment,
        "AWS_CONFIG_FILE": str(config),
        "AWS_ENDPOINT_URL": cloud.replace("127.0.0.1", "localhost"),
    }
    result = run(deploy, checkout, at_localhost)
    assert result.returncode == 0, result.stderr
    cloudformation = boto3.client(
        "cloudformation",
        endpoint_url=cloud,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    (summary,) = cloudformation.list_change_sets(StackName="whisper")["Summaries"]
    change_set = cloudformation.describe_change_set(ChangeSetName=summary["ChangeSetId"])
    changed = {change["ResourceChange"]["LogicalResourceId"] for change in change_set["Changes"]}
    alone = read_template((checkout / "build/alone.yaml").read_text())
    assert changed == set(alone["Resources"])
    assert check(alone, {"EndpointName": "whisper-test"}, REGION, ["CAPABILITY_IAM"]) == []
    assert {"ParameterKey": "EndpointName", "ParameterValue": "whisper-test"} in (
        change_set["Parameters"]
    )
