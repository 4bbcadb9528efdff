# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import io
import zipfile

import pytest
import urllib3

from deploy_whisper.archive.hub import HUB_MODELS, Hub
from deploy_whisper.archive.weights import HubWeights
from local_cloud.server import LocalCloud
from tests.fakes.stand_ins import ScriptedHosting

FILES = {
    "config.json": b"{}",
    "model.bin": b"0123456789",
    "tokenizer.json": b"",
    "vocabulary.txt": b"a",
}
REPOSITORY, REVISION = HUB_MODELS["base"]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    with LocalCloud(ScriptedHosting, models={f"{REPOSITORY}@{REVISION}": folder}) as running:
        yield running


@pytest.fixture
def hub(cloud):
    return f"{cloud.unsigned_url}/hub"


def test_the_deployer_reads_a_whole_model(hub):
    source = Hub(hub, REPOSITORY, REVISION)
    found = HubWeights(source).files()

    assert {file.path: b"".join(source.read(file)) for file in found} == FILES
    for file in found:
        digest = file.hasher()
        digest.update(FILES[file.path])
        assert file.digest == f"sha256:{digest.hexdigest()}"


def test_a_file_is_read_from_a_byte_on(hub):
    source = Hub(hub, REPOSITORY, REVISION)
    (model,) = (file for file in source.files() if file.path == "model.bin")

    assert b"".join(source.read(model, 7)) == b"789"


@pytest.mark.parametrize(
    "path",
    [
        f"api/models/{REPOSITORY}/tree/main",
        "api/models/nobody/nothing/tree/main",
        f"{REPOSITORY}/resolve/{REVISION}/README.md",
        f"{REPOSITORY}/resolve/{REVISION}/%2e%2e/secret",
        f"{REPOSITORY}/resolve/{REVISION}",
        "api/models",
    ],
)
def test_what_it_does_not_hold_is_not_there(cloud, hub, path):
    (cloud.folder / "secret").write_text("secret")

    assert urllib3.request("GET", f"{hub}/{path}").status == 404


def test_functions_are_pointed_to_the_hub(cloud, hub):
    role = cloud.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr(
            "main.py", "import os\ndef handler(*_): print(os.environ['HF_ENDPOINT'])\n"
        )
    function = cloud.client("lambda").create_function(
        FunctionName="f",
        Runtime="python3.13",
        Role=role["Arn"],
        Handler="main.handler",
        Code={"ZipFile": code.getvalue()},
    )
    cloud.functions.invoke(function["FunctionArn"], {"RequestId": "1"})

    assert cloud.functions.lines == [hub]
