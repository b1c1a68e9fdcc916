"""What documents say in rows and sentences, whatever the format: one file per kind of document."""
