"""The key-value store: values under hierarchical keys ("a.b.c"), in namespaces.

Values are what JSON has. put() and its like are kept with the handle until commit(), which makes all of
them happen, or none. `namespace` None is that of FLUX_KVS_NAMESPACE, or "primary".
"""

import base64
import errno
import json
import os
from collections import abc
from weakref import WeakKeyDictionary

__all__ = ["KVSDir", "commit", "exists", "get", "get_dir", "isdir", "join", "namespace_create",
           "namespace_list", "namespace_remove", "put", "put_mkdir", "put_symlink", "put_unlink", "walk"]

_READDIR = 1
_pending = WeakKeyDictionary()  # handle -> operations


def _namespace(namespace):
    return namespace or os.environ.get("FLUX_KVS_NAMESPACE") or "primary"


def _lookup(flux_handle, key, namespace, flags):
    return flux_handle.rpc("kvs.lookup", {"key": key, "namespace": _namespace(namespace),
                                          "flags": flags}).get()["val"]


def join(*parts):
    """A key of these parts; empty ones are left out."""
    return ".".join(p for p in parts if p)


# ---- reading ----

def get(flux_handle, key, namespace=None):
    """The value of a key; None if it is empty. OSError: ENOENT, EISDIR ...; ValueError: it is no JSON."""
    data = base64.b64decode(_lookup(flux_handle, key, namespace, 0)["data"])
    return json.loads(data.rstrip(b"\0")) if data else None


def _is(flux_handle, key, namespace, flags, no):
    try:
        _lookup(flux_handle, key, namespace, flags)
    except OSError as e:
        if e.errno in no:
            return False
        if e.errno == errno.EISDIR:
            return True
        raise
    return True


def exists(flux_handle, key, namespace=None):
    """Is there a value or a directory?"""
    return _is(flux_handle, key, namespace, 0, (errno.ENOENT, errno.ENOTDIR))


def isdir(flux_handle, key, namespace=None):
    return _is(flux_handle, key, namespace, _READDIR, (errno.ENOENT, errno.ENOTDIR))


# ---- writing ----

def _add(flux_handle, key, dirent):
    _pending.setdefault(flux_handle, []).append({"key": key, "flags": 0, "dirent": dirent})


def _object(kind, data):
    return {"ver": 1, "type": kind, "data": data}


def put(flux_handle, key, value):
    """Give a key a value, of what JSON has."""
    text = json.dumps(value, ensure_ascii=False).encode()
    _add(flux_handle, key, _object("val", base64.b64encode(text).decode()))


def put_mkdir(flux_handle, key):
    """Make an empty directory."""
    _add(flux_handle, key, _object("dir", {}))


def put_unlink(flux_handle, key):
    """Remove a key, whether it is there or not."""
    _add(flux_handle, key, None)


def put_symlink(flux_handle, key, target, namespace=None):
    """Make a key a link to another, maybe of another namespace."""
    data = {"target": target}
    if namespace:
        data["namespace"] = namespace
    _add(flux_handle, key, _object("symlink", data))


def commit(flux_handle, flags=0, namespace=None):
    """Make happen what was put since the last commit; return when it is durable. The new version."""
    ops = _pending.pop(flux_handle, [])
    return flux_handle.rpc("kvs.commit", {"namespace": _namespace(namespace), "flags": flags,
                                          "ops": ops}).get()["rootseq"]


# ---- namespaces ----

def namespace_create(flux_handle, name, owner=None):
    """Make a namespace, of a user (the instance owner)."""
    flux_handle.rpc("kvs.namespace-create", {"namespace": name, "rootref": "", "flags": 0,
                                             "owner": 0xFFFFFFFF if owner is None else owner}).get()


def namespace_remove(flux_handle, name):
    flux_handle.rpc("kvs.namespace-remove", {"namespace": name}).get()


def namespace_list(flux_handle):
    """The names."""
    answer = flux_handle.rpc("kvs.namespace-list", {}).get()
    return [ns["namespace"] for ns in answer["namespaces"]]


# ---- directories ----

class KVSDir(abc.MutableMapping):
    """A directory as a mapping: names (or keys below it) to values, directories to more of these.

    What is set or deleted happens with commit(), or at the end of a `with` block.
    """

    def __init__(self, flux_handle, key=".", namespace=None):
        self.fhdl = flux_handle
        self.path = "" if key == "." else key.strip(".")
        self.namespace = namespace
        self._entries()

    def _entries(self):
        return _lookup(self.fhdl, self.path or ".", self.namespace, _READDIR)["data"]

    def key_at(self, name):
        """The whole key of a name."""
        return join(self.path, name)

    def exists(self, name):
        return exists(self.fhdl, self.key_at(name), self.namespace)

    def isdir(self, name):
        return isdir(self.fhdl, self.key_at(name), self.namespace)

    def __getitem__(self, name):
        try:
            return get(self.fhdl, self.key_at(name), self.namespace)
        except OSError as e:
            if e.errno == errno.EISDIR:
                return KVSDir(self.fhdl, self.key_at(name), self.namespace)
            if e.errno in (errno.ENOENT, errno.ENOTDIR):
                raise KeyError(name) from e
            raise

    def __setitem__(self, name, value):
        put(self.fhdl, self.key_at(name), value)

    def __delitem__(self, name):
        put_unlink(self.fhdl, self.key_at(name))

    def __contains__(self, name):
        return self.exists(name)

    def __iter__(self):
        return iter(self._entries())

    def __len__(self):
        return len(self._entries())

    def mkdir(self, name):
        """Make an empty directory, now."""
        put_mkdir(self.fhdl, self.key_at(name))
        self.commit()

    def commit(self, flags=0):
        return commit(self.fhdl, flags, self.namespace)

    def list_all(self):
        """(files, directories): the names."""
        files, directories = [], []
        for name, entry in self._entries().items():
            is_dir = (self.isdir(name) if entry["type"] == "symlink"
                      else entry["type"] in ("dir", "dirref"))
            (directories if is_dir else files).append(name)
        return files, directories

    def files(self):
        return iter(self.list_all()[0])

    def directories(self):
        return iter(self.list_all()[1])

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if kind is None:
            self.commit()
        else:
            _pending.pop(self.fhdl, None)


def get_dir(flux_handle, key=".", namespace=None):
    """A directory. OSError: ENOENT, ENOTDIR ..."""
    return KVSDir(flux_handle, key, namespace)


def walk(directory, topdown=True):
    """(path, directories, files) of a KVSDir and all below it, as os.walk() does; links to directories
    are not followed."""
    files, directories = directory.list_all()
    entries = directory._entries()
    below = [d for d in directories if entries[d]["type"] != "symlink"]
    if topdown:
        yield directory.path, directories, files
    for name in below:
        yield from walk(KVSDir(directory.fhdl, directory.key_at(name), directory.namespace), topdown)
    if not topdown:
        yield directory.path, directories, files

