"""How a report is set: text, Markdown, LaTeX, CSV and JSON."""
