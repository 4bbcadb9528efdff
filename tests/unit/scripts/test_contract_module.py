# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import re
import shutil
from pathlib import Path

import pytest

from scripts.generate import contract_module
from scripts.generate.contract_module import MODULE, PROTO, ROOT, STUB
from whisper_contract import transcription_pb2


def test_the_module_is_that_of_the_description() -> None:
    made = contract_module.generate()
    assert set(made) == {MODULE, STUB}
    for path, text in made.items():
        assert (ROOT / path).read_text() == text


def test_a_changed_description_is_noticed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "whisper_contract", tmp_path / "whisper_contract")
    proto = tmp_path / PROTO
    proto.write_text(proto.read_text().replace("string s3_uri = 2", "string s3_url = 2"))
    monkeypatch.setattr(contract_module, "ROOT", tmp_path)
    monkeypatch.setattr(contract_module.generate, "__defaults__", (tmp_path,))
    assert contract_module.main(["--check"]) == 1
    assert "run make generate" in capsys.readouterr().err
    assert contract_module.main([]) == 0
    assert "s3_url" in (tmp_path / STUB).read_text()
    assert contract_module.main(["--check"]) == 0


def test_every_field_of_the_description_is_explained() -> None:
    lines = (ROOT / PROTO).read_text().splitlines()
    fields = [number for number, line in enumerate(lines) if re.search(r" = \d+;$", line)]
    assert len(fields) > 60
    for number in fields:
        assert lines[number - 1].lstrip().startswith("//"), lines[number]


def test_numbers_are_never_given_twice() -> None:
    for message in transcription_pb2.DESCRIPTOR.message_types_by_name.values():
        numbers = [field.number for field in message.fields]
        assert len(set(numbers)) == len(numbers)
