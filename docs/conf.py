"""How Sphinx makes the site of docs/: `python3 -m nox -s docs` builds it into build/site.

The source folder is the repository's root, so relative links between docs/, the test plan and the code mean
here what they mean where GitHub shows the files. `docs/_toc.yml` is the navigation.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]

project = "pollproof"
version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
copyright = "MIT licence"
language = "en"

extensions = ["myst_parser", "sphinx_external_toc", "sphinx_copybutton"]
external_toc_path = "docs/_toc.yml"
root_doc = "docs/index"
include_patterns = ["docs/**.md", "*.md", "harness/**/plan.md"]
exclude_patterns = ["README.md", "build", "reports", ".*", "docs/clients"]
nitpicky = True

myst_heading_anchors = 4
myst_links_external_new_tab = False
myst_enable_extensions = ["strikethrough"]
suppress_warnings = ["misc.highlighting_failure"]  # JSON and tables with `…` in them
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = "pollproof"
html_short_title = "pollproof"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_root"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True, "top_of_page_buttons": []}
pygments_style = "friendly"
pygments_dark_style = "native"


def setup(app: Sphinx) -> None:
    """Leave out where links to pages lead that only GitHub has of a repository, such as its commits."""

    def without(_: Sphinx, __: str, text: list[str]) -> None:
        text[0] = re.sub(r"^\[[^\]]+\]: (\.\./){2}(actions|commits)/.*$", "", text[0], flags=re.MULTILINE)

    app.connect("source-read", without)
