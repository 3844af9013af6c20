# What all images of this repository share. The language is described in
# docs/definitions.md.
project {
  registry   = "docker.io/runbake"
  image      = "${runtime.key}-runtime"
  base_image = "${runtime.key}-base"
  tags       = [version.name]
  platforms  = ["linux/amd64", "linux/arm64"]

  labels = {
    "org.opencontainers.image.licenses" = "Apache-2.0"
    "org.opencontainers.image.source"   = "https://github.com/runbake/runbake"
    "org.opencontainers.image.vendor"   = "Runbake"
  }

  attest {
    sbom       = true
    provenance = "max"
  }

  test {
    dockerfile = "cmd/probe/Dockerfile"
  }
}
