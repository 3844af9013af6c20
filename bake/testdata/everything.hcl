# Written by runbake generate from runbake.hcl and runtimes/*/runtime.hcl. DO NOT EDIT.
#
#   docker buildx bake -f docker-bake.hcl --push              build and push all images
#   docker buildx bake -f docker-bake.hcl --push go-1_10      one of them
#   LOCAL=1 docker buildx bake -f docker-bake.hcl go-1_10     one for this machine, into Docker
#   docker buildx bake -f docker-bake.hcl --list targets      what there is
#   docker buildx bake -f docker-bake.hcl --list variables    what can be set, in the environment

variable "REGISTRY" {
  type        = string
  default     = "ghcr.io/acme/functions"
  description = "Registry and path of every image; empty for names without one"
  validation {
    condition     = can(regex("^([a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*)?$", REGISTRY))
    error_message = "REGISTRY is host[:port][/path] in lower case, without a scheme, for example ghcr.io/acme."
  }
}

variable "TAG_SUFFIX" {
  type        = string
  default     = ""
  description = "Text behind every tag, for example -rc1"
  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{0,40}$", TAG_SUFFIX))
    error_message = "TAG_SUFFIX is at most 40 letters, digits, dots, dashes and underscores."
  }
}

variable "REVISION" {
  type        = string
  default     = ""
  description = "Commit that is built: adds a tag that never moves, and a label"
  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{0,64}$", REVISION))
    error_message = "REVISION is at most 64 letters, digits, dots, dashes and underscores."
  }
}

variable "LOCAL" {
  type        = bool
  default     = false
  description = "Build for this machine only and load into Docker"
}

variable "BY_DIGEST" {
  type        = bool
  default     = false
  description = "Push images by digest, without tags, for runbake publish"
}

variable "PLATFORM" {
  type        = string
  default     = LOCAL ? lookup({ "amd64" = "linux/amd64", "arm64" = "linux/arm64", "arm64/v8" = "linux/arm64" }, regex("/(.*)", BAKE_LOCAL_PLATFORM)[0], "linux/${split("/", BAKE_LOCAL_PLATFORM)[1]}") : ""
  description = "The one platform to build; empty for all. Images that lack it are left out of groups"
  validation {
    condition     = contains(["", "linux/amd64", "linux/arm64", "linux/aarch64", "linux/amd64/v1", "linux/arm64/v8", "linux/x86_64"], PLATFORM)
    error_message = "PLATFORM is empty or one of linux/amd64, linux/arm64. LOCAL sets it to the platform of this machine."
  }
}

variable "CACHE" {
  type        = string
  default     = "registry"
  description = "Where build cache is kept: none, registry, gha or local"
  validation {
    condition     = contains(["none", "registry", "gha", "local"], CACHE)
    error_message = "CACHE is one of none, registry, gha and local."
  }
}

variable "CACHE_REF" {
  type        = string
  default     = "ghcr.io/acme/cache"
  description = "Image repository of a registry cache, or folder of a local one"
  validation {
    condition     = can(regex("^[^\\s,\"=]+$", CACHE_REF))
    error_message = "CACHE_REF is the name of an image repository or a folder, without spaces, commas and equals signs."
  }
  validation {
    condition     = CACHE != "registry" || can(regex("^([a-z0-9.-]+(:[0-9]+)?/)?[a-z0-9._-]+(/[a-z0-9._-]+)*$", CACHE_REF))
    error_message = "CACHE_REF is the name of an image repository for CACHE=registry: [host[:port]/]path in lower case, without a tag."
  }
}

variable "PROBE" {
  type        = string
  default     = "docker-image://docker.io/runbake/probe:1"
  description = "Where tests have the program from that questions servers: docker-image://<image>, or a folder with linux/<architecture>/probe"
  validation {
    condition     = PROBE != ""
    error_message = "PROBE is docker-image:// and the name of an image, or a folder."
  }
}

