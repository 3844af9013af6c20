package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// debianStandIns are languages that Debian ships in the version of the image.
func debianStandIns() []standIn {
	env := []string{systemPath}
	return []standIn{
		{
			name: "library/python:3.11-slim-bookworm", layers: bookworm.packages("python-3.11.2", []string{"python3", "python3-pip"}, finishPython),
			config: v1.Config{Env: env, Cmd: []string{"python3"}},
		},
		{
			name: "library/php:8.2.36-cli-bookworm", layers: bookworm.packages("php-8.2.36", []string{"php8.2-cli", "php8.2-mbstring"}, finishPHP("8.2")),
			config: v1.Config{Env: env, Entrypoint: []string{"docker-php-entrypoint"}, Cmd: []string{"php", "-a"}},
		},
		{
			name:   "library/composer:2.5.5",
			layers: bookworm.composer("2.5.5"),
			config: v1.Config{Env: env, Cmd: []string{"composer"}},
		},
		{
			name: "library/ruby:3.1-slim-bookworm", layers: bookworm.packages("ruby-3.1", []string{"ruby", "ruby-bundler"}, nil),
			config: v1.Config{Env: rubyEnv(), Cmd: []string{"irb"}},
		},
		{
			name: "library/perl:5.36-slim-bookworm", layers: bookworm.packages("perl-5.36", []string{"perl", "cpanminus"}, nil),
			config: v1.Config{Env: env, Cmd: []string{"perl5.36.0", "-de0"}},
		},
		{
			name: "library/eclipse-temurin:17-jdk-jammy", layers: bookworm.packages("jdk-17", []string{"openjdk-17-jdk-headless"}, finishJava),
			config: v1.Config{Env: javaEnv(), Entrypoint: []string{"/__cacert_entrypoint.sh"}, Cmd: []string{"jshell"}},
		},
		{
			name: "library/eclipse-temurin:17-jre-jammy", layers: bookworm.packages("jre-17", []string{"openjdk-17-jre-headless"}, finishJava),
			config: v1.Config{Env: javaEnv(), Entrypoint: []string{"/__cacert_entrypoint.sh"}},
		},
		{
			name: "library/rust:1.96.0-slim-bookworm", layers: bookworm.packages("rust-1.96.0", []string{"rustc-web", "cargo-web", "gcc", "libc6-dev"}, finishRust),
			config: v1.Config{
				Env: append([]string{"CARGO_HOME=/usr/local/cargo", "RUST_VERSION=1.96.0"}, env...),
				Cmd: []string{"bash"},
			},
		},
	}
}

// newerStandIns are the same of the next suite. What its security updates move every
// week has no third number.
func newerStandIns() []standIn {
	env := []string{systemPath}
	return []standIn{
		{
			name:   "library/python:3.13-slim-trixie",
			layers: trixie.packages(newPython, []string{"python3", "python3-pip"}, finishNewPython),
			config: v1.Config{Env: env, Cmd: []string{"python3"}},
		},
		{
			name:   "library/php:8.4-cli-trixie",
			layers: trixie.packages("php-8.4", []string{"php8.4-cli", "php8.4-mbstring"}, finishPHP("8.4")),
			config: v1.Config{Env: env, Entrypoint: []string{"docker-php-entrypoint"}, Cmd: []string{"php", "-a"}},
		},
		{
			name:   "library/composer:2.8.8",
			layers: trixie.composer("2.8.8"),
			config: v1.Config{Env: env, Cmd: []string{"composer"}},
		},
		{
			name: "library/ruby:3.3-slim-trixie", layers: trixie.packages("ruby-3.3", []string{"ruby", "ruby-bundler"}, nil),
			config: v1.Config{Env: rubyEnv(), Cmd: []string{"irb"}},
		},
		{
			name: "library/perl:5.40-slim-trixie", layers: trixie.packages("perl-5.40", []string{"perl", "cpanminus"}, nil),
			config: v1.Config{Env: env, Cmd: []string{"perl", "-de0"}},
		},
		{
			name: "library/eclipse-temurin:21-jdk-noble", layers: trixie.packages("jdk-21", []string{"openjdk-21-jdk-headless"}, finishJava),
			config: v1.Config{Env: javaEnv(), Entrypoint: []string{"/__cacert_entrypoint.sh"}, Cmd: []string{"jshell"}},
		},
		{
			name: "library/eclipse-temurin:21-jre-noble", layers: trixie.packages("jre-21", []string{"openjdk-21-jre-headless"}, finishJava),
			config: v1.Config{Env: javaEnv(), Entrypoint: []string{"/__cacert_entrypoint.sh"}},
		},
	}
}

