"""Reports on a run, all made from one record: results.json, report.html and the summary in the terminal."""
