# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Faults in how a request is read: its wire forms, its limits, what may be asked for."""

from tests.mutants.mutation import Mutation

_AT = "inference/whisper_endpoint/parsing"
_TESTS = "tests/unit/endpoint/parsing"
_FORMS = (f"{_TESTS}/test_wire_forms.py", f"{_TESTS}/test_openai_form.py")
_PROTOBUF = (f"{_TESTS}/test_protobuf.py",)
_REQUEST = (f"{_TESTS}/test_request.py", f"{_TESTS}/test_parameters.py")

MUTATIONS = (
    Mutation(
        "a form may have any number of parts",
        f"{_AT}/form_body.py",
        "if len(parts) == _MAX_PARTS:",
        "if len(parts) < 0:",
        _FORMS,
    ),
    Mutation(
        "a form may have one part fewer than is said",
        f"{_AT}/form_body.py",
        "_MAX_PARTS = 100",
        "_MAX_PARTS = 99",
        _FORMS,
    ),
    Mutation(
        "a field of a form may be as long as the body",
        f"{_AT}/form_body.py",
        "if len(part.data) > most:",
        "if len(part.data) > 1000 * most:",
        _FORMS,
    ),
    Mutation(
        "a form without its end is taken",
        f"{_AT}/form_body.py",
        "    if not ends:\n",
        "    if ends is None:\n",
        _FORMS,
    ),
    Mutation(
        "the second file of a form is the one that is heard",
        f"{_AT}/form_body.py",
        "if audio is not None:\n                raise",
        "if audio is None and texts is None:\n                raise",
        _FORMS,
    ),
    Mutation(
        "OpenAI's temperature 0 is one temperature",
        f"{_AT}/form_body.py",
        'if parameters.get("temperature") == 0:',
        'if parameters.get("temperature") == -1:',
        _FORMS,
    ),
    Mutation(
        "a document may have any number of levels",
        f"{_AT}/validation.py",
        "or level > _MOST_LEVELS",
        "or level > 100_000",
        _FORMS,
    ),
    Mutation(
        "a document may have any number of values",
        f"{_AT}/validation.py",
        "if seen > _MOST_VALUES or",
        "if seen > 100 * _MOST_VALUES or",
        _FORMS,
    ),
    Mutation(
        "clips may go back",
        "whisper_contract/combinations.py",
        "if any(later <= earlier for",
        "if any(later < 0 for",
        _REQUEST,
    ),
    Mutation(
        "clips may be empty",
        "whisper_contract/combinations.py",
        "if any(later <= earlier for",
        "if any(later < earlier for",
        _REQUEST,
    ),
    Mutation(
        "a temperature of 0 by Live Call Analytics is one temperature",
        f"{_AT}/json_body.py",
        'if is_lca_form and document["parameters"]["temperature"] == 0:',
        "if is_lca_form and is_flat:",
        (f"{_TESTS}/test_lca_form.py",),
    ),
    Mutation(
        "base64 with other characters in it is taken",
        f"{_AT}/json_body.py",
        "base64.b64decode(text, validate=True)",
        "base64.b64decode(text)",
        _REQUEST,
    ),
    Mutation(
        "any JSON with audio_input is Live Call Analytics'",
        f"{_AT}/json_body.py",
        "and given.keys() == _LCA_PARAMETERS",
        "and given.keys() >= set()",
        ("tests/unit/endpoint/ingress/planning/test_partial_detection.py",),
    ),
    Mutation(
        "a message of protobuf may have any number of fields",
        f"{_AT}/protobuf_body.py",
        "_MOST_FIELDS = 5_000",
        "_MOST_FIELDS = 50_000_000",
        ("tests/unit/endpoint/audio/test_bounds.py",),
    ),
    Mutation(
        "infinity is a number of the contract",
        f"{_AT}/protobuf_body.py",
        "if isinstance(one, float) and not math.isfinite(one):",
        "if isinstance(one, float) and math.isnan(one):",
        _PROTOBUF,
    ),
    Mutation(
        "a rate that is said of a file is left unread",
        f"{_AT}/protobuf_body.py",
        "            if getattr(message, field):\n",
        "            if getattr(message, field) < 0:\n",
        _PROTOBUF,
    ),
    Mutation(
        "a number in a form may be none",
        f"{_AT}/text_values.py",
        "return number if math.isfinite(number := float(text)) else None",
        "return float(text)",
        _FORMS,
    ),
    Mutation(
        "a field of a form that came twice counts once",
        f"{_AT}/text_values.py",
        "        if name in found:\n",
        "        if name in top and name in inner:\n",
        _REQUEST + _FORMS,
    ),
    Mutation(
        "a request that only names its call is not live",
        f"{_AT}/request.py",
        "or self.utterance_id is not None or self.call_id is not None",
        "or self.utterance_id is not None",
        ("tests/unit/endpoint/ingress/planning/test_partial_detection.py",),
    ),
)
