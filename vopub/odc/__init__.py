"""The Open Data Center: records, files, pages, REST service and its client."""
