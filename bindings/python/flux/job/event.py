"""The events of jobs."""

import errno
import json

from flux.core.inner import raw
from flux.future import Future
from flux.job.JobID import JobID

__all__ = ["MAIN_EVENTS", "EventLogEvent", "JobException", "JobEventWatchFuture", "event_watch",
           "event_watch_async", "event_wait"]

# Events of the main event log.
MAIN_EVENTS = frozenset({
    "submit", "depend", "priority", "flux-restart", "urgency", "alloc", "free", "start", "release",
    "finish", "clean", "debug", "exception"})


class EventLogEvent:
    """One event: name, timestamp, context."""

    def __init__(self, event):
        if isinstance(event, (str, bytes)):
            event = json.loads(event)
        self.name = event["name"]
        self.timestamp = event["timestamp"]
        self.context = event.get("context", {})

    def __str__(self):
        return f"{self.timestamp:.5f}: {self.name} {self.context}"

    __repr__ = __str__


class JobException(Exception):
    """A job got an exception: timestamp, type, severity (0 ends the job), note."""

    def __init__(self, event):
        self.timestamp = event.timestamp
        self.type = event.context["type"]
        self.note = event.context.get("note", "")
        self.severity = event.context["severity"]
        super().__init__(str(self))

    def __str__(self):
        return f"job.exception: type={self.type}: {self.note}"


class JobEventWatchFuture(Future):
    """Ready for each event. It stops watching when it goes away."""

    def __init__(self, handle):
        super().__init__(handle)
        self.needs_cancel = True

    def __del__(self):
        try:
            if self.__dict__.get("needs_cancel"):
                self.cancel()
        except (OSError, ValueError, RuntimeError):
            pass  # the connection is gone, or another thread's

    def get_event(self, autoreset=True):
        """The next event, None at the end. Unless autoreset is False, the next call waits for the next
        event."""
        try:
            event = EventLogEvent(raw.flux_job_event_watch_get(self.handle))
        except OSError as e:
            self.needs_cancel = False
            if e.errno == errno.ENODATA:
                return None
            raise
        if autoreset:
            self.reset()
        return event

    def cancel(self, stop=False):
        """Watch no longer; the stream then ends. stop: call the callback no more."""
        self.needs_cancel = False
        raw.flux_job_event_watch_cancel(self.handle)
        if stop:
            self.stop()


def event_watch_async(flux_handle, jobid, eventlog="eventlog"):
    return JobEventWatchFuture(raw.flux_job_event_watch(flux_handle, JobID(jobid), eventlog, 0))


def event_watch(flux_handle, jobid, eventlog="eventlog"):
    """The events of a job, past ones first, as they come."""
    future = event_watch_async(flux_handle, jobid, eventlog)
    while (event := future.get_event()) is not None:
        yield event


def event_wait(flux_handle, jobid, name, eventlog="eventlog", raiseJobException=True):
    """Wait for an event of that name. JobException if the job gets a fatal exception first, OSError
    (ENODATA) if the log ends without the event."""
    for event in event_watch(flux_handle, jobid, eventlog):
        if event.name == name:
            return event
        if raiseJobException and event.name == "exception" and event.context["severity"] == 0:
            raise JobException(event)
    raise OSError(errno.ENODATA, f"eventlog ended before event='{name}'")
