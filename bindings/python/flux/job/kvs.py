"""A job's data in the key-value store."""

from flux.job.JobID import JobID
from flux.kvs import KVSDir, join

__all__ = ["job_kvs", "job_kvs_guest"]


def job_kvs(flux_handle, jobid):
    """The directory of a job: jobspec, R, eventlog, guest ... Nobody writes there."""
    return KVSDir(flux_handle, JobID(jobid).kvs, "primary")


def job_kvs_guest(flux_handle, jobid):
    """The directory that the job itself writes to."""
    return KVSDir(flux_handle, join(JobID(jobid).kvs, "guest"), "primary")
