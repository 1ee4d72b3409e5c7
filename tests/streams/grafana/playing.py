"""Grafana's documented HTTP API, as far as the product uses it, played by a server in a thread.

https://grafana.com/docs/grafana/latest/developers/http_api/: dashboard, dashboard versions, folder,
data source, annotations; statuses and bodies as they are written there (Grafana 12).
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

EDITOR, VIEWER = "editors-token", "viewers-token"
Answer = tuple[int, Any]


class Store:
    """What one Grafana holds, and what it answers."""

    def __init__(self) -> None:
        self.sources: dict[str, dict[str, Any]] = {}
        self.folders: dict[str, dict[str, Any]] = {}
        self.boards: dict[str, list[dict[str, Any]]] = {}  # uid -> versions, the latest first
        self.annotations: list[dict[str, Any]] = []
        self.writes = 0

    def answer(  # noqa: PLR0911  # a table of routes
        self, method: str, url: str, token: str, body: Any
    ) -> Answer:
        """Return status and body."""
        if token not in (EDITOR, VIEWER):
            return 401, {"message": "Invalid API key", "traceID": ""}
        if method != "GET":
            if token == VIEWER:
                return 403, {
                    "accessErrorId": "ACE0123456789",
                    "message": "You'll need additional permissions to perform this action."
                    " Permissions needed: folders:create",
                    "title": "Access denied",
                }
            self.writes += 1
        split = urlsplit(url)
        match method, split.path.removeprefix("/api/").split("/"):
            case "GET", ["datasources", "uid", uid]:
                return _found(self.sources.get(uid), "Data source not found")
            case "POST", ["datasources"]:
                return self._new_source(body)
            case "PUT", ["datasources", "uid", uid]:
                self.sources[uid] = {**body, "version": self.sources[uid]["version"] + 1}
                return 200, {"message": "Datasource updated", "datasource": self.sources[uid]}
            case "GET", ["folders", uid]:
                return _found(self.folders.get(uid), "folder not found")
            case "POST", ["folders"]:
                self.folders[body["uid"]] = {"id": 1, "version": 1, "parentUid": "", **body}
                return 200, self.folders[body["uid"]]
            case "PUT", ["folders", uid]:
                self.folders[uid] |= {"title": body["title"]}
                return 200, self.folders[uid]
            case "POST", ["dashboards", "db"]:
                return self._save(body)
            case "GET", ["dashboards", "uid", uid]:
                return self._board(uid)
            case "GET", ["dashboards", "uid", uid, "versions"]:
                versions = self.boards.get(uid)
                if versions is None:
                    return 404, {"message": "Dashboard not found"}
                limit = int(parse_qs(split.query)["limit"][0])
                return 200, {"continueToken": "", "versions": versions[:limit]}
            case "GET", ["annotations"]:
                return 200, self._marks(parse_qs(split.query))
            case "POST", ["annotations"]:
                self.annotations.append({"id": len(self.annotations) + 1, **body})
                return 200, {"message": "Annotation added", "id": len(self.annotations)}
        return 404, {"message": "Not found"}

    def _new_source(self, body: dict[str, Any]) -> Answer:
        if any(known["name"] == body["name"] for known in self.sources.values()):
            return 409, {"message": "data source with the same name already exists"}
        self.sources[body["uid"]] = {"id": 1, "orgId": 1, "basicAuth": False, "version": 1, **body}
        return 200, {"id": 1, "message": "Datasource added", "name": body["name"]}

    def _save(self, body: dict[str, Any]) -> Answer:
        board, uid = body["dashboard"], body["dashboard"]["uid"]
        if body["folderUid"] not in self.folders:
            return 400, {"message": "folder not found", "status": "not-found"}
        versions = self.boards.setdefault(uid, [])
        if versions and not body.get("overwrite"):
            return 412, {"message": "The dashboard has been changed by someone else"}
        number = len(versions) + 1
        stored = {**board, "id": 7, "version": number}
        versions.insert(
            0, {"version": number, "message": body.get("message", ""), "data": stored} | body
        )
        return 200, {"id": 7, "uid": uid, "status": "success", "version": number}

    def _board(self, uid: str) -> Answer:
        if uid not in self.boards:
            return 404, {"message": "Dashboard not found"}
        latest = self.boards[uid][0]
        meta = {"folderUid": latest["folderUid"], "version": latest["version"]}
        return 200, {"meta": meta, "dashboard": latest["data"]}

    def _marks(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        start, end = int(query["from"][0]), int(query["to"][0])
        return [
            mark
            for mark in self.annotations
            if mark["time"] <= end
            and mark["timeEnd"] >= start
            and set(query.get("tags", ())) <= set(mark["tags"])
        ]


def _found(thing: dict[str, Any] | None, message: str) -> Answer:
    return (404, {"message": message}) if thing is None else (200, thing)


class PlayedGrafana:
    """The server; a context manager."""

    def __init__(self) -> None:
        store = self.store = Store()

        class Handler(BaseHTTPRequestHandler):
            """Answers from the store."""

            def _do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or "null")
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                status, answer = store.answer(self.command, self.path, token, body)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = _do  # noqa: N815  # the names that the base class calls

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
