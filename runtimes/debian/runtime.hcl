# What compiled runtimes make runs in these images.
base "debian" {
  name = "Debian"

  version "12" {
    from = { BASE_IMAGE = "debian:bookworm-slim" }
  }

  version "13" {
    from = { BASE_IMAGE = "debian:trixie-slim" }
  }
}
