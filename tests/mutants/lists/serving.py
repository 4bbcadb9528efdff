# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Faults in ingress and proxy: who gets a place, how long a body may take, what is answered."""

from tests.mutants.mutation import Mutation

_PACKAGE = "inference/whisper_endpoint"
_INGRESS = f"{_PACKAGE}/ingress"
_PROXY = f"{_PACKAGE}/proxy"
_TESTS = "tests/unit/endpoint"
_FAIRNESS = (f"{_TESTS}/ingress/test_fairness.py",)
_ROOM = (f"{_TESTS}/ingress/test_audio_room.py",)
_HANDLER = (f"{_TESTS}/ingress/test_handler.py", *_FAIRNESS)
_PLAN = (f"{_TESTS}/ingress/planning/test_request_plan.py",)
_PARTIALS = (f"{_TESTS}/ingress/planning/test_partial_detection.py",)
_PARAMETERS = (f"{_TESTS}/ingress/planning/test_decoding_parameters.py",)
_CLIENT = (f"{_TESTS}/engine/test_service.py",)
_BODY = (f"{_TESTS}/proxy/test_body.py",)
_CONNECTIONS = (f"{_TESTS}/proxy/test_connections.py",)
_HEALTH = (f"{_TESTS}/proxy/test_health.py",)

