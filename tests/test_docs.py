"""The guide's code runs as it stands."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


PAGES = {path.name: blocks for path in sorted(DOCS.glob("*.md")) if (blocks := BLOCK.findall(path.read_text("utf-8")))}


@pytest.mark.parametrize(("page", "blocks"), PAGES.items(), ids=PAGES)
def test_code_blocks_run_in_order(page, blocks):
    names = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
