"""Watchers: a condition, and the function to call when it holds.

A watcher is made stopped; `start()` and `stop()` return it, `with watcher:` does both. A started watcher
needs no variable to live. Callbacks get (flux_handle, watcher, ..., args) and may stop or destroy the
watcher; an exception in one ends the reactor and is raised by `reactor_run()`.
"""

from flux.core.inner import raw, weakly

__all__ = ["Watcher", "TimerWatcher", "FDWatcher", "SignalWatcher", "PrepareWatcher",
           "CheckWatcher", "IdleWatcher"]


class Watcher:
    """What all kinds have in common; `handle` is the C object."""

    def __init__(self, flux_handle, handle, callback, args):
        self.flux_handle = flux_handle
        self.handle = handle
        self.callback = callback
        self.args = args

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        if self.handle is not None:
            self.stop()
        return False

    def start(self):
        raw.flux_watcher_start(self.handle, self)
        return self

    def stop(self):
        raw.flux_watcher_stop(self.handle)
        return self

    def destroy(self):
        if self.handle is not None:
            raw.flux_watcher_destroy(self.handle)
            self.handle = None

    def ref(self):
        raw.flux_watcher_ref(self.handle)

    def unref(self):
        """It works on, but does not keep the reactor running."""
        raw.flux_watcher_unref(self.handle)

    def is_active(self):
        return self.handle is not None and raw.flux_watcher_is_active(self.handle)


class TimerWatcher(Watcher):
    """Calls callback(flux_handle, watcher, revents, args) after `after` seconds, then each `repeat`
    seconds (0: once)."""

    def __init__(self, flux_handle, after, callback, repeat=0, args=None):
        self.after = float(after)
        self.repeat = float(repeat)
        reactor = raw.flux_get_reactor(flux_handle)
        super().__init__(
            flux_handle,
            raw.flux_timer_watcher_create(reactor, self.after, self.repeat, weakly(self._call)),
            callback, args)

    def _call(self, _handle, revents):
        self.callback(self.flux_handle, self, revents, self.args)

    def reset(self, after, repeat=0.0):
        """New times, which count from the next start."""
        raw.flux_timer_watcher_reset(self.handle, float(after), float(repeat))

    def next_wakeup(self):
        return raw.flux_watcher_next_wakeup(self.handle)


class FDWatcher(Watcher):
    """Calls callback(flux_handle, watcher, fd, revents, args) when a descriptor is ready. The
    descriptor stays the caller's."""

    def __init__(self, flux_handle, fd_int, events, callback, args=None):
        self.fd_int = fd_int if isinstance(fd_int, int) else fd_int.fileno()
        self.events = events
        reactor = raw.flux_get_reactor(flux_handle)
        super().__init__(
            flux_handle,
            raw.flux_fd_watcher_create(reactor, self.fd_int, events, weakly(self._call)),
            callback, args)

    def _call(self, _handle, revents):
        self.callback(self.flux_handle, self, self.fd_int, revents, self.args)


class SignalWatcher(Watcher):
    """Calls callback(flux_handle, watcher, signum, args) when a signal arrives. While it is started
    Python's own handler does not see the signal, which is blocked in this thread; other threads
    of the program must have it blocked too."""

    def __init__(self, flux_handle, signum, callback, args=None):
        self.signum = int(signum)
        reactor = raw.flux_get_reactor(flux_handle)
        super().__init__(
            flux_handle,
            raw.flux_signal_watcher_create(reactor, self.signum, weakly(self._call)),
            callback, args)

    def _call(self, _handle, _revents):
        self.callback(self.flux_handle, self, self.signum, self.args)


class _LoopWatcher(Watcher):
    create = None

    def __init__(self, flux_handle, callback, args=None):
        reactor = raw.flux_get_reactor(flux_handle)
        super().__init__(flux_handle, type(self).create(reactor, weakly(self._call)), callback, args)

    def _call(self, _handle, revents):
        self.callback(self.flux_handle, self, revents, self.args)


class PrepareWatcher(_LoopWatcher):
    """Calls callback(flux_handle, watcher, revents, args) when the reactor is about to wait."""

    create = raw.flux_prepare_watcher_create


class CheckWatcher(_LoopWatcher):
    """The same when it has waited."""

    create = raw.flux_check_watcher_create


class IdleWatcher(_LoopWatcher):
    """The same when it has nothing else to do; it does not wait then."""

    create = raw.flux_idle_watcher_create