variable "CHANNEL" {
  type        = string
  default     = "stable"
  description = "What is released"
  validation {
    condition     = can(regex("^(?:stable|edge)$", CHANNEL))
    error_message = "CHANNEL has to match stable|edge."
  }
  validation {
    condition     = length([for tag in ["${CHANNEL}"] : tag if !can(regex("^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$", "${tag}${TAG_SUFFIX}${REVISION == "" ? "" : "-${REVISION}"}"))]) == 0
    error_message = "CHANNEL is in tags, which have letters, digits, dots, dashes and underscores, 128 at most, and start with a letter or digit."
  }
  validation {
    condition     = length(distinct(["go:1.9", "go:v1.9", "go:1.10", "go:${CHANNEL}"])) == length(["go:1.9", "go:v1.9", "go:1.10", "go:${CHANNEL}"])
    error_message = "CHANNEL would give two images the same name. Choose another value."
  }
}

variable "DEBIAN" {
  type    = string
  default = "bookworm"
}

# What follows from the variables, worked out once: bake evaluates the body of a
# function twice for each call, whichever branch it takes.
_registry  = REGISTRY == "" ? "" : "${REGISTRY}/"
_platform  = lookup({ "linux/aarch64" = "linux/arm64", "linux/amd64/v1" = "linux/amd64", "linux/arm64/v8" = "linux/arm64", "linux/x86_64" = "linux/amd64" }, PLATFORM, PLATFORM) # the one that was asked for, by the name that it has here
_platforms = _platform == "" ? [] : [_platform]
_suffix    = join("", [for name in _platforms : ".${replace(name, "/", "-")}"])
_revision  = REVISION == "" ? {} : { "org.opencontainers.image.revision" = REVISION }

_labels = {
  "org.opencontainers.image.vendor" = "Acme"
}

_caches = [
  for cache in [
    { type = "gha", to = "scope", from = "scope", name = "_", options = { mode = "max" } },
    { type = "local", to = "dest", from = "src", name = "${CACHE_REF}/_", options = { mode = "max" } },
    { type = "registry", to = "ref", from = "ref", name = "${CACHE_REF}:_", options = { mode = "max" } },
  ] : cache if cache.type == CACHE
]

# Names of an image: each tag, and with REVISION one that never moves. By
# digest, the repository alone.
function "tags" {
  params = [image, names]
  result = BY_DIGEST && !LOCAL ? ["${_registry}${image}"] : concat(
    [for name in names : "${_registry}${image}:${name}${TAG_SUFFIX}"],
    REVISION == "" ? [] : ["${_registry}${image}:${names[0]}${TAG_SUFFIX}-${REVISION}"],
  )
}

# The platforms to build: all, or the one that was asked for.
function "platforms" {
  params = [all]
  result = _platform == "" ? all : contains(all, _platform) ? _platforms : slice(all, 0, 1)
}

# Members of a group that exist for the platform that was asked for.
function "only" {
  params = [platforms, targets]
  result = contains(concat([""], platforms), _platform) ? targets : []
}

# What the labels of all images have in common, and those of one.
function "labels" {
  params = [own]
  result = merge(_labels, own, _revision)
}

# The labels once more, where registries show them. Docker cannot load them.
function "annotations" {
  params = [own, all]
  result = LOCAL ? [] : [for key, value in merge(_labels, own, _revision) : "${_platform == "" && length(all) > 1 ? "index,manifest" : "manifest"}:${key}=${value}"]
}

# Every target has a cache of its own, and every machine that builds one
# platform only has its own of that: no export overwrites another. No tag of an
# image starts with an underscore: none overwrites an image either.
function "cache_to" {
  params = [target]
  result = [for cache in LOCAL ? [] : _caches : merge(cache.options, { type = cache.type, (cache.to) = "${cache.name}${target}${_suffix}" })]
}

# Import what builds of all platforms exported and what builds of each did.
function "cache_from" {
  params = [target, all]
  result = flatten([
    for cache in _caches : [
      for suffix in concat([""], [for name in _platform == "" ? all : _platforms : ".${replace(name, "/", "-")}"]) :
      { type = cache.type, (cache.from) = "${cache.name}${target}${suffix}" }
    ]
  ])
}

group "default" {
  description = "All images that are not deprecated"
  targets = [
    "7z-1",
    "debian-12",
    "go-1_10",
  ]
}

