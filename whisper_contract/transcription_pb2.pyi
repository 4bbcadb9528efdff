# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AudioEncoding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIO_ENCODING_FILE: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_PCM16: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_MULAW: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_ALAW: _ClassVar[AudioEncoding]
    AUDIO_ENCODING_FLOAT32: _ClassVar[AudioEncoding]
AUDIO_ENCODING_FILE: AudioEncoding
AUDIO_ENCODING_PCM16: AudioEncoding
AUDIO_ENCODING_MULAW: AudioEncoding
AUDIO_ENCODING_ALAW: AudioEncoding
AUDIO_ENCODING_FLOAT32: AudioEncoding

class TranscribeRequest(_message.Message):
    __slots__ = ("audio", "s3_uri", "url", "encoding", "sample_rate", "channels", "parameters", "partial", "utterance_id", "call_id", "channel", "sequence", "deadline_ms", "progress_s3_uri")
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    S3_URI_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_RATE_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    UTTERANCE_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_S3_URI_FIELD_NUMBER: _ClassVar[int]
    audio: bytes
    s3_uri: str
    url: str
    encoding: AudioEncoding
    sample_rate: int
    channels: int
    parameters: Parameters
    partial: bool
    utterance_id: str
    call_id: str
    channel: int
    sequence: int
    deadline_ms: int
    progress_s3_uri: str
    def __init__(self, audio: _Optional[bytes] = ..., s3_uri: _Optional[str] = ..., url: _Optional[str] = ..., encoding: _Optional[_Union[AudioEncoding, str]] = ..., sample_rate: _Optional[int] = ..., channels: _Optional[int] = ..., parameters: _Optional[_Union[Parameters, _Mapping]] = ..., partial: _Optional[bool] = ..., utterance_id: _Optional[str] = ..., call_id: _Optional[str] = ..., channel: _Optional[int] = ..., sequence: _Optional[int] = ..., deadline_ms: _Optional[int] = ..., progress_s3_uri: _Optional[str] = ...) -> None: ...

