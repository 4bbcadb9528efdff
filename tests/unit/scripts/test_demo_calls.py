# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

from benchmarks.real_calls import prompts
from benchmarks.references import sample_calls
from scripts import demo_calls
from scripts.publish.errors import CommandError
from scripts.weights import WeightsUnavailable

NAMES = [reference.name for _, reference in sample_calls()]
VOICES = pytest.mark.skipif(bool(prompts.missing()), reason=prompts.missing())


@pytest.fixture
def fetched(monkeypatch):
    """Weights that are always there, or what goes wrong with them; and what was asked for."""
    asked = []

    def weights(name):
        asked.append(name)
        if isinstance(asked[0], Exception):
            raise asked[0]

    monkeypatch.setattr(demo_calls, "weights", weights)
    return asked


def names(plan):
    return [reference.name for _, reference in plan.calls]


@VOICES
@pytest.mark.parametrize(
    ("wanted", "model", "languages"),
    [(None, "base", ["en", "es"]), ("base", "base", ["en", "es"]), ("tiny.en", "tiny.en", ["en"])],
)
def test_real_weights_hear_real_voices(fetched, wanted, model, languages):
    plan = demo_calls.plan(wanted)

    assert plan.model == model
    assert fetched == [model]
    assert [reference.language for _, reference in plan.calls] == languages
    for call, reference in plan.calls:
        assert {one.channel for one in reference.utterances} == {0, 1}
        assert 30 < call.seconds < 80
        assert sum(len(one.text.split()) for one in reference.utterances) > 50
        assert all(0 < one.start < one.end < call.seconds for one in reference.utterances)


def test_made_up_calls_are_for_the_demonstration_model(fetched, capsys):
    plan = demo_calls.plan("demo")

    assert (plan.model, names(plan), fetched) == ("demo", NAMES, [])
    assert capsys.readouterr().out == ""


@VOICES
def test_where_no_weights_can_be_had_that_is_said_in_one_line(fetched, capsys):
    fetched.append(WeightsUnavailable("Connect this machine to a network."))
    plan = demo_calls.plan(None)

    assert (plan.model, names(plan)) == ("demo", NAMES)
    said = capsys.readouterr().out
    assert said.endswith("not real ones. Connect this machine to a network.\n")
    assert said.count("\n") == 1


def test_where_no_voices_are_installed_that_is_said_in_one_line(fetched, capsys, monkeypatch):
    monkeypatch.setattr(prompts, "missing", lambda: "Real voices are not installed: apt-get …")
    prompts.read_prompts.cache_clear()
    plan = demo_calls.plan(None)

    assert (plan.model, fetched) == ("demo", [])
    assert capsys.readouterr().out.endswith("Real voices are not installed: apt-get …\n")


@VOICES
@pytest.mark.parametrize("error", [WeightsUnavailable("Connect."), CommandError("Do not trust.")])
def test_a_model_that_was_asked_for_is_not_replaced(fetched, error):
    fetched.append(error)

    with pytest.raises(CommandError, match=str(error)):
        demo_calls.plan("base")


@VOICES
def test_weights_that_were_tampered_with_are_not_passed_over(fetched):
    fetched.append(CommandError("Do not trust the mirror."))

    with pytest.raises(CommandError, match="Do not trust"):
        demo_calls.plan(None)
