"""Jobs: submit, wait, result, control, events, ids."""

import errno
import json
import signal
import unittest

import flux
import flux.job
from flux.job import JobID


def jobspec(*command, duration=0):
    return {"version": 1,
            "resources": [{"type": "slot", "count": 1, "label": "task",
                           "with": [{"type": "core", "count": 1}]}],
            "tasks": [{"command": list(command), "slot": "task", "count": {"per_slot": 1}}],
            "attributes": {"system": {"duration": duration, "cwd": "/",
                                      "environment": {"PATH": "/usr/bin:/bin"}}}}


class Spec:
    """Like a Jobspec object."""

    def dumps(self):
        return json.dumps(jobspec("true"))


class Jobs(unittest.TestCase):
    def setUp(self):
        self.f = flux.Flux()

    def tearDown(self):
        self.f.close()

    def start(self, *command):
        jobid = flux.job.submit(self.f, jobspec(*command))
        flux.job.event_wait(self.f, jobid, "start")
        return jobid

    def test_submit_takes_text_dicts_and_objects(self):
        for spec in (jobspec("true"), json.dumps(jobspec("true")), Spec()):
            jobid = flux.job.submit(self.f, spec)
            self.assertIsInstance(jobid, JobID)
            self.assertEqual(flux.job.result(self.f, jobid).returncode, 0)

    def test_submit_async(self):
        futures = [flux.job.submit_async(self.f, jobspec("true")) for _ in range(5)]
        ids = [flux.job.submit_get_id(x) for x in futures]
        self.assertEqual(len(set(ids)), 5)
        seen = []
        flux.job.submit_async(self.f, jobspec("true")).then(lambda x: seen.append(x.get_id()))
        self.f.reactor_run()
        self.assertEqual(len(seen), 1)

    def test_a_refused_job(self):
        with self.assertRaises(OSError) as cm:
            flux.job.submit(self.f, "nonsense")
        self.assertTrue(cm.exception.strerror)

    def test_result(self):
        info = flux.job.result(self.f, flux.job.submit(self.f, jobspec("sh", "-c", "exit 3")))
        self.assertEqual((info.returncode, info.result), (3, "FAILED"))
        self.assertEqual(info.result_id, flux.constants.FLUX_JOB_RESULT_FAILED)
        self.assertGreaterEqual(info.runtime, 0)
        self.assertEqual(info.to_dict()["id"], info.id)
        with self.assertRaises(AttributeError):
            info.no_such_field
        seen = []
        jobid = flux.job.submit(self.f, jobspec("true"))
        flux.job.result_async(self.f, jobid).then(lambda x: seen.append(x.get_info().result))
        self.f.reactor_run()
        self.assertEqual(seen, ["COMPLETED"])

    def test_wait(self):
        ids = {flux.job.submit(self.f, jobspec(c), waitable=True): c for c in ("true", "false")}
        for _ in ids:
            jobid, success, errstr = flux.job.wait(self.f)
            self.assertEqual(success, ids[jobid] == "true")
            self.assertEqual(bool(errstr), not success)
        with self.assertRaises(ChildProcessError):
            flux.job.wait(self.f)
        jobid = flux.job.submit(self.f, jobspec("true"), waitable=True)
        status = flux.job.wait_async(self.f, jobid).get_status()
        self.assertEqual((status.jobid, status.success), (jobid, True))

    def test_cancel(self):
        jobid = self.start("sleep", "3600")
        flux.job.cancel(self.f, jobid, "enough")
        info = flux.job.result(self.f, jobid)
        self.assertEqual(info.result, "CANCELED")
        self.assertEqual(info.exception_note, "enough")
        with self.assertRaises(FileNotFoundError):
            flux.job.cancel(self.f, 2**40)

    def test_kill(self):
        jobid = self.start("sleep", "3600")
        flux.job.kill(self.f, jobid, signal.SIGKILL)
        self.assertEqual(flux.job.result(self.f, jobid).returncode, -signal.SIGKILL)
        jobid = self.start("sleep", "3600")
        flux.job.kill(self.f, str(jobid))
        self.assertEqual(flux.job.result(self.f, jobid).returncode, -signal.SIGTERM)

    def test_raise(self):
        jobid = self.start("sleep", "3600")
        flux.job.job_raise(self.f, jobid, "remark", 5, "only a note")
        event = flux.job.event_wait(self.f, jobid, "exception")
        self.assertEqual((event.context["type"], event.context["severity"]), ("remark", 5))
        flux.job.job_raise(self.f, jobid, "oops", note="the end")
        with self.assertRaises(flux.job.JobException) as cm:
            flux.job.event_wait(self.f, jobid, "clean")
        self.assertEqual(str(cm.exception), "job.exception: type=oops: the end")
        self.assertEqual(cm.exception.severity, 0)

    def test_urgency(self):
        jobid = flux.job.submit(self.f, jobspec("true"), urgency=0)
        flux.job.set_urgency(self.f, jobid, 16)
        self.assertEqual(flux.job.result(self.f, jobid).returncode, 0)

    def test_events(self):
        jobid = flux.job.submit(self.f, jobspec("true"))
        events = list(flux.job.event_watch(self.f, jobid))
        names = [e.name for e in events]
        self.assertEqual(names[0], "submit")
        self.assertEqual(names[-1], "clean")
        self.assertLess(names.index("start"), names.index("finish"))
        self.assertEqual(events[0].context["userid"], __import__("os").getuid())
        self.assertIn("submit", str(events[0]))
        with self.assertRaises(OSError) as cm:
            flux.job.event_wait(self.f, jobid, "never")
        self.assertEqual(cm.exception.errno, errno.ENODATA)

    def test_events_by_push_and_cancel(self):
        jobid = self.start("sleep", "3600")
        seen = []

        def cb(future):
            event = future.get_event()
            if event is None:
                self.f.reactor_stop()
                return
            seen.append(event.name)
            if event.name == "start":
                future.cancel()

        flux.job.event_watch_async(self.f, jobid).then(cb)
        self.f.reactor_run()
        self.assertEqual(seen[0], "submit")
        self.assertEqual(seen[-1], "start")
        flux.job.cancel(self.f, jobid)

    def test_get_job(self):
        jobid = flux.job.submit(self.f, jobspec("true"))
        flux.job.result(self.f, jobid)
        self.assertEqual(flux.job.get_job(self.f, jobid)["id"], jobid)
        self.assertIsNone(flux.job.get_job(self.f, 2**40))

    def test_lookup(self):
        jobid = flux.job.submit(self.f, jobspec("true"))
        text = flux.raw.flux_job_info_lookup_get(
            self.f.job_info_lookup(jobid, "jobspec"), "jobspec")
        self.assertEqual(json.loads(text)["tasks"][0]["command"], ["true"])


class Ids(unittest.TestCase):
    def test_forms(self):
        jobid = JobID(1234567890)
        for form in ("dec", "hex", "f58", "f58plain", "dothex", "kvs", "words", "emoji"):
            text = jobid.encode(form)
            self.assertEqual(JobID(text), jobid, form)
            self.assertEqual(getattr(jobid, form), text)
        self.assertEqual(jobid.dec, "1234567890")
        self.assertEqual(jobid.hex, "0x499602d2")
        self.assertTrue(jobid.f58.startswith("ƒ"))
        self.assertEqual(str(jobid), jobid.f58)
        self.assertEqual(str(JobID("0x10")), "0x10")
        self.assertEqual(flux.job.id_parse("ƒ1"), 0)
        self.assertEqual(flux.job.id_encode(0), "ƒ1")
        self.assertEqual(JobID("1234"), 1234)

    def test_nonsense(self):
        for text in ("", "xyzzy!", "ƒ", "-1"):
            with self.assertRaises(ValueError, msg=text):
                JobID(text)
        with self.assertRaises(ValueError):
            JobID(-1)
        with self.assertRaises(OSError):
            JobID(1).encode("nonsense")


unittest.main()
