"""The examples of README.md run, one after the other, and give what their comments say."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def test_examples(tmp_path, monkeypatch, capsys):
    for package in ("pygraphviz", "tqdm"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
    assert len(blocks) == 3
    assert (tmp_path / "graph.svg").read_text().rstrip().endswith("</svg>")
    assert "gradients: ok (2 ok;" in capsys.readouterr().out
    assert names["first"].tolist() == names["second"].tolist() == [12.0]
    assert len(names["history"]["loss"]) <= 20


def test_links_lead_somewhere():
    for page in (README, *(README.parent / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"
