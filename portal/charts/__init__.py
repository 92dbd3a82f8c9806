"""Every chart of the portal: from whole numbers with a unit to SVG, a table and a sentence.

Pure, and of the standard library alone: a page without a chart pays nothing for it.
"""
