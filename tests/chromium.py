"""Pages in a headless Chromium: a script runs in one, and what it says comes back."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
SAID = re.compile(r'<pre id="said">(.*?)</pre>', re.DOTALL)
ERRORS = """<script>
const errors = [];
window.addEventListener("error", (event) => errors.push(event.message));
window.addEventListener("unhandledrejection", (event) => errors.push(String(event.reason)));
"""
SAY = """<script>
(async () => {
  let answer = null;
  try { answer = await (async () => { %s })(); } catch (error) { errors.push(String(error)); }
  const said = document.createElement("pre");
  said.id = "said";
  said.textContent = JSON.stringify({ errors, answer });
  document.body.append(said);
})();
</script>"""


def answer(page: str, script: str, folder: Path, before: str = "", *flags: str) -> Any:
    """What the body of an asynchronous function returns at the end of a page.

    `before` runs ahead of the page's own scripts. Time is the browser's virtual one, so that waiting
    takes none. The test fails on an error of any script, and is skipped where no browser is installed.
    """
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"none of {', '.join(NAMES)} is installed: envs/browser.sh")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "page.html"
    path.write_text(
        f"{page.replace('<head>', f'<head>{ERRORS}{before}</script>', 1)}{SAY % script}"
    )
    words = [
        program, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,900",
        f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=30000", *flags,
        "--dump-dom", path.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    found = SAID.search(done.stdout)
    assert found, f"the script did not end:\n{done.stderr[-2000:]}"
    said = json.loads(html.unescape(found[1]))
    assert said["errors"] == []
    return said["answer"]
