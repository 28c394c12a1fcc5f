"""The guide's code runs as it stands."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", ["boosting.md", "trees.md", "multiway.md", "plots.md", "kmeans.md"])
def test_code_blocks_run_in_order(page):
    blocks = BLOCK.findall((DOCS / page).read_text())
    assert len(blocks) > 3
    names = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
