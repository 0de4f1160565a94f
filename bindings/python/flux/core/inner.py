"""libflux, function by function.

`raw.flux_x(...)` calls the C function of that name: text is str (bytes are taken too), output arguments
are return values, a failure is an OSError. Where C wants a handle, message, watcher or future, an object
of this package or the `.handle` inside it will do. `raw.FLUX_x` are the constants. The prefix may be left
out. `help(raw.flux_x)` shows the arguments.
"""

import json
import weakref

import _flux


class MissingFunctionError(AttributeError):
    """libflux has no function of this name."""


def find_function(name):
    """The C function `name` or `flux_name`, None if there is none."""
    return getattr(_flux, name, None) or getattr(_flux, "flux_" + name, None)


class Raw:
    """Names are looked up as they are, then with flux_ or FLUX_ before them."""

    def __getattr__(self, name):
        for prefix in ("", "flux_", "FLUX_"):
            try:
                value = getattr(_flux, prefix + name)
            except AttributeError:
                continue
            setattr(self, name, value)
            return value
        raise MissingFunctionError(f"libflux has no '{name}'")

    def __dir__(self):
        return [n for n in dir(_flux) if n.lower().startswith("flux_")]


raw = Raw()


def weakly(method):
    """A function that calls a method as long as its object is there. The C objects call back through
    such, so that an object and the C object inside it are no cycle."""
    method = weakref.WeakMethod(method)

    def call(*args):
        alive = method()
        if alive is not None:
            alive(*args)

    return call


def encode_payload(payload):
    """What a payload is on the wire: text goes as it is, None is no payload, all else becomes JSON."""
    if payload is None or isinstance(payload, (str, bytes)):
        return payload
    return json.dumps(payload, ensure_ascii=False)


def encode_topic(topic):
    """A topic is text; None is a mistake that deserves a clear word."""
    if topic is None:
        raise OSError(22, "the topic must not be None")  # EINVAL
    if not isinstance(topic, (str, bytes)):
        raise TypeError(f"the topic must be str or bytes, not {type(topic).__name__}")
    return topic