group "bases" {
  description = "Images that run what compiled runtimes make"
  targets = [
    "debian-12",
  ]
}

group "deprecated" {
  description = "Images that are deprecated"
  targets = only(["linux/amd64"], [
    "go-1_9",
  ])
}

group "7z" {
  description = "All versions of 7z"
  targets = [
    "7z-1",
  ]
}

group "debian" {
  description = "All versions of Debian"
  targets = [
    "debian-12",
  ]
}

group "go" {
  description = "All versions of Go"
  targets = concat(
    only(["linux/amd64"], [
      "go-1_9",
    ]),
    [
      "go-1_10",
    ],
  )
}

group "one" {
  targets = [
    "debian-12",
  ]
}

group "small" {
  description = "Some of them"
  targets = concat(
    [
      "7z-1",
      "go-1_10",
    ],
    only(["linux/amd64"], [
      "go-1_9",
    ]),
  )
}

group "test" {
  description = "Tests of all images that are not deprecated"
  targets = [
    "check-7z-1",
    "check-debian-12",
    "test-go-1_10",
    "check-go-1_10",
  ]
}

group "test-7z" {
  description = "Tests of all versions of 7z"
  targets = [
    "check-7z-1",
  ]
}

group "test-debian" {
  description = "Tests of all versions of Debian"
  targets = [
    "check-debian-12",
  ]
}

group "test-go" {
  description = "Tests of all versions of Go"
  targets = concat(
    only(["linux/amd64"], [
      "test-go-1_9",
      "check-go-1_9",
    ]),
    [
      "test-go-1_10",
      "check-go-1_10",
    ],
  )
}

# What all images share: LOCAL loads into Docker, which takes no attestations.
target "_image" {
  output = LOCAL ? [{ type = "docker" }] : BY_DIGEST ? [{ type = "image", name-canonical = "true", push = "true", push-by-digest = "true", rewrite-timestamp = "true" }] : []
  attest = LOCAL ? [{ type = "provenance", disabled = "true" }] : [{ type = "provenance", mode = "min" }]
}

target "7z-1" {
  inherits    = ["_image"]
  description = "7z 1"
  context     = "runtimes/7z"
  platforms   = platforms(["linux/arm64", "linux/amd64"])
  tags        = tags("7z", ["1", "v1"])
  labels = labels({
    id                                 = "7z-1"
    "org.opencontainers.image.title"   = "7z 1"
    "org.opencontainers.image.version" = "1"
  })
  annotations = annotations({
    id                                 = "annotated"
    "org.example.channel"              = "${CHANNEL}"
    "org.opencontainers.image.title"   = "7z 1"
    "org.opencontainers.image.version" = "1"
  }, ["linux/arm64", "linux/amd64"])
  cache-from = cache_from("7z-1", ["linux/arm64", "linux/amd64"])
  cache-to   = cache_to("7z-1")
}

target "debian-12" {
  inherits    = ["_image"]
  description = "Debian 12"
  context     = "runtimes/debian"
  args = {
    BASE = "debian:${DEBIAN}-slim"
  }
  platforms = platforms(["linux/arm64", "linux/amd64"])
  tags      = tags("base/debian", ["12", "v12"])
  labels = labels({
    id                                   = "debian-12"
    "org.opencontainers.image.base.name" = "docker.io/library/debian:${DEBIAN}-slim"
    "org.opencontainers.image.title"     = "Debian 12"
    "org.opencontainers.image.version"   = "12"
  })
  annotations = annotations({
    id                                   = "annotated"
    "org.example.channel"                = "${CHANNEL}"
    "org.opencontainers.image.base.name" = "docker.io/library/debian:${DEBIAN}-slim"
    "org.opencontainers.image.title"     = "Debian 12"
    "org.opencontainers.image.version"   = "12"
  }, ["linux/arm64", "linux/amd64"])
  cache-from = cache_from("debian-12", ["linux/arm64", "linux/amd64"])
  cache-to   = cache_to("debian-12")
}