MUTATIONS = (
    Mutation(
        "files are let in while a live call waits for room",
        f"{_INGRESS}/audio_room.py",
        "                    return\n                share.waiting.popleft()",
        "                    break\n                share.waiting.popleft()",
        _ROOM,
    ),
    Mutation(
        "files may have all the room",
        f"{_INGRESS}/audio_room.py",
        "min(share.most - share.used, self._most_bytes - self.used_bytes)",
        "self._most_bytes - self.used_bytes",
        _ROOM,
    ),
    Mutation(
        "who gives up waiting for room keeps its turn",
        f"{_INGRESS}/audio_room.py",
        "            share.waiting.remove(turn)\n",
        "            pass\n",
        _ROOM,
    ),
    Mutation(
        "who gives up as it is let in keeps the room",
        f"{_INGRESS}/audio_room.py",
        "            share.used -= turn[0]\n",
        "            pass\n",
        _ROOM,
    ),
    Mutation(
        "a request that is over keeps its room",
        f"{_INGRESS}/handler.py",
        "            context.held.release()\n",
        "",
        _ROOM,
    ),
    Mutation(
        "features of files take no room",
        f"{_INGRESS}/handler.py",
        "            if is_file:  # live audio",
        "            if not threads:  # live audio",
        _ROOM,
    ),
    Mutation(
        "short audio holds no room until it is answered",
        f"{_INGRESS}/intake.py",
        "if is_live else 0\n        finally",
        "if not is_live else 0\n        finally",
        _ROOM,
    ),
    Mutation(
        "files may have every place",
        f"{_INGRESS}/handler.py",
        "_SHARE_OF_FILES = 0.75",
        "_SHARE_OF_FILES = 1.5",
        _FAIRNESS,
    ),
    Mutation(
        "there is no limit to requests in progress",
        f"{_INGRESS}/handler.py",
        "        if self._active > self._settings.max_requests:\n",
        "        if self._active < 0:\n",
        _HANDLER,
    ),
    Mutation(
        "a body may have any size",
        f"{_INGRESS}/handler.py",
        "        if len(body) > max_bytes:\n",
        "        if len(body) < 0:\n",
        _HANDLER,
    ),
    Mutation(
        "a caller's deadline is the only one",
        f"{_INGRESS}/handler.py",
        "            context.deadline = min(\n                context.deadline, ",
        "            context.deadline = max(\n                0.0, ",
        (*_HANDLER, f"{_TESTS}/ingress/test_live.py"),
    ),
    Mutation(
        "who hangs up counts as a failure",
        f"{_INGRESS}/handler.py",
        "        except ClientDisconnect:\n",
        "        except KeyError:\n",
        _FAIRNESS,
    ),
    Mutation(
        "a fault's own words are told to the caller",
        f"{_INGRESS}/handler.py",
        'InternalError("The endpoint failed: report the request ID."),',
        "InternalError(str(__import__('sys').exc_info()[1])),",
        _HANDLER,
    ),
    Mutation(
        "the operator's beam is the least",
        f"{_INGRESS}/planning/decoding_parameters.py",
        "beam = min(parameters.beam_size, settings.max_beam_size)",
        "beam = max(parameters.beam_size, settings.max_beam_size)",
        _PARAMETERS,
    ),
    Mutation(
        "the request's language wins over the operator's",
        f"{_INGRESS}/planning/decoding_parameters.py",
        "    if settings.language_override:\n",
        "    if settings.language_override and not parameters.language:\n",
        _PARAMETERS,
    ),
    Mutation(
        "minutes of audio may be a partial",
        f"{_INGRESS}/planning/request_plan.py",
        "        if audio.duration > LONGEST_UTTERANCE_S:\n",
        "        if audio.duration > 10 * LONGEST_UTTERANCE_S:\n",
        (
            *_PLAN,
            f"{_TESTS}/ingress/planning/test_partial_detection.py",
            f"{_TESTS}/ingress/test_live.py",
        ),
    ),
    Mutation(
        "what ends in silence is a partial too",
        f"{_INGRESS}/planning/partial_detection.py",
        "vad.trailing_silence(samples) < FINAL_SILENCE_S",
        "vad.trailing_silence(samples) < 10 * FINAL_SILENCE_S",
        _PARTIALS,
    ),
    Mutation(
        "every piece of a recording finds its own language",
        f"{_INGRESS}/long_recordings.py",
        "            piece = replace(piece, language=parts[0].language or None)\n",
        "",
        (f"{_TESTS}/ingress/test_long_files.py",),
    ),
    Mutation(
        "the prompt stands before every piece",
        f"{_INGRESS}/long_recordings.py",
        "later = replace(parameters, initial_prompt=None, prefix=None)",
        "later = parameters",
        (f"{_TESTS}/ingress/test_long_files.py",),
    ),
    Mutation(
        "speech without a text is not told",
        f"{_INGRESS}/lost_speech.py",
        "    if seconds >= _LEAST_S:\n",
        "    if seconds >= 1000 * _LEAST_S:\n",
        (f"{_TESTS}/ingress/test_lost_speech.py",),
    ),
    Mutation(
        "calls to an engine that is gone wait for their deadline",
        f"{_INGRESS}/engine_client.py",
        "        if self._recovery is not None:\n            raise",
        "        if self._recovery is False:\n            raise",
        _CLIENT,
    ),
    Mutation(
        "a ping that is not answered means nothing",
        f"{_INGRESS}/engine_client.py",
        "                raise EngineLost from None\n",
        "                continue\n",
        _CLIENT,
    ),
    Mutation(
        "a body may take as long as it does",
        f"{_PROXY}/uploads.py",
        "asyncio.timeout(self._timeout_s)",
        "asyncio.timeout(None)",
        _BODY,
    ),
    Mutation(
        "a body that gave way is still counted",
        f"{_PROXY}/uploads.py",
        "        self._bytes -= upload.size\n        upload.size, upload.gave_way",
        "        upload.size, upload.gave_way",
        _BODY,
    ),
    Mutation(
        "half-sent headers are waited for",
        f"{_PROXY}/connections.py",
        "self._closing = self.loop.call_later(_HEADERS_S, self._expire)",
        "self._closing = self.loop.call_later(1e6, self._expire)",
        _CONNECTIONS,
    ),
    Mutation(
        "an engine that keeps dying is healthy",
        f"{_PROXY}/health.py",
        "        if failures >= self._max_failures:\n",
        "        if failures >= 1000 * self._max_failures:\n",
        _HEALTH,
    ),
    Mutation(
        "an endpoint without an ingress is healthy",
        f"{_PROXY}/health.py",
        'return "" if self._count_ingresses() else "No ingress process accepts requests."',
        'return ""',
        _HEALTH,
    ),
    Mutation(
        "a first answer of 500 opens the endpoint",
        f"{_PROXY}/readiness.py",
        "was_answered = status < 500 and",
        "was_answered = status < 600 and",
        _HEALTH,
    ),
    Mutation(
        "the deployment's own starts count as failures",
        f"{_PROXY}/engine_restarts.py",
        "for started in times[replicas:] if",
        "for started in times if",
        _HEALTH,
    ),
    Mutation(
        "large bodies may have all the memory",
        f"{_PROXY}/uploads.py",
        "_SHARE_OF_OTHERS = 0.75",
        "_SHARE_OF_OTHERS = 1.0",
        _BODY,
    ),
    Mutation(
        "headers may have no end",
        f"{_PROXY}/connections.py",
        "            if self._header_bytes > _HEADER_BYTES:\n",
        "            if self._header_bytes < 0:\n",
        _CONNECTIONS,
    ),
    Mutation(
        "a connection whose answer is made gives way",
        f"{_PROXY}/connections.py",
        "idle = (one for one in others if not one.is_being_answered)",
        "idle = (one for one in others if one is not self)",
        _CONNECTIONS,
    ),
    Mutation(
        "a refusal of one channel leaves the others waiting",
        f"{_INGRESS}/task_group.py",
        "        for task in tasks:\n            task.cancel()\n",
        "",
        _FAIRNESS,
    ),
)
