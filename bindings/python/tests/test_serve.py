"""examples/serve.py answers, and takes up what is new."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annoy_rs import Index, Shards

SERVE = Path(__file__).resolve().parents[3] / "examples" / "serve.py"


def save(path: Path, start: int) -> None:
    index = Index(1, "euclidean")
    index.add_items(np.arange(start, start + 10, dtype=np.float32).reshape(-1, 1))
    index.set_labels([f"at {i}" for i in range(start, start + 10)])
    index.build(3)
    index.save(path)


@pytest.mark.skipif(sys.platform == "win32", reason="it forks")
def test_serve(tmp_path: Path) -> None:
    save(tmp_path / "a.ann", 0)
    Shards.commit(tmp_path, ["a.ann"])
    command = [sys.executable, str(SERVE), str(tmp_path), "0", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().split()[-1])

            def ask(asked: Any) -> Any:
                url = f"http://127.0.0.1:{port}"
                with urllib.request.urlopen(url, json.dumps(asked).encode(), timeout=30) as answer:
                    return json.loads(answer.read())

            assert ask({"vector": [3.2], "n": 2}) == {"labels": ["at 3", "at 4"], "distances": pytest.approx([0.2, 0.8])}
            with pytest.raises(urllib.error.HTTPError, match="400"):
                ask({"vector": [1, 2]})
            save(tmp_path / "b.ann", 10)
            Shards.commit(tmp_path, ["a.ann", "b.ann"])
            server.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + 30
            # Of both processes: whichever answers.
            while {ask({"vector": [15], "n": 1})["labels"][0] for _ in range(10)} != {"at 15"}:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            server.send_signal(signal.SIGTERM)