target "go-1_9" {
  inherits    = ["_image"]
  description = "Go 1.9 (deprecated since 2020-01-01)"
  context     = "runtimes/go"
  dockerfile  = "docker/Dockerfile"
  target      = "final"
  contexts = {
    common                                  = "runtimes/common"
    "ghcr.io/acme/functions/base/debian:12" = "target:debian-12"
  }
  platforms = platforms(["linux/amd64"])
  tags      = tags("go", ["1.9", "v1.9"])
  labels = labels({
    id                                 = "go-1.9"
    "org.opencontainers.image.title"   = "Go 1.9"
    "org.opencontainers.image.version" = "1.9"
  })
  annotations = annotations({
    id                                 = "annotated"
    "org.example.channel"              = "${CHANNEL}"
    "org.opencontainers.image.title"   = "Go 1.9"
    "org.opencontainers.image.version" = "1.9"
  }, ["linux/amd64"])
  cache-from = cache_from("go-1_9", ["linux/amd64"])
  cache-to   = cache_to("go-1_9")
}

target "go-1_10" {
  inherits    = ["_image"]
  description = "Go 1.10"
  context     = "runtimes/go"
  dockerfile  = "docker/Dockerfile"
  target      = "final"
  contexts = {
    common                                  = "runtimes/common"
    "ghcr.io/acme/functions/base/debian:12" = "target:debian-12"
  }
  args = {
    EXTRA = "$${var.CHANNEL} ${CHANNEL} 1.10 Go $${literal} \"quoted\""
  }
  platforms = platforms(["linux/arm64", "linux/amd64"])
  tags      = tags("go", ["1.10", "${CHANNEL}"])
  labels = labels({
    channel                            = "$$ ${CHANNEL}"
    id                                 = "ten"
    "org.opencontainers.image.title"   = "Go 1.10"
    "org.opencontainers.image.version" = "1.10"
  })
  annotations = annotations({
    channel                            = "$$ ${CHANNEL}"
    id                                 = "annotated"
    "org.example.channel"              = "${CHANNEL}"
    "org.opencontainers.image.title"   = "Go 1.10"
    "org.opencontainers.image.version" = "1.10"
  }, ["linux/arm64", "linux/amd64"])
  cache-from = cache_from("go-1_10", ["linux/arm64", "linux/amd64"])
  cache-to   = cache_to("go-1_10")
}

# What all tests share: a function is built and served as the executor does it,
# and questioned; a rule that is broken fails the build.
target "_test" {
  context           = "."
  output            = [{ type = "cacheonly" }]
  attest            = [{ type = "provenance", disabled = "true" }]
  dockerfile-inline = <<EOT
FROM build AS build-fixture
ARG TARGETARCH KIND ENTRYPOINT BUILD_COMMAND
RUN --mount=from=probe,target=/.runbake/probe --mount=from=fixture,target=/.runbake/function \
    /.runbake/probe/linux/$TARGETARCH/probe build fixture

FROM build AS build-behaviour
ARG TARGETARCH KIND BEHAVIOUR
RUN --mount=from=probe,target=/.runbake/probe --mount=from=behaviour,target=/.runbake/function \
    /.runbake/probe/linux/$TARGETARCH/probe build behaviour

FROM build AS build-broken
ARG TARGETARCH KIND BROKEN
RUN --mount=from=probe,target=/.runbake/probe --mount=from=broken,target=/.runbake/function \
    /.runbake/probe/linux/$TARGETARCH/probe build broken

FROM run AS tests
ARG TARGETARCH KIND ENTRYPOINT BEHAVIOUR BROKEN COMMAND
RUN --network=none --mount=from=probe,target=/.runbake/probe \
    --mount=from=build-fixture,source=/tmp/runbake,target=/.runbake/fixture \
    --mount=from=build-behaviour,source=/tmp/runbake,target=/.runbake/behaviour \
    --mount=from=build-broken,source=/tmp/runbake,target=/.runbake/broken \
    /.runbake/probe/linux/$TARGETARCH/probe serve

FROM scratch AS report
COPY --from=tests /tmp/runbake/report.json /

FROM tests
RUN --network=none --mount=from=probe,target=/.runbake/probe /.runbake/probe/linux/$TARGETARCH/probe verdict
EOT
}

