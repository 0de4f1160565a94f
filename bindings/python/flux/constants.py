"""The constants of libflux, FLUX_x."""

import _flux

globals().update((k, v) for k, v in vars(_flux).items() if k.startswith("FLUX_"))
__all__ = [k for k in globals() if k.startswith("FLUX_")]
