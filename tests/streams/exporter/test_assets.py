"""The live page's files: served as they are, under a policy, nothing else from the folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streams.exporter.assets import FOLDER, Assets

if TYPE_CHECKING:
    from tests.streams.exporter.site import Site


async def test_files_are_served_under_a_strict_policy(site: Site) -> None:
    """Every file that the page can ask for says its type, and lets in nothing from elsewhere."""
    await site.owner.claim()
    async with site.exporter() as exporter:
        for path in Assets().paths():
            async with exporter.http.get(path) as answer:
                assert answer.status == 200
                policy = answer.headers["Content-Security-Policy"]
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert await answer.read()
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "http" not in policy
            etag = answer.headers["ETag"]
            async with exporter.http.get(path, headers={"If-None-Match": etag}) as again:
                assert again.status == 304
        for path in ("/live/", "/live/no.js", "/live/..%2fserver.py", "/live/vendor/README.md"):
            assert await exporter.status(path) == 404


def test_files_name_only_files_that_are_served() -> None:
    """What the page's own files import and link to is served by the exporter."""
    served = set(Assets().paths())
    named = 0
    for path in FOLDER.glob("*.*"):
        text = path.read_text("utf-8")
        for link in re.findall(r'(?:href|src|url)[=(]"(/[^"]*)"', text):
            assert link in served or link.startswith("/api/"), (path.name, link)
            named += 1
        for link in re.findall(r'from "\./([^"]+)"', text):
            assert f"/live/{link}" in served, (path.name, link)
            named += 1
        assert not re.findall(r"https?://(?!www\.w3\.org)", text), path.name
    assert named > 20


def test_other_peoples_work_has_its_licence_and_version() -> None:
    """Each folder of vendored files has a licence, and a version in the list of them."""
    told = (FOLDER / "vendor/README.md").read_text("utf-8")
    folders = [path for path in (FOLDER / "vendor").iterdir() if path.is_dir()]
    assert folders
    for folder in folders:
        assert (folder / "LICENSE").read_text("utf-8").strip()
        assert re.search(rf"^\| {folder.name} \|.*\| \d+\.\d+\.\d+ \|", told, re.MULTILINE)
