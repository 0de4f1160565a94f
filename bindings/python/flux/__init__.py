"""Flux for Python: the handle, messages and RPC, events, watchers, jobs.

    import flux, flux.job

    f = flux.Flux()                          # the enclosing instance
    f.rpc("attr.get", {"name": "size"}).get()
    id = flux.job.submit(f, jobspec)
    flux.job.result(f, id).returncode

A handle and all that is made on it belong to one thread at a time; open one handle for each thread.
Other threads run while a call waits. Failures are OSError with the errno of the service and its text.
"""

from flux.constants import *  # noqa: F401,F403
from flux.core.handle import Flux
from flux.core.inner import raw

__version__ = raw.flux_core_version_string()
__all__ = ["Flux"]