class Parameters(_message.Message):
    __slots__ = ("language", "task", "temperature", "beam_size", "best_of", "patience", "length_penalty", "repetition_penalty", "no_repeat_ngram_size", "initial_prompt", "hotwords", "prefix", "condition_on_previous_text", "no_speech_threshold", "log_prob_threshold", "compression_ratio_threshold", "vad_filter", "vad_parameters", "clip_timestamps", "channel_identification", "word_timestamps", "without_timestamps", "timestamp_granularities", "timestamp", "include_segments", "response_format", "max_line_width", "max_line_count", "languages", "multilingual", "audio_track", "terms", "redaction", "diarize", "num_speakers", "min_speakers", "max_speakers", "known_speaker_names", "known_speaker_references")
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    BEAM_SIZE_FIELD_NUMBER: _ClassVar[int]
    BEST_OF_FIELD_NUMBER: _ClassVar[int]
    PATIENCE_FIELD_NUMBER: _ClassVar[int]
    LENGTH_PENALTY_FIELD_NUMBER: _ClassVar[int]
    REPETITION_PENALTY_FIELD_NUMBER: _ClassVar[int]
    NO_REPEAT_NGRAM_SIZE_FIELD_NUMBER: _ClassVar[int]
    INITIAL_PROMPT_FIELD_NUMBER: _ClassVar[int]
    HOTWORDS_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    CONDITION_ON_PREVIOUS_TEXT_FIELD_NUMBER: _ClassVar[int]
    NO_SPEECH_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    LOG_PROB_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_RATIO_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    VAD_FILTER_FIELD_NUMBER: _ClassVar[int]
    VAD_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    CLIP_TIMESTAMPS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_IDENTIFICATION_FIELD_NUMBER: _ClassVar[int]
    WORD_TIMESTAMPS_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_TIMESTAMPS_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_GRANULARITIES_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FORMAT_FIELD_NUMBER: _ClassVar[int]
    MAX_LINE_WIDTH_FIELD_NUMBER: _ClassVar[int]
    MAX_LINE_COUNT_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    MULTILINGUAL_FIELD_NUMBER: _ClassVar[int]
    AUDIO_TRACK_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    REDACTION_FIELD_NUMBER: _ClassVar[int]
    DIARIZE_FIELD_NUMBER: _ClassVar[int]
    NUM_SPEAKERS_FIELD_NUMBER: _ClassVar[int]
    MIN_SPEAKERS_FIELD_NUMBER: _ClassVar[int]
    MAX_SPEAKERS_FIELD_NUMBER: _ClassVar[int]
    KNOWN_SPEAKER_NAMES_FIELD_NUMBER: _ClassVar[int]
    KNOWN_SPEAKER_REFERENCES_FIELD_NUMBER: _ClassVar[int]
    language: str
    task: str
    temperature: _containers.RepeatedScalarFieldContainer[float]
    beam_size: int
    best_of: int
    patience: float
    length_penalty: float
    repetition_penalty: float
    no_repeat_ngram_size: int
    initial_prompt: str
    hotwords: str
    prefix: str
    condition_on_previous_text: bool
    no_speech_threshold: Threshold
    log_prob_threshold: Threshold
    compression_ratio_threshold: Threshold
    vad_filter: bool
    vad_parameters: VadParameters
    clip_timestamps: _containers.RepeatedScalarFieldContainer[float]
    channel_identification: bool
    word_timestamps: bool
    without_timestamps: bool
    timestamp_granularities: _containers.RepeatedScalarFieldContainer[str]
    timestamp: str
    include_segments: bool
    response_format: str
    max_line_width: int
    max_line_count: int
    languages: _containers.RepeatedScalarFieldContainer[str]
    multilingual: bool
    audio_track: int
    terms: _containers.RepeatedScalarFieldContainer[str]
    redaction: bool
    diarize: bool
    num_speakers: int
    min_speakers: int
    max_speakers: int
    known_speaker_names: _containers.RepeatedScalarFieldContainer[str]
    known_speaker_references: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, language: _Optional[str] = ..., task: _Optional[str] = ..., temperature: _Optional[_Iterable[float]] = ..., beam_size: _Optional[int] = ..., best_of: _Optional[int] = ..., patience: _Optional[float] = ..., length_penalty: _Optional[float] = ..., repetition_penalty: _Optional[float] = ..., no_repeat_ngram_size: _Optional[int] = ..., initial_prompt: _Optional[str] = ..., hotwords: _Optional[str] = ..., prefix: _Optional[str] = ..., condition_on_previous_text: _Optional[bool] = ..., no_speech_threshold: _Optional[_Union[Threshold, _Mapping]] = ..., log_prob_threshold: _Optional[_Union[Threshold, _Mapping]] = ..., compression_ratio_threshold: _Optional[_Union[Threshold, _Mapping]] = ..., vad_filter: _Optional[bool] = ..., vad_parameters: _Optional[_Union[VadParameters, _Mapping]] = ..., clip_timestamps: _Optional[_Iterable[float]] = ..., channel_identification: _Optional[bool] = ..., word_timestamps: _Optional[bool] = ..., without_timestamps: _Optional[bool] = ..., timestamp_granularities: _Optional[_Iterable[str]] = ..., timestamp: _Optional[str] = ..., include_segments: _Optional[bool] = ..., response_format: _Optional[str] = ..., max_line_width: _Optional[int] = ..., max_line_count: _Optional[int] = ..., languages: _Optional[_Iterable[str]] = ..., multilingual: _Optional[bool] = ..., audio_track: _Optional[int] = ..., terms: _Optional[_Iterable[str]] = ..., redaction: _Optional[bool] = ..., diarize: _Optional[bool] = ..., num_speakers: _Optional[int] = ..., min_speakers: _Optional[int] = ..., max_speakers: _Optional[int] = ..., known_speaker_names: _Optional[_Iterable[str]] = ..., known_speaker_references: _Optional[_Iterable[str]] = ...) -> None: ...

