"""Waiting for jobs."""

import collections
import json

from flux.core.inner import raw
from flux.future import Future
from flux.job.JobID import JobID
from flux.job.info import JobInfo

__all__ = ["JobWaitResult", "JobWaitFuture", "JobResultFuture", "wait", "wait_async",
           "wait_get_status", "result", "result_async"]

JobWaitResult = collections.namedtuple("JobWaitResult", "jobid, success, errstr")


class JobWaitFuture(Future):
    def get_status(self):
        """(jobid, success, errstr) of the job."""
        success, errstr = raw.flux_job_wait_get_status(self.handle)
        return JobWaitResult(JobID(raw.flux_job_wait_get_id(self.handle)), success, errstr)


def wait_async(flux_handle, jobid=raw.FLUX_JOBID_ANY):
    if isinstance(jobid, (str, bytes)):
        jobid = JobID(jobid)
    return JobWaitFuture(raw.flux_job_wait(flux_handle, jobid))


def wait_get_status(future):
    return future.get_status()


def wait(flux_handle, jobid=raw.FLUX_JOBID_ANY):
    """Wait for a job that was submitted with waitable=True, or any of them: (jobid, success, errstr).
    ChildProcessError when there is none."""
    return wait_async(flux_handle, jobid).get_status()


class JobResultFuture(Future):
    def get_dict(self):
        """The result as it comes from flux_job_result(3)."""
        return json.loads(raw.flux_job_result_get(self.handle))

    def get_info(self):
        """The same as a JobInfo."""
        return JobInfo(self.get_dict())


def result_async(flux_handle, jobid, flags=0):
    return JobResultFuture(raw.flux_job_result(flux_handle, JobID(jobid), flags))


def result(flux_handle, jobid, flags=0):
    """Wait for the end of any job: a JobInfo with result, returncode, runtime, ..."""
    return result_async(flux_handle, jobid, flags).get_info()
