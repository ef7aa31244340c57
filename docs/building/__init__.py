"""What the site is made of besides its Markdown: pages and parts that are written when it is built.

None of it needs torch, the network or results. `site.py` is the extension that Sphinx loads.
"""
