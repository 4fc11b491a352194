"""The site of these pages: Sphinx reads the Markdown as it stands (MyST). `make docs` builds it with strict links."""

project = "Cross-lingual NER harness"
author = "the authors of this project"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Cross-lingual NER harness"
html_show_sphinx = False
html_show_copyright = False
templates_path: list[str] = []
exclude_patterns: list[str] = []

# A heading is linked to as on GitHub, so that the pages read the same there.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
# A link that leads nowhere is a warning, and `make docs` turns warnings into errors.
nitpicky = True
# Sources, cards and the notebook are files beside the pages, not pages: Sphinx offers them for download.
suppress_warnings = ["misc.highlighting_failure"]
