"""A cable between clients and a server: real sockets that can be cut and mended."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading


class Cable:
    """Listens on a loopback port of its own and passes everything on to another.

    Args:
        target: the server's loopback port.
    """

    def __init__(self, target: int = 0) -> None:
        self.target = target
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._peer: dict[socket.socket, socket.socket] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._mended = True
        self._ended = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        with self._lock:
            self._mended = False
            if self._listener.fileno() >= 0:
                self._selector.unregister(self._listener)
                self._listener.close()
            for end in list(self._peer):
                self._drop(end)

    def mend(self) -> None:
        """Take connections again."""
        with self._lock:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self._selector.register(self._listener, selectors.EVENT_READ)
            self._mended = True

    def close(self) -> None:
        """End for good."""
        self.cut()
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._selector.select(0.05):
                with self._lock:
                    if key.fileobj is self._listener:
                        self._accept()
                    elif key.fileobj in self._peer:
                        self._pass_on(key.fileobj)  # type: ignore[arg-type]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            near, _ = self._listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self.target), 1)
            except OSError:
                near.close()
                return
            for end, other in ((near, far), (far, near)):
                end.settimeout(5)
                self._peer[end] = other
                self._selector.register(end, selectors.EVENT_READ)

    def _pass_on(self, end: socket.socket) -> None:
        try:
            data = end.recv(1 << 20)
            if data:
                self._peer[end].sendall(data)
                return
        except OSError:
            pass
        self._drop(end)

    def _drop(self, end: socket.socket) -> None:
        other = self._peer.pop(end, None)
        for one in (end, other):
            if one is not None:
                self._peer.pop(one, None)
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(one)
                one.close()