// javaEnv and rubyEnv are what images of Java and Ruby set.
func javaEnv() []string {
	return []string{
		"JAVA_HOME=/opt/java/openjdk",
		"PATH=/opt/java/openjdk/bin:" + strings.TrimPrefix(systemPath, "PATH="),
	}
}

func rubyEnv() []string {
	return []string{
		"GEM_HOME=/usr/local/bundle", "BUNDLE_SILENCE_ROOT_WARNING=1", "BUNDLE_APP_CONFIG=/usr/local/bundle", systemPath,
	}
}

// finishPython compiles the modules, as their installation does. Times of files
// are not kept: it must not depend on them.
func finishPython(ctx context.Context, b *Bench, dir string) error {
	if err := errors.Join(b.install(ctx, "python3"), link(dir, [2]string{"usr/local/bin/python", "/usr/bin/python3"})); err != nil {
		return err
	}
	_, err := run(
		ctx,
		nil,
		"python3.11",
		"-m",
		"compileall",
		"-q",
		"-x",
		"lib2to3/tests|bad_coding|badsyntax",
		"-s",
		dir,
		"-p",
		"/",
		"--invalidation-mode",
		"unchecked-hash",
		filepath.Join(dir, "usr/lib/python3.11"),
		filepath.Join(dir, "usr/lib/python3"),
	)
	return err
}

// newPython is the name of the layers of Python 3.13.
const newPython = "python-3.13-compiled"

// finishNewPython is finishPython for a Python that this machine has not: it compiles the
// modules in the image itself, once, for they are the same for all architectures.
func finishNewPython(ctx context.Context, b *Bench, dir string) error {
	if err := link(dir, [2]string{"usr/local/bin/python", "/usr/bin/python3"}); err != nil {
		return err
	}
	native := b.cache.path("layer-" + newPython + "-" + runtime.GOARCH + ".tar.gz")
	if _, err := os.Stat(native); err == nil {
		_, err := run(
			ctx,
			nil,
			"tar",
			"--extract",
			"--file="+native,
			"--directory="+dir,
			"--wildcards",
			"*/__pycache__/*",
		)
		return err
	}
	root, err := trixie.root(ctx, b, runtime.GOARCH)
	if err != nil {
		return err
	}
	image, err := b.Dir("python")
	if err != nil {
		return err
	}
	_, err = run(ctx, nil, "sh", "-euc", compileInside, "sh", root[0], dir, image)
	return errors.Join(err, os.RemoveAll(image))
}

// compileInside compiles the modules of a layer in its image, and puts them into the layer.
const compileInside = `tar --extract --file="$1" --directory="$3"
cp --archive --force "$2/." "$3"
chroot "$3" python3 -m compileall -q -x 'bad_coding|badsyntax' --invalidation-mode unchecked-hash /usr/lib/python3.13 /usr/lib/python3
cd "$3"
find usr/lib/python3* -name __pycache__ -prune -exec cp --archive --parents --target-directory="$2" {} +
`

// finishPHP gives PHP its name, and the extensions that the official image has.
func finishPHP(version string) func(context.Context, *Bench, string) error {
	return func(_ context.Context, _ *Bench, dir string) error {
		config := "etc/php/" + version + "/cli/conf.d"
		err := errors.Join(
			link(dir, [2]string{"usr/local/bin/php", "/usr/bin/php" + version}),
			os.MkdirAll(filepath.Join(dir, config), 0o755),
			writeScript(filepath.Join(dir, "usr/local/bin/docker-php-entrypoint"), "#!/bin/sh\nexec \"$@\"\n"))
		for _, name := range []string{"ctype", "fileinfo", "ftp", "iconv", "pdo", "phar", "posix", "tokenizer"} {
			from := "/usr/share/php" + version + "-common/common/" + name + ".ini"
			err = errors.Join(err, link(dir, [2]string{config + "/20-" + name + ".ini", from}))
		}
		from := "/usr/share/php" + version + "-mbstring/mbstring/mbstring.ini"
		return errors.Join(err, link(dir, [2]string{config + "/20-mbstring.ini", from}))
	}
}

