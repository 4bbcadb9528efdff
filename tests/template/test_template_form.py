# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The template reads like a form: every parameter is grouped, labelled and explained."""

import copy
import re
import subprocess
import sys
from pathlib import Path

import pytest

SECTIONS = ["Metadata", "Parameters", "Rules", "Mappings", "Conditions", "Resources", "Outputs"]


def form_problems(template):
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    if sorted(grouped) != sorted(template["Parameters"]):
        yield "each parameter must be in one group"
    if set(interface["ParameterLabels"]) != set(template["Parameters"]):
        yield "each parameter must have a label"
    for name, parameter in template["Parameters"].items():
        yield from parameter_problems(name, parameter)
    for name, rule in template["Rules"].items():
        said = [assertion.get("AssertDescription", "") for assertion in rule["Assertions"]]
        if not all(re.search(r": [a-z]", description) for description in said):
            yield f"{name} must say the remedy after a colon"
    for name, output in template["Outputs"].items():
        if not output.get("Description", "").endswith("."):
            yield f"{name} needs a description"


def parameter_problems(name, parameter):
    description = parameter.get("Description", "")
    if not re.fullmatch(r"[A-Z].*\.", description):
        yield f"{name} needs a description in sentences"
    if parameter.get("Default") == "" and "Empty: " not in description:
        yield f"{name} must say what empty means"
    limits = {"AllowedPattern", "MinValue", "MaxLength"} & set(parameter)
    if limits and name not in parameter.get("ConstraintDescription", ""):
        yield f"{name} needs a ConstraintDescription that names it"


def test_form(template):
    assert list(form_problems(template)) == []
    assert [name for name in template if name in SECTIONS] == SECTIONS


@pytest.mark.parametrize(
    ("section", "name", "key", "value"),
    [
        ("Parameters", "EndpointName", "ConstraintDescription", ""),
        ("Parameters", "EndpointName", "Description", "Name of the endpoint."),
        ("Parameters", "WhisperModelSize", "Description", ""),
        ("Outputs", "S3BucketName", "Description", "bucket"),
        ("Parameters", "Planted", "Type", "String"),
        ("Rules", "RegistryIsKnown", "Assertions", [{"AssertDescription": "Wrong."}]),
    ],
)
def test_a_spoilt_form_is_noticed(template, section, name, key, value):
    spoilt = copy.deepcopy(template)
    spoilt[section].setdefault(name, {})[key] = value
    assert list(form_problems(spoilt))


def test_deletion_policies_come_in_pairs(template):
    for name, resource in template["Resources"].items():
        assert ("DeletionPolicy" in resource) == ("UpdateReplacePolicy" in resource), name


def test_no_partition_url_suffix_or_region_is_hard_coded(template_path):
    text = template_path.read_text()
    resources = text[text.index("\nResources:") : text.index("\nOutputs:")]
    assert not re.search(r"arn:aws|amazonaws\.com/|us-east-1", resources)


def lint(folder):
    """Run cfn-lint as configured in a folder."""
    command = [str(Path(sys.executable).with_name("cfn-lint"))]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_cfn_lint_has_nothing_to_say_informational_rules_included(template_path, tmp_path):
    result = lint(template_path.parent)
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)

    # The configuration is read, and informational rules are on: this one is I3042.
    planted = template_path.read_text().replace("arn:${AWS::Partition}", "arn:aws", 1)
    (tmp_path / "template.yaml").write_text(planted)
    recordings = (template_path.parent / "recordings.yaml").read_text()
    (tmp_path / "recordings.yaml").write_text(recordings)
    settings = (template_path.parent / ".cfnlintrc.yaml").read_text()
    (tmp_path / ".cfnlintrc.yaml").write_text(settings)
    assert lint(tmp_path).stdout.startswith("I3042")
