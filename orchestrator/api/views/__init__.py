"""The views of the API, one noun a file: parse, authorise, call the engine, answer."""
