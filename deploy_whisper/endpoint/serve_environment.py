# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What Ray Serve has to be told before it starts, when no code of the archive runs yet."""

SERVE_ENVIRONMENT = {
    # Ray runs what its ports are sent: they listen on the loopback interface alone, whatever the
    # security groups let in. That is how Ray is on macOS and Windows, and how it is told to be so.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # Without what it puts there, Serve's health route says 200 too early and whatever fails later.
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "whisper_endpoint.proxy.middlewares:middlewares",
    # After three failed checks a proxy is replaced: by default they are 10 s apart.
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
    # Between Serve's processes: some milliseconds less per hop than calls of Ray's actors.
    "RAY_SERVE_USE_GRPC_BY_DEFAULT": "1",
    # A piece of a long file has up to 25 MB of features, and Serve's limit is 4 MiB.
    "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": str(64 * 1024 * 1024),
}