# What all checks share: the image is asked what its definition asks; a check that
# fails fails the build.
target "_check" {
  context           = "."
  output            = [{ type = "cacheonly" }]
  attest            = [{ type = "provenance", disabled = "true" }]
  dockerfile-inline = <<EOT
FROM scratch AS asked
ARG TARGETARCH CHECKS
COPY --from=probe /linux/$TARGETARCH/probe /probe
COPY <<EOF /checks.json
$CHECKS
EOF
WORKDIR /folders/report

FROM run AS tests
COPY --from=asked --chmod=0777 /folders /.runbake
RUN --network=none --mount=from=asked,target=/.runbake/asked ["/.runbake/asked/probe", "commands", "/.runbake/asked/checks.json", "/.runbake/report"]
USER 0:0
RUN --network=none --mount=from=asked,target=/.runbake/asked ["/.runbake/asked/probe", "files", "/.runbake/asked/checks.json", "/.runbake/report"]

FROM scratch AS report
COPY --from=tests /.runbake/report/report.json /

FROM report
RUN --network=none --mount=from=asked,target=/.runbake/asked ["/.runbake/asked/probe", "verdict", "/.runbake/asked/checks.json", "/"]
EOT
}

target "check-7z-1" {
  inherits    = ["_check"]
  description = "Checks of 7z 1"
  contexts = {
    probe = PROBE
    run   = "target:7z-1"
  }
  args = {
    CHECKS = "[{\"name\":\"clean\",\"exit\":0,\"files\":[{\"path\":\"/etc/npmrc\",\"absent\":true}]}]"
  }
  platforms = platforms(["linux/arm64", "linux/amd64"])
}

target "check-debian-12" {
  inherits    = ["_check"]
  description = "Checks of Debian 12"
  contexts = {
    probe = PROBE
    run   = "target:debian-12"
  }
  args = {
    CHECKS = "[{\"name\":\"clean\",\"exit\":0,\"files\":[{\"path\":\"/etc/npmrc\",\"absent\":true}]}]"
  }
  platforms = platforms(["linux/arm64", "linux/amd64"])
}

target "test-go-1_9" {
  inherits    = ["_test"]
  description = "Test of Go 1.9"
  contexts = {
    behaviour = "tests/go-behaviour"
    broken    = "tests/go"
    build     = "target:go-1_9"
    fixture   = "tests/go"
    probe     = PROBE
    run       = "target:debian-12"
  }
  args = {
    BEHAVIOUR  = "handler.go"
    ENTRYPOINT = "main.go"
    KIND       = "compiled"
  }
  platforms = platforms(["linux/amd64"])
}

target "check-go-1_9" {
  inherits    = ["_check"]
  description = "Checks of Go 1.9"
  contexts = {
    probe = PROBE
    run   = "target:go-1_9"
  }
  args = {
    CHECKS = "[{\"name\":\"clean\",\"exit\":0,\"files\":[{\"path\":\"/etc/npmrc\",\"absent\":true}]}]"
  }
  platforms = platforms(["linux/amd64"])
}

target "test-go-1_10" {
  inherits    = ["_test"]
  description = "Test of Go 1.10"
  contexts = {
    behaviour = "tests/go-behaviour"
    broken    = "tests/go"
    build     = "target:go-1_10"
    fixture   = "tests/go"
    probe     = PROBE
    run       = "target:debian-12"
  }
  args = {
    BEHAVIOUR  = "handler.go"
    ENTRYPOINT = "main.go"
    KIND       = "compiled"
  }
  platforms = platforms(["linux/arm64", "linux/amd64"])
}

target "check-go-1_10" {
  inherits    = ["_check"]
  description = "Checks of Go 1.10"
  contexts = {
    probe = PROBE
    run   = "target:go-1_10"
  }
  args = {
    CHECKS = "[{\"name\":\"clean\",\"exit\":0,\"files\":[{\"path\":\"/etc/npmrc\",\"absent\":true}]}]"
  }
  platforms = platforms(["linux/arm64", "linux/amd64"])
}
