# One version in a folder of its own: the next one, if its server differs, is
# the folder python-3.12 with the same runtime block and its own version.
runtime "python" {
  name       = "Python"
  kind       = "interpreted"
  entrypoint = "main.py"
  fixture    = "tests/fixtures/python"
  behaviour  = "tests/fixtures/python-behaviour/handler.py"
  broken     = "tests/fixtures/python-broken/main.py"

  version "3.11" {
    from = { BASE_IMAGE = "python:3.11-slim-bookworm" }
  }
}
