# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import io
import json
import subprocess
import sys
import threading
import time
import zipfile

import psutil
import pytest

from local_cloud.aws_lambda.process_pool import BOOTSTRAP
from local_cloud.cloudformation.provider import ResourceFailed

HANDLER = """
import json, os, sys, time
import helper_in_layer

calls = 0
importer = os.getpid()

def handler(event, context):
    global calls
    calls += 1
    print(json.dumps({
        "event": event,
        "calls": calls,
        "processes": [importer, os.getpid()],
        "layer": helper_in_layer.WORD,
        "variables": {name: os.environ.get(name) for name in (
            "MINE", "AWS_ENDPOINT_URL", "AWS_REGION", "ENDPOINT_TREE", "SECRET_OF_THE_SHELL"
        )},
        "context": [
            context.function_name, context.invoked_function_arn, context.aws_request_id,
            0 < context.get_remaining_time_in_millis() <= 20_000,
        ],
        "checkout": any(path.rstrip("/").endswith("local_cloud") for path in sys.path),
    }), flush=True)
    if event.get("Exit"):
        os._exit(3)
    if event.get("Leave"):
        sys.exit(4)
    if event.get("Fail"):
        raise RuntimeError("of the function's own")
    if event.get("Sleep"):
        time.sleep(600)
"""


def zipped(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/").replace("_py", ".py"), text)
    return buffer.getvalue()


@pytest.fixture
def function(cloud, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "x")
    role = cloud.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]
    client = cloud.client("lambda")
    layer = client.publish_layer_version(
        LayerName="layer",
        Content={
            "ZipFile": zipped(
                python__helper_in_layer_py="WORD = 'from the layer'", endpoint__config="x"
            )
        },
    )["LayerVersionArn"]
    arn = client.create_function(
        FunctionName="f",
        Runtime="python3.13",
        Role=role["Arn"],
        Handler="package.main.handler",
        Code={"ZipFile": zipped(package__main_py=HANDLER)},
        Layers=[layer],
        Timeout=20,
        Environment={"Variables": {"MINE": "1"}},
    )["FunctionArn"]
    del cloud.functions.lines[:]
    yield arn
    client.delete_function(FunctionName="f")
    client.delete_layer_version(LayerName="layer", VersionNumber=1)
    cloud.client("iam").delete_role(RoleName="r")


def test_the_uploaded_code_and_layers_run_in_a_process_of_their_own(cloud, function):
    for request_id in ("1", "2"):
        cloud.functions.invoke(function, {"RequestId": request_id})
    first, second = map(json.loads, cloud.functions.lines)
    # A process for each: nothing is carried from one invocation to the next but what is imported.
    assert (first["calls"], second["calls"]) == (1, 1)
    assert first["processes"][0] == second["processes"][0]
    assert len({*first["processes"], *second["processes"]}) == 3
    assert second["event"] == {"RequestId": "2"}
    assert first["layer"] == "from the layer"
    tree = first["variables"].pop("ENDPOINT_TREE")
    assert tree.startswith(str(cloud.folder))
    assert tree.endswith("/endpoint")
    assert first["variables"] == {
        "MINE": "1",
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_REGION": "us-east-1",
        "SECRET_OF_THE_SHELL": None,
    }
    assert first["context"] == ["f", function, "1", True]
    assert first["checkout"] is False


def test_what_goes_wrong_is_in_the_functions_log(cloud, function):
    cloud.functions.invoke(function, {"RequestId": "1", "Fail": True})
    assert cloud.functions.lines[-1] == "RuntimeError: of the function's own"


@pytest.mark.parametrize("way", ["Exit", "Leave"])
def test_after_one_that_exits_by_itself_the_next_has_a_process(cloud, function, way):
    cloud.functions.invoke(function, {"RequestId": "1", way: True})
    cloud.functions.invoke(function, {"RequestId": "2"})
    first, second = map(json.loads, cloud.functions.lines)
    assert second["event"] == {"RequestId": "2"}
    assert first["processes"][0] != second["processes"][0]


# Begins a process of the bootstrap as the cloud does, and waits for ever.
PARENT = """
import subprocess, sys, time
process = subprocess.Popen(
    [sys.executable, sys.argv[1], "fresh", "main.handler", sys.argv[2]],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
)
process.stdin.write(sys.argv[3] + "\\n")
process.stdin.flush()
print(process.pid, process.stdout.readline(), flush=True)
time.sleep(600)
"""


def test_what_runs_ends_with_a_cloud_that_is_killed(tmp_path):
    (tmp_path / "main.py").write_text(
        "import os, time\n"
        "def handler(event, context):\n"
        "    print(os.getpid(), flush=True)\n"
        "    time.sleep(600)\n"
    )
    request = {"event": {}, "context": {"seconds": 900, "function_name": "f"}}
    command = [sys.executable, "-c", PARENT, BOOTSTRAP, tmp_path, json.dumps(request)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        family = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(family) == 2
    assert psutil.wait_procs(family, timeout=60)[1] == []


def test_a_function_that_does_not_exist(cloud):
    arn = "arn:aws:lambda:us-east-1:123456789012:function:none"
    with pytest.raises(ResourceFailed, match=f"There is no function {arn}"):
        cloud.functions.invoke(arn, {"RequestId": "1"})


def test_closing_ends_what_runs(cloud, function):
    event = {"RequestId": "1", "Sleep": True}
    thread = threading.Thread(target=cloud.functions.invoke, args=(function, event))
    thread.start()
    while not cloud.functions.lines:
        time.sleep(0.01)
    cloud.functions.close()
    thread.join(30)
    assert not thread.is_alive()
    assert cloud.functions._running == set()
