# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What can be tested of verify_aws.sh without AWS: what it would do, and how it counts."""

import os
import shlex
import stat
import subprocess
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from local_cloud.cloudformation.parameters import check
from local_cloud.template_reader import read_template

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "scripts/verify_aws.sh"
GIVEN = ["--bucket", "my-artifacts", "--region", "eu-west-1"]
OF_THE_CLI = {"query", "output", "region"}
# Commands that the CLI has besides the API's operations.
CUSTOM = {("cloudformation", "deploy"), ("cloudformation", "wait")}


def run(*arguments, path=None, answer=""):
    environment = {"PATH": path or os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run(
        [str(SCRIPT), *arguments],
        env=environment,
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def lines():
    result = run(*GIVEN, "--dry-run")
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.splitlines()


def commands(lines):
    return [shlex.split(line) for line in lines if line.startswith("  ")]


def test_a_dry_run_needs_no_aws_and_shows_each_check(lines, tmp_path):
    checks = [line for line in lines if line.startswith("check: ")]
    assert len(checks) == len(set(checks)) >= 20
    assert lines[0].startswith("About ")
    assert lines[0].endswith(" USD.")
    (tmp_path / "aws").write_text("#!/bin/sh\necho called >&2\nexit 1\n")
    (tmp_path / "aws").chmod(stat.S_IRWXU)
    result = run(*GIVEN, "--dry-run", path=f"{tmp_path}:{os.environ['PATH']}")
    assert (result.returncode, result.stderr) == (0, "")


def test_every_command_is_one_that_the_cli_has(lines):
    session = botocore.session.get_session()
    called = [command for command in commands(lines) if command[0] == "aws"]
    assert len(called) > 15
    for command in called:
        words = command[5:]
        service, operation = words[0], words[1]
        model = session.get_service_model(service)
        if (service, operation) in CUSTOM:
            continue
        names = {xform_name(name, "-"): name for name in model.operation_names}
        shape = model.operation_model(names[operation]).input_shape
        members = {xform_name(member, "-") for member in shape.members}
        options = {word.removeprefix("--") for word in words[2:] if word.startswith("--")}
        assert options <= members | OF_THE_CLI, command


def test_every_deployment_is_one_that_the_template_takes(lines):
    template = read_template((ROOT / "template.yaml").read_text())
    kept: dict[str, str] = {}
    seen = 0
    for command in commands(lines):
        if command[5:7] != ["cloudformation", "deploy"]:
            continue
        given = command[command.index("--parameter-overrides") + 1 :]
        kept |= dict(word.split("=", 1) for word in given)
        assert check(template, kept, "eu-west-1", ["CAPABILITY_IAM"]) == []
        seen += 1
    assert seen > 8


def test_everything_ends_with_a_deletion_and_a_count(lines):
    last = [command[5:7] for command in commands(lines)][-3:]
    assert last == [
        ["cloudformation", "delete-stack"],
        ["cloudformation", "wait"],
        ["resourcegroupstaggingapi", "get-resources"],
    ]


@pytest.mark.parametrize("arguments", [[], ["--bucket", "b"], ["--region"], ["--all"]])
def test_wrong_arguments_give_the_usage(arguments):
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("usage: scripts/verify_aws.sh")


def tools(folder, aws):
    for name, text in {"aws": aws, "make": "exit 0", "python3": "exit 0"}.items():
        (folder / name).write_text(f"#!/bin/sh\necho {name} $@ >> {folder}/calls\n{text}\n")
        (folder / name).chmod(stat.S_IRWXU)
    return f"{folder}:{os.environ['PATH']}"


def test_it_asks_first(tmp_path):
    path = tools(tmp_path, "echo 111122223333")
    result = run(*GIVEN, path=path, answer="n\n")
    assert result.returncode == 1
    assert "deploy" not in (tmp_path / "calls").read_text()


def test_what_fails_is_counted_and_the_stack_deleted_all_the_same(tmp_path):
    path = tools(tmp_path, "exit 1")
    result = run(*GIVEN, "--yes", path=path)
    assert result.returncode == 1
    assert "FAILED: a stack with defaults is created" in result.stdout
    # What is expected to fail has held.
    assert "held:  a broken update is rolled back" in result.stdout
    assert "delete-stack" in (tmp_path / "calls").read_text()
