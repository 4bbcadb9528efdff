# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Faults in the engine: what is decoded when, what is believed, what is remembered."""

from tests.mutants.mutation import Mutation

_PACKAGE = "inference/whisper_endpoint"
_AT = f"{_PACKAGE}/engine"
_TESTS = "tests/unit/endpoint/engine"
_SERVICE = (f"{_TESTS}/test_service.py",)
_WORKER = (f"{_TESTS}/test_worker.py",)
_SCHEDULER = (f"{_TESTS}/test_scheduler.py",)
_GATES = (f"{_TESTS}/attempts/test_gates.py",)
_FALLBACK = (f"{_TESTS}/attempts/test_fallback.py",)
_DECODER = (f"{_TESTS}/test_decoder.py",)
_UTTERANCES = (f"{_TESTS}/test_utterance_states.py",)

MUTATIONS = (
    Mutation(
        "an engine that fails its self-test goes on",
        f"{_AT}/worker.py",
        "                task.job.resolve(EngineUnavailable())\n            return False",
        "                task.job.resolve(EngineUnavailable())\n            return True",
        _WORKER,
    ),
    Mutation(
        "an engine that fails its self-test is started",
        f"{_AT}/service.py",
        "    selftest.judge(transcript, settings.self_test, heard.language)\n",
        "",
        (*_SERVICE, "tests/unit/endpoint/test_selftest.py"),
    ),
    Mutation(
        "one word is enough for the self-test",
        f"{_PACKAGE}/selftest.py",
        "_NEEDED_SHARE = 1 / 3",
        "_NEEDED_SHARE = 1 / 10",
        ("tests/unit/endpoint/test_selftest.py",),
    ),
    Mutation(
        "one window that cannot be decoded fails its whole batch",
        f"{_AT}/worker.py",
        "        if len(batch.tasks) > 1:\n",
        "        if len(batch.tasks) > 1000:\n",
        _WORKER,
    ),
    Mutation(
        "a worker that has stopped is healthy",
        f"{_AT}/service.py",
        "        if not self._worker.is_alive:\n",
        "        if self._worker is None:\n",
        _SERVICE,
    ),
    Mutation(
        "an engine that hangs is healthy",
        f"{_AT}/service.py",
        "_STUCK = 2",
        "_STUCK = 2000",
        _SERVICE,
    ),
    Mutation(
        "a file that would come too late is taken",
        f"{_AT}/scheduler.py",
        "        if seconds > left:\n",
        "        if seconds < 0:\n",
        (*_SCHEDULER, *_SERVICE),
    ),
    Mutation(
        "the windows of later pieces are not counted",
        f"{_AT}/scheduler.py",
        "len(tasks) + windows_to_come",
        "len(tasks)",
        _SCHEDULER,
    ),
    Mutation(
        "what is past its deadline is decoded",
        f"{_AT}/scheduler.py",
        "        is_late = now > task.job.deadline\n",
        "        is_late = now < 0\n",
        _SCHEDULER,
    ),
    Mutation(
        "a job in one piece has no deadline",
        f"{_AT}/decoder.py",
        "                if time.monotonic() > job.deadline:\n",
        "                if time.monotonic() < 0:\n",
        _DECODER,
    ),
    Mutation(
        "a refused retry replaces the text it was to better",
        f"{_AT}/decoder.py",
        "task.in_context is not None and (verdict.gate or not _is_whole(task, found))",
        "task.in_context is not None and not _is_whole(task, found)",
        (f"{_TESTS}/attempts/test_text_before.py",),
    ),
    Mutation(
        "files may have the whole queue",
        f"{_AT}/scheduler.py",
        "_SHARE_OF_FILES = 0.75",
        "_SHARE_OF_FILES = 1.0",
        _SCHEDULER,
    ),
    Mutation(
        "live windows find no room among files",
        f"{_AT}/scheduler.py",
        "            if is_file or newest.priority != Priority.FILE:\n",
        "            if is_file or newest.priority:\n",
        _SCHEDULER,
    ),
    Mutation(
        "a final may be superseded",
        f"{_AT}/scheduler.py",
        "== utterance and entry.task.priority == Priority.PARTIAL:",
        "== utterance:",
        _SCHEDULER,
    ),
    Mutation(
        "a newer partial goes to the end of the queue",
        f"{_AT}/scheduler.py",
        "next(self._numbers) if inherited is None else inherited",
        "next(self._numbers)",
        _SCHEDULER,
    ),
    Mutation(
        "a closed queue takes more",
        f"{_AT}/scheduler.py",
        "            if self._is_closed:\n                raise EngineUnavailable",
        "            if self._is_closed and not tasks:\n                raise EngineUnavailable",
        _SCHEDULER,
    ),
    Mutation(
        "a file's batch may hold up live calls",
        f"{_AT}/scheduler.py",
        "return now >= self._live_until or self._throughput",
        "return now >= 0 or self._throughput",
        _SCHEDULER,
    ),
    Mutation(
        "the gate of repetition lets half as much more pass",
        f"{_AT}/attempts/gates.py",
        "text.compression_ratio > threshold",
        "text.compression_ratio > threshold + 0.5",
        _GATES,
    ),
    Mutation(
        "the gate of repetition lets a little more pass",
        f"{_AT}/attempts/gates.py",
        "text.compression_ratio > threshold",
        "text.compression_ratio > threshold + 0.05",
        _GATES,
    ),
    Mutation(
        "a text as unsure as the threshold is refused",
        f"{_AT}/attempts/gates.py",
        "text.avg_logprob < threshold",
        "text.avg_logprob <= threshold",
        _GATES,
    ),
    Mutation(
        "silence has to be surer than its threshold",
        f"{_AT}/attempts/gates.py",
        "attempt.no_speech_prob <= threshold:",
        "attempt.no_speech_prob < threshold:",
        _GATES,
    ),
    Mutation(
        "of refused texts the first counts",
        f"{_AT}/attempts/gates.py",
        "return max(sane or attempts, key=lambda attempt: attempt.avg_logprob)",
        "return (sane or attempts)[0]",
        _GATES,
    ),
    Mutation(
        "a window is tried at every temperature",
        f"{_AT}/attempts/fallback.py",
        "if len(attempts) >= min(len(temperatures), 1 + allowed):",
        "if len(attempts) >= len(temperatures):",
        _FALLBACK,
    ),
    Mutation(
        "a window that is late is decoded again",
        f"{_AT}/attempts/fallback.py",
        "fallback = None if is_late else _next_attempt",
        "fallback = None if task is None else _next_attempt",
        _FALLBACK,
    ),
    Mutation(
        "control tokens in a prompt are control",
        f"{_AT}/prompts.py",
        "        tokens.encode_special_tokens = True\n",
        "",
        (f"{_TESTS}/test_prompts.py", f"{_TESTS}/test_batches.py"),
    ),
    Mutation(
        "no tokens at all are divided by their number",
        f"{_AT}/attempts/generation.py",
        "search.length_penalty if tokens else 0.0",
        "search.length_penalty",
        (*_DECODER, f"{_TESTS}/test_batches.py"),
    ),
    Mutation(
        "a loop is taken although another text of the beam is none",
        f"{_AT}/attempts/generation.py",
        "if not gates.is_repetitive(first, parameters):",
        "if first is not None:",
        (f"{_TESTS}/attempts/test_generation.py",),
    ),
    Mutation(
        "the short beginning of a loop is believed",
        f"{_AT}/attempts/fallback.py",
        "    if not gate and _is_loop(attempts, attempt, parameters):",
        "    if gate and _is_loop(attempts, attempt, parameters):",
        _FALLBACK,
    ),
    Mutation(
        "a patience is passed on that CTranslate2 refuses",
        f"{_AT}/attempts/fallback.py",
        "max(parameters.patience, 1 / parameters.beam_size)",
        "parameters.patience",
        (*_FALLBACK, *_DECODER, f"{_TESTS}/test_batches.py"),
    ),
    Mutation(
        "a name of a caller's connects utterances",
        f"{_AT}/utterance_states.py",
        "if found is not None and (found.goes_on_in(prints) or found.holds(prints)):",
        "if found is not None:",
        _UTTERANCES,
    ),
    Mutation(
        "any sequence puts a partial out of date",
        f"{_AT}/utterance_states.py",
        "is_outdated = holds and _comes_before",
        "is_outdated = _comes_before",
        _UTTERANCES,
    ),
    Mutation(
        "utterances are remembered for ever",
        f"{_AT}/utterance_states.py",
        "if now - oldest.touched <= _MAX_AGE_S and",
        "if now >= 0 and",
        _UTTERANCES,
    ),
    Mutation(
        "a text asked for in another manner is gone on from",
        f"{_AT}/utterance_states.py",
        "        if manner != utterance.manner:\n",
        "        if utterance.manner is None:\n",
        _UTTERANCES,
    ),
    Mutation(
        "the last words of a partial are forced on the next",
        f"{_AT}/utterance_states.py",
        "_UNSTABLE_TOKENS = 5",
        "_UNSTABLE_TOKENS = 0",
        _UTTERANCES,
    ),
    Mutation(
        "a word may begin before the one before it ends",
        f"{_AT}/pauses.py",
        "start = max(least, start + home.shift)",
        "start = start + home.shift",
        (f"{_TESTS}/test_pauses.py",),
    ),
    Mutation(
        "words that the alignment has joined have no time",
        f"{_AT}/pauses.py",
        "if result and start == least == result[-1].end:",
        "if result and start > least:",
        (f"{_TESTS}/test_pauses.py",),
    ),
    Mutation(
        "what waits may take any amount of memory",
        f"{_AT}/scheduler.py",
        "if waiting and held + _bytes_of(tasks) > most_bytes:",
        "if held < 0:",
        _SCHEDULER,
    ),
    Mutation(
        "windows of a recording that were decoded take no memory",
        f"{_AT}/scheduler.py",
        "for job in jobs.values() for window in job.windows)",
        "for job in jobs.values() for window in job.windows[:1])",
        _SCHEDULER,
    ),
)