// pharMaker packs Debian's Composer into the one file that its makers publish.
const pharMaker = `<?php
[, $file, $root] = $argv;
$phar = new Phar($file, 0, 'composer.phar');
$files = new RecursiveDirectoryIterator("$root/usr/share/php", FilesystemIterator::SKIP_DOTS);
$files = new CallbackFilterIterator(new RecursiveIteratorIterator($files), fn ($file) => !$file->isLink());
$phar->buildFromIterator($files, "$root/usr");
foreach ($files as $name => $file) { // newer packages name others by where they are
    if (basename($name) === 'autoload.php') {
        $phar[substr($name, strlen("$root/usr/"))] = str_replace("'/usr/share/php/", "'phar://composer.phar/share/php/", file_get_contents($name));
    }
}
$phar['bin/composer'] = preg_replace('/^#!.*\n/', '', file_get_contents("$root/usr/bin/composer"));
$stub = "#!/usr/bin/env php\n<?php Phar::mapPhar('composer.phar');";
foreach (['Symfony/Polyfill/Intl/Grapheme/autoload', 'Symfony/Polyfill/Intl/Normalizer/autoload'] as $name) {
    $stub .= " require 'phar://composer.phar/share/php/$name.php';";
}
$phar->setStub("$stub require 'phar://composer.phar/bin/composer'; __HALT_COMPILER();");
`

// composer is the file that Composer's makers publish, of Debian's packages.
func (s suite) composer(version string) func(context.Context, *Bench, string) ([]string, error) {
	return func(ctx context.Context, b *Bench, arch string) ([]string, error) {
		root, err := s.root(ctx, b, arch)
		if err != nil {
			return nil, err
		}
		if err := b.install(ctx, "php8.2-cli"); err != nil { // of this machine
			return nil, err
		}
		layer, err := b.layer(
			ctx,
			"composer-"+version+"-phar",
			func(dir string) error { // the same for all architectures
				polyfills, err := bookworm.root(
					ctx,
					b,
					arch,
				) // the newer suite has extensions instead, which images lack
				if err != nil {
					return err
				}
				return b.packComposer(ctx, polyfills[0], root[0], arch, dir)
			},
		)
		return []string{layer}, err
	}
}

func (b *Bench) packComposer(ctx context.Context, polyfills, root, arch, dir string) error {
	from, err := b.Dir("composer")
	if err != nil {
		return err
	}
	script, phar := filepath.Join(from, "make.php"), filepath.Join(from, "composer.phar")
	err = errors.Join(
		b.unpackDebian(
			ctx,
			polyfills,
			arch,
			from,
			[]string{"php-symfony-polyfill-intl-grapheme", "php-symfony-polyfill-intl-normalizer"},
		),
		b.unpackDebian(ctx, root, arch, from, []string{"composer"}),
		os.WriteFile(script, []byte(pharMaker), 0o600),
	)
	if err != nil {
		return err
	}
	if _, err := run(ctx, nil, "php8.2", "-d", "phar.readonly=0", script, phar, from); err != nil {
		return err
	}
	return errors.Join(
		os.MkdirAll(filepath.Join(dir, "usr/bin"), 0o755),
		os.Rename(phar, filepath.Join(dir, "usr/bin/composer")),
		os.Chmod(filepath.Join(dir, "usr/bin/composer"), 0o755),
	)
}

// finishJava puts Java to where its image has it.
func finishJava(_ context.Context, _ *Bench, dir string) error {
	homes, err := filepath.Glob(filepath.Join(dir, "usr/lib/jvm/java-[0-9][0-9]-openjdk-*"))
	if err != nil || len(homes) != 1 {
		return errors.Join(err, errors.New("there is not one Java in the packages"))
	}
	return errors.Join(
		link(dir, [2]string{"opt/java/openjdk", strings.TrimPrefix(homes[0], dir)}),
		writeScript(filepath.Join(dir, "__cacert_entrypoint.sh"), "#!/bin/sh\nexec \"$@\"\n"))
}

// finishRust gives the linker the name that Rust knows it by.
func finishRust(_ context.Context, _ *Bench, dir string) error {
	return link(dir, [2]string{"usr/bin/cc", "gcc"})
}

func writeScript(name, text string) error {
	return errors.Join(
		os.MkdirAll(filepath.Dir(name), 0o755),
		os.WriteFile(name, []byte(text), 0o755),
	) //nolint:gosec // a program of an image
}
