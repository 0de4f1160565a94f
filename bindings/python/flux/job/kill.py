"""Controlling jobs."""

import signal

from flux.core.inner import raw
from flux.future import Future
from flux.job.JobID import JobID

__all__ = ["cancel", "cancel_async", "kill", "kill_async", "job_raise", "job_raise_async",
           "set_urgency", "set_urgency_async"]


def cancel_async(flux_handle, jobid, reason=None):
    return Future(raw.flux_job_cancel(flux_handle, JobID(jobid), reason or None))


def cancel(flux_handle, jobid, reason=None):
    """Cancel a job."""
    return cancel_async(flux_handle, jobid, reason).get()


def kill_async(flux_handle, jobid, signum=None):
    return Future(raw.flux_job_kill(flux_handle, JobID(jobid),
                                    int(signal.SIGTERM if signum is None else signum)))


def kill(flux_handle, jobid, signum=None):
    """Send a signal (SIGTERM) to the tasks of a running job."""
    return kill_async(flux_handle, jobid, signum).get()


def job_raise_async(flux_handle, jobid, exc_type, severity=0, note=None):
    return Future(raw.flux_job_raise(flux_handle, JobID(jobid), exc_type, severity, note))


def job_raise(flux_handle, jobid, exc_type, severity=0, note=None):
    """Raise an exception on a job; severity 0 ends it."""
    return job_raise_async(flux_handle, jobid, exc_type, severity, note).get()


def set_urgency_async(flux_handle, jobid, urgency):
    return Future(raw.flux_job_set_urgency(flux_handle, JobID(jobid), urgency))


def set_urgency(flux_handle, jobid, urgency):
    return set_urgency_async(flux_handle, jobid, urgency).get()