class Threshold(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: float
    def __init__(self, value: _Optional[float] = ...) -> None: ...

class VadParameters(_message.Message):
    __slots__ = ("threshold", "neg_threshold", "min_speech_duration_ms", "max_speech_duration_s", "min_silence_duration_ms", "speech_pad_ms")
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    NEG_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MIN_SPEECH_DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_SPEECH_DURATION_S_FIELD_NUMBER: _ClassVar[int]
    MIN_SILENCE_DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    SPEECH_PAD_MS_FIELD_NUMBER: _ClassVar[int]
    threshold: float
    neg_threshold: float
    min_speech_duration_ms: int
    max_speech_duration_s: float
    min_silence_duration_ms: int
    speech_pad_ms: int
    def __init__(self, threshold: _Optional[float] = ..., neg_threshold: _Optional[float] = ..., min_speech_duration_ms: _Optional[int] = ..., max_speech_duration_s: _Optional[float] = ..., min_silence_duration_ms: _Optional[int] = ..., speech_pad_ms: _Optional[int] = ...) -> None: ...

class TranscribeResponse(_message.Message):
    __slots__ = ("text", "language", "language_probability", "duration", "segments", "superseded", "warnings", "speakers", "channels")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDED_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    SPEAKERS_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    text: str
    language: str
    language_probability: float
    duration: float
    segments: _containers.RepeatedCompositeFieldContainer[Segment]
    superseded: bool
    warnings: _containers.RepeatedScalarFieldContainer[str]
    speakers: int
    channels: int
    def __init__(self, text: _Optional[str] = ..., language: _Optional[str] = ..., language_probability: _Optional[float] = ..., duration: _Optional[float] = ..., segments: _Optional[_Iterable[_Union[Segment, _Mapping]]] = ..., superseded: _Optional[bool] = ..., warnings: _Optional[_Iterable[str]] = ..., speakers: _Optional[int] = ..., channels: _Optional[int] = ...) -> None: ...

class Segment(_message.Message):
    __slots__ = ("id", "seek", "start", "end", "text", "tokens", "temperature", "avg_logprob", "compression_ratio", "no_speech_prob", "words", "channel", "speaker", "speaker_name")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEEK_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    AVG_LOGPROB_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_RATIO_FIELD_NUMBER: _ClassVar[int]
    NO_SPEECH_PROB_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    SPEAKER_FIELD_NUMBER: _ClassVar[int]
    SPEAKER_NAME_FIELD_NUMBER: _ClassVar[int]
    id: int
    seek: int
    start: float
    end: float
    text: str
    tokens: _containers.RepeatedScalarFieldContainer[int]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    words: _containers.RepeatedCompositeFieldContainer[Word]
    channel: int
    speaker: int
    speaker_name: str
    def __init__(self, id: _Optional[int] = ..., seek: _Optional[int] = ..., start: _Optional[float] = ..., end: _Optional[float] = ..., text: _Optional[str] = ..., tokens: _Optional[_Iterable[int]] = ..., temperature: _Optional[float] = ..., avg_logprob: _Optional[float] = ..., compression_ratio: _Optional[float] = ..., no_speech_prob: _Optional[float] = ..., words: _Optional[_Iterable[_Union[Word, _Mapping]]] = ..., channel: _Optional[int] = ..., speaker: _Optional[int] = ..., speaker_name: _Optional[str] = ...) -> None: ...

class Word(_message.Message):
    __slots__ = ("word", "start", "end", "probability", "speaker", "speaker_name")
    WORD_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    SPEAKER_FIELD_NUMBER: _ClassVar[int]
    SPEAKER_NAME_FIELD_NUMBER: _ClassVar[int]
    word: str
    start: float
    end: float
    probability: float
    speaker: int
    speaker_name: str
    def __init__(self, word: _Optional[str] = ..., start: _Optional[float] = ..., end: _Optional[float] = ..., probability: _Optional[float] = ..., speaker: _Optional[int] = ..., speaker_name: _Optional[str] = ...) -> None: ...
