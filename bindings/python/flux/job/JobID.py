"""Job ids."""

from flux.core.inner import raw

__all__ = ["JobID", "id_parse", "id_encode"]


def id_parse(text):
    """The number that an id in any of its forms stands for."""
    return raw.flux_job_id_parse(text)


def id_encode(jobid, encoding="f58"):
    """An id in another form: dec hex f58 f58plain dothex kvs words emoji."""
    return raw.flux_job_id_encode(int(jobid), encoding)


def _form(encoding):
    return property(lambda self: self.encode(encoding))


class JobID(int):
    """A job id: a number that shows as the text it was made from, F58 if from a number."""

    def __new__(cls, value):
        if isinstance(value, (str, bytes)):
            try:
                number = id_parse(value)
            except OSError as e:
                raise ValueError(f"{value} is not a valid Flux jobid") from e
        else:
            number = int(value)
            if number < 0:
                raise ValueError(f"{number} is not a valid Flux jobid")
        self = super().__new__(cls, number)
        self.orig_str = value if isinstance(value, str) else None
        return self

    def encode(self, encoding="dec"):
        return id_encode(self, encoding)

    dec = _form("dec")
    f58 = _form("f58")
    f58plain = _form("f58plain")
    hex = _form("hex")
    dothex = _form("dothex")
    words = _form("words")
    emoji = _form("emoji")
    kvs = _form("kvs")

    @property
    def orig(self):
        return self.orig_str or self.f58

    def __str__(self):
        return self.orig_str or self.f58

    def __repr__(self):
        return f"JobID({int(self)})"
