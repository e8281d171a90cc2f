"""The report: finished runs as one HTML page, as Markdown for a pull request, or as figures. Reads records only."""
