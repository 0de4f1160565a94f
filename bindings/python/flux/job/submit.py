"""Submitting jobs."""

from flux.core.inner import encode_payload, raw
from flux.future import Future
from flux.job.JobID import JobID

__all__ = ["SubmitFuture", "submit", "submit_async", "submit_get_id"]


class SubmitFuture(Future):
    """Ready when the job is stored."""

    def get_id(self):
        return JobID(raw.flux_job_submit_get_id(self.handle))

    get = get_id


def _text(jobspec):
    """Jobspec as text: text, an object with dumps(), or a dict."""
    if hasattr(jobspec, "dumps"):
        return jobspec.dumps()
    return encode_payload(jobspec)


def submit_async(flux_handle, jobspec, urgency=raw.FLUX_JOB_URGENCY_DEFAULT, waitable=False,
                 debug=False, pre_signed=False, novalidate=False):
    """Submit a job; the future's get_id() waits for its id."""
    flags = ((raw.FLUX_JOB_WAITABLE if waitable else 0) | (raw.FLUX_JOB_DEBUG if debug else 0)
             | (raw.FLUX_JOB_PRE_SIGNED if pre_signed else 0)
             | (raw.FLUX_JOB_NOVALIDATE if novalidate else 0))
    return SubmitFuture(raw.flux_job_submit(flux_handle, _text(jobspec), urgency, flags))


def submit_get_id(future):
    return future.get_id()


def submit(flux_handle, jobspec, urgency=raw.FLUX_JOB_URGENCY_DEFAULT, waitable=False, debug=False,
           pre_signed=False, novalidate=False):
    """Submit a job: its id."""
    return submit_async(flux_handle, jobspec, urgency, waitable, debug, pre_signed,
                        novalidate).get_id()
