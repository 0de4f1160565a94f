"""Remote procedure calls."""

import json

from flux.core.inner import encode_payload, encode_topic, raw
from flux.future import Future

__all__ = ["RPC"]


class RPC(Future):
    """A request, and the future of its response."""

    def __init__(self, flux_handle, topic, payload=None, nodeid=raw.FLUX_NODEID_ANY, flags=0):
        super().__init__(raw.flux_rpc(flux_handle, encode_topic(topic), encode_payload(payload),
                                      nodeid, flags))

    def get_str(self):
        """The payload of the response as text, None when there is none."""
        return raw.flux_rpc_get(self.handle)

    def get(self):
        """The payload of the response, decoded from JSON; None when there is none."""
        text = self.get_str()
        return None if text is None else json.loads(text)

    def get_bytes(self):
        """The payload of the response as it is."""
        return raw.flux_rpc_get_raw(self.handle)

    @property
    def matchtag(self):
        return raw.flux_rpc_get_matchtag(self.handle)

    @property
    def nodeid(self):
        return raw.flux_rpc_get_nodeid(self.handle)

    # As in 2018.

    def check(self):
        """Is the response there?"""
        return self.is_ready()

    completed = check
