"""What is known of a job."""

import json

from flux.core.inner import raw
from flux.job.JobID import JobID

__all__ = ["JobInfo", "get_job"]


class JobInfo:
    """The fields of a job record as attributes; those that it does not have are absent.

    Besides the fields: `returncode` (the exit code, or the negative signal; None while there is none),
    `runtime`, `result` and `result_id` (name and number).
    """

    def __init__(self, record):
        self._record = dict(record)

    def __getattr__(self, name):
        try:
            return self.__dict__["_record"][name]
        except KeyError:
            raise AttributeError(f"this job has no '{name}'") from None

    @property
    def id(self):
        return JobID(self._record["id"])

    @property
    def result_id(self):
        return self._record.get("result", 0)

    @property
    def result(self):
        number = self.result_id
        return raw.flux_job_resulttostr(number) if number else ""

    @property
    def returncode(self):
        status = self._record.get("waitstatus")
        if status is None:
            return None if not self._record.get("exception_occurred") else 1
        signum = status & 0x7F
        return -signum if signum else (status >> 8) & 0xFF

    @property
    def runtime(self):
        start, end = self._record.get("t_run", 0), self._record.get("t_cleanup", 0)
        return end - start if start and end else 0.0

    def to_dict(self):
        return dict(self._record)

    def __repr__(self):
        return f"<flux.job.JobInfo {self.id}>"


def get_job(flux_handle, jobid):
    """The record of a job as a dict, None when there is no such job."""
    future = raw.flux_job_list_id(flux_handle, JobID(jobid), None)
    try:
        return json.loads(raw.flux_rpc_get(future))["job"]
    except FileNotFoundError:
        return None
