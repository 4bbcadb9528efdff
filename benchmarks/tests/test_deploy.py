# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from benchmarks import deploy as bench_deploy


def test_what_is_staged_in_two_goes_is_whole():
    speed, _, is_right = bench_deploy.measure(80)
    assert is_right
    assert speed > 0


def test_a_wrong_digest_and_too_much_memory_are_failures(monkeypatch, capsys):
    monkeypatch.setattr(bench_deploy, "measure", lambda _: (50.0, 120.0, False))
    assert bench_deploy.main(["--megabytes", "1"]) == 1
    assert "digest WRONG" in capsys.readouterr().out
    monkeypatch.setattr(bench_deploy, "measure", lambda _: (50.0, 301.0, True))
    assert bench_deploy.main([]) == 1
    monkeypatch.setattr(bench_deploy, "measure", lambda _: (50.0, 299.0, True))
    assert bench_deploy.main([]) == 0
