"""The key-value store: values, directories, namespaces, and what it shows of jobs."""

import errno
import unittest

import flux
import flux.job
import flux.kvs as kvs

JOBSPEC = {"version": 1,
           "resources": [{"type": "slot", "count": 1, "label": "task",
                          "with": [{"type": "core", "count": 1}]}],
           "tasks": [{"command": ["true"], "slot": "task", "count": {"per_slot": 1}}],
           "attributes": {"system": {"duration": 0, "cwd": "/", "environment": {"PATH": "/usr/bin:/bin"}}}}


class KVS(unittest.TestCase):
    def setUp(self):
        self.f = flux.Flux()

    def tearDown(self):
        kvs.put_unlink(self.f, "t")
        kvs.commit(self.f)
        self.f.close()

    def fails(self, errnum, fn, *args, **kwargs):
        with self.assertRaises(OSError) as cm:
            fn(self.f, *args, **kwargs)
        self.assertEqual(cm.exception.errno, errnum)
        return cm.exception.strerror

    def test_values_of_each_kind(self):
        values = {"int": 42, "real": 1.5, "text": "b\u00fccher", "none": None, "yes": True,
                  "list": [1, "two", None], "object": {"a": {"b": 1}}}
        for name, value in values.items():
            kvs.put(self.f, "t." + name, value)
        kvs.commit(self.f)
        for name, value in values.items():
            self.assertEqual(kvs.get(self.f, "t." + name), value)

    def test_nothing_happens_before_the_commit(self):
        kvs.put(self.f, "t.a", 1)
        self.assertFalse(kvs.exists(self.f, "t.a"))
        first = kvs.commit(self.f)
        self.assertTrue(kvs.exists(self.f, "t.a"))
        kvs.put(self.f, "t.a", 2)
        kvs.put_unlink(self.f, "t.a")
        self.assertEqual(kvs.commit(self.f), first + 1)
        self.fails(errno.ENOENT, kvs.get, "t.a")

    def test_directories_and_links(self):
        kvs.put_mkdir(self.f, "t.d")
        kvs.put(self.f, "t.x.y", 1)
        kvs.put_symlink(self.f, "t.l", "t.x")
        kvs.commit(self.f)
        self.assertEqual([kvs.isdir(self.f, "t." + n) for n in ("d", "x", "l", "x.y", "none")],
                         [True, True, True, False, False])
        self.assertTrue(kvs.exists(self.f, "t.d"))
        self.fails(errno.EISDIR, kvs.get, "t.d")
        self.assertEqual(kvs.get(self.f, "t.l.y"), 1)
        self.fails(errno.ENOTDIR, kvs.get_dir, "t.x.y")

    def test_a_directory_is_a_mapping(self):
        with self.made("t") as d:
            d["a"] = 1
            d["b.c"] = "deep"
        d = kvs.get_dir(self.f, "t")
        self.assertEqual(sorted(d), ["a", "b"])
        self.assertEqual(len(d), 2)
        self.assertEqual(d["a"], 1)
        self.assertEqual(d["b"]["c"], "deep")
        self.assertIn("b.c", d)
        self.assertNotIn("c", d)
        self.assertEqual(d.list_all(), (["a"], ["b"]))
        with self.assertRaises(KeyError):
            d["c"]
        del d["a"]
        d.commit()
        self.assertEqual(list(d), ["b"])
        d.mkdir("e")
        self.assertEqual([(p, sorted(dirs), files) for p, dirs, files in kvs.walk(d)],
                         [("t", ["b", "e"], []), ("t.b", [], ["c"]), ("t.e", [], [])])

    def made(self, key):
        kvs.put_mkdir(self.f, key)
        kvs.commit(self.f)
        return kvs.KVSDir(self.f, key)

    def test_a_block_that_fails_commits_nothing(self):
        d = self.made("t")
        with self.assertRaises(RuntimeError), d:
            d["a"] = 1
            raise RuntimeError
        kvs.commit(self.f)
        self.assertEqual(list(d), [])

    def test_namespaces(self):
        kvs.namespace_create(self.f, "other")
        self.assertIn("other", kvs.namespace_list(self.f))
        kvs.put(self.f, "t", 7)
        kvs.commit(self.f, namespace="other")
        self.assertFalse(kvs.exists(self.f, "t"))
        self.assertEqual(kvs.get(self.f, "t", namespace="other"), 7)
        kvs.namespace_remove(self.f, "other")
        self.assertNotIn("other", kvs.namespace_list(self.f))
        self.fails(errno.ENOTSUP, kvs.get, "t", namespace="other")

    def test_what_is_shown_of_a_job(self):
        jobid = flux.job.submit(self.f, JOBSPEC)
        flux.job.event_wait(self.f, jobid, "clean")
        d = flux.job.job_kvs(self.f, jobid)
        self.assertEqual(sorted(d), ["J", "R", "eventlog", "guest", "jobspec"])
        self.assertEqual(d["jobspec"]["tasks"][0]["command"], ["true"])
        self.assertEqual(d["R"]["version"], 1)
        self.assertIn("exec", flux.job.job_kvs_guest(self.f, jobid))
        d["x"] = 1
        with self.assertRaises(OSError) as cm:
            d.commit()
        self.assertEqual(cm.exception.errno, errno.EROFS)


unittest.main()
