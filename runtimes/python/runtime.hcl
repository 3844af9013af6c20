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

  version "3.13" {
    from = { BASE_IMAGE = "python:3.13-slim-trixie" }
  }
}
