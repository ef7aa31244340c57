"""Sphinx builds this folder with `make docs`; `building/` writes what is generated, just before."""

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

_PROJECT = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]

project = _PROJECT["name"]
release = version = _PROJECT["version"]
author = "the authors of simagents"
html_title = project

extensions = ["myst_parser", "building.site"]
root_doc = "index"
exclude_patterns = ["_build", "_generated", "building", "Thumbs.db"]

# References must lead somewhere. Names of other packages in signatures have no page here.
nitpicky = True
nitpick_ignore_regex = [("py:class", r".*"), ("py:data", r".*"), ("py:obj", r".*")]

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
myst_number_code_blocks = []
suppress_warnings = []

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
html_last_updated_fmt = None  # two builds of one commit are alike
pygments_style = "friendly"
pygments_dark_style = "native"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
toc_object_entries = False
