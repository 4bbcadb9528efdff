# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How an archive is laid out for a container; nothing is started."""

import io
import tarfile
import threading

import pytest

from local_cloud.sagemaker.hosting import Container
from local_cloud.sagemaker.ray_hosting import RayHosting

BUCKET = "laid-out"


@pytest.fixture
def hosting(cloud, tmp_path, monkeypatch):
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    hosting = RayHosting(lambda: cloud.client("s3"), tmp_path, {})
    launched = threading.Event()
    roots = []

    def launch(host, root, environment):
        roots.append(root)
        launched.set()

    monkeypatch.setattr(hosting, "_launch", launch)

    def files_of(uri):
        hosting.start(Container("e/c", uri, {}, 60))
        assert launched.wait(20)
        return {
            path.relative_to(roots[0]).as_posix(): (path.read_bytes(), path.stat().st_mode & 0o777)
            for path in roots[0].rglob("*")
            if path.is_file()
        }

    yield files_of
    hosting.close()


def archive():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for name, data in (("code/inference.py", b"pass"), ("config.yaml", b"{}")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


WANTED = {"code/inference.py": (b"pass", 0o444), "config.yaml": (b"{}", 0o444)}


def test_a_prefix_is_copied(cloud, hosting):
    for name, (data, _) in WANTED.items():
        cloud.client("s3").put_object(Bucket=BUCKET, Key=f"prefix/{name}", Body=data)
    assert hosting(f"s3://{BUCKET}/prefix/") == WANTED


def test_one_archive_is_unpacked(cloud, hosting):
    cloud.client("s3").put_object(Bucket=BUCKET, Key="whisper/model.tar.gz", Body=archive())
    assert hosting(f"s3://{BUCKET}/whisper/model.tar.gz") == WANTED


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (
            "whisper_endpoint.errors.InvalidSetting: A is too large: set it lower.\nError: a\n",
            "A is too large: set it lower.",
        ),
        ("INFO …\nTraceback …\nException: The node timed out.\n", "The node timed out."),
        ("Traceback …\nRuntimeError: passed\nINFO it started\n", ""),
    ],
)
def test_of_a_failed_container_the_sentence_is_known(tmp_path, log, said):
    hosting = RayHosting(lambda: None, tmp_path, {})
    (tmp_path / "e-c").mkdir()
    (tmp_path / "e-c" / "container.log").write_text(log)
    assert hosting.first_error() == said
