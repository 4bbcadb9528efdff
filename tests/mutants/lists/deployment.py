# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Faults in the deployment function: what is deleted, confirmed, tried again or given up.

The chaos simulation plants bugs of its own into it: ``tests/chaos/planted_bugs.py``.
"""

from tests.mutants.mutation import Mutation

_AT = "deploy_whisper"
_TESTS = "tests/unit/deployer"
_UPLOAD = (f"{_TESTS}/archive/test_upload.py",)
_HUB = (f"{_TESTS}/archive/test_hub.py",)
_LEASE = (f"{_TESTS}/archive/test_lease.py",)
_PREFIX = (f"{_TESTS}/archive/test_s3_prefix.py",)
_RENEWAL = (f"{_TESTS}/archive/test_renewal.py",)
_WEIGHTS = (f"{_TESTS}/archive/test_weights.py",)
_REQUESTS = (f"{_TESTS}/test_invocations.py",)
_SMOKE = (f"{_TESTS}/endpoint/test_smoke.py",)

MUTATIONS = (
    Mutation(
        "weights are not compared with their digest",
        f"{_AT}/archive/upload.py",
        "    if found != wanted:\n",
        "    if not found:\n",
        _UPLOAD,
    ),
    Mutation(
        "the hash of the second half is the file's",
        f"{_AT}/archive/upload.py",
        "    if found is None or sent_before:",
        "    if found is None:",
        _UPLOAD,
    ),
    Mutation(
        "more than the hub announced is taken",
        f"{_AT}/archive/hub.py",
        "                        if position > file.size:\n",
        "                        if position > 2 * file.size + 100:\n",
        _HUB,
    ),
    Mutation(
        "a hub that sends nothing is asked for ever",
        f"{_AT}/archive/hub.py",
        "futile = 0 if position > before else futile + 1",
        "futile = 0 if position >= before else futile + 1",
        _HUB,
    ),
    Mutation(
        "a lease that is held is taken",
        f"{_AT}/archive/lease.py",
        "        if until > self._clock():\n",
        "        if until > self._clock() + 1e9:\n",
        _LEASE,
    ),
    Mutation(
        "a lease that ended is taken by two",
        f"{_AT}/archive/lease.py",
        'return self._write(IfMatch=answer["ETag"])',
        "return self._write()",
        _LEASE,
    ),
    Mutation(
        "everything beside a prefix is deleted too",
        f"{_AT}/archive/s3_prefix.py",
        """if not prefix.endswith("/") or prefix.startswith("/"):""",
        """if prefix.startswith("/"):""",
        _PREFIX,
    ),
    Mutation(
        "what S3 did not delete counts as deleted",
        f"{_AT}/archive/s3_prefix.py",
        '            if answer.get("Errors"):\n',
        '            if answer.get("Error"):\n',
        _PREFIX,
    ),
    Mutation(
        "a file of the archive that is gone is not missed",
        f"{_AT}/archive/renewal.py",
        "        if lost:\n",
        "        if lost == [self._archive]:\n",
        _RENEWAL,
    ),
    Mutation(
        "nothing is renewed",
        f"{_AT}/archive/renewal.py",
        "if self._left(key) < RENEW_BELOW]",
        "if self._left(key) < 0]",
        _RENEWAL,
    ),
    Mutation(
        "an object that changed since it was listed is copied",
        f"{_AT}/archive/weights.py",
        """                    "CopySourceIfMatch": f'"{file.digest.removeprefix("etag:")}"',\n""",
        "",
        _WEIGHTS,
    ),
    Mutation(
        "half a model is a model",
        f"{_AT}/archive/weights.py",
        "    if missing:\n",
        "    if len(missing) > 10:\n",
        _WEIGHTS,
    ),
    Mutation(
        "an older request goes on",
        f"{_AT}/invocations.py",
        "if event.request_id not in (_begun(event, tags) or [event.request_id])[:1]:",
        "if not tags and event.request_id == '':",
        _REQUESTS,
    ),
    Mutation(
        "two invocations work for one resource",
        f"{_AT}/invocations.py",
        "for key in tags if key != self._own)",
        "for key in tags if key == '')",
        _REQUESTS,
    ),
    Mutation(
        "an answer that a 503 met has arrived",
        f"{_AT}/invocations.py",
        "return bool(taken.status < 500 and",
        "return bool(taken.status < 600 and",
        _REQUESTS,
    ),
    Mutation(
        "a transcript without a text is a success",
        f"{_AT}/endpoint/smoke.py",
        'if not transcript["text"].strip():',
        'if transcript["text"] is None:',
        _SMOKE,
    ),
    Mutation(
        "an endpoint that refuses the clip is asked again",
        f"{_AT}/endpoint/smoke.py",
        'return error.response.get("OriginalStatusCode") in {429, 503}',
        "return True",
        _SMOKE,
    ),
    Mutation(
        "parts after a missing one are gone on with",
        f"{_AT}/archive/upload.py",
        'if part["PartNumber"] != len(self._parts) + 1 or part["Size"] != PART_BYTES:',
        'if part["Size"] != PART_BYTES:',
        _UPLOAD,
    ),
    Mutation(
        "the upload of a longer key is gone on with",
        f"{_AT}/archive/upload.py",
        'return bool(item["Key"] == self._to.key)',
        'return bool(item["Key"].startswith(self._to.key))',
        _UPLOAD,
    ),
    Mutation(
        "the whole file comes where the rest was asked for",
        f"{_AT}/archive/hub.py",
        "if response.status == (206 if start else 200) and (",
        "if response.status in (200, 206) and (",
        _HUB,
    ),
)
