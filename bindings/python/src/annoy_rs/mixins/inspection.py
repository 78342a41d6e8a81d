"""Looking at an index: whether it is sound, how it is made, how much it finds, what it does."""

from __future__ import annotations

from typing import Any, Callable, Optional

from .. import files
from .._native import ffi, lib
from ..base import Base
from ..callbacks import Progress, run_long
from ..errors import check

Log = Callable[[int, str], Any]


class Inspection(Base):
    """The part of `Index` that looks at it."""

    def verify(self, limit: int = 20, *, progress: Optional[Progress] = None) -> list[files.Fault]:
        """Looks at every byte: checksums, nodes, ids, values. The first `limit` faults; none when
        all is well. `progress`: as `build`, in nodes."""
        with self._owner.shared() as index:
            verify = lambda *where: lib.annoy_verify(index, *where)  # noqa: E731
            return files.faults(verify, limit, None, progress)

    def info(
        self, include_n_items: bool = True, include_n_trees: bool = True, include_memory: Optional[bool] = None
    ) -> dict[str, Any]:
        """The parameters, and the facts about the index: counts, sizes, depth and balance of its
        trees. Walks all trees. What is not included is left out."""
        info = {name: value for name, value in self.get_params().items() if name != "random_state"}
        if self._empty:
            info.update(f=self.f, n_items=0, n_trees=0, bytes=0)
        else:
            with self._owner.shared() as index:
                info.update(files.info(index))
        info.update(metric=self.metric, dtype=self.dtype, on_disk_path=self.on_disk_path)
        if include_memory is not False:
            info.update(memory_usage_byte=info["bytes"], memory_usage_mib=info["bytes"] / 2**20)
        for name, included in (("n_items", include_n_items), ("n_trees", include_n_trees)):
            if not included:
                del info[name]
        return info

    def memory_usage(self) -> Optional[int]:
        """Bytes of the index in memory, or of its file; None before it is built."""
        if self.n_trees == 0:
            return None
        size = ffi.new("size_t *")
        with self._owner.shared() as index:
            status = lib.annoy_save_to_buffer(index, ffi.NULL, 0, size, ffi.NULL, lib.guarded_error())
        if status != lib.ANNOY_ERR_TOO_SMALL:
            check(status)
        return int(size[0])

    def estimate_recall(
        self,
        n: int = 10,
        search_k: int = -1,
        *,
        n_sample: int = 100,
        seed: int = 0,
        n_threads: int = -1,
        progress: Optional[Progress] = None,
    ) -> float:
        """The share of the `n` nearest that searches find, 0 to 1, estimated from `n_sample` items.
        Looks at all items for each of those. `progress`: as `build`, in searches."""
        recall = ffi.new("double *")
        with self._owner.shared() as index:
            given = (index, n_sample, n, search_k, seed)
            estimate = lambda work: lib.annoy_estimate_recall(*given, work, recall, lib.guarded_error())  # noqa: E731
            run_long(n_threads, progress, estimate)
        return float(recall[0])

    def set_log(self, log: Optional[Log], level: int = lib.ANNOY_LOG_INFO) -> None:
        """Sets the function that gets messages: `log(level, text)`, called in the thread whose call
        the message is about. None: no messages.

        Levels are 1 (errors), 2 (warnings), 3 (what was done) and 4 (what comes next). `log` gets
        those up to `level`.
        """
        self._owner.set_log(log, level)
