"""Futures: results that are not there yet."""

import inspect

from flux.core.inner import raw, weakly

__all__ = ["Future", "WaitAllFuture", "WaitAnyFuture"]


def _wants_argument(callback):
    """Programs of old times take (future, arg) and give no arg."""
    try:
        wanted = [p for p in inspect.signature(callback).parameters.values()
                  if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty]
    except (TypeError, ValueError):
        return False
    return len(wanted) > 1


class Future:
    """A result that will be there. Wait for it with `get()`, or say with `then()` what to do when
    it comes and run the reactor."""

    def __init__(self, handle):
        self.handle = handle
        self._then = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return False

    def get(self):
        """Wait for the result; OSError if it is an error."""
        raw.flux_future_get(self.handle)

    def wait_for(self, timeout=-1.0):
        """Wait at most `timeout` seconds (less than 0: for ever): self, or TimeoutError."""
        raw.flux_future_wait_for(self.handle, float(timeout))
        return self

    def is_ready(self):
        return raw.flux_future_is_ready(self.handle)

    def has_error(self):
        return raw.flux_future_has_error(self.handle)

    def error_string(self):
        return raw.flux_future_error_string(self.handle)

    def then(self, callback, *args, timeout=-1.0, **kwargs):
        """Call callback(self, *args, **kwargs) from the reactor for each result. Returns self."""
        if callback is None:
            raise ValueError("the callback must not be None")
        if self._then is not None:
            raise FileExistsError(17, "this future has a callback already")
        if not args and not kwargs and _wants_argument(callback):
            args = (None,)
        self._then = (callback, args, kwargs)
        try:
            raw.flux_future_then(self.handle, float(timeout), weakly(self._call), self)
        except BaseException:
            self._then = None
            raise
        return self

    def _call(self, _handle, _none):
        if self._then is not None:
            callback, args, kwargs = self._then
            callback(self, *args, **kwargs)

    def reset(self):
        """Make room for the next result of a stream."""
        raw.flux_future_reset(self.handle, self)

    def stop(self):
        """No more calls of the callback."""
        self._then = None

    def get_flux(self):
        """The handle it was made on, None when there is none."""
        from flux.core.handle import Flux

        try:
            return Flux(handle=raw.flux_future_get_flux(self.handle))
        except OSError:
            return None

    def get_reactor(self):
        return raw.flux_future_get_reactor(self.handle)


class _Composite(Future):
    def __init__(self, handle, children):
        super().__init__(handle)
        self.children = []
        for child in children or []:
            self.push(child)

    def push(self, child, name=None):
        """Add a future, under a name of its own if wanted."""
        if not self.children:
            try:
                raw.flux_future_set_flux(self.handle, raw.flux_future_get_flux(child))
            except OSError:
                pass  # it works without one as long as the children do
        raw.flux_future_push(self.handle, name, child)
        self.children.append(child)


class WaitAllFuture(_Composite):
    """Ready when all its children are."""

    def __init__(self, children=None):
        super().__init__(raw.flux_future_wait_all_create(), children)


class WaitAnyFuture(_Composite):
    """Ready when one of its children is."""

    def __init__(self, children=None):
        super().__init__(raw.flux_future_wait_any_create(), children)
