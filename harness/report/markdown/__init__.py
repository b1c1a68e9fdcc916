"""For a pull request: GitHub tables, one file per kind of document."""
