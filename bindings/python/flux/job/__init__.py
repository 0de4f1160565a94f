"""Jobs: submit, wait, watch, control.

The functions take a handle and a job id: a JobID, an int, or text in any of the forms of an id. Each
NAME_async() returns a future instead of waiting.
"""

from flux.job.JobID import JobID, id_encode, id_parse
from flux.job.event import (MAIN_EVENTS, EventLogEvent, JobEventWatchFuture, JobException,
                            event_wait, event_watch, event_watch_async)
from flux.job.info import JobInfo, get_job
from flux.job.kill import (cancel, cancel_async, job_raise, job_raise_async, kill, kill_async,
                           set_urgency, set_urgency_async)
from flux.job.kvs import job_kvs, job_kvs_guest
from flux.job.submit import SubmitFuture, submit, submit_async, submit_get_id
from flux.job.wait import (JobResultFuture, JobWaitFuture, JobWaitResult, result, result_async,
                           wait, wait_async, wait_get_status)
