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
    limits = {"AllowedPattern", "AllowedValues", "MinValue", "MaxLength"} & set(parameter)
    said = parameter.get("ConstraintDescription", "")
    if limits and name not in said:
        yield f"{name} needs a ConstraintDescription that names it"
    if whole := re.search(r"must be a whole number (?:of \w+ )?from (\d+) to (\d+)\.", said):
        good = {str(one) for one in range(int(whole[1]), int(whole[2]) + 1)}
        further = ("", " 1", "+1", "-1", "01", "00", "1.5", "2.0", "1e1", str(int(whole[2]) + 1))
        taken = {one for one in (*good, *further, str(int(whole[1]) - 1)) if takes(parameter, one)}
        if taken != good:
            yield f"{name} must take {whole[1]} to {whole[2]} and nothing else"
    elif "AllowedValues" in parameter:
        words = re.findall(r"[\w.-]*\w", said)
        if not {str(one) or "empty" for one in parameter["AllowedValues"]} <= set(words):
            yield f"{name} must say each value that it takes"
    elif parameter["Type"] == "Number" and "must be a number from" not in said:
        yield f"{name} must say that it takes fractions"


def takes(parameter, text):
    """Tell whether CloudFormation takes a value; of a number without AllowedValues, fractions."""
    if "AllowedValues" in parameter:
        return text in map(str, parameter["AllowedValues"])
    is_text = parameter["Type"] == "String"
    return not is_text or re.fullmatch(parameter["AllowedPattern"], text) is not None


def test_form(template):
    assert list(form_problems(template)) == []
    assert [name for name in template if name in SECTIONS] == SECTIONS


@pytest.mark.parametrize(
    ("section", "name", "key", "value"),
    [
        ("Parameters", "EndpointName", "ConstraintDescription", ""),
        ("Parameters", "EndpointName", "Description", "Name of the endpoint."),
        ("Parameters", "WhisperModelSize", "Description", ""),
        ("Parameters", "Redaction", "ConstraintDescription", "Redaction must be on."),
        ("Parameters", "MaxBatchSize", "Type", "Number"),
        ("Parameters", "MaxBatchSize", "AllowedPattern", "^[0-9]{1,3}$"),
        ("Parameters", "EngineWorkers", "AllowedValues", [0, 1, 2]),
        ("Parameters", "AutoScalingTargetGpuUtilization", "ConstraintDescription", "Too much."),
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
    # It has nothing to do with the second template: a short one is checked in less time.
    (tmp_path / "recordings.yaml").write_text("Resources: {Topic: {Type: AWS::SNS::Topic}}\n")
    settings = (template_path.parent / ".cfnlintrc.yaml").read_text()
    (tmp_path / ".cfnlintrc.yaml").write_text(settings)
    assert lint(tmp_path).stdout.startswith("I3042")
