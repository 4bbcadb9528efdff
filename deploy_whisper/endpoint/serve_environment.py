# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Environment for Ray Serve, which starts before any code of the archive runs."""

SERVE_ENVIRONMENT = {
    # Ray executes whatever its ports receive, so they must listen only on the loopback interface,
    # whatever the security groups allow. This is how Ray is configured on macOS and Windows.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # Without these middlewares, Serve's health route is 200 too early, and despite later failures.
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "whisper_endpoint.proxy.middlewares:middlewares",
    # A proxy is replaced after three failed checks, which by default are 10 s apart.
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
    # Between Serve's processes, gRPC takes some milliseconds less per hop than actor calls.
    "RAY_SERVE_USE_GRPC_BY_DEFAULT": "1",
    # A piece of a long file has up to 25 MB of features; Serve's default limit is 4 MiB.
    "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": str(64 * 1024 * 1024),
}
