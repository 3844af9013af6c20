# Written by runbake generate from runbake.hcl and runtimes/*/runtime.hcl. DO NOT EDIT.
#
#   docker buildx bake -f docker-bake.hcl --push               build and push all images
#   docker buildx bake -f docker-bake.hcl --push rust-1_96     one of them
#   LOCAL=1 docker buildx bake -f docker-bake.hcl rust-1_96    one for this machine, into Docker
#   docker buildx bake -f docker-bake.hcl --list targets       what there is
#   docker buildx bake -f docker-bake.hcl --list variables     what can be set, in the environment

variable "REGISTRY" {
  type        = string
  default     = "docker.io/runbake"
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
  default     = "none"
  description = "Where build cache is kept: none, registry, gha or local"
  validation {
    condition     = contains(["none", "registry", "gha", "local"], CACHE)
    error_message = "CACHE is one of none, registry, gha and local."
  }
}

variable "CACHE_REF" {
  type        = string
  default     = CACHE == "local" ? ".buildcache" : "${REGISTRY == "" ? "" : "${REGISTRY}/"}cache"
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
  default     = "target:_probe"
  description = "Where tests have the program from that questions servers: docker-image://<image>, or a folder with linux/<architecture>/probe"
  validation {
    condition     = PROBE != ""
    error_message = "PROBE is docker-image:// and the name of an image, or a folder."
  }
}

# What follows from the variables, worked out once: bake evaluates the body of a
# function twice for each call, whichever branch it takes.
_registry  = REGISTRY == "" ? "" : "${REGISTRY}/"
_platform  = lookup({ "linux/aarch64" = "linux/arm64", "linux/amd64/v1" = "linux/amd64", "linux/arm64/v8" = "linux/arm64", "linux/x86_64" = "linux/amd64" }, PLATFORM, PLATFORM) # the one that was asked for, by the name that it has here
_platforms = _platform == "" ? [] : [_platform]
_suffix    = join("", [for name in _platforms : ".${replace(name, "/", "-")}"])
_revision  = REVISION == "" ? {} : { "org.opencontainers.image.revision" = REVISION }

_labels = {
  "org.opencontainers.image.licenses" = "Apache-2.0"
  "org.opencontainers.image.source"   = "https://github.com/runbake/runbake"
  "org.opencontainers.image.vendor"   = "Runbake"
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
    "bun-1_3",
    "bun-1_4",
    "cpp-17",
    "cpp-20",
    "cpp-23",
    "debian-12",
    "debian-13",
    "deno-2_7",
    "deno-2_9",
    "go-1_26",
    "java-17",
    "java-21",
    "jre-17",
    "jre-21",
    "lua-5_4",
    "node-22",
    "node-24",
    "perl-5_36",
    "perl-5_40",
    "php-8_2",
    "php-8_4",
    "python-3_11",
    "python-3_13",
    "ruby-3_1",
    "ruby-3_3",
    "rust-1_96",
  ]
}

group "bases" {
  description = "Images that run what compiled runtimes make"
  targets = [
    "debian-12",
    "debian-13",
    "jre-17",
    "jre-21",
  ]
}

group "bun" {
  description = "All versions of Bun"
  targets = [
    "bun-1_3",
    "bun-1_4",
  ]
}

group "cpp" {
  description = "All versions of C++"
  targets = [
    "cpp-17",
    "cpp-20",
    "cpp-23",
  ]
}

group "debian" {
  description = "All versions of Debian"
  targets = [
    "debian-12",
    "debian-13",
  ]
}

group "deno" {
  description = "All versions of Deno"
  targets = [
    "deno-2_7",
    "deno-2_9",
  ]
}

group "go" {
  description = "All versions of Go"
  targets = [
    "go-1_26",
  ]
}

group "java" {
  description = "All versions of Java"
  targets = [
    "java-17",
    "java-21",
  ]
}

group "jre" {
  description = "All versions of JRE"
  targets = [
    "jre-17",
    "jre-21",
  ]
}

group "lua" {
  description = "All versions of Lua"
  targets = [
    "lua-5_4",
  ]
}

group "node" {
  description = "All versions of Node.js"
  targets = [
    "node-22",
    "node-24",
  ]
}

group "perl" {
  description = "All versions of Perl"
  targets = [
    "perl-5_36",
    "perl-5_40",
  ]
}

group "php" {
  description = "All versions of PHP"
  targets = [
    "php-8_2",
    "php-8_4",
  ]
}

group "python" {
  description = "All versions of Python"
  targets = [
    "python-3_11",
    "python-3_13",
  ]
}

group "ruby" {
  description = "All versions of Ruby"
  targets = [
    "ruby-3_1",
    "ruby-3_3",
  ]
}

