"""uvicorn around the application: in this process, or in several that share the port."""

import os
import signal
import sys
from ipaddress import ip_address
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from service.app import create_app
from service.logs import configure_logs
from service.metrics import FOLDER_VARIABLE
from service.resources import Resources, open_resources
from service.settings import Settings

# With several processes, asyncio's own loop leaves Nagle's algorithm on in the sockets it is
# handed, and every answer then waits for an acknowledgement: 44 ms.
LOOP = "asyncio" if sys.platform == "win32" else "uvloop"
SWITCH_S = 0.0005
"""How long a thread computes before it lets another go on, a tenth of the usual: else the one that
reads requests waits behind each that searches."""
LONGEST_GOODBYE = 25
"""Seconds that running requests are given to end; compose.yaml waits a little longer."""


def serve_here(resources: Resources) -> None:
    """Serve in this process until it is asked to end."""
    configure_logs(resources.settings)
    signal.signal(signal.SIGTERM, _leave)
    server = uvicorn.Server(_configuration(resources.settings, app=create_app(resources)))
    try:
        server.run()
    except KeyboardInterrupt:
        return
    if not server.started:
        raise SystemExit(STARTUP_FAILURE)


def serve_over_workers(settings: Settings) -> None:
    """Serve in `settings.workers` processes; one that dies is replaced."""
    configure_logs(settings)
    # Each worker reads its own settings.
    for name in ("data", "workers", "limit_concurrency"):
        os.environ[f"SOCIOPOLES_{name.upper()}"] = str(getattr(settings, name))
    configuration = _configuration(
        settings, app=f"{__name__}:make_app", factory=True, workers=settings.workers
    )
    # Several processes that each took every core for one question would wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // settings.workers)))
    with TemporaryDirectory(prefix="sociopoles-metrics-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        supervisor = Multiprocess(configuration, sockets=[configuration.bind_socket()])
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise SystemExit(STARTUP_FAILURE)


def make_app() -> Any:  # noqa: ANN401 - an ASGI application
    """The application of one worker, which opens its own resources."""
    settings = Settings()
    configure_logs(settings)
    sys.setswitchinterval(SWITCH_S)
    return create_app(open_resources(settings))


def is_far(host: str) -> bool:
    """Whether other machines reach this address."""
    try:
        return host != "localhost" and not ip_address(host).is_loopback
    except ValueError:
        return True


def _configuration(settings: Settings, **options: Any) -> uvicorn.Config:  # noqa: ANN401
    return uvicorn.Config(
        host=settings.host,
        port=settings.port,
        loop=LOOP,
        # Ours, in service.logs: uvicorn's would show addresses and what was searched.
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies,
        limit_concurrency=settings.limit_concurrency,
        timeout_graceful_shutdown=LONGEST_GOODBYE,
        **options,
    )


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Uvicorn has ended in good order and hands the signal on: end with code 0."""
    raise SystemExit(0)
