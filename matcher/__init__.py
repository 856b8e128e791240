"""Who should meet whom: values in, values out; no SQL, no web, no index."""