group "rust" {
  description = "All versions of Rust"
  targets = [
    "rust-1_96",
  ]
}

group "test" {
  description = "Tests of all images that are not deprecated"
  targets = [
    "test-bun-1_3",
    "test-bun-1_4",
    "test-cpp-17",
    "test-cpp-20",
    "test-cpp-23",
    "test-deno-2_7",
    "test-deno-2_9",
    "test-go-1_26",
    "test-java-17",
    "test-java-21",
    "test-lua-5_4",
    "test-node-22",
    "test-node-24",
    "test-perl-5_36",
    "test-perl-5_40",
    "test-php-8_2",
    "test-php-8_4",
    "test-python-3_11",
    "test-python-3_13",
    "test-ruby-3_1",
    "test-ruby-3_3",
    "test-rust-1_96",
  ]
}

group "test-bun" {
  description = "Tests of all versions of Bun"
  targets = [
    "test-bun-1_3",
    "test-bun-1_4",
  ]
}

group "test-cpp" {
  description = "Tests of all versions of C++"
  targets = [
    "test-cpp-17",
    "test-cpp-20",
    "test-cpp-23",
  ]
}

group "test-deno" {
  description = "Tests of all versions of Deno"
  targets = [
    "test-deno-2_7",
    "test-deno-2_9",
  ]
}

group "test-go" {
  description = "Tests of all versions of Go"
  targets = [
    "test-go-1_26",
  ]
}

group "test-java" {
  description = "Tests of all versions of Java"
  targets = [
    "test-java-17",
    "test-java-21",
  ]
}

group "test-lua" {
  description = "Tests of all versions of Lua"
  targets = [
    "test-lua-5_4",
  ]
}

group "test-node" {
  description = "Tests of all versions of Node.js"
  targets = [
    "test-node-22",
    "test-node-24",
  ]
}

group "test-perl" {
  description = "Tests of all versions of Perl"
  targets = [
    "test-perl-5_36",
    "test-perl-5_40",
  ]
}

group "test-php" {
  description = "Tests of all versions of PHP"
  targets = [
    "test-php-8_2",
    "test-php-8_4",
  ]
}

group "test-python" {
  description = "Tests of all versions of Python"
  targets = [
    "test-python-3_11",
    "test-python-3_13",
  ]
}

group "test-ruby" {
  description = "Tests of all versions of Ruby"
  targets = [
    "test-ruby-3_1",
    "test-ruby-3_3",
  ]
}

group "test-rust" {
  description = "Tests of all versions of Rust"
  targets = [
    "test-rust-1_96",
  ]
}

# What all images share: LOCAL loads into Docker, which takes no attestations.
target "_image" {
  output = LOCAL ? [{ type = "docker" }] : BY_DIGEST ? [{ type = "image", name-canonical = "true", push = "true", push-by-digest = "true", rewrite-timestamp = "true" }] : []
  attest = LOCAL ? [{ type = "provenance", disabled = "true" }] : [{ type = "provenance", mode = "max" }, { type = "sbom" }]
}

