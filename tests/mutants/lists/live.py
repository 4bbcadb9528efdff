# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Faults in the live client: what is lost, repeated, or waited for too long."""

from tests.mutants.mutation import Mutation

_AT = "live_whisper"
_STREAM = "whisper_stream"
_TESTS = "tests/unit/live"
_BREAKS = (f"{_TESTS}/test_breaks.py",)
_CALL = (f"{_TESTS}/test_call.py", f"{_TESTS}/test_failures.py")
_FAILURES = (f"{_TESTS}/test_failures.py",)
_WORDS = ("tests/unit/stream/test_words.py",)
_LANGUAGE = ("tests/unit/stream/test_language_lock.py",)
_CONSOLE = (f"{_TESTS}/console/test_server.py",)
_OTHER_PAGES = (f"{_TESTS}/console/test_other_pages.py",)

MUTATIONS = (
    Mutation(
        "words before a seam are said on both sides of it",
        f"{_STREAM}/channel.py",
        "return overlap.before(words, self._seconds(next_seam), after)",
        "return words",
        _BREAKS,
    ),
    Mutation(
        "words after a seam are said on both sides of it",
        f"{_STREAM}/channel.py",
        "words = overlap.after(response.words, self._seconds(seam), before)",
        "words = tuple(response.words)",
        _CALL,
    ),
    Mutation(
        "a word that the neighbour has kept is kept again",
        f"{_STREAM}/transcript/overlap.py",
        "while kept and _is_near(kept[0], seam) and _is_in(kept[0], others):",
        "while kept and not kept[0].text:",
        _WORDS,
    ),
    Mutation(
        "a checkpoint forgets what was awaited",
        f"{_STREAM}/channel.py",
        "pending = [*self._awaited, *(Pending.of(one, key) for key, one in over.items())]",
        "pending = [*self._awaited]",
        _BREAKS,
    ),
    Mutation(
        "a checkpoint forgets what was final and not read",
        f"{_STREAM}/channel.py",
        "for key, state in self._waiting.items()} | self._unread",
        "for key, state in self._waiting.items()}",
        _BREAKS,
    ),
    Mutation(
        "a checkpoint forgets what is being said",
        f"{_STREAM}/channel.py",
        "        if self._tracker.open is not None:\n            state",
        "        if self._tracker.open is False:\n            state",
        _BREAKS,
    ),
    Mutation(
        "what never came again is not told",
        f"{_STREAM}/channel.py",
        "return requests, [self._never_came(one) for one in gone]",
        "return requests, []",
        _BREAKS,
    ),
    Mutation(
        "audio that comes again is heard again",
        f"{_STREAM}/channel.py",
        "samples = samples[max(0, self._received - at) :]",
        "samples = samples[0:]",
        _BREAKS,
    ),
    Mutation(
        "a final answered as superseded is final",
        f"{_AT}/transport/retry.py",
        "if response.is_superseded and not is_partial:",
        "if response.is_superseded and is_partial:",
        _FAILURES,
    ),
    Mutation(
        "a final is asked for once",
        f"{_AT}/transport/retry.py",
        "if is_partial or not is_passing or not self._wait",
        "if is_partial or is_passing or not self._wait",
        _FAILURES,
    ),
    Mutation(
        "a final is asked for without end",
        f"{_AT}/transport/retry.py",
        "        if self._clock() + seconds >= give_up:\n            return False\n",
        "",
        _FAILURES,
    ),
    Mutation(
        "an answer that drips never ends",
        f"{_AT}/transport/total_timeout.py",
        "        wait(ends, seconds, FIRST_COMPLETED)\n",
        "        wait(ends, seconds + 3600, FIRST_COMPLETED)\n",
        (f"{_TESTS}/transport/test_sagemaker.py", *_FAILURES),
    ),
    Mutation(
        "any number of exchanges may hang",
        f"{_AT}/transport/total_timeout.py",
        "        if len(self._given_up) >= _MOST_HANGING:\n",
        "        if len(self._given_up) < 0:\n",
        (f"{_TESTS}/transport/test_sagemaker.py", *_FAILURES),
    ),
    Mutation(
        "a stable word may change",
        f"{_STREAM}/transcript/stability.py",
        "return (*self._stable, *shown[len(self._stable) :])",
        "return tuple(words)",
        _WORDS,
    ),
    Mutation(
        "a second of speech locks the language",
        f"{_STREAM}/transcript/language_lock.py",
        "if seconds >= ENOUGH_S and",
        "if seconds >= 1.0 and",
        _LANGUAGE,
    ),
    Mutation(
        "an utterance is never cut",
        f"{_STREAM}/audio/utterances.py",
        ">= self._samples(self.settings.max_utterance_s):",
        ">= self._samples(100 * self.settings.max_utterance_s):",
        ("tests/unit/stream/test_utterances.py", *_CALL),
    ),
    Mutation(
        "any page may open the console's sockets",
        f"{_AT}/console/same_origin.py",
        'return origin is None or urlsplit(origin).netloc == asked.headers.get("host")',
        "return origin != ''",
        _OTHER_PAGES,
    ),
    Mutation(
        "any host's name is the console's",
        f"{_AT}/console/server.py",
        "                Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS),\n",
        "",
        _OTHER_PAGES,
    ),
    Mutation(
        "an upload may have any size",
        f"{_AT}/console/server.py",
        "            if size > MAX_UPLOAD_BYTES:\n",
        "            if size < 0:\n",
        _CONSOLE,
    ),
    Mutation(
        "what was uploaded may be a page of the console",
        f"{_AT}/console/library.py",
        'is_sound = kind is not None and kind.startswith(("audio/", "video/"))',
        "is_sound = kind is not None",
        _OTHER_PAGES,
    ),
    Mutation(
        "a file's name is part of the line for a shell",
        f"{_AT}/console/request_code.py",
        "{shlex.quote(f'@{file}')}",
        "@{file}",
        _OTHER_PAGES,
    ),
    Mutation(
        "a reader that fails ends the call",
        f"{_AT}/call.py",
        "        except Exception as failure:\n            # Its message",
        "        except KeyError as failure:\n            # Its message",
        _CALL,
    ),
    Mutation(
        "a checkpoint forgets the words at its seams",
        f"{_STREAM}/channel.py",
        "            kept=tuple(self._kept.items()),\n",
        "",
        _BREAKS,
    ),
    Mutation(
        "a checkpoint forgets what it knows of the language",
        f"{_STREAM}/channel.py",
        "            evidence=self._lock.evidence,\n",
        "",
        _BREAKS,
    ),
    Mutation(
        "a partial is asked for again",
        f"{_AT}/transport/retry.py",
        "if is_partial or not is_passing or not self._wait",
        "if not is_passing or not self._wait",
        _FAILURES,
    ),
    Mutation(
        "an empty answer is a text",
        f"{_STREAM}/protobuf.py",
        "if not answer.duration or (",
        "if (",
        (f"{_TESTS}/sinks/test_amazon_transcribe.py",),
    ),
    Mutation(
        "a 503 of the container is final",
        f"{_AT}/transport/refusals.py",
        "frozenset({408, 429, 500, 502, 503, 504})",
        "frozenset({408, 429, 500, 502, 504})",
        (f"{_TESTS}/transport/test_sagemaker.py",),
    ),
    Mutation(
        "one update makes a word stable",
        f"{_STREAM}/transcript/stability.py",
        "_UPDATES_WITHIN = 2",
        "_UPDATES_WITHIN = 1",
        _WORDS,
        "a word counts as having two behind it only where all three are the same as in the update "
        "before, so that it has been seen twice",
    ),
    Mutation(
        "a word that has others behind it waits for a third update",
        f"{_STREAM}/transcript/stability.py",
        "_UPDATES_WITHIN = 2",
        "_UPDATES_WITHIN = 3",
        _WORDS,
    ),
    Mutation(
        "a language is kept however much speaks for another",
        f"{_STREAM}/transcript/language_lock.py",
        "and seconds >= AHEAD * others",
        "and seconds >= 0 * others",
        _LANGUAGE,
    ),
    Mutation(
        "a language of a list is kept for ever",
        f"{_STREAM}/transcript/language_lock.py",
        "if self._given or not self._has_list:",
        "if self._given or self._kept or not self._has_list:",
        _LANGUAGE,
    ),
    Mutation(
        "short utterances end as soon as long ones",
        f"{_STREAM}/audio/utterances.py",
        "return settings.short_silence_s",
        "return settings.silence_s",
        ("tests/unit/stream/test_utterances.py",),
    ),
)