target "bun-1_3" {
  inherits    = ["_image"]
  description = "Bun 1.3"
  context     = "runtimes/bun"
  args = {
    BASE_IMAGE = "oven/bun:1.3.14-debian"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("bun-runtime", ["1.3"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/oven/bun:1.3.14-debian"
    "org.opencontainers.image.title"     = "Bun 1.3"
    "org.opencontainers.image.version"   = "1.3"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/oven/bun:1.3.14-debian"
    "org.opencontainers.image.title"     = "Bun 1.3"
    "org.opencontainers.image.version"   = "1.3"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("bun-1_3", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("bun-1_3")
}

target "bun-1_4" {
  inherits    = ["_image"]
  description = "Bun 1.4"
  context     = "runtimes/bun"
  args = {
    BASE_IMAGE = "oven/bun:1.4.5-debian"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("bun-runtime", ["1.4"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/oven/bun:1.4.5-debian"
    "org.opencontainers.image.title"     = "Bun 1.4"
    "org.opencontainers.image.version"   = "1.4"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/oven/bun:1.4.5-debian"
    "org.opencontainers.image.title"     = "Bun 1.4"
    "org.opencontainers.image.version"   = "1.4"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("bun-1_4", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("bun-1_4")
}

target "cpp-17" {
  inherits    = ["_image"]
  description = "C++ 17"
  context     = "runtimes/cpp"
  args = {
    BASE_IMAGE   = "debian:bookworm-slim"
    CPP_STANDARD = "17"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("cpp-runtime", ["17"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/debian:bookworm-slim"
    "org.opencontainers.image.title"     = "C++ 17"
    "org.opencontainers.image.version"   = "17"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/debian:bookworm-slim"
    "org.opencontainers.image.title"     = "C++ 17"
    "org.opencontainers.image.version"   = "17"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("cpp-17", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("cpp-17")
}

target "cpp-20" {
  inherits    = ["_image"]
  description = "C++ 20"
  context     = "runtimes/cpp"
  args = {
    BASE_IMAGE   = "debian:bookworm-slim"
    CPP_STANDARD = "20"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("cpp-runtime", ["20"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/debian:bookworm-slim"
    "org.opencontainers.image.title"     = "C++ 20"
    "org.opencontainers.image.version"   = "20"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/debian:bookworm-slim"
    "org.opencontainers.image.title"     = "C++ 20"
    "org.opencontainers.image.version"   = "20"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("cpp-20", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("cpp-20")
}

target "cpp-23" {
  inherits    = ["_image"]
  description = "C++ 23"
  context     = "runtimes/cpp"
  args = {
    BASE_IMAGE   = "debian:trixie-slim"
    CPP_STANDARD = "23"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("cpp-runtime", ["23"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/debian:trixie-slim"
    "org.opencontainers.image.title"     = "C++ 23"
    "org.opencontainers.image.version"   = "23"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/debian:trixie-slim"
    "org.opencontainers.image.title"     = "C++ 23"
    "org.opencontainers.image.version"   = "23"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("cpp-23", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("cpp-23")
}

target "debian-12" {
  inherits    = ["_image"]
  description = "Debian 12"
  context     = "runtimes/debian"
  args = {
    BASE_IMAGE = "debian:bookworm-slim"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("debian-base", ["12"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/debian:bookworm-slim"
    "org.opencontainers.image.title"     = "Debian 12"
    "org.opencontainers.image.version"   = "12"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/debian:bookworm-slim"
    "org.opencontainers.image.title"     = "Debian 12"
    "org.opencontainers.image.version"   = "12"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("debian-12", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("debian-12")
}

target "debian-13" {
  inherits    = ["_image"]
  description = "Debian 13"
  context     = "runtimes/debian"
  args = {
    BASE_IMAGE = "debian:trixie-slim"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("debian-base", ["13"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/debian:trixie-slim"
    "org.opencontainers.image.title"     = "Debian 13"
    "org.opencontainers.image.version"   = "13"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/debian:trixie-slim"
    "org.opencontainers.image.title"     = "Debian 13"
    "org.opencontainers.image.version"   = "13"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("debian-13", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("debian-13")
}

target "deno-2_7" {
  inherits    = ["_image"]
  description = "Deno 2.7"
  context     = "runtimes/deno"
  args = {
    BASE_IMAGE = "denoland/deno:debian-2.7.7"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("deno-runtime", ["2.7"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/denoland/deno:debian-2.7.7"
    "org.opencontainers.image.title"     = "Deno 2.7"
    "org.opencontainers.image.version"   = "2.7"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/denoland/deno:debian-2.7.7"
    "org.opencontainers.image.title"     = "Deno 2.7"
    "org.opencontainers.image.version"   = "2.7"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("deno-2_7", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("deno-2_7")
}

target "deno-2_9" {
  inherits    = ["_image"]
  description = "Deno 2.9"
  context     = "runtimes/deno"
  args = {
    BASE_IMAGE = "denoland/deno:debian-2.9.6"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("deno-runtime", ["2.9"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/denoland/deno:debian-2.9.6"
    "org.opencontainers.image.title"     = "Deno 2.9"
    "org.opencontainers.image.version"   = "2.9"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/denoland/deno:debian-2.9.6"
    "org.opencontainers.image.title"     = "Deno 2.9"
    "org.opencontainers.image.version"   = "2.9"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("deno-2_9", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("deno-2_9")
}

target "go-1_26" {
  inherits    = ["_image"]
  description = "Go 1.26"
  context     = "runtimes/go"
  args = {
    BASE_IMAGE = "golang:1.26.8-bookworm"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("go-runtime", ["1.26"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/golang:1.26.8-bookworm"
    "org.opencontainers.image.title"     = "Go 1.26"
    "org.opencontainers.image.version"   = "1.26"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/golang:1.26.8-bookworm"
    "org.opencontainers.image.title"     = "Go 1.26"
    "org.opencontainers.image.version"   = "1.26"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("go-1_26", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("go-1_26")
}

target "java-17" {
  inherits    = ["_image"]
  description = "Java 17"
  context     = "runtimes/java"
  args = {
    BASE_IMAGE = "eclipse-temurin:17-jdk-jammy"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("java-runtime", ["17"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/eclipse-temurin:17-jdk-jammy"
    "org.opencontainers.image.title"     = "Java 17"
    "org.opencontainers.image.version"   = "17"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/eclipse-temurin:17-jdk-jammy"
    "org.opencontainers.image.title"     = "Java 17"
    "org.opencontainers.image.version"   = "17"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("java-17", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("java-17")
}

target "java-21" {
  inherits    = ["_image"]
  description = "Java 21"
  context     = "runtimes/java"
  args = {
    BASE_IMAGE = "eclipse-temurin:21-jdk-noble"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("java-runtime", ["21"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/eclipse-temurin:21-jdk-noble"
    "org.opencontainers.image.title"     = "Java 21"
    "org.opencontainers.image.version"   = "21"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/eclipse-temurin:21-jdk-noble"
    "org.opencontainers.image.title"     = "Java 21"
    "org.opencontainers.image.version"   = "21"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("java-21", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("java-21")
}

target "jre-17" {
  inherits    = ["_image"]
  description = "JRE 17"
  context     = "runtimes/debian"
  args = {
    BASE_IMAGE = "eclipse-temurin:17-jre-jammy"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("jre-base", ["17"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/eclipse-temurin:17-jre-jammy"
    "org.opencontainers.image.title"     = "JRE 17"
    "org.opencontainers.image.version"   = "17"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/eclipse-temurin:17-jre-jammy"
    "org.opencontainers.image.title"     = "JRE 17"
    "org.opencontainers.image.version"   = "17"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("jre-17", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("jre-17")
}

target "jre-21" {
  inherits    = ["_image"]
  description = "JRE 21"
  context     = "runtimes/debian"
  args = {
    BASE_IMAGE = "eclipse-temurin:21-jre-noble"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("jre-base", ["21"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/eclipse-temurin:21-jre-noble"
    "org.opencontainers.image.title"     = "JRE 21"
    "org.opencontainers.image.version"   = "21"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/eclipse-temurin:21-jre-noble"
    "org.opencontainers.image.title"     = "JRE 21"
    "org.opencontainers.image.version"   = "21"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("jre-21", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("jre-21")
}

target "lua-5_4" {
  inherits    = ["_image"]
  description = "Lua 5.4"
  context     = "runtimes/lua"
  args = {
    BASE_IMAGE = "debian:bookworm-slim"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("lua-runtime", ["5.4"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/debian:bookworm-slim"
    "org.opencontainers.image.title"     = "Lua 5.4"
    "org.opencontainers.image.version"   = "5.4"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/debian:bookworm-slim"
    "org.opencontainers.image.title"     = "Lua 5.4"
    "org.opencontainers.image.version"   = "5.4"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("lua-5_4", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("lua-5_4")
}

target "node-22" {
  inherits    = ["_image"]
  description = "Node.js 22"
  context     = "runtimes/node"
  args = {
    BASE_IMAGE = "node:22.23.3-bookworm-slim"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("node-runtime", ["22"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/node:22.23.3-bookworm-slim"
    "org.opencontainers.image.title"     = "Node.js 22"
    "org.opencontainers.image.version"   = "22"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/node:22.23.3-bookworm-slim"
    "org.opencontainers.image.title"     = "Node.js 22"
    "org.opencontainers.image.version"   = "22"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("node-22", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("node-22")
}

target "node-24" {
  inherits    = ["_image"]
  description = "Node.js 24"
  context     = "runtimes/node"
  args = {
    BASE_IMAGE = "node:24.21.0-bookworm-slim"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("node-runtime", ["24"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/node:24.21.0-bookworm-slim"
    "org.opencontainers.image.title"     = "Node.js 24"
    "org.opencontainers.image.version"   = "24"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/node:24.21.0-bookworm-slim"
    "org.opencontainers.image.title"     = "Node.js 24"
    "org.opencontainers.image.version"   = "24"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("node-24", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("node-24")
}

target "perl-5_36" {
  inherits    = ["_image"]
  description = "Perl 5.36"
  context     = "runtimes/perl"
  args = {
    BASE_IMAGE = "perl:5.36-slim-bookworm"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("perl-runtime", ["5.36"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/perl:5.36-slim-bookworm"
    "org.opencontainers.image.title"     = "Perl 5.36"
    "org.opencontainers.image.version"   = "5.36"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/perl:5.36-slim-bookworm"
    "org.opencontainers.image.title"     = "Perl 5.36"
    "org.opencontainers.image.version"   = "5.36"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("perl-5_36", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("perl-5_36")
}

target "perl-5_40" {
  inherits    = ["_image"]
  description = "Perl 5.40"
  context     = "runtimes/perl"
  args = {
    BASE_IMAGE = "perl:5.40-slim-trixie"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("perl-runtime", ["5.40"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/perl:5.40-slim-trixie"
    "org.opencontainers.image.title"     = "Perl 5.40"
    "org.opencontainers.image.version"   = "5.40"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/perl:5.40-slim-trixie"
    "org.opencontainers.image.title"     = "Perl 5.40"
    "org.opencontainers.image.version"   = "5.40"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("perl-5_40", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("perl-5_40")
}

target "php-8_2" {
  inherits    = ["_image"]
  description = "PHP 8.2"
  context     = "runtimes/php"
  args = {
    BASE_IMAGE     = "php:8.2.36-cli-bookworm"
    COMPOSER_IMAGE = "composer:2.5.5"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("php-runtime", ["8.2"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/php:8.2.36-cli-bookworm"
    "org.opencontainers.image.title"     = "PHP 8.2"
    "org.opencontainers.image.version"   = "8.2"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/php:8.2.36-cli-bookworm"
    "org.opencontainers.image.title"     = "PHP 8.2"
    "org.opencontainers.image.version"   = "8.2"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("php-8_2", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("php-8_2")
}

target "php-8_4" {
  inherits    = ["_image"]
  description = "PHP 8.4"
  context     = "runtimes/php"
  args = {
    BASE_IMAGE     = "php:8.4-cli-trixie"
    COMPOSER_IMAGE = "composer:2.8.8"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("php-runtime", ["8.4"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/php:8.4-cli-trixie"
    "org.opencontainers.image.title"     = "PHP 8.4"
    "org.opencontainers.image.version"   = "8.4"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/php:8.4-cli-trixie"
    "org.opencontainers.image.title"     = "PHP 8.4"
    "org.opencontainers.image.version"   = "8.4"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("php-8_4", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("php-8_4")
}

target "python-3_11" {
  inherits    = ["_image"]
  description = "Python 3.11"
  context     = "runtimes/python"
  args = {
    BASE_IMAGE = "python:3.11-slim-bookworm"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("python-runtime", ["3.11"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/python:3.11-slim-bookworm"
    "org.opencontainers.image.title"     = "Python 3.11"
    "org.opencontainers.image.version"   = "3.11"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/python:3.11-slim-bookworm"
    "org.opencontainers.image.title"     = "Python 3.11"
    "org.opencontainers.image.version"   = "3.11"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("python-3_11", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("python-3_11")
}

target "python-3_13" {
  inherits    = ["_image"]
  description = "Python 3.13"
  context     = "runtimes/python"
  args = {
    BASE_IMAGE = "python:3.13-slim-trixie"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("python-runtime", ["3.13"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/python:3.13-slim-trixie"
    "org.opencontainers.image.title"     = "Python 3.13"
    "org.opencontainers.image.version"   = "3.13"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/python:3.13-slim-trixie"
    "org.opencontainers.image.title"     = "Python 3.13"
    "org.opencontainers.image.version"   = "3.13"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("python-3_13", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("python-3_13")
}

target "ruby-3_1" {
  inherits    = ["_image"]
  description = "Ruby 3.1"
  context     = "runtimes/ruby"
  args = {
    BASE_IMAGE = "ruby:3.1-slim-bookworm"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("ruby-runtime", ["3.1"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/ruby:3.1-slim-bookworm"
    "org.opencontainers.image.title"     = "Ruby 3.1"
    "org.opencontainers.image.version"   = "3.1"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/ruby:3.1-slim-bookworm"
    "org.opencontainers.image.title"     = "Ruby 3.1"
    "org.opencontainers.image.version"   = "3.1"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("ruby-3_1", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("ruby-3_1")
}

target "ruby-3_3" {
  inherits    = ["_image"]
  description = "Ruby 3.3"
  context     = "runtimes/ruby"
  args = {
    BASE_IMAGE = "ruby:3.3-slim-trixie"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("ruby-runtime", ["3.3"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/ruby:3.3-slim-trixie"
    "org.opencontainers.image.title"     = "Ruby 3.3"
    "org.opencontainers.image.version"   = "3.3"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/ruby:3.3-slim-trixie"
    "org.opencontainers.image.title"     = "Ruby 3.3"
    "org.opencontainers.image.version"   = "3.3"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("ruby-3_3", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("ruby-3_3")
}

target "rust-1_96" {
  inherits    = ["_image"]
  description = "Rust 1.96"
  context     = "runtimes/rust"
  args = {
    BASE_IMAGE = "rust:1.96.0-slim-bookworm"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
  tags      = tags("rust-runtime", ["1.96"])
  labels = labels({
    "org.opencontainers.image.base.name" = "docker.io/library/rust:1.96.0-slim-bookworm"
    "org.opencontainers.image.title"     = "Rust 1.96"
    "org.opencontainers.image.version"   = "1.96"
  })
  annotations = annotations({
    "org.opencontainers.image.base.name" = "docker.io/library/rust:1.96.0-slim-bookworm"
    "org.opencontainers.image.title"     = "Rust 1.96"
    "org.opencontainers.image.version"   = "1.96"
  }, ["linux/amd64", "linux/arm64"])
  cache-from = cache_from("rust-1_96", ["linux/amd64", "linux/arm64"])
  cache-to   = cache_to("rust-1_96")
}

# The program that questions servers.
target "_probe" {
  context    = "."
  dockerfile = "cmd/probe/Dockerfile"
  platforms  = platforms(["linux/amd64", "linux/arm64"])
  output     = [{ type = "cacheonly" }]
  attest     = [{ type = "provenance", disabled = "true" }]
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

target "test-bun-1_3" {
  inherits    = ["_test"]
  description = "Test of Bun 1.3"
  contexts = {
    behaviour = "tests/fixtures/bun-behaviour"
    broken    = "tests/fixtures/bun-broken"
    build     = "target:bun-1_3"
    fixture   = "tests/fixtures/bun"
    probe     = PROBE
    run       = "target:bun-1_3"
  }
  args = {
    BEHAVIOUR  = "handler.ts"
    BROKEN     = "index.ts"
    COMMAND    = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT = "index.ts"
    KIND       = "interpreted"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-bun-1_4" {
  inherits    = ["_test"]
  description = "Test of Bun 1.4"
  contexts = {
    behaviour = "tests/fixtures/bun-behaviour"
    broken    = "tests/fixtures/bun-broken"
    build     = "target:bun-1_4"
    fixture   = "tests/fixtures/bun"
    probe     = PROBE
    run       = "target:bun-1_4"
  }
  args = {
    BEHAVIOUR  = "handler.ts"
    BROKEN     = "index.ts"
    COMMAND    = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT = "index.ts"
    KIND       = "interpreted"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-cpp-17" {
  inherits    = ["_test"]
  description = "Test of C++ 17"
  contexts = {
    behaviour = "tests/fixtures/cpp-behaviour"
    broken    = "tests/fixtures/cpp-broken"
    build     = "target:cpp-17"
    fixture   = "tests/fixtures/cpp"
    probe     = PROBE
    run       = "target:debian-12"
  }
  args = {
    BEHAVIOUR     = "handler.cpp"
    BROKEN        = "main.cpp"
    BUILD_COMMAND = "[\"tail\",\"-f\",\"/dev/null\"]"
    COMMAND       = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT    = "main.cpp"
    KIND          = "compiled"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-cpp-20" {
  inherits    = ["_test"]
  description = "Test of C++ 20"
  contexts = {
    behaviour = "tests/fixtures/cpp-behaviour"
    broken    = "tests/fixtures/cpp-broken"
    build     = "target:cpp-20"
    fixture   = "tests/fixtures/cpp"
    probe     = PROBE
    run       = "target:debian-12"
  }
  args = {
    BEHAVIOUR     = "handler.cpp"
    BROKEN        = "main.cpp"
    BUILD_COMMAND = "[\"tail\",\"-f\",\"/dev/null\"]"
    COMMAND       = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT    = "main.cpp"
    KIND          = "compiled"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-cpp-23" {
  inherits    = ["_test"]
  description = "Test of C++ 23"
  contexts = {
    behaviour = "tests/fixtures/cpp-behaviour"
    broken    = "tests/fixtures/cpp-broken"
    build     = "target:cpp-23"
    fixture   = "tests/fixtures/cpp"
    probe     = PROBE
    run       = "target:debian-13"
  }
  args = {
    BEHAVIOUR     = "handler.cpp"
    BROKEN        = "main.cpp"
    BUILD_COMMAND = "[\"tail\",\"-f\",\"/dev/null\"]"
    COMMAND       = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT    = "main.cpp"
    KIND          = "compiled"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-deno-2_7" {
  inherits    = ["_test"]
  description = "Test of Deno 2.7"
  contexts = {
    behaviour = "tests/fixtures/deno-behaviour"
    broken    = "tests/fixtures/deno-broken"
    build     = "target:deno-2_7"
    fixture   = "tests/fixtures/deno"
    probe     = PROBE
    run       = "target:deno-2_7"
  }
  args = {
    BEHAVIOUR  = "handler.ts"
    BROKEN     = "index.ts"
    COMMAND    = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT = "index.ts"
    KIND       = "interpreted"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-deno-2_9" {
  inherits    = ["_test"]
  description = "Test of Deno 2.9"
  contexts = {
    behaviour = "tests/fixtures/deno-behaviour"
    broken    = "tests/fixtures/deno-broken"
    build     = "target:deno-2_9"
    fixture   = "tests/fixtures/deno"
    probe     = PROBE
    run       = "target:deno-2_9"
  }
  args = {
    BEHAVIOUR  = "handler.ts"
    BROKEN     = "index.ts"
    COMMAND    = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT = "index.ts"
    KIND       = "interpreted"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-go-1_26" {
  inherits    = ["_test"]
  description = "Test of Go 1.26"
  contexts = {
    behaviour = "tests/fixtures/go-behaviour"
    broken    = "tests/fixtures/go-broken"
    build     = "target:go-1_26"
    fixture   = "tests/fixtures/go"
    probe     = PROBE
    run       = "target:debian-12"
  }
  args = {
    BEHAVIOUR     = "handler.go"
    BROKEN        = "main.go"
    BUILD_COMMAND = "[\"tail\",\"-f\",\"/dev/null\"]"
    COMMAND       = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT    = "main.go"
    KIND          = "compiled"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-java-17" {
  inherits    = ["_test"]
  description = "Test of Java 17"
  contexts = {
    behaviour = "tests/fixtures/java-behaviour"
    broken    = "tests/fixtures/java-broken"
    build     = "target:java-17"
    fixture   = "tests/fixtures/java"
    probe     = PROBE
    run       = "target:jre-17"
  }
  args = {
    BEHAVIOUR     = "Handler.java"
    BROKEN        = "Main.java"
    BUILD_COMMAND = "[\"tail\",\"-f\",\"/dev/null\"]"
    COMMAND       = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT    = "Main.java"
    KIND          = "compiled"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-java-21" {
  inherits    = ["_test"]
  description = "Test of Java 21"
  contexts = {
    behaviour = "tests/fixtures/java-behaviour"
    broken    = "tests/fixtures/java-broken"
    build     = "target:java-21"
    fixture   = "tests/fixtures/java"
    probe     = PROBE
    run       = "target:jre-21"
  }
  args = {
    BEHAVIOUR     = "Handler.java"
    BROKEN        = "Main.java"
    BUILD_COMMAND = "[\"tail\",\"-f\",\"/dev/null\"]"
    COMMAND       = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT    = "Main.java"
    KIND          = "compiled"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-lua-5_4" {
  inherits    = ["_test"]
  description = "Test of Lua 5.4"
  contexts = {
    behaviour = "tests/fixtures/lua-behaviour"
    broken    = "tests/fixtures/lua-broken"
    build     = "target:lua-5_4"
    fixture   = "tests/fixtures/lua"
    probe     = PROBE
    run       = "target:lua-5_4"
  }
  args = {
    BEHAVIOUR  = "handler.lua"
    BROKEN     = "main.lua"
    COMMAND    = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT = "main.lua"
    KIND       = "interpreted"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-node-22" {
  inherits    = ["_test"]
  description = "Test of Node.js 22"
  contexts = {
    behaviour = "tests/fixtures/node-behaviour"
    broken    = "tests/fixtures/node-broken"
    build     = "target:node-22"
    fixture   = "tests/fixtures/node"
    probe     = PROBE
    run       = "target:node-22"
  }
  args = {
    BEHAVIOUR  = "handler.js"
    BROKEN     = "index.js"
    COMMAND    = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT = "index.js"
    KIND       = "interpreted"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-node-24" {
  inherits    = ["_test"]
  description = "Test of Node.js 24"
  contexts = {
    behaviour = "tests/fixtures/node-behaviour"
    broken    = "tests/fixtures/node-broken"
    build     = "target:node-24"
    fixture   = "tests/fixtures/node"
    probe     = PROBE
    run       = "target:node-24"
  }
  args = {
    BEHAVIOUR  = "handler.js"
    BROKEN     = "index.js"
    COMMAND    = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT = "index.js"
    KIND       = "interpreted"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-perl-5_36" {
  inherits    = ["_test"]
  description = "Test of Perl 5.36"
  contexts = {
    behaviour = "tests/fixtures/perl-behaviour"
    broken    = "tests/fixtures/perl-broken"
    build     = "target:perl-5_36"
    fixture   = "tests/fixtures/perl"
    probe     = PROBE
    run       = "target:perl-5_36"
  }
  args = {
    BEHAVIOUR  = "handler.pl"
    BROKEN     = "main.pl"
    COMMAND    = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT = "main.pl"
    KIND       = "interpreted"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-perl-5_40" {
  inherits    = ["_test"]
  description = "Test of Perl 5.40"
  contexts = {
    behaviour = "tests/fixtures/perl-behaviour"
    broken    = "tests/fixtures/perl-broken"
    build     = "target:perl-5_40"
    fixture   = "tests/fixtures/perl"
    probe     = PROBE
    run       = "target:perl-5_40"
  }
  args = {
    BEHAVIOUR  = "handler.pl"
    BROKEN     = "main.pl"
    COMMAND    = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT = "main.pl"
    KIND       = "interpreted"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-php-8_2" {
  inherits    = ["_test"]
  description = "Test of PHP 8.2"
  contexts = {
    behaviour = "tests/fixtures/php-behaviour"
    broken    = "tests/fixtures/php-broken"
    build     = "target:php-8_2"
    fixture   = "tests/fixtures/php"
    probe     = PROBE
    run       = "target:php-8_2"
  }
  args = {
    BEHAVIOUR  = "handler.php"
    BROKEN     = "index.php"
    COMMAND    = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT = "index.php"
    KIND       = "interpreted"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-php-8_4" {
  inherits    = ["_test"]
  description = "Test of PHP 8.4"
  contexts = {
    behaviour = "tests/fixtures/php-behaviour"
    broken    = "tests/fixtures/php-broken"
    build     = "target:php-8_4"
    fixture   = "tests/fixtures/php"
    probe     = PROBE
    run       = "target:php-8_4"
  }
  args = {
    BEHAVIOUR  = "handler.php"
    BROKEN     = "index.php"
    COMMAND    = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT = "index.php"
    KIND       = "interpreted"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-python-3_11" {
  inherits    = ["_test"]
  description = "Test of Python 3.11"
  contexts = {
    behaviour = "tests/fixtures/python-behaviour"
    broken    = "tests/fixtures/python-broken"
    build     = "target:python-3_11"
    fixture   = "tests/fixtures/python"
    probe     = PROBE
    run       = "target:python-3_11"
  }
  args = {
    BEHAVIOUR  = "handler.py"
    BROKEN     = "main.py"
    COMMAND    = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT = "main.py"
    KIND       = "interpreted"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-python-3_13" {
  inherits    = ["_test"]
  description = "Test of Python 3.13"
  contexts = {
    behaviour = "tests/fixtures/python-behaviour"
    broken    = "tests/fixtures/python-broken"
    build     = "target:python-3_13"
    fixture   = "tests/fixtures/python"
    probe     = PROBE
    run       = "target:python-3_13"
  }
  args = {
    BEHAVIOUR  = "handler.py"
    BROKEN     = "main.py"
    COMMAND    = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT = "main.py"
    KIND       = "interpreted"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-ruby-3_1" {
  inherits    = ["_test"]
  description = "Test of Ruby 3.1"
  contexts = {
    behaviour = "tests/fixtures/ruby-behaviour"
    broken    = "tests/fixtures/ruby-broken"
    build     = "target:ruby-3_1"
    fixture   = "tests/fixtures/ruby"
    probe     = PROBE
    run       = "target:ruby-3_1"
  }
  args = {
    BEHAVIOUR  = "handler.rb"
    BROKEN     = "main.rb"
    COMMAND    = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT = "main.rb"
    KIND       = "interpreted"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-ruby-3_3" {
  inherits    = ["_test"]
  description = "Test of Ruby 3.3"
  contexts = {
    behaviour = "tests/fixtures/ruby-behaviour"
    broken    = "tests/fixtures/ruby-broken"
    build     = "target:ruby-3_3"
    fixture   = "tests/fixtures/ruby"
    probe     = PROBE
    run       = "target:ruby-3_3"
  }
  args = {
    BEHAVIOUR  = "handler.rb"
    BROKEN     = "main.rb"
    COMMAND    = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT = "main.rb"
    KIND       = "interpreted"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}

target "test-rust-1_96" {
  inherits    = ["_test"]
  description = "Test of Rust 1.96"
  contexts = {
    behaviour = "tests/fixtures/rust-behaviour"
    broken    = "tests/fixtures/rust-broken"
    build     = "target:rust-1_96"
    fixture   = "tests/fixtures/rust"
    probe     = PROBE
    run       = "target:debian-12"
  }
  args = {
    BEHAVIOUR     = "handler.rs"
    BROKEN        = "main.rs"
    BUILD_COMMAND = "[\"tail\",\"-f\",\"/dev/null\"]"
    COMMAND       = "[\"/usr/local/src/launch.sh\"]"
    ENTRYPOINT    = "main.rs"
    KIND          = "compiled"
  }
  platforms = platforms(["linux/amd64", "linux/arm64"])
}
